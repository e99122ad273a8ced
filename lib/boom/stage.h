/* SPDX-License-Identifier: MIT */
#ifndef BOOM_STAGE_H
#define BOOM_STAGE_H

/*
 * A stage of a pipeline, in four files: stage-door.c lets items in or drops them, stage-gather.c
 * puts runs together, stage.c takes them through work, turn and leave, stage-stats.c says what
 * became of them.
 *
 * Counters. A stage's counters live under the lock of its queue, and are raised in the critical
 * section in which the item enters the queue or is taken out to be dropped. What a stage has let
 * out is not counted by itself but by the next stage, in the very section in which the item enters
 * there
 * (`before_out`): so each law, and their sum over the pipeline, is exact whenever the locks of the
 * queues are held. They are taken from left to right.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <boom/pipeline.h>
#include "chan-impl.h"
#include "crew.h"
#include "histogram.h"
#include "registry-impl.h"
#include "turn.h"

/* What is in a queue. */
struct entry {
    void *item;
    size_t weight;        /* as this stage counts it */
    size_t weight_before; /* as the stage before counted it; 0 in the first */
    int64_t entered_ns; /* when it came to the queue; if it had to wait for room: when it had it */
};

enum doing { DOING_IDLE, DOING_WORK, DOING_TURN, DOING_SEND };

/* A worker's own; the atomics are read by others. */
struct worker {
    atomic_bool present;
    atomic_int_fast64_t doing; /* since_ns * 4 + enum doing, so that both are of one moment */
    atomic_uint_fast64_t runs;
    void *state;            /* of the user */
    struct boom_task *task; /* NULL: not registered */
    struct entry *entries;  /* run_max: the run */
    void **items;           /* run_max: its items, as the user sees them */
    size_t n_joined;        /* so many of the run have been given to join() */
    int64_t joined_ns;      /* how long that took before the run was complete */
};

struct tally {
    uint64_t items, weight;
};

struct stage {
    /* constant */
    struct boom_stage_options options;
    char *name;
    struct boom_pipeline *pipeline;
    struct boom_ctx *ctx;           /* the pipeline's; borrowed */
    struct boom_registry *registry; /* the pipeline's; NULL: none */
    struct stage *next;             /* NULL: the last */
    struct boom_chan *queue;
    bool gathers; /* runs are put together item by item, under `intake` */

    struct crew crew;
    struct worker *workers; /* workers_max: one for each slot of the crew */
    struct turn turn;
    pthread_mutex_t intake; /* held while a run is gathered; what follows */
    uint64_t n_gathered;
    int64_t gathered_ns; /* when the last run was */

    /* under the queue's lock */
    struct tally in;
    struct tally before_out; /* what left the stage before */
    struct tally out;        /* the last stage only: what its leave() has consumed */
    struct tally dropped[2]; /* by enum boom_drop_reason */
    uint64_t busy_ns;
    struct histogram work_ns, wait_ns;
    const void **asked; /* queue's capacity: what choose_victim() is shown; NULL without it */
    size_t n_asked;
};

/* stage.c. Zeroed memory is a legal state for stage_deinit(). Returns 0, -EINVAL, -ENOMEM. */
int stage_init(struct stage *stage, const struct boom_stage_options *options,
               struct boom_pipeline *pipeline, struct boom_group *group, struct stage *next);
void stage_deinit(struct stage *stage);

/* What a worker does from since_ns on, for those who look. */
void stage_set_doing(struct stage *stage, struct worker *worker, enum doing doing,
                     int64_t since_ns);

/*
 * stage-gather.c. Fills the worker's entries with a run, of which some may have been joined, where
 * stage->gathers. Returns as chan_take(), which is given idle_until_ns for the first of the run.
 */
int stage_gather(struct stage *stage, struct worker *worker, int64_t idle_until_ns, size_t *ret_n,
                 uint64_t *ret_ticket);
/* Where there is a join(): calls it for those of the first n entries that have not had it. */
void stage_join(struct stage *stage, struct worker *worker, size_t n);

/* pipeline.c: an initial worker has begun, or failed to (r < 0). */
void pipeline_worker_began(struct boom_pipeline *pipeline, int r);
/* pipeline.c: the last worker of the last stage is gone. */
void pipeline_ended(struct boom_pipeline *pipeline);
/* pipeline.c: for tests. */
struct stage *pipeline_stage(struct boom_pipeline *pipeline, size_t stage);

/*
 * stage-door.c. Lets item in by its policy, waits in ctx where that is BLOCK. weight_before: what
 * it weighed in the stage before; now_ns: boom_now_ns() of a moment ago. Returns 0 (the stage has
 * it, or has dropped it), -EPIPE, error of ctx.
 */
int stage_enter(struct stage *stage, struct boom_ctx *ctx, void *item, size_t weight_before,
                int64_t now_ns);
/* As above, but BOOM_CHAN_FULL instead of waiting. */
int stage_try_enter(struct stage *stage, void *item);
/* The pipeline is cancelled: the item comes in only to be dropped. */
void stage_refuse(struct stage *stage, void *item, size_t weight_before);
/* The pipeline is cancelled: closes the queue and drops what is in it. */
void stage_purge(struct stage *stage);
/* The queue's hook. */
void stage_entered(void *stage, void *entry, bool late);

/* stage-stats.c. Under the lock of the queue and that of the next stage. */
void stage_get_stats_locked(struct stage *stage, struct boom_stage_stats *ret_stats);

#endif
