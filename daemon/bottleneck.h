/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BOTTLENECK_H
#define DAEMON_BOTTLENECK_H

#include <boom/pipeline.h>
#include "daemon/stages.h"

/*
 * Where lines wait for room, in one line for a person. It compares what the stages say now with
 * what they said at the last call (a second ago). Queues fill from the slow stage backwards, so the
 * last full one names it. While an input that blocks had to pause, a queue is full that holds what
 * such an input may have in flight.
 */
struct bottleneck {
    int64_t at_ns;
    uint64_t busy_ns[N_PIPELINE_STAGES];
    uint64_t kernel_dropped, pauses;
    char text[200];
};

/* What all inputs together say. */
struct bottleneck_inputs {
    uint64_t kernel_dropped;   /* datagrams */
    uint64_t pauses;           /* of reading, of the inputs that block */
    unsigned blocking_batches; /* that each of these may have in flight */
};

void bottleneck_update(struct bottleneck *bottleneck,
                       const struct boom_stage_stats stages[N_PIPELINE_STAGES],
                       const struct batch_pool_stats *memory,
                       const struct bottleneck_inputs *inputs, int64_t now_ns);

#endif
