/* SPDX-License-Identifier: MIT */
/*
 * The pool: a channel of tasks and a crew that runs them. The workers take tasks whatever happens
 * to the pool's context, until the channel is closed and drained: so every accepted task runs.
 */
#include <boom/pool.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "chan-impl.h"
#include "crew.h"
#include "registry-impl.h"

struct task {
    boom_task_fn fn;
    void *arg;
};

struct boom_pool {
    struct boom_group *group;
    struct boom_chan *tasks;
    struct boom_chan *done; /* closed by the last worker */
    struct crew crew;
    struct boom_registry *registry; /* NULL: none */
    atomic_uint_fast64_t n_completed;
};

/* Says so in the slot, and in the registry. */
static void set_idle(struct boom_pool *pool, struct crew_slot *slot, struct boom_task *self)
{
    int64_t now = coarse_now_ns();

    atomic_store_explicit(&slot->doing, now * 2, memory_order_relaxed);
    task_waits_since(self, BOOM_DOING_IDLE, pool->tasks, "tasks", BOOM_NEVER, now);
}

static void set_busy(struct crew_slot *slot, struct boom_task *self)
{
    int64_t now = coarse_now_ns();

    atomic_store_explicit(&slot->doing, now * 2 + 1, memory_order_relaxed);
    task_waits_since(self, BOOM_DOING_RUN, NULL, NULL, BOOM_NEVER, now);
}

static void run_task(struct boom_pool *pool, struct crew_slot *slot, struct boom_task *self,
                     const struct task *task)
{
    crew_busy(&pool->crew);
    set_busy(slot, self);
    task->fn(boom_group_ctx(pool->group), task->arg);
    atomic_fetch_add_explicit(&slot->n_done, 1, memory_order_relaxed);
    set_idle(pool, slot, self);
    pool->n_completed++;
    crew_idle(&pool->crew);
}

/* Takes a task and runs it. Returns 0, BOOM_CHAN_CLOSED, or BOOM_CHAN_EMPTY: the worker is to go.
 */
static int take_and_run(struct boom_pool *pool, struct crew_slot *slot, struct boom_task *self)
{
    int64_t idle_until_ns = crew_idle_deadline(&pool->crew);
    struct task task;
    uint64_t ticket;
    size_t n;
    int r = BOOM_CHAN_EMPTY;

    if (!crew_is_over(&pool->crew))
        r = chan_take(pool->tasks, NULL, idle_until_ns, &task, 1, &n, &ticket);
    if (r == 0)
        run_task(pool, slot, self, &task);
    else if (r == BOOM_CHAN_EMPTY && !crew_retire(&pool->crew, idle_until_ns))
        r = 0;
    return r;
}

static int worker_main(void *arg, struct crew_slot *slot)
{
    struct boom_pool *pool = arg;
    struct boom_task *self = boom_registry_self(pool->registry);
    int r;

    set_idle(pool, slot, self);
    do {
        r = take_and_run(pool, slot, self);
    } while (r == 0);
    if (r == BOOM_CHAN_EMPTY)
        return 0;
    if (crew_leave(&pool->crew))
        boom_chan_close(pool->done);
    return 0;
}

static int pool_init(struct boom_pool *pool, struct boom_ctx *ctx,
                     const struct boom_pool_options *options)
{
    struct crew *crew = &pool->crew;
    int r;

    r = boom_group_new(ctx, &pool->group);
    if (r == 0)
        r = boom_chan_new(sizeof(struct task), options->queue, &pool->tasks);
    if (r == 0)
        r = boom_chan_new(1, 0, &pool->done);
    if (r < 0)
        return r;
    pool->registry = options->registry;
    boom_group_set_registry(pool->group, options->registry, options->name ? options->name : "pool");
    pool->tasks->recent_first = true;
    snprintf(crew->name, sizeof(crew->name), "%.9s", options->name ? options->name : "pool");
    crew->min = options->workers_min;
    crew->max = options->workers_max;
    crew->may_add_slots = true;
    crew->group = pool->group;
    crew->queue = pool->tasks;
    crew->main = worker_main;
    crew->arg = pool;
    return crew_init(crew);
}

/* On an error those that did start are ended again. */
static int pool_start(struct boom_pool *pool)
{
    unsigned n;
    int r = crew_start(&pool->crew, &n);

    if (r < 0) {
        boom_chan_close(pool->tasks);
        boom_group_wait(pool->group);
    }
    return r;
}

int boom_pool_new(struct boom_ctx *ctx, const struct boom_pool_options *options,
                  struct boom_pool **ret_pool)
{
    struct boom_pool *pool;
    int r;

    if (options->workers_min == 0 || options->workers_max < options->workers_min ||
        options->queue == 0)
        return -EINVAL;
    pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    r = pool_init(pool, ctx, options);
    if (r == 0)
        r = pool_start(pool);
    if (r < 0) {
        boom_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

struct boom_pool *boom_pool_free(struct boom_pool *pool)
{
    if (!pool)
        return NULL;
    crew_deinit(&pool->crew);
    boom_chan_free(pool->done);
    boom_chan_free(pool->tasks);
    boom_group_free(pool->group);
    free(pool);
    return NULL;
}

int boom_pool_submit(struct boom_pool *pool, struct boom_ctx *ctx, boom_task_fn fn, void *arg)
{
    int r = boom_chan_send(pool->tasks, ctx, &(struct task){.fn = fn, .arg = arg});

    if (r == 0)
        crew_grow(&pool->crew);
    return r;
}

int boom_pool_try_submit(struct boom_pool *pool, boom_task_fn fn, void *arg)
{
    int r = boom_chan_try_send(pool->tasks, &(struct task){.fn = fn, .arg = arg});

    if (r == 0)
        crew_grow(&pool->crew);
    return r;
}

int boom_pool_drain(struct boom_pool *pool, struct boom_ctx *ctx)
{
    char nothing;
    int r;

    boom_chan_close(pool->tasks);
    r = boom_chan_recv(pool->done, ctx, &nothing);
    if (r < 0)
        boom_ctx_cancel(boom_group_ctx(pool->group), r);
    boom_group_wait(pool->group);
    return r < 0 ? r : 0;
}

int boom_pool_resize(struct boom_pool *pool, unsigned workers_min, unsigned workers_max)
{
    if (workers_min == 0 || workers_max < workers_min)
        return -EINVAL;
    return crew_resize(&pool->crew, workers_min, workers_max);
}

struct listing {
    void (*fn)(void *arg, unsigned index, const char *what, int64_t since_ns, uint64_t tasks);
    void *arg;
};

static void describe_worker(void *arg, struct crew_slot *slot)
{
    const struct listing *listing = arg;
    int64_t doing = atomic_load_explicit(&slot->doing, memory_order_relaxed);

    listing->fn(listing->arg, slot->index, doing % 2 ? "run" : "idle", doing / 2,
                atomic_load_explicit(&slot->n_done, memory_order_relaxed));
}

void boom_pool_each_worker(struct boom_pool *pool,
                           void (*fn)(void *arg, unsigned index, const char *what, int64_t since_ns,
                                      uint64_t tasks),
                           void *arg)
{
    crew_each(&pool->crew, describe_worker, &(struct listing){.fn = fn, .arg = arg});
}

void boom_pool_get_stats(struct boom_pool *pool, struct boom_pool_stats *ret_stats)
{
    uint64_t n_completed = pool->n_completed; /* before the tasks, so never more than submitted */
    unsigned n_idle = pool->crew.n_idle, n_workers = pool->crew.n_workers;
    struct boom_chan_stats tasks;

    boom_chan_get_stats(pool->tasks, &tasks);
    *ret_stats = (struct boom_pool_stats){
        .submitted = tasks.sent,
        .completed = n_completed,
        .queued = tasks.length,
        .queue_high_water = tasks.high_water,
        .workers = n_workers,
        .busy = n_workers > n_idle ? n_workers - n_idle : 0,
    };
}
