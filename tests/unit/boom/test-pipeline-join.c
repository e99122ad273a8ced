/* SPDX-License-Identifier: MIT */
/* join(): on each item once and in order, while the run waits for more, and beside other runs. */
#include <boom/registry.h>

#include "boom/stage.h"
#include "pipeline-test.h"

enum { RUN_MAX = 8, N_HELD = 16 };

/* Longer than any test may take: what ends a run is the fact under test. */
#define AN_HOUR_NS INT64_C(3600000000000)

/* A worker's: what it has joined of its run. */
struct hand {
    uintptr_t items[RUN_MAX];
    size_t n;
};

/* The first member is what recorder_ops know as their stage. */
struct joiner {
    struct recorder recorder;
    bool is_held[N_HELD]; /* by item: join() posts `entered`, then waits for `gate` */
    sem_t entered, gate[N_HELD];
    atomic_uint n_joined; /* join() has returned */
    atomic_uint n_worked; /* runs */
    atomic_uint n_wrong;  /* runs that were not what their worker had joined */
    atomic_int_fast64_t joining_ns;
    size_t run_sizes[16]; /* by leave, of the first runs */
};

static int make_hand(void *stage, void **ret_worker)
{
    *ret_worker = calloc(1, sizeof(struct hand));
    return *ret_worker ? 0 : -ENOMEM;
}

static void free_hand(void *stage, void *worker)
{
    struct joiner *joiner = stage;
    struct hand *hand = worker;

    atomic_fetch_add(&joiner->n_wrong, hand->n != 0);
    free(hand);
}

static void join_item(void *stage, void *worker, void *item)
{
    struct joiner *joiner = stage;
    struct hand *hand = worker;
    uintptr_t number = (uintptr_t)item;

    if (number < N_HELD && joiner->is_held[number]) {
        sem_post(&joiner->entered);
        wait_sem(&joiner->gate[number]);
    }
    if (hand->n == RUN_MAX)
        atomic_fetch_add(&joiner->n_wrong, 1);
    else
        hand->items[hand->n++] = number;
    atomic_fetch_add(&joiner->n_joined, 1);
}

static void check_run(struct joiner *joiner, const struct hand *hand, void **items, size_t n)
{
    bool same = hand->n == n;

    for (size_t i = 0; same && i < n; i++)
        same = hand->items[i] == (uintptr_t)items[i];
    atomic_fetch_add(&joiner->n_wrong, !same);
}

static void work(void *stage, void *worker, void **items, size_t n)
{
    struct joiner *joiner = stage;

    check_run(joiner, worker, items, n);
    atomic_fetch_add(&joiner->n_worked, 1);
}

static void leave(void *stage, void *worker, void **items, size_t n)
{
    struct joiner *joiner = stage;
    unsigned run = joiner->recorder.n_runs;

    check_run(joiner, worker, items, n);
    ((struct hand *)worker)->n = 0;
    if (run < sizeof(joiner->run_sizes) / sizeof(joiner->run_sizes[0]))
        joiner->run_sizes[run] = n;
    recorder_ops.leave(stage, worker, items, n);
}

static void drop(void *stage, void *item, enum boom_drop_reason reason)
{
    recorder_ops.drop(stage, item, reason);
}

static const struct boom_stage_ops join_ops = {
    .worker_init = make_hand,
    .worker_deinit = free_hand,
    .work = work,
    .leave = leave,
    .drop = drop,
    .join = join_item,
};

static void joiner_init(struct joiner *joiner)
{
    memset(joiner, 0, sizeof(*joiner));
    recorder_init(&joiner->recorder);
    sem_init(&joiner->entered, 0, 0);
    for (int i = 0; i < N_HELD; i++)
        sem_init(&joiner->gate[i], 0, 0);
}

static void joiner_deinit(struct joiner *joiner)
{
    for (int i = 0; i < N_HELD; i++)
        sem_destroy(&joiner->gate[i]);
    sem_destroy(&joiner->entered);
    recorder_deinit(&joiner->recorder);
}

/* One worker, whose runs wait for more. */
static struct boom_stage_options joiner_options(struct joiner *joiner)
{
    struct boom_stage_options options;

    joiner_init(joiner);
    options = recorder_options(&joiner->recorder);
    options.ops = &join_ops;
    options.arg = joiner;
    options.run_max = RUN_MAX;
    options.linger_ns = AN_HOUR_NS;
    return options;
}

static struct boom_pipeline *start(const struct boom_stage_options *options)
{
    struct boom_pipeline *p;

    assert_int_equal(boom_pipeline_start(NULL, options, 1, &p), 0);
    return p;
}

static void submit(struct boom_pipeline *p, uintptr_t first, uintptr_t last)
{
    for (uintptr_t i = first; i <= last; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)i), 0);
}

static void release(struct joiner *joiner, unsigned item)
{
    sem_post(&joiner->gate[item]);
}

/* Whoever was joined has left, and nobody else. */
static void assert_joined_once(const struct joiner *joiner)
{
    assert_int_equal(joiner->n_wrong, 0);
    assert_int_equal(joiner->n_joined, joiner->recorder.n_left);
}

/* Drains; the items from first to last have left, in runs of these sizes (0: the end). */
static void finish(struct joiner *joiner, struct boom_pipeline *p, uintptr_t last,
                   const size_t *run_sizes)
{
    struct boom_stage_stats stats;

    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    assert_int_equal(stats.items_in_flight, 0);
    boom_pipeline_free(p);
    assert_joined_once(joiner);
    assert_int_equal(joiner->recorder.n_left, last);
    for (uintptr_t i = 0; i < last; i++)
        assert_int_equal(joiner->recorder.left[i], i + 1);
    for (unsigned i = 0; run_sizes[i] > 0 || i < joiner->recorder.n_runs; i++)
        assert_int_equal(joiner->run_sizes[i], run_sizes[i]);
    joiner_deinit(joiner);
}

static void test_while_a_run_lingers(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p = start(&options);

    for (uintptr_t i = 1; i <= 3; i++) {
        submit(p, i, i);
        AWAIT(joiner.n_joined == i);
        await_receivers(first_queue(p), 1); /* and waits for more */
    }
    assert_int_equal(joiner.n_worked, 0);
    finish(&joiner, p, 3, (size_t[]){3, 0});
}

static void test_while_the_interval_lasts(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    options.linger_ns = 0;
    options.interval_ns = AN_HOUR_NS;
    p = start(&options);
    submit(p, 1, 1);
    AWAIT(joiner.recorder.n_runs == 1); /* at once, after a pause */
    submit(p, 2, 2);
    AWAIT(joiner.n_joined == 2);
    submit(p, 3, 3);
    AWAIT(joiner.n_joined == 3);
    assert_int_equal(joiner.n_worked, 1);
    finish(&joiner, p, 3, (size_t[]){1, 2, 0});
}

static size_t weigh_by_value(void *stage, const void *item)
{
    return (uintptr_t)item;
}

static void test_until_the_weight_is_reached(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    options.run_weight = 5;
    options.run_weigh = weigh_by_value;
    p = start(&options);
    submit(p, 1, 2);
    AWAIT(joiner.n_joined == 2);
    assert_int_equal(joiner.n_worked, 0);
    joiner.is_held[3] = true;
    submit(p, 3, 3); /* is full */
    wait_sem(&joiner.entered);
    submit(p, 4, 6);
    release(&joiner, 3);
    AWAIT(joiner.recorder.n_runs == 3); /* 4 + 5, 6 */
    finish(&joiner, p, 6, (size_t[]){3, 2, 1, 0});
}

/*
 * 1 is held under the intake lock while 2, 3 and 4 come. Its worker then joins 2 beside another,
 * which takes both 3 and 4 before it joins 3, beside a third, which has 5.
 */
static void runs_beside_each_other(unsigned workers_min)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    options.workers_min = workers_min;
    options.workers_max = 3;
    options.run_max = 2;
    joiner.is_held[1] = joiner.is_held[2] = joiner.is_held[3] = true;
    p = start(&options);
    submit(p, 1, 1);
    wait_sem(&joiner.entered);
    submit(p, 2, 4);
    release(&joiner, 1);
    wait_sem(&joiner.entered);
    wait_sem(&joiner.entered);
    assert_int_equal(joiner.n_joined, 1);
    assert_int_equal(boom_chan_length(first_queue(p)), 0);
    submit(p, 5, 5);
    AWAIT(joiner.n_joined == 2);
    release(&joiner, 3);
    AWAIT(joiner.n_worked == 1); /* 3 and 4, before their turn */
    assert_int_equal(joiner.recorder.n_runs, 0);
    release(&joiner, 2);
    finish(&joiner, p, 5, (size_t[]){2, 2, 1, 0});
}

static void test_runs_beside_each_other(void **state)
{
    runs_beside_each_other(3);
}

static void test_a_joining_worker_is_busy(void **state)
{
    runs_beside_each_other(1);
}

static void test_without_gathering(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    options.linger_ns = 0;
    options.run_max = 1;
    options.workers_max = 3;
    joiner.is_held[1] = joiner.is_held[2] = joiner.is_held[3] = true;
    p = start(&options);
    submit(p, 1, 3);
    for (int i = 0; i < 3; i++)
        wait_sem(&joiner.entered);
    release(&joiner, 3);
    release(&joiner, 2);
    AWAIT(joiner.n_worked == 2);
    assert_int_equal(joiner.recorder.n_runs, 0);
    release(&joiner, 1);
    finish(&joiner, p, 3, (size_t[]){1, 1, 1, 0});
}

/* A worker joins, and none gathers. */
static void assert_intake_is_free(struct boom_pipeline *p)
{
    pthread_mutex_t *intake = &pipeline_stage(p, 0)->intake;

    assert_int_equal(pthread_mutex_trylock(intake), 0);
    pthread_mutex_unlock(intake);
}

/* Joining 1 outlasts the linger: what came meanwhile is taken, and joined without the lock. */
static void test_linger_ends_while_joining(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;
    int64_t begun_ns;

    options.linger_ns = 1000000;
    joiner.is_held[1] = joiner.is_held[2] = true;
    p = start(&options);
    submit(p, 1, 1);
    wait_sem(&joiner.entered);
    begun_ns = boom_now_ns();
    submit(p, 2, 4);
    AWAIT(boom_now_ns() - begun_ns > options.linger_ns);
    release(&joiner, 1);
    wait_sem(&joiner.entered);
    assert_intake_is_free(p);
    submit(p, 5, 5);
    release(&joiner, 2);
    finish(&joiner, p, 5, (size_t[]){4, 1, 0});
}

/* There is nothing to wait for, so nothing is joined under the lock. */
static void test_queue_closes_while_joining(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    joiner.is_held[1] = joiner.is_held[2] = true;
    p = start(&options);
    submit(p, 1, 1);
    wait_sem(&joiner.entered);
    submit(p, 2, 3);
    boom_chan_close(first_queue(p));
    release(&joiner, 1);
    wait_sem(&joiner.entered);
    assert_intake_is_free(p);
    release(&joiner, 2);
    finish(&joiner, p, 3, (size_t[]){3, 0});
}

static void drops(enum boom_full_policy policy, const uintptr_t *left)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_stage_stats stats;
    struct boom_pipeline *p;

    options.queue = 2;
    options.on_full = policy;
    joiner.is_held[1] = true;
    p = start(&options);
    submit(p, 1, 1);
    wait_sem(&joiner.entered);
    submit(p, 2, 5);
    release(&joiner, 1);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    assert_int_equal(stats.items_dropped[BOOM_DROP_QUEUE_FULL], 2);
    boom_pipeline_free(p);
    assert_joined_once(&joiner);
    assert_int_equal(joiner.recorder.n_left, 3);
    assert_memory_equal(joiner.recorder.left, left, 3 * sizeof(*left));
    joiner_deinit(&joiner);
}

static void test_what_is_dropped_is_not_joined(void **state)
{
    drops(BOOM_FULL_DROP_OLDEST, (uintptr_t[]){1, 4, 5});
    drops(BOOM_FULL_DROP_NEWEST, (uintptr_t[]){1, 2, 3});
}

/* held: 1 is still being joined when the end comes; else it waits for more. 2 is dropped. */
static void cancelled(struct boom_stage_options options, bool held)
{
    struct joiner *joiner = options.arg;
    struct boom_stage_stats stats;
    struct boom_ctx *ctx;
    struct boom_pipeline *p;

    joiner->is_held[1] = held;
    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    assert_int_equal(boom_pipeline_start(ctx, &options, 1, &p), 0);
    submit(p, 1, 1);
    if (held) {
        wait_sem(&joiner->entered);
        submit(p, 2, 2);
    } else {
        AWAIT(joiner->n_joined == 1);
        await_receivers(first_queue(p), 1);
    }
    boom_ctx_cancel(ctx, -EIO);
    release(joiner, 1);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    assert_int_equal(stats.items_dropped[BOOM_DROP_CANCELLED], held);
    boom_pipeline_free(p);
    assert_joined_once(joiner);
    assert_int_equal(joiner->n_worked, 1);
    assert_int_equal(joiner->recorder.n_left, 1);
    assert_int_equal(recorder_dropped(&joiner->recorder, 0), held ? 2 : 0);
    boom_ctx_unref(ctx);
    joiner_deinit(joiner);
}

static void test_cancelled(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options;

    cancelled(joiner_options(&joiner), true);
    cancelled(joiner_options(&joiner), false);
    options = joiner_options(&joiner);
    options.workers_min = options.workers_max = 2;
    cancelled(options, true);
    options = joiner_options(&joiner);
    options.linger_ns = 0;
    cancelled(options, true);
}

/* Works for a millisecond, and says for how long it really was. */
static void join_slowly(void *stage, void *worker, void *item)
{
    struct joiner *joiner = stage;
    int64_t begun_ns = boom_now_ns();

    AWAIT(boom_now_ns() - begun_ns > 1000000);
    joiner->joining_ns += boom_now_ns() - begun_ns;
    join_item(stage, worker, item);
}

/* Returns for how long the worker has only waited for more. */
static int64_t watch_waiting(struct boom_pipeline *p)
{
    int64_t begun_ns;

    await_receivers(first_queue(p), 1);
    begun_ns = boom_now_ns();
    AWAIT(boom_now_ns() - begun_ns > 2000000);
    return boom_now_ns() - begun_ns;
}

/* Of each run, the first item is joined before the wait, and the second after it. */
static void test_joining_is_busy_and_waiting_is_not(void **state)
{
    enum { RUNS = 8 };
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_stage_ops ops = join_ops;
    struct boom_stage_stats stats;
    struct boom_pipeline *p;
    int64_t begun_ns = boom_now_ns(), waited_ns = 0;

    ops.join = join_slowly;
    ops.work = NULL;
    options.ops = &ops;
    options.run_max = 2;
    p = start(&options);
    for (uintptr_t i = 1; i <= RUNS; i++) {
        submit(p, 2 * i - 1, 2 * i - 1);
        AWAIT(joiner.n_joined == 2 * i - 1);
        waited_ns += watch_waiting(p);
        submit(p, 2 * i, 2 * i);
        AWAIT((boom_pipeline_get_stats(p, 0, &stats), stats.items_out == 2 * i));
    }
    assert_true((int64_t)stats.busy_ns >= joiner.joining_ns);
    assert_true((int64_t)stats.busy_ns <= boom_now_ns() - begun_ns - waited_ns);
    assert_true((int64_t)stats.work_p99_ns >= joiner.joining_ns / RUNS);
    finish(&joiner, p, 2 * RUNS, (size_t[]){2, 2, 2, 2, 2, 2, 2, 2, 0});
}

static void note_doing(void *arg, const struct boom_task_info *info)
{
    *(enum boom_doing *)arg = info->doing;
}

static enum boom_doing doing(struct boom_registry *registry)
{
    enum boom_doing doing = BOOM_DOING_TURN;

    assert_int_equal(boom_registry_each(registry, note_doing, &doing), 0);
    return doing;
}

static void test_registry_shows_it(void **state)
{
    struct joiner joiner;
    struct boom_stage_options options = joiner_options(&joiner);
    struct boom_pipeline *p;

    assert_int_equal(boom_registry_new(&options.registry), 0);
    options.run_max = 2;
    joiner.is_held[1] = joiner.is_held[2] = true;
    p = start(&options);
    submit(p, 1, 1);
    wait_sem(&joiner.entered);
    assert_int_equal(doing(options.registry), BOOM_DOING_RUN);
    release(&joiner, 1);
    AWAIT(doing(options.registry) == BOOM_DOING_IDLE);
    submit(p, 2, 2);
    wait_sem(&joiner.entered);
    assert_int_equal(doing(options.registry), BOOM_DOING_RUN);
    release(&joiner, 2);
    finish(&joiner, p, 2, (size_t[]){2, 0});
    boom_registry_free(options.registry);
}

enum { N_MANY = 5000 };

static void many(struct boom_stage_options options)
{
    struct joiner *joiner = options.arg;
    struct boom_pipeline *p = start(&options);

    submit(p, 1, N_MANY);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
    assert_joined_once(joiner);
    assert_int_equal(joiner->n_worked, options.ops->work ? joiner->recorder.n_runs : 0);
    assert_int_equal(joiner->recorder.n_left, N_MANY);
    for (uintptr_t i = 0; i < N_MANY; i++)
        assert_true(joiner->recorder.left[i] == i + 1);
    joiner_deinit(joiner);
}

static void test_many(void **state)
{
    static const unsigned workers[][2] = {{1, 1}, {4, 4}, {1, 4}};
    static const int64_t waits[][2] = {{0, 0}, {20000, 0}, {0, 20000}, {5000, 20000}};
    struct boom_stage_ops no_work = join_ops;
    struct boom_stage_options options;
    struct joiner joiner;

    no_work.work = NULL;
    for (unsigned i = 0; i < 3 * 4 * 3 * 2; i++) {
        options = joiner_options(&joiner);
        options.workers_min = workers[i % 3][0];
        options.workers_max = workers[i % 3][1];
        options.linger_ns = waits[i / 3 % 4][0];
        options.interval_ns = waits[i / 3 % 4][1];
        options.run_weight = i / 12 % 3 * 2;
        options.ops = i / 36 == 0 ? &join_ops : &no_work;
        many(options);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_while_a_run_lingers),
        cmocka_unit_test(test_while_the_interval_lasts),
        cmocka_unit_test(test_until_the_weight_is_reached),
        cmocka_unit_test(test_runs_beside_each_other),
        cmocka_unit_test(test_a_joining_worker_is_busy),
        cmocka_unit_test(test_without_gathering),
        cmocka_unit_test(test_linger_ends_while_joining),
        cmocka_unit_test(test_queue_closes_while_joining),
        cmocka_unit_test(test_what_is_dropped_is_not_joined),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_joining_is_busy_and_waiting_is_not),
        cmocka_unit_test(test_registry_shows_it),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
