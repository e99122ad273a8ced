/* SPDX-License-Identifier: MIT */
#include "pipeline-test.h"

#include "boom/stage.h"

void recorder_init(struct recorder *recorder)
{
    memset(recorder, 0, sizeof(*recorder));
    pthread_mutex_init(&recorder->lock, NULL);
    sem_init(&recorder->entered, 0, 0);
    sem_init(&recorder->gate, 0, 0);
}

void recorder_deinit(struct recorder *recorder)
{
    pthread_mutex_destroy(&recorder->lock);
    sem_destroy(&recorder->entered);
    sem_destroy(&recorder->gate);
    free(recorder->left);
}

static void record_left(struct recorder *recorder, uintptr_t item)
{
    if (recorder->n_left == recorder->left_size) {
        recorder->left_size = recorder->left_size * 2 + 64;
        recorder->left = realloc(recorder->left, recorder->left_size * sizeof(*recorder->left));
    }
    recorder->left[recorder->n_left++] = item;
}

/* Without a lock: that leave() is never run by two at once is part of what is tested. */
static void record_leave(void *stage, void *worker, void **items, size_t n_items)
{
    struct recorder *recorder = stage;

    for (size_t i = 0; i < n_items; i++)
        record_left(recorder, (uintptr_t)items[i]);
    atomic_fetch_add(&recorder->n_runs, 1);
}

static void record_drop(void *stage, void *item, enum boom_drop_reason reason)
{
    struct recorder *recorder = stage;

    pthread_mutex_lock(&recorder->lock);
    recorder->dropped[(recorder->n_dropped[0] + recorder->n_dropped[1]) % 1024] = (uintptr_t)item;
    recorder->n_dropped[reason]++;
    pthread_mutex_unlock(&recorder->lock);
}

uintptr_t recorder_dropped(struct recorder *recorder, unsigned n)
{
    uintptr_t item;

    pthread_mutex_lock(&recorder->lock);
    item = n < recorder->n_dropped[0] + recorder->n_dropped[1] ? recorder->dropped[n] : 0;
    pthread_mutex_unlock(&recorder->lock);
    return item;
}

static int count_init(void *stage, void **ret_worker)
{
    struct recorder *recorder = stage;

    *ret_worker = recorder;
    atomic_fetch_add(&recorder->n_inits, 1);
    return 0;
}

static void count_deinit(void *stage, void *worker)
{
    struct recorder *recorder = worker;

    atomic_fetch_add(&recorder->n_deinits, 1);
}

static void wait_at_gate(void *stage, void *worker, void **items, size_t n_items)
{
    struct recorder *recorder = stage;

    sem_post(&recorder->entered);
    wait_sem(&recorder->gate);
}

const struct boom_stage_ops recorder_ops = {
    .worker_init = count_init,
    .worker_deinit = count_deinit,
    .leave = record_leave,
    .drop = record_drop,
};

const struct boom_stage_ops gated_ops = {
    .worker_init = count_init,
    .worker_deinit = count_deinit,
    .work = wait_at_gate,
    .leave = record_leave,
    .drop = record_drop,
};

const struct boom_stage_ops pass_ops = {.drop = record_drop};

struct boom_stage_options recorder_options(struct recorder *recorder)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;

    options.name = "recorder";
    options.ops = &recorder_ops;
    options.arg = recorder;
    return options;
}

struct boom_chan *stage_queue(struct boom_pipeline *p, size_t stage)
{
    return pipeline_stage(p, stage)->queue;
}

struct boom_chan *first_queue(struct boom_pipeline *p)
{
    return stage_queue(p, 0);
}

void assert_law(const struct boom_stage_stats *stats)
{
    assert_int_equal(stats->items_in, stats->items_out + stats->items_in_flight +
                                          stats->items_dropped[0] + stats->items_dropped[1]);
    assert_int_equal(stats->in,
                     stats->out + stats->in_flight + stats->dropped[0] + stats->dropped[1]);
    assert_true(stats->items_in_flight >= stats->queue.length);
    assert_true(stats->items_in_flight < UINT64_MAX / 2);
}
