/* SPDX-License-Identifier: MIT */
/*
 * The pipeline: its stages (stage.h), one group for all their threads, and a channel `done` in
 * which nothing is ever sent and which the last worker closes: so that its end can be waited for in
 * a context.
 */
#include <boom/pipeline.h>

#include <errno.h>
#include <semaphore.h>
#include <stdlib.h>

#include "stage.h"

struct boom_pipeline {
    struct boom_group *group; /* its context is that of the pipeline */
    struct boom_chan *done;
    sem_t began;         /* once for each initial worker */
    atomic_int init_err; /* the first error of an initial worker */
    size_t n_stages;
    struct stage stages[];
};

void pipeline_worker_began(struct boom_pipeline *p, int r)
{
    int none = 0;

    if (r < 0)
        atomic_compare_exchange_strong(&p->init_err, &none, r);
    sem_post(&p->began);
}

void pipeline_ended(struct boom_pipeline *p)
{
    boom_chan_close(p->done);
}

struct stage *pipeline_stage(struct boom_pipeline *p, size_t stage)
{
    return &p->stages[stage];
}

static int init_stages(struct boom_pipeline *p, const struct boom_stage_options *options)
{
    int r = 0;

    for (size_t i = 0; i < p->n_stages && r == 0; i++)
        r = stage_init(&p->stages[i], &options[i], p, p->group,
                       i + 1 < p->n_stages ? &p->stages[i + 1] : NULL);
    return r;
}

static int pipeline_new(struct boom_ctx *ctx, const struct boom_stage_options *options,
                        size_t n_stages, struct boom_pipeline **ret_pipeline)
{
    struct boom_pipeline *p = calloc(1, sizeof(*p) + n_stages * sizeof(p->stages[0]));
    int r;

    if (!p)
        return -ENOMEM;
    sem_init(&p->began, 0, 0);
    p->n_stages = n_stages;
    r = boom_group_new(ctx, &p->group);
    if (r == 0)
        r = boom_group_set_registry(p->group, options[0].registry,
                                    options[0].name ? options[0].name : "stage");
    if (r == 0)
        r = boom_chan_new(1, 0, &p->done);
    if (r == 0)
        r = init_stages(p, options);
    if (r < 0) {
        boom_pipeline_free(p);
        return r;
    }
    *ret_pipeline = p;
    return 0;
}

static void await_began(struct boom_pipeline *p, unsigned n)
{
    while (n > 0)
        if (sem_wait(&p->began) == 0)
            n--;
}

/* Returns when all initial workers have begun; on an error some may run. */
static int start_workers(struct boom_pipeline *p)
{
    unsigned n_all = 0, n;
    int r = 0;

    for (size_t i = 0; i < p->n_stages && r == 0; i++) {
        r = crew_start(&p->stages[i].crew, &n);
        n_all += n;
    }
    await_began(p, n_all);
    return r < 0 ? r : atomic_load(&p->init_err);
}

int boom_pipeline_start(struct boom_ctx *ctx, const struct boom_stage_options *stages,
                        size_t n_stages, struct boom_pipeline **ret_pipeline)
{
    struct boom_pipeline *p;
    int r;

    if (n_stages == 0)
        return -EINVAL;
    r = pipeline_new(ctx, stages, n_stages, &p);
    if (r < 0)
        return r;
    r = start_workers(p);
    if (r < 0) {
        boom_ctx_cancel(boom_group_ctx(p->group), r);
        boom_group_wait(p->group);
        boom_pipeline_free(p);
        return r;
    }
    *ret_pipeline = p;
    return 0;
}

struct boom_pipeline *boom_pipeline_free(struct boom_pipeline *p)
{
    if (!p)
        return NULL;
    for (size_t i = 0; i < p->n_stages; i++)
        stage_deinit(&p->stages[i]);
    boom_chan_free(p->done);
    boom_group_free(p->group);
    sem_destroy(&p->began);
    free(p);
    return NULL;
}

int boom_pipeline_submit(struct boom_pipeline *p, struct boom_ctx *ctx, void *item)
{
    return stage_enter(&p->stages[0], ctx, item, 0, boom_now_ns());
}

int boom_pipeline_try_submit(struct boom_pipeline *p, void *item)
{
    return stage_try_enter(&p->stages[0], item);
}

int boom_pipeline_watch_room(struct boom_pipeline *p, struct boom_watch *watch)
{
    return boom_chan_watch_room(p->stages[0].queue, watch);
}

void boom_pipeline_unwatch(struct boom_pipeline *p, struct boom_watch *watch)
{
    boom_chan_unwatch(p->stages[0].queue, watch);
}

int boom_pipeline_drain(struct boom_pipeline *p, struct boom_ctx *ctx)
{
    char nothing;
    int r;

    boom_chan_close(p->stages[0].queue);
    r = boom_chan_recv(p->done, ctx, &nothing);
    if (r < 0)
        boom_ctx_cancel(boom_group_ctx(p->group), r);
    boom_group_wait(p->group);
    return r < 0 ? r : 0;
}

size_t boom_pipeline_n_stages(struct boom_pipeline *p)
{
    return p->n_stages;
}

void boom_pipeline_get_stats(struct boom_pipeline *p, size_t stage,
                             struct boom_stage_stats *ret_stats)
{
    struct stage *this = &p->stages[stage], *next = this->next;

    chan_lock(this->queue);
    if (next)
        chan_lock(next->queue);
    stage_get_stats_locked(this, ret_stats);
    if (next)
        boom_unlock(&next->queue->lock);
    boom_unlock(&this->queue->lock);
}

void boom_pipeline_get_all_stats(struct boom_pipeline *p, struct boom_stage_stats *ret_stats)
{
    for (size_t i = 0; i < p->n_stages; i++)
        chan_lock(p->stages[i].queue);
    for (size_t i = 0; i < p->n_stages; i++)
        stage_get_stats_locked(&p->stages[i], &ret_stats[i]);
    for (size_t i = 0; i < p->n_stages; i++)
        boom_unlock(&p->stages[i].queue->lock);
}

static void describe_worker(const struct stage *stage, unsigned index,
                            void (*fn)(void *arg, const char *stage, unsigned index,
                                       const char *what, int64_t since_ns, uint64_t runs),
                            void *arg)
{
    static const char *const what[] = {
        [DOING_IDLE] = "idle",
        [DOING_WORK] = "work",
        [DOING_TURN] = "turn",
        [DOING_SEND] = "send",
    };
    const struct worker *worker = &stage->workers[index];
    int64_t doing;

    if (!atomic_load_explicit(&worker->present, memory_order_acquire))
        return;
    doing = atomic_load_explicit(&worker->doing, memory_order_relaxed);
    fn(arg, stage->name, index, what[doing % 4], doing / 4,
       atomic_load_explicit(&worker->runs, memory_order_relaxed));
}

void boom_pipeline_each_worker(struct boom_pipeline *p,
                               void (*fn)(void *arg, const char *stage, unsigned index,
                                          const char *what, int64_t since_ns, uint64_t runs),
                               void *arg)
{
    for (size_t i = 0; i < p->n_stages; i++)
        for (unsigned w = 0; w < p->stages[i].crew.max; w++)
            describe_worker(&p->stages[i], w, fn, arg);
}
