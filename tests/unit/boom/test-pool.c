/* SPDX-License-Identifier: MIT */
/* The pool, and the crew under it. */
#include <boom/pool.h>

#include "boom-test.h"
#include "boom/crew.h"

struct gate {
    sem_t entered, go_on;
    atomic_uint n_run, n_cancelled;
};

static void gate_init(struct gate *gate)
{
    memset(gate, 0, sizeof(*gate));
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->go_on, 0, 0);
}

static void pass_gate(struct boom_ctx *ctx, void *arg)
{
    struct gate *gate = arg;

    sem_post(&gate->entered);
    wait_sem(&gate->go_on);
    atomic_fetch_add(&gate->n_run, 1);
}

static void run(struct boom_ctx *ctx, void *arg)
{
    struct gate *gate = arg;

    atomic_fetch_add(boom_ctx_err(ctx) < 0 ? &gate->n_cancelled : &gate->n_run, 1);
}

static void wait_in_ctx(struct boom_ctx *ctx, void *arg)
{
    struct gate *gate = arg;
    struct boom_chan *chan;
    char elem;

    assert_int_equal(boom_chan_new(1, 0, &chan), 0);
    sem_post(&gate->entered);
    if (boom_chan_recv(chan, ctx, &elem) < 0)
        atomic_fetch_add(&gate->n_cancelled, 1);
    boom_chan_free(chan);
}

static struct boom_pool *new_pool(struct boom_ctx *ctx, unsigned min, unsigned max, size_t queue)
{
    struct boom_pool_options options = {
        .name = "pool", .workers_min = min, .workers_max = max, .queue = queue};
    struct boom_pool *pool;

    assert_int_equal(boom_pool_new(ctx, &options, &pool), 0);
    return pool;
}

static void test_refuses_bad_options(void **state)
{
    struct boom_pool *pool;

    assert_int_equal(boom_pool_new(NULL, &(struct boom_pool_options){0, 0, 1, 1}, &pool), -EINVAL);
    assert_int_equal(boom_pool_new(NULL, &(struct boom_pool_options){0, 2, 1, 1}, &pool), -EINVAL);
    assert_int_equal(boom_pool_new(NULL, &(struct boom_pool_options){0, 1, 1, 0}, &pool), -EINVAL);
    assert_null(boom_pool_free(NULL));
}

static void test_every_task_runs_once(void **state)
{
    struct boom_pool *pool = new_pool(NULL, 3, 3, 4);
    struct boom_pool_stats stats;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(boom_pool_submit(pool, NULL, run, &gate), 0);
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    assert_int_equal(gate.n_run, 1000);
    boom_pool_get_stats(pool, &stats);
    assert_int_equal(stats.submitted, 1000);
    assert_int_equal(stats.completed, 1000);
    assert_int_equal(stats.queued, 0);
    assert_int_equal(stats.workers, 0);
    assert_true(stats.queue_high_water <= 4);
    assert_int_equal(boom_pool_submit(pool, NULL, run, &gate), -EPIPE);
    assert_int_equal(boom_pool_try_submit(pool, run, &gate), -EPIPE);
    boom_pool_free(pool);
}

static void test_full_and_cancelled_submit(void **state)
{
    struct boom_pool *pool = new_pool(NULL, 1, 1, 1);
    struct boom_ctx *ctx;
    struct gate gate;

    gate_init(&gate);
    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    assert_int_equal(boom_pool_try_submit(pool, pass_gate, &gate), 0);
    wait_sem(&gate.entered);
    assert_int_equal(boom_pool_try_submit(pool, run, &gate), 0);
    assert_int_equal(boom_pool_try_submit(pool, run, &gate), BOOM_CHAN_FULL);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(boom_pool_submit(pool, ctx, run, &gate), -ECANCELED);
    sem_post(&gate.go_on);
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    assert_int_equal(gate.n_run, 2);
    boom_pool_free(pool);
    boom_ctx_unref(ctx);
}

static void test_drain_cut_off_cancels_the_tasks(void **state)
{
    struct boom_pool *pool = new_pool(NULL, 1, 1, 8);
    struct boom_ctx *over;
    struct gate gate;

    gate_init(&gate);
    assert_int_equal(boom_ctx_with_cancel(NULL, &over), 0);
    boom_ctx_cancel(over, 0);
    assert_int_equal(boom_pool_submit(pool, NULL, wait_in_ctx, &gate), 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(boom_pool_submit(pool, NULL, run, &gate), 0);
    wait_sem(&gate.entered);
    assert_int_equal(boom_pool_drain(pool, over), -ECANCELED);
    assert_int_equal(gate.n_cancelled, 6);
    boom_pool_free(pool);
    boom_ctx_unref(over);
}

static void test_grows_while_tasks_wait(void **state)
{
    struct boom_pool *pool = new_pool(NULL, 1, 3, 10);
    struct boom_pool_stats stats;
    struct gate gate;

    gate_init(&gate);
    for (int i = 0; i < 6; i++)
        assert_int_equal(boom_pool_try_submit(pool, pass_gate, &gate), 0);
    for (int i = 0; i < 3; i++)
        wait_sem(&gate.entered);
    AWAIT((boom_pool_get_stats(pool, &stats), stats.busy == 3));
    assert_int_equal(stats.workers, 3);
    assert_int_equal(stats.queued, 3);
    for (int i = 0; i < 6; i++)
        sem_post(&gate.go_on);
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    assert_int_equal(gate.n_run, 6);
    boom_pool_free(pool);
}

/* A crew whose idleness is short: its workers take numbers off a channel. */
struct numbers {
    struct crew crew;
    struct boom_chan *queue;
    sem_t entered, go_on;
};

static int take_numbers(void *arg, struct crew_slot *slot)
{
    struct numbers *numbers = arg;
    uint64_t ticket;
    size_t n;
    int64_t idle_until_ns;
    int value, r;

    for (;;) {
        idle_until_ns = crew_idle_deadline(&numbers->crew);
        r = chan_take(numbers->queue, NULL, idle_until_ns, &value, 1, &n, &ticket);
        if (r == BOOM_CHAN_CLOSED)
            break;
        if (r == 0) {
            crew_busy(&numbers->crew);
            sem_post(&numbers->entered);
            wait_sem(&numbers->go_on);
            crew_idle(&numbers->crew);
        } else if (crew_retire(&numbers->crew, idle_until_ns)) {
            return 0;
        }
    }
    crew_leave(&numbers->crew);
    return 0;
}

static void test_shrinks_after_idleness_and_grows_again(void **state)
{
    struct numbers numbers = {.crew = {.name = "n", .min = 2, .max = 5, .main = take_numbers}};
    unsigned n;
    int value = 0;

    sem_init(&numbers.entered, 0, 0);
    sem_init(&numbers.go_on, 0, 0);
    assert_int_equal(boom_group_new(NULL, &numbers.crew.group), 0);
    assert_int_equal(boom_chan_new(sizeof(int), 16, &numbers.queue), 0);
    numbers.crew.queue = numbers.queue;
    numbers.crew.arg = &numbers;
    assert_int_equal(crew_init(&numbers.crew), 0);
    numbers.crew.idle_ns = 1000000;
    assert_int_equal(crew_start(&numbers.crew, &n), 0);
    assert_int_equal(n, 2);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 8; i++) {
            assert_int_equal(boom_chan_try_send(numbers.queue, &value), 0);
            crew_grow(&numbers.crew);
        }
        for (int i = 0; i < 5; i++)
            wait_sem(&numbers.entered);
        assert_int_equal(numbers.crew.n_workers, 5);
        for (int i = 0; i < 8; i++)
            sem_post(&numbers.go_on);
        for (int i = 0; i < 3; i++)
            wait_sem(&numbers.entered);
        AWAIT(numbers.crew.n_workers == 2 && numbers.crew.n_idle == 2);
    }
    boom_chan_close(numbers.queue);
    boom_group_wait(numbers.crew.group);
    assert_int_equal(numbers.crew.n_workers, 0);
    crew_deinit(&numbers.crew);
    crew_deinit(&numbers.crew);
    boom_chan_free(numbers.queue);
    boom_group_free(numbers.crew.group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_bad_options),
        cmocka_unit_test(test_every_task_runs_once),
        cmocka_unit_test(test_full_and_cancelled_submit),
        cmocka_unit_test(test_drain_cut_off_cancels_the_tasks),
        cmocka_unit_test(test_grows_while_tasks_wait),
        cmocka_unit_test(test_shrinks_after_idleness_and_grows_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
