/* SPDX-License-Identifier: MIT */
#include "daemon/bottleneck.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>

/* A queue this full is worth a word. */
#define FULL_PERCENT 50

static const char *const advice[N_PIPELINE_STAGES] = {
    [PIPELINE_PARSE] = "raise stages.parse.workers_max",
    [PIPELINE_ENRICH] = "raise stages.enrich.workers_max or geoip.cache",
    [PIPELINE_STORE] =
        "lower store.compression, raise stages.store.workers_max, or give it a faster disk",
};

static unsigned percent_full(const struct boom_stage_stats *stage, size_t most)
{
    size_t capacity = stage->queue.capacity < most ? stage->queue.capacity : most;
    if (stage->queue.length > capacity)
        return 100;
    return capacity ? (unsigned)(stage->queue.length * 100 / capacity) : 0;
}

static unsigned percent_busy(const struct bottleneck *b, const struct boom_stage_stats *stage,
                             unsigned i, int64_t now_ns)
{
    int64_t passed_ns = (now_ns - b->at_ns) * (stage->workers ? stage->workers : 1);
    uint64_t busy =
        passed_ns > 0 ? (stage->busy_ns - b->busy_ns[i]) * 100 / (uint64_t)passed_ns : 0;
    return busy > 100 ? 100 : (unsigned)busy;
}

static void describe(struct bottleneck *b, const struct boom_stage_stats stages[N_PIPELINE_STAGES],
                     const struct batch_pool_stats *memory, const struct bottleneck_inputs *inputs,
                     int64_t now_ns)
{
    size_t most = inputs->pauses > b->pauses ? inputs->blocking_batches : SIZE_MAX;
    for (unsigned i = N_PIPELINE_STAGES; i-- > 0;) {
        const struct boom_stage_stats *stage = &stages[i];
        if (percent_full(stage, most) < FULL_PERCENT)
            continue;
        snprintf(b->text, sizeof(b->text),
                 "%s: its queue is %u %% full, its %u workers are %u %% busy; %s", stage->name,
                 percent_full(stage, most), stage->workers, percent_busy(b, stage, i, now_ns),
                 advice[i]);
        return;
    }
    if (memory->used_bytes * 100 >= memory->budget_bytes * 90)
        snprintf(b->text, sizeof(b->text),
                 "memory: %zu of %zu MiB for batches are in use; raise memory",
                 memory->used_bytes >> 20, memory->budget_bytes >> 20);
    else if (inputs->kernel_dropped > b->kernel_dropped)
        snprintf(
            b->text, sizeof(b->text),
            "receivers: the kernel dropped %" PRIu64
            " datagrams in the last second; raise workers or receive_buffer (net.core.rmem_max)",
            inputs->kernel_dropped - b->kernel_dropped);
    else
        snprintf(b->text, sizeof(b->text), "none");
}

void bottleneck_update(struct bottleneck *b,
                       const struct boom_stage_stats stages[N_PIPELINE_STAGES],
                       const struct batch_pool_stats *memory,
                       const struct bottleneck_inputs *inputs, int64_t now_ns)
{
    describe(b, stages, memory, inputs, now_ns);
    for (unsigned i = 0; i < N_PIPELINE_STAGES; i++)
        b->busy_ns[i] = stages[i].busy_ns;
    b->kernel_dropped = inputs->kernel_dropped;
    b->pauses = inputs->pauses;
    b->at_ns = now_ns;
}
