/* SPDX-License-Identifier: MIT */
#ifndef BOOM_PIPELINE_H
#define BOOM_PIPELINE_H

/*
 * Pipeline: stages in a row, each with a bounded channel before it and a pool of workers behind it.
 *
 *              ┌────────────── stage ───────────────┐
 *   submit ──▶ │ [queue] ─▶ workers ─▶ (turn) leave │ ──▶ [queue] ─▶ workers ─▶ leave
 *              └────────────────────────────────────┘
 *
 * Items are pointers. A worker takes a *run* of consecutive items from the queue (one lock), works on
 * it in parallel with the others, then waits for its turn: runs leave a stage in the order in which
 * they entered it (ordered fan-in), and enter the next stage's queue in that order.
 *
 * The law: for each stage, at every moment it is read,
 *     in = out + dropped + in flight         in items, and in weight (what the caller says an item weighs)
 *
 * Who owns an item: the submitter until boom_pipeline_submit() returned 0; then the pipeline, which
 * hands it to exactly one of: the next stage, the last stage's leave() (which consumes it), or drop().
 *
 * A full queue: the policy of the stage decides, and may be overridden for each item by `policy()`.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <boom/context.h>
#include <boom/chan.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_registry;

enum boom_full_policy {
    BOOM_FULL_BLOCK,       /* wait for room */
    BOOM_FULL_DROP_NEWEST, /* drop the item that wants in */
    BOOM_FULL_DROP_OLDEST, /* drop the oldest of the queue, whose policy is not BLOCK, for it */
    BOOM_FULL_ASK,         /* drop the one that choose_victim() names */
};

enum boom_drop_reason {
    BOOM_DROP_QUEUE_FULL, /* by policy */
    BOOM_DROP_CANCELLED,  /* the pipeline was cancelled before the item got through */
};

/*
 * What a stage does. `stage` is the options' `arg`. Slots that are NULL are left out.
 */
struct boom_stage_ops {
    /* Once a worker, in its thread, before it takes work: its private state. 0 or a negative errno. */
    int (*worker_init)(void *stage, void **ret_worker);
    void (*worker_deinit)(void *stage, void *worker);
    /* On a run of 1 .. run_max items; in parallel with other workers; may block. Must not free items. */
    void (*work)(void *stage, void *worker, void **items, size_t n_items);
    /*
     * Same thread and worker, after work, in the order of input: one run at a time for the stage.
     * The last stage consumes the items here (frees them or hands them elsewhere); in other stages
     * the items then go to the next queue. Also called, for runs that were taken before, after the
     * pipeline was cancelled: what was worked on gets through this stage.
     */
    void (*leave)(void *stage, void *worker, void **items, size_t n_items);
    /* Takes over an item that this stage's queue (or the cancelled stage) refused. Any thread. */
    void (*drop)(void *stage, void *item, enum boom_drop_reason reason);
    /*
     * On each item of a run once, in the order of the run, before work(), which finds them all with
     * this done. Same thread and worker as work(). A run that would wait for more (linger_ns,
     * interval_ns) has its items joined before it waits: they are warm, and the time is not lost. No
     * other worker of the stage begins a run meanwhile, so it must not wait for one; a run that finds
     * enough in the queue is joined beside the others. What was joined always gets to work() and
     * leave(), also after the pipeline was cancelled.
     */
    void (*join)(void *stage, void *worker, void *item);
};

struct boom_stage_options {
    const char *name;      /* copied; thread names are made from it */
    const struct boom_stage_ops *ops;
    void *arg;             /* the ops' first argument */
    size_t queue;          /* capacity of the channel, items; at least 1 */
    unsigned workers_min;  /* at least 1 */
    unsigned workers_max;  /* at least workers_min; more are started when items wait, and end when idle */
    size_t run_max;        /* most items in a run; 0 means 1 */
    size_t run_weight;     /* stop gathering once the run weighs this much (run_weigh); 0: no limit */
    int64_t linger_ns;     /* after the first item of a run, wait this long for more; 0: never */
    /*
     * A run that is not full (run_max, run_weight) waits for more until this long has passed since the
     * last run was taken; 0: never. So the first item after a pause waits for nothing, and a stream of
     * them makes few runs. With linger_ns, what ends later counts.
     */
    int64_t interval_ns;
    enum boom_full_policy on_full;
    /*
     * Optional: the policy for this very item. Called by any thread that lets an item in, and with the
     * queue locked when a victim is looked for: must be short and must not call the pipeline.
     */
    enum boom_full_policy (*policy)(void *stage, const void *item);
    /* Optional: what the counters count an item as (e.g. lines). Default 1. Must not change in flight. */
    size_t (*weigh)(void *stage, const void *item);
    /* Optional: what run_weight counts (e.g. bytes). Default: weigh. */
    size_t (*run_weigh)(void *stage, const void *item);
    /*
     * For BOOM_FULL_ASK (needed where on_full is that; where policy() says it and this is NULL, the
     * newcomer is dropped): who is to go. queued: the n_queued (1 ..) items of the full queue whose
     * policy is not BLOCK, oldest first; where there are none the newcomer is dropped unasked.
     * Returns an index into queued, or n_queued for the newcomer. Called by any thread with the queue
     * locked: must be short and must not call the pipeline; policy() must not change its mind about
     * a queued item meanwhile.
     */
    size_t (*choose_victim)(void *stage, const void *const *queued, size_t n_queued,
                            const void *newcomer);
    /*
     * Optional, of the first stage: where all workers of the pipeline register (<boom/registry.h>), as
     * the group named as the first stage. Must outlive the pipeline.
     */
    struct boom_registry *registry;
};

#ifdef __cplusplus
#define BOOM_STAGE_OPTIONS_DEFAULT                                                                 \
    ([] {                                                                                          \
        struct boom_stage_options options{};                                                       \
        options.queue = 64;                                                                        \
        options.workers_min = options.workers_max = 1;                                             \
        options.run_max = 1;                                                                       \
        return options;                                                                            \
    }())
#else
#define BOOM_STAGE_OPTIONS_DEFAULT                                                                 \
    ((struct boom_stage_options){.queue = 64, .workers_min = 1, .workers_max = 1, .run_max = 1})
#endif

struct boom_stage_stats {
    const char *name;                             /* valid as long as the pipeline */
    struct boom_chan_stats queue;                 /* in items */
    uint64_t items_in, items_out, items_in_flight;
    uint64_t items_dropped[2];                    /* by enum boom_drop_reason */
    uint64_t in, out, in_flight;                  /* in weight */
    uint64_t dropped[2];
    unsigned workers, workers_min, workers_max, workers_busy;
    uint64_t busy_ns;                             /* summed over workers: time in join, work, leave */
    uint64_t work_p50_ns, work_p99_ns;            /* of a run, join and work; over the life of the stage, log-bucketed */
    uint64_t wait_p50_ns, wait_p99_ns;            /* from entering the queue until its run was taken */
};

struct boom_pipeline;

/*
 * Makes the stages and starts workers_min workers in each. Work runs under a child of ctx: when ctx
 * is cancelled, every item still inside is handed to drop(BOOM_DROP_CANCELLED).
 * stages: n_stages options, copied. Returns 0, -EINVAL, -ENOMEM, -EAGAIN, or what worker_init returned.
 * Workers beyond workers_min whose worker_init fails end again: growth is then left for a second.
 */
int boom_pipeline_start(struct boom_ctx *ctx, const struct boom_stage_options *stages, size_t n_stages,
                        struct boom_pipeline **ret_pipeline);

/*
 * Hands item to the first stage, by the policy that applies to it. Returns 0: the pipeline has it (or,
 * with a DROP policy, its drop() has taken it); -EPIPE: draining, the caller keeps it; or the error of
 * ctx while waiting.
 */
int boom_pipeline_submit(struct boom_pipeline *p, struct boom_ctx *ctx, void *item);
/*
 * Never waits: as above, and with BOOM_FULL_BLOCK on a full queue: BOOM_CHAN_FULL, the caller keeps it.
 * May start a worker thread (all are busy, fewer than workers_max), and may call drop().
 */
int boom_pipeline_try_submit(struct boom_pipeline *p, void *item);
/* One-shot watch for room in the first queue: see boom_chan_watch_room(). */
int boom_pipeline_watch_room(struct boom_pipeline *p, struct boom_watch *watch);
void boom_pipeline_unwatch(struct boom_pipeline *p, struct boom_watch *watch);

/*
 * Graceful end: refuses new items, lets the stages drain from left to right, and waits until all
 * workers ended. May be called again, and by several threads. When ctx ends first, cancels what is left (each item goes to drop(CANCELLED)) and
 * still waits for the workers to return from work(). Returns 0 (all drained) or the error of ctx.
 */
int boom_pipeline_drain(struct boom_pipeline *p, struct boom_ctx *ctx);
/* After drain. Returns NULL. NULL is allowed. */
struct boom_pipeline *boom_pipeline_free(struct boom_pipeline *p);

size_t boom_pipeline_n_stages(struct boom_pipeline *p);
/* stage: 0 .. n_stages - 1. The law holds in what is returned. */
void boom_pipeline_get_stats(struct boom_pipeline *p, size_t stage, struct boom_stage_stats *ret_stats);
/*
 * All stages at one moment: ret_stats has room for n_stages. Besides the law of each stage,
 *     items_out of a stage = items_in of the next
 *     items_in of the first = items_out of the last + all that was dropped + all that is in flight
 * (in weight too, where all stages weigh an item alike).
 */
void boom_pipeline_get_all_stats(struct boom_pipeline *p, struct boom_stage_stats *ret_stats);

/*
 * What each worker does now and since when: calls fn, without locks, once for each worker of each
 * stage. index tells the workers of a stage apart; since_ns is on CLOCK_MONOTONIC.
 * what: "idle" (waits for items), "work" (in join, work or leave), "turn" (waits for its turn), "send"
 * (passes items on, or waits for room in the next queue).
 */
void boom_pipeline_each_worker(struct boom_pipeline *p,
                               void (*fn)(void *arg, const char *stage, unsigned index, const char *what,
                                          int64_t since_ns, uint64_t runs),
                               void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
