/* SPDX-License-Identifier: MIT */
/* How a pipeline begins and ends: growth, failing workers, drain, and cancellation at every place.
 */
#include <boom/pipeline.h>

#include "boom-test.h"
#include "pipeline-test.h"

static struct boom_stage_options gated_options(struct recorder *recorder, size_t queue)
{
    struct boom_stage_options options = recorder_options(recorder);

    options.ops = &gated_ops;
    options.queue = queue;
    return options;
}

static void test_drain_of_an_empty_pipeline(void **state)
{
    struct recorder recorder;
    struct boom_stage_options options;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.workers_min = options.workers_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    assert_int_equal(recorder.n_inits, 3);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_deinits, 3);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), -EPIPE);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)1), -EPIPE);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

static int third_fails(void *stage, void **ret_worker)
{
    struct recorder *recorder = stage;

    return atomic_fetch_add(&recorder->n_inits, 1) == 2 ? -ENODEV : 0;
}

static void deinit_worker(void *stage, void *worker)
{
    struct recorder *recorder = stage;

    assert_null(worker);
    atomic_fetch_add(&recorder->n_deinits, 1);
}

static void test_worker_init_fails(void **state)
{
    static const struct boom_stage_ops ops = {.worker_init = third_fails,
                                              .worker_deinit = deinit_worker};
    struct boom_stage_options stages[2];
    struct boom_pipeline *p = NULL;
    struct recorder recorder;

    recorder_init(&recorder);
    stages[0] = stages[1] = recorder_options(&recorder);
    stages[0].ops = stages[1].ops = &ops;
    stages[0].workers_min = stages[0].workers_max = 2;
    stages[1].workers_min = stages[1].workers_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, stages, 2, &p), -ENODEV);
    assert_null(p);
    assert_int_equal(recorder.n_inits, 5);
    assert_int_equal(recorder.n_deinits, 4);
    recorder_deinit(&recorder);
}

static unsigned n_workers(struct boom_pipeline *p)
{
    struct boom_stage_stats stats;

    boom_pipeline_get_stats(p, 0, &stats);
    return stats.workers;
}

static void test_grows_while_items_wait(void **state)
{
    struct boom_stage_stats stats;
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = gated_options(&recorder, 16);
    options.workers_max = 4;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    assert_int_equal(n_workers(p), 1);
    for (uintptr_t i = 1; i <= 10; i++)
        assert_int_equal(boom_pipeline_try_submit(p, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        wait_sem(&recorder.entered);
    AWAIT((boom_pipeline_get_stats(p, 0, &stats), stats.workers_busy == 4));
    assert_int_equal(stats.workers, 4);
    assert_int_equal(stats.queue.length, 6);
    for (int i = 0; i < 10; i++)
        sem_post(&recorder.gate);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_left, 10);
    for (uintptr_t i = 0; i < 10; i++)
        assert_int_equal(recorder.left[i], i + 1);
    assert_int_equal(recorder.n_inits, recorder.n_deinits);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

static int only_first_begins(void *stage, void **ret_worker)
{
    struct recorder *recorder = stage;

    if (atomic_fetch_add(&recorder->n_inits, 1) == 0)
        return 0;
    sem_post(&recorder->entered);
    return -ENOMEM;
}

static void hold_at_gate(void *stage, void *worker, void **items, size_t n)
{
    wait_sem(&((struct recorder *)stage)->gate);
}

static void test_growth_that_fails_harms_nothing(void **state)
{
    struct boom_stage_ops ops = recorder_ops;
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;
    int64_t begin_ns = boom_now_ns();

    recorder_init(&recorder);
    ops.worker_init = only_first_begins;
    ops.worker_deinit = NULL;
    ops.work = hold_at_gate;
    options = recorder_options(&recorder);
    options.ops = &ops;
    options.workers_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    for (uintptr_t i = 1; i <= 5; i++)
        assert_int_equal(boom_pipeline_try_submit(p, (void *)i), 0);
    wait_sem(&recorder.entered);
    AWAIT(n_workers(p) == 1);
    for (uintptr_t i = 6; i <= 10; i++) {
        assert_int_equal(boom_pipeline_try_submit(p, (void *)i), 0);
        AWAIT(n_workers(p) == 1);
    }
    if (boom_now_ns() - begin_ns < 1000000000) /* else it is time to try again */
        assert_int_equal(recorder.n_inits, 2);
    for (int i = 0; i < 10; i++)
        sem_post(&recorder.gate);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_left, 10);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

static void assert_totals(struct boom_pipeline *p, uint64_t n_in)
{
    struct boom_stage_stats stats[8];
    size_t n = boom_pipeline_n_stages(p);
    uint64_t dropped = 0;

    boom_pipeline_get_all_stats(p, stats);
    for (size_t i = 0; i < n; i++) {
        assert_law(&stats[i]);
        assert_int_equal(stats[i].items_in_flight, 0);
        dropped += stats[i].items_dropped[0] + stats[i].items_dropped[1];
    }
    assert_int_equal(stats[0].items_in, n_in);
    assert_int_equal(stats[n - 1].items_out + dropped, n_in);
}

struct drain {
    struct boom_pipeline *p;
    struct boom_ctx *ctx;
    int r;
};

static void *drain(void *arg)
{
    struct drain *drain = arg;

    drain->r = boom_pipeline_drain(drain->p, drain->ctx);
    return NULL;
}

/*
 * Stage 0 records what its queue drops; its worker has 1 in work(). Stage 1 holds 2 in work() and
 * 3 in its queue (of one); 4 is in the hands of stage 0, which waits to pass it on; 5 and 6 wait in
 * the first queue.
 */
static void cut_off(struct boom_ctx *ctx, int64_t deadline_ns, int r_expected)
{
    struct recorder first, last;
    struct boom_stage_options stages[2];
    struct boom_stage_stats stats[2];
    struct drain drained = {.r = 1};
    pthread_t thread;

    recorder_init(&first);
    recorder_init(&last);
    stages[0] = recorder_options(&first);
    stages[0].ops = &pass_ops;
    stages[1] = gated_options(&last, 1);
    assert_int_equal(boom_pipeline_start(ctx, stages, 2, &drained.p), 0);
    assert_int_equal(boom_pipeline_submit(drained.p, NULL, (void *)2), 0);
    wait_sem(&last.entered);
    assert_int_equal(boom_pipeline_submit(drained.p, NULL, (void *)3), 0);
    assert_int_equal(boom_pipeline_submit(drained.p, NULL, (void *)4), 0);
    await_senders(stage_queue(drained.p, 1), 1);
    assert_int_equal(boom_pipeline_submit(drained.p, NULL, (void *)5), 0);
    assert_int_equal(boom_pipeline_submit(drained.p, NULL, (void *)6), 0);

    if (ctx)
        boom_ctx_cancel(ctx, -EIO);
    else
        assert_int_equal(boom_ctx_with_deadline(NULL, deadline_ns, &drained.ctx), 0);
    thread = spawn(drain, &drained);
    AWAIT((boom_pipeline_get_stats(drained.p, 0, &stats[0]),
           stats[0].items_dropped[BOOM_DROP_CANCELLED] == 2));
    sem_post(&last.gate); /* drain waits for work() to return */
    join(thread);
    assert_int_equal(drained.r, r_expected);

    assert_int_equal(first.n_dropped[BOOM_DROP_CANCELLED], 2);
    assert_int_equal(recorder_dropped(&first, 0), 5);
    assert_int_equal(recorder_dropped(&first, 1), 6);
    assert_int_equal(last.n_dropped[BOOM_DROP_CANCELLED],
                     2); /* 4 from the hands, 3 from the queue */
    assert_int_equal(recorder_dropped(&last, 0) + recorder_dropped(&last, 1), 7);
    assert_int_equal(last.n_left, 1); /* what was being worked on gets through */
    assert_int_equal(last.left[0], 2);
    assert_totals(drained.p, 5);
    assert_int_equal(boom_pipeline_try_submit(drained.p, (void *)7), -EPIPE);
    boom_pipeline_free(drained.p);
    boom_ctx_unref(drained.ctx);
    recorder_deinit(&first);
    recorder_deinit(&last);
}

static void test_drain_cut_off_by_a_deadline(void **state)
{
    cut_off(NULL, boom_now_ns() + 2000000, -ETIMEDOUT);
}

static void test_cancelled_from_outside(void **state)
{
    struct boom_ctx *ctx;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    cut_off(ctx, BOOM_NEVER, 0);
    boom_ctx_unref(ctx);
}

static void test_start_in_a_context_that_is_over(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_ctx *ctx;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(boom_pipeline_start(ctx, &options, 1, &p), 0);
    AWAIT(boom_chan_is_closed(first_queue(p)));
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), -EPIPE);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
    boom_ctx_unref(ctx);
    recorder_deinit(&recorder);
}

static void test_drain_in_time_takes_all(void **state)
{
    struct recorder recorder;
    struct boom_stage_options stages[2];
    struct boom_ctx *ctx;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    stages[0] = recorder_options(&recorder);
    stages[0].ops = &pass_ops;
    stages[0].queue = 200;
    stages[1] = recorder_options(&recorder);
    stages[1].queue = 2;
    assert_int_equal(boom_pipeline_start(NULL, stages, 2, &p), 0);
    for (uintptr_t i = 1; i <= 200; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns() + INT64_C(60000000000), &ctx), 0);
    assert_int_equal(boom_pipeline_drain(p, ctx), 0);
    assert_int_equal(recorder.n_left, 200);
    assert_totals(p, 200);
    boom_pipeline_free(p);
    boom_ctx_unref(ctx);
    recorder_deinit(&recorder);
}

struct sight {
    unsigned n_all;
    unsigned n[4];
    uint64_t runs;
};

static void see_worker(void *arg, const char *stage, unsigned index, const char *what,
                       int64_t since_ns, uint64_t runs)
{
    static const char *const words[] = {"idle", "work", "turn", "send"};
    struct sight *sight = arg;

    assert_true(since_ns > 0 && since_ns <= boom_now_ns());
    assert_string_equal(stage, "recorder");
    sight->n_all++;
    sight->runs += runs;
    for (int i = 0; i < 4; i++)
        sight->n[i] += strcmp(what, words[i]) == 0;
}

static struct sight look(struct boom_pipeline *p)
{
    struct sight sight = {0};

    boom_pipeline_each_worker(p, see_worker, &sight);
    return sight;
}

/* Holds 1 at the gate, lets the others pass. */
static void hold_first(void *stage, void *worker, void **items, size_t n)
{
    struct recorder *recorder = stage;

    if (items[0] != (void *)1)
        return;
    sem_post(&recorder->entered);
    wait_sem(&recorder->gate);
}

static void test_each_worker(void **state)
{
    struct boom_stage_ops ops = recorder_ops;
    struct recorder recorder;
    struct boom_stage_options options;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    ops.work = hold_first;
    options = recorder_options(&recorder);
    options.ops = &ops;
    options.workers_min = options.workers_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    AWAIT(look(p).n[0] == 3);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    wait_sem(&recorder.entered);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)2), 0);
    AWAIT(look(p).n[2] == 1); /* 2 is done and waits for the turn of 1 */
    assert_int_equal(look(p).n[1], 1);
    assert_int_equal(look(p).n[0], 1);
    assert_int_equal(recorder.n_left, 0);
    sem_post(&recorder.gate);
    AWAIT(look(p).runs == 2);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(look(p).n_all, 0);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drain_of_an_empty_pipeline),
        cmocka_unit_test(test_worker_init_fails),
        cmocka_unit_test(test_grows_while_items_wait),
        cmocka_unit_test(test_growth_that_fails_harms_nothing),
        cmocka_unit_test(test_drain_cut_off_by_a_deadline),
        cmocka_unit_test(test_cancelled_from_outside),
        cmocka_unit_test(test_start_in_a_context_that_is_over),
        cmocka_unit_test(test_drain_in_time_takes_all),
        cmocka_unit_test(test_each_worker),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
