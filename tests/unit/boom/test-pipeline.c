/* SPDX-License-Identifier: MIT */
/* The pipeline when all goes well, and at its doors. Its ends: test-pipeline-end.c. */
#include <boom/pipeline.h>

#include "boom-test.h"
#include "pipeline-test.h"

static void test_refuses_bad_options(void **state)
{
    struct boom_stage_options good = recorder_options(NULL), bad;
    struct boom_pipeline *p;

    assert_int_equal(boom_pipeline_start(NULL, &good, 0, &p), -EINVAL);
    bad = good, bad.ops = NULL;
    assert_int_equal(boom_pipeline_start(NULL, &bad, 1, &p), -EINVAL);
    bad = good, bad.queue = 0;
    assert_int_equal(boom_pipeline_start(NULL, &bad, 1, &p), -EINVAL);
    bad = good, bad.workers_min = 0;
    assert_int_equal(boom_pipeline_start(NULL, &bad, 1, &p), -EINVAL);
    bad = good, bad.workers_min = 2, bad.workers_max = 1;
    assert_int_equal(boom_pipeline_start(NULL, &bad, 1, &p), -EINVAL);
    bad = good, bad.linger_ns = -1;
    assert_int_equal(boom_pipeline_start(NULL, &bad, 1, &p), -EINVAL);
    bad = good, bad.on_full = 7;
    assert_int_equal(boom_pipeline_start(NULL, (struct boom_stage_options[]){good, bad}, 2, &p),
                     -EINVAL);
    assert_null(boom_pipeline_free(NULL));
}

/* Busy for a time that depends on the item, in no order. */
static void work_unevenly(void *stage, void *worker, void **items, size_t n)
{
    volatile unsigned spin = 0;

    for (size_t i = 0; i < n; i++)
        for (uintptr_t left = ((uintptr_t)items[i] * 2654435761u >> 7) % 3000; left > 0; left--)
            spin++;
}

static void test_order_under_parallel_workers(void **state)
{
    enum { N = 20000 };
    static const struct boom_stage_ops uneven = {.work = work_unevenly};
    struct recorder recorder;
    struct boom_stage_options stages[3];
    struct boom_stage_stats stats[3];
    struct boom_pipeline *p;

    recorder_init(&recorder);
    for (int i = 0; i < 2; i++) {
        stages[i] = BOOM_STAGE_OPTIONS_DEFAULT;
        stages[i].ops = &uneven;
        stages[i].workers_min = stages[i].workers_max = 4;
        stages[i].run_max = 3;
        stages[i].queue = 16;
    }
    stages[1].run_weight = 2; /* the gathering way of taking runs */
    stages[2] = recorder_options(&recorder);
    stages[2].workers_min = stages[2].workers_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, stages, 3, &p), 0);
    assert_int_equal(boom_pipeline_n_stages(p), 3);
    for (uintptr_t i = 1; i <= N; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_all_stats(p, stats);
    for (int i = 0; i < 3; i++) {
        assert_law(&stats[i]);
        assert_true(stats[i].items_in == N && stats[i].items_out == N);
        assert_true(stats[i].queue.high_water <= stats[i].queue.capacity);
        assert_true(stats[i].work_p50_ns <= stats[i].work_p99_ns);
    }
    boom_pipeline_free(p);
    assert_int_equal(recorder.n_left, N);
    for (uintptr_t i = 0; i < N; i++)
        assert_true(recorder.left[i] == i + 1);
    recorder_deinit(&recorder);
}

static size_t weigh_by_value(void *stage, const void *item)
{
    return (uintptr_t)item;
}

static void test_weights(void **state)
{
    struct recorder recorder;
    struct boom_stage_options stages[2];
    struct boom_stage_stats stats[2];
    struct boom_pipeline *p;

    recorder_init(&recorder);
    stages[0] = stages[1] = recorder_options(&recorder);
    stages[0].ops = &pass_ops;
    stages[0].weigh = weigh_by_value; /* the second stage weighs each as 1 */
    assert_int_equal(boom_pipeline_start(NULL, stages, 2, &p), 0);
    for (uintptr_t i = 1; i <= 10; i++)
        assert_int_equal(boom_pipeline_try_submit(p, (void *)i), 0);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_all_stats(p, stats);
    assert_law(&stats[0]);
    assert_law(&stats[1]);
    assert_int_equal(stats[0].in, 55);
    assert_int_equal(stats[0].out, 55);
    assert_int_equal(stats[1].in, 10);
    assert_int_equal(stats[1].out, 10);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

/* A worker that holds still until it is told to go on, so that the queue can be filled at will. */
static void fill_to_the_brim(struct recorder *recorder, struct boom_pipeline *p, uintptr_t n_queue)
{
    assert_int_equal(boom_pipeline_try_submit(p, (void *)1), 0);
    wait_sem(&recorder->entered);
    for (uintptr_t i = 2; i < 2 + n_queue; i++)
        assert_int_equal(boom_pipeline_try_submit(p, (void *)i), 0);
}

static struct boom_pipeline *start_gated(struct recorder *recorder,
                                         struct boom_stage_options options)
{
    struct boom_pipeline *p;

    options.ops = &gated_ops;
    options.arg = recorder;
    options.queue = 3;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    fill_to_the_brim(recorder, p, 3);
    return p;
}

static void finish_gated(struct recorder *recorder, struct boom_pipeline *p)
{
    for (int i = 0; i < 64; i++)
        sem_post(&recorder->gate);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
}

static void assert_left(const struct recorder *recorder, const uintptr_t *expected, size_t n)
{
    assert_int_equal(recorder->n_left, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(recorder->left[i], expected[i]);
}

static void test_drop_newest(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct boom_stage_stats stats;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.on_full = BOOM_FULL_DROP_NEWEST;
    p = start_gated(&recorder, options);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)6), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    assert_int_equal(stats.items_dropped[BOOM_DROP_QUEUE_FULL], 2);
    assert_int_equal(stats.items_in_flight, 4);
    finish_gated(&recorder, p);
    assert_int_equal(recorder.n_dropped[BOOM_DROP_QUEUE_FULL], 2);
    assert_left(&recorder, (uintptr_t[]){1, 2, 3, 4}, 4);
    recorder_deinit(&recorder);
}

static void test_drop_oldest(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct boom_stage_stats stats;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.on_full = BOOM_FULL_DROP_OLDEST;
    p = start_gated(&recorder, options);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)6), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    assert_int_equal(stats.items_in, 6);
    assert_int_equal(stats.items_dropped[BOOM_DROP_QUEUE_FULL], 2);
    finish_gated(&recorder, p);
    assert_left(&recorder, (uintptr_t[]){1, 4, 5, 6}, 4);
    recorder_deinit(&recorder);
}

static enum boom_full_policy policy_by_value(void *stage, const void *item)
{
    switch ((uintptr_t)item % 10) {
    case 1:
        return BOOM_FULL_DROP_OLDEST;
    case 2:
        return BOOM_FULL_DROP_NEWEST;
    default:
        return BOOM_FULL_BLOCK;
    }
}

static void test_policy_per_item(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.policy = policy_by_value;
    options.on_full = BOOM_FULL_DROP_NEWEST;
    p = start_gated(&recorder, options); /* queue: 2 3 4; only 2 may go */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), BOOM_CHAN_FULL);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)12), 0); /* itself */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)11), 0); /* for 2: 3 4 11 */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)21), 0); /* for 11: 3 4 21 */
    finish_gated(&recorder, p);
    assert_int_equal(recorder.n_dropped[BOOM_DROP_QUEUE_FULL], 3);
    assert_left(&recorder, (uintptr_t[]){1, 3, 4, 21}, 4);
    recorder_deinit(&recorder);
}

static void test_oldest_with_nobody_to_go_drops_itself(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.policy = policy_by_value;
    p = start_gated(&recorder, options);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)11), 0); /* for 2: 3 4 11 */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)31), 0); /* for 11: 3 4 31 */
    sem_post(&recorder.gate);
    wait_sem(&recorder.entered); /* 3 is being worked on: 4 31 . */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), 0);
    sem_post(&recorder.gate);
    wait_sem(&recorder.entered); /* 31 5 . */
    sem_post(&recorder.gate);
    wait_sem(&recorder.entered); /* 5 . . */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)6), 0);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)7), 0);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)41), 0);
    assert_int_equal(recorder_dropped(&recorder, 2), 41);
    finish_gated(&recorder, p);
    assert_left(&recorder, (uintptr_t[]){1, 3, 4, 31, 5, 6, 7}, 7);
    recorder_deinit(&recorder);
}

struct submission {
    struct boom_pipeline *p;
    struct boom_ctx *ctx;
    uintptr_t item;
    int r;
};

static void *submit_one(void *arg)
{
    struct submission *submission = arg;

    submission->r = boom_pipeline_submit(submission->p, submission->ctx, (void *)submission->item);
    return NULL;
}

static void test_block_waits_for_room_or_context(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct submission kept = {.item = 5}, given_up = {.item = 6};
    struct boom_pipeline *p;
    pthread_t threads[2];

    recorder_init(&recorder);
    assert_int_equal(boom_ctx_with_cancel(NULL, &given_up.ctx), 0);
    p = start_gated(&recorder, options);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), BOOM_CHAN_FULL);
    kept.p = given_up.p = p;
    threads[0] = spawn(submit_one, &given_up);
    await_senders(first_queue(p), 1);
    threads[1] = spawn(submit_one, &kept);
    await_senders(first_queue(p), 2);
    boom_ctx_cancel(given_up.ctx, 0);
    join(threads[0]);
    assert_int_equal(given_up.r, -ECANCELED);
    sem_post(&recorder.gate);
    join(threads[1]);
    assert_int_equal(kept.r, 0);
    finish_gated(&recorder, p);
    assert_left(&recorder, (uintptr_t[]){1, 2, 3, 4, 5}, 5);
    boom_ctx_unref(given_up.ctx);
    recorder_deinit(&recorder);
}

static void post(void *arg)
{
    sem_post(arg);
}

static void test_watch_room(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct boom_pipeline *p;
    sem_t room;
    struct boom_watch watch = {.fn = post, .arg = &room};

    sem_init(&room, 0, 0);
    recorder_init(&recorder);
    p = start_gated(&recorder, options);
    assert_int_equal(boom_pipeline_watch_room(p, &watch), 0);
    sem_post(&recorder.gate);
    wait_sem(&room);
    assert_int_equal(boom_pipeline_watch_room(p, &watch), 1);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)5), 0);
    assert_int_equal(boom_pipeline_watch_room(p, &watch), 0);
    boom_pipeline_unwatch(p, &watch);
    finish_gated(&recorder, p);
    assert_int_equal(sem_trywait(&room), -1);
    sem_destroy(&room);
    recorder_deinit(&recorder);
}

static void test_runs(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.run_max = 2;
    p = start_gated(&recorder, options);
    finish_gated(&recorder, p); /* 1, then 2 3, then 4 */
    assert_int_equal(recorder.n_runs, 3);
    assert_left(&recorder, (uintptr_t[]){1, 2, 3, 4}, 4);
    recorder_deinit(&recorder);
}

static void test_runs_by_weight(void **state)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options.run_max = 100;
    options.run_weight = 5;
    options.run_weigh = weigh_by_value;
    p = start_gated(&recorder, options);
    finish_gated(&recorder, p); /* 1, then 2 + 3 = 5, then 4 */
    assert_int_equal(recorder.n_runs, 3);
    assert_int_equal(recorder.n_left, 4);
    recorder_deinit(&recorder);
}

/* The linger is longer than any test may take: what ends it is the fact under test. */
static void test_linger_ends_by_run_max_weight_and_close(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.linger_ns = INT64_C(3600000000000);
    options.run_max = 4;
    options.run_weight = 100;
    options.run_weigh = weigh_by_value;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    for (uintptr_t i = 1; i <= 4; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 1); /* run_max */
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)50), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)60), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 2); /* weight */
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_runs, 3);
    assert_int_equal(recorder.n_left, 7);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

/* The interval is longer than any test may take, as above. */
static void test_interval_holds_all_but_the_first(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.interval_ns = INT64_C(3600000000000);
    options.run_max = 3;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 1); /* at once, after a pause */
    for (uintptr_t i = 2; i <= 4; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 2); /* full */
    for (uintptr_t i = 5; i <= 6; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_runs, 3); /* held together until the end */
    assert_left(&recorder, (uintptr_t[]){1, 2, 3, 4, 5, 6}, 6);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

static void test_interval_ends_by_itself(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;
    int64_t begin_ns;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.interval_ns = 3000000;
    options.run_max = 1000;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 1);
    begin_ns = boom_now_ns();
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)2), 0);
    AWAIT(atomic_load(&recorder.n_runs) == 2);
    assert_true(boom_now_ns() - begin_ns < INT64_C(60000000000));
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

static void test_linger_with_weight_takes_no_more_than_that(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.ops = &gated_ops;
    options.linger_ns = INT64_C(3600000000000);
    options.run_max = 100;
    options.run_weight = 5;
    options.run_weigh = weigh_by_value;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)5), 0);
    wait_sem(&recorder.entered); /* so that the rest is there when the next run is gathered */
    for (uintptr_t i = 2; i <= 6; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    finish_gated(&recorder, p);
    assert_int_equal(recorder.n_runs, 4); /* 5, 2 + 3, 4 + 5, 6 */
    assert_left(&recorder, (uintptr_t[]){5, 2, 3, 4, 5, 6}, 6);
    recorder_deinit(&recorder);
}

/* The policy that applies between stages is that of the stage to be entered. */
static void test_drops_between_stages(void **state)
{
    struct boom_stage_options stages[2];
    struct boom_stage_stats stats[2];
    struct recorder first, last;
    struct boom_pipeline *p;

    recorder_init(&first);
    recorder_init(&last);
    stages[0] = recorder_options(&first);
    stages[0].ops = &pass_ops;
    stages[1] = recorder_options(&last);
    stages[1].ops = &gated_ops;
    stages[1].queue = 2;
    stages[1].on_full = BOOM_FULL_DROP_OLDEST;
    assert_int_equal(boom_pipeline_start(NULL, stages, 2, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    wait_sem(&last.entered);
    for (uintptr_t i = 2; i <= 5; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    AWAIT((boom_pipeline_get_all_stats(p, stats), stats[0].items_out == 5));
    assert_law(&stats[0]);
    assert_law(&stats[1]);
    assert_int_equal(stats[1].items_in, 5);
    assert_int_equal(stats[1].items_dropped[BOOM_DROP_QUEUE_FULL], 2);
    finish_gated(&last, p);
    assert_left(&last, (uintptr_t[]){1, 4, 5}, 3);
    assert_int_equal(first.n_dropped[0] + first.n_dropped[1], 0);
    recorder_deinit(&first);
    recorder_deinit(&last);
}

static void test_linger_ends_by_itself(void **state)
{
    struct boom_stage_options options;
    struct recorder recorder;
    struct boom_pipeline *p;
    int64_t begin_ns;

    recorder_init(&recorder);
    options = recorder_options(&recorder);
    options.linger_ns = 3000000;
    options.run_max = 1000;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), 0);
    begin_ns = boom_now_ns();
    for (uintptr_t i = 1; i <= 3; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
    AWAIT(atomic_load(&recorder.n_runs) > 0);
    assert_true(boom_now_ns() - begin_ns >= options.linger_ns);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    assert_int_equal(recorder.n_left, 3);
    boom_pipeline_free(p);
    recorder_deinit(&recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_bad_options),
        cmocka_unit_test(test_order_under_parallel_workers),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_drop_newest),
        cmocka_unit_test(test_drop_oldest),
        cmocka_unit_test(test_policy_per_item),
        cmocka_unit_test(test_oldest_with_nobody_to_go_drops_itself),
        cmocka_unit_test(test_block_waits_for_room_or_context),
        cmocka_unit_test(test_watch_room),
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_runs_by_weight),
        cmocka_unit_test(test_linger_ends_by_run_max_weight_and_close),
        cmocka_unit_test(test_linger_with_weight_takes_no_more_than_that),
        cmocka_unit_test(test_drops_between_stages),
        cmocka_unit_test(test_linger_ends_by_itself),
        cmocka_unit_test(test_interval_holds_all_but_the_first),
        cmocka_unit_test(test_interval_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
