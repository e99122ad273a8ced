/* SPDX-License-Identifier: MIT */
/* A pool that is resized while it runs, and what it says of its workers. */
#include <boom/chan.h>
#include <boom/pool.h>

#include "boom-test.h"

struct gate {
    sem_t entered, go_on;
    atomic_uint n_run;
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
    gate->n_run++;
}

static struct boom_pool *new_pool(unsigned min, unsigned max)
{
    struct boom_pool_options options = {
        .name = "pool", .workers_min = min, .workers_max = max, .queue = 32};
    struct boom_pool *pool;

    assert_int_equal(boom_pool_new(NULL, &options, &pool), 0);
    return pool;
}

static void end_pool(struct boom_pool *pool)
{
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    boom_pool_free(pool);
}

static unsigned n_workers(struct boom_pool *pool)
{
    struct boom_pool_stats stats;

    boom_pool_get_stats(pool, &stats);
    return stats.workers;
}

static void submit(struct boom_pool *pool, struct gate *gate, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(boom_pool_submit(pool, NULL, pass_gate, gate), 0);
}

struct count {
    unsigned n, n_busy, indexes;
    uint64_t n_tasks;
};

static void count_worker(void *arg, unsigned index, const char *what, int64_t since_ns,
                         uint64_t tasks)
{
    struct count *count = arg;

    assert_true(strcmp(what, "run") == 0 || strcmp(what, "idle") == 0);
    assert_true(since_ns > 0 && since_ns <= boom_now_ns());
    assert_false(count->indexes & 1u << index);
    count->indexes |= 1u << index;
    count->n++;
    count->n_busy += what[0] == 'r';
    count->n_tasks += tasks;
}

static struct count count_workers(struct boom_pool *pool)
{
    struct count count = {.n = 0};

    boom_pool_each_worker(pool, count_worker, &count);
    return count;
}

static void test_refuses_bad_bounds(void **state)
{
    struct boom_pool *pool = new_pool(1, 1);

    assert_int_equal(boom_pool_resize(pool, 0, 1), -EINVAL);
    assert_int_equal(boom_pool_resize(pool, 2, 1), -EINVAL);
    assert_int_equal(boom_pool_drain(pool, NULL), 0);
    assert_int_equal(boom_pool_resize(pool, 1, 2), -EPIPE);
    boom_pool_free(pool);
}

static void test_grows_to_min_at_once_and_the_idle_go_at_once(void **state)
{
    struct boom_pool *pool = new_pool(1, 1);

    assert_int_equal(boom_pool_resize(pool, 6, 8), 0);
    assert_int_equal(n_workers(pool), 6);
    AWAIT(count_workers(pool).n == 6);
    assert_int_equal(boom_pool_resize(pool, 2, 3), 0);
    AWAIT(n_workers(pool) == 3); /* they would stay for 10 s otherwise */
    AWAIT(count_workers(pool).n == 3);
    end_pool(pool);
}

static void test_what_waits_gets_the_new_workers(void **state)
{
    struct boom_pool *pool = new_pool(1, 1);
    struct gate gate;

    gate_init(&gate);
    submit(pool, &gate, 3);
    wait_sem(&gate.entered);
    assert_int_equal(boom_pool_resize(pool, 1, 3), 0);
    wait_sem(&gate.entered);
    wait_sem(&gate.entered);
    assert_int_equal(count_workers(pool).n_busy, 3);
    for (int i = 0; i < 3; i++)
        sem_post(&gate.go_on);
    end_pool(pool);
    assert_int_equal(gate.n_run, 3);
}

static void test_the_busy_go_after_their_task(void **state)
{
    struct boom_pool *pool = new_pool(4, 4);
    struct boom_pool_stats stats;
    struct gate gate;

    gate_init(&gate);
    submit(pool, &gate, 10);
    for (int i = 0; i < 4; i++)
        wait_sem(&gate.entered);
    assert_int_equal(boom_pool_resize(pool, 1, 1), 0);
    assert_int_equal(n_workers(pool), 4);
    for (int i = 0; i < 3; i++)
        sem_post(&gate.go_on);
    AWAIT(n_workers(pool) == 1);
    boom_pool_get_stats(pool, &stats);
    assert_int_equal(stats.queued, 6); /* those who went took nothing with them */
    for (int i = 0; i < 7; i++)
        sem_post(&gate.go_on);
    end_pool(pool);
    assert_int_equal(gate.n_run, 10);
}

static void test_counts_the_tasks_of_each(void **state)
{
    struct boom_pool *pool = new_pool(2, 2);
    struct gate gate;

    gate_init(&gate);
    submit(pool, &gate, 5);
    for (int i = 0; i < 5; i++)
        sem_post(&gate.go_on);
    AWAIT(count_workers(pool).n_tasks == 5 && count_workers(pool).n_busy == 0);
    assert_int_equal(count_workers(pool).n, 2);
    end_pool(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_bad_bounds),
        cmocka_unit_test(test_grows_to_min_at_once_and_the_idle_go_at_once),
        cmocka_unit_test(test_what_waits_gets_the_new_workers),
        cmocka_unit_test(test_the_busy_go_after_their_task),
        cmocka_unit_test(test_counts_the_tasks_of_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
