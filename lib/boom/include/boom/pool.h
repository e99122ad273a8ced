/* SPDX-License-Identifier: MIT */
#ifndef BOOM_POOL_H
#define BOOM_POOL_H

/*
 * Worker pool: a bounded queue of tasks and a fixed or elastic number of threads that run them.
 * Every accepted task completes exactly once: run() with a live context, or with a cancelled one
 * when the pool was cancelled before the task was started.
 */

#include <stddef.h>
#include <stdint.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_pool;
struct boom_registry;

struct boom_pool_options {
    const char *name;     /* copied; thread names are made from it */
    unsigned workers_min; /* at least 1 */
    unsigned workers_max; /* at least workers_min */
    size_t queue;         /* tasks that may wait; at least 1 */
    struct boom_registry *registry; /* optional: the workers register in it, as the group `name` */
};

typedef void (*boom_task_fn)(struct boom_ctx *ctx, void *arg);

struct boom_pool_stats {
    uint64_t submitted, completed;
    size_t queued, queue_high_water;
    unsigned workers, busy;
};

/* Returns 0, -EINVAL, -ENOMEM, -EAGAIN. Tasks run under a child of ctx. */
int boom_pool_new(struct boom_ctx *ctx, const struct boom_pool_options *options, struct boom_pool **ret_pool);
/* Waits for room. 0: fn(…, arg) will be called exactly once; -EPIPE: draining; or the error of ctx. */
int boom_pool_submit(struct boom_pool *pool, struct boom_ctx *ctx, boom_task_fn fn, void *arg);
/* Never waits: 0, BOOM_CHAN_FULL (of <boom/chan.h>), -EPIPE. May start a worker thread. */
int boom_pool_try_submit(struct boom_pool *pool, boom_task_fn fn, void *arg);
/*
 * New bounds for the number of workers, while the pool runs: 1 <= workers_min <= workers_max. Starts
 * workers up to workers_min now. Those above workers_max end: the idle now, the busy after the task that
 * they run; does not wait for them. Returns 0; -EINVAL; -ENOMEM (nothing has changed); -EPIPE: draining;
 * -EAGAIN, -ENOMEM: the bounds hold, but a worker could not be started.
 */
int boom_pool_resize(struct boom_pool *pool, unsigned workers_min, unsigned workers_max);
/*
 * Refuses new tasks and waits for the accepted ones. When ctx ends first, cancels the tasks' context, and
 * waits for them nevertheless. May be called again. Returns 0 or the error of ctx.
 */
int boom_pool_drain(struct boom_pool *pool, struct boom_ctx *ctx);
/* After drain. Returns NULL. NULL is allowed. */
struct boom_pool *boom_pool_free(struct boom_pool *pool);
void boom_pool_get_stats(struct boom_pool *pool, struct boom_pool_stats *ret_stats);
/*
 * What each worker does now and since when: calls fn, without locks, once for each. index tells
 * the workers apart, and is given again to a later one; what: "idle", "run"; since_ns: CLOCK_MONOTONIC, as
 * exact as the kernel's tick; tasks: that it has run.
 */
void boom_pool_each_worker(struct boom_pool *pool,
                           void (*fn)(void *arg, unsigned index, const char *what, int64_t since_ns,
                                      uint64_t tasks),
                           void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
