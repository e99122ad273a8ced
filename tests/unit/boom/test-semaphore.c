/* SPDX-License-Identifier: MIT */
#include <boom/semaphore.h>

#include "boom-test.h"

struct call {
    struct boom_semaphore *semaphore;
    struct boom_ctx *ctx;
    size_t n;
    atomic_int r;
};

enum { WAITING = 1 };

static void *acquire(void *arg)
{
    struct call *call = arg;

    call->r = boom_semaphore_acquire(call->semaphore, call->ctx, call->n);
    return NULL;
}

static struct boom_semaphore *new_semaphore(size_t size)
{
    struct boom_semaphore *semaphore;

    assert_int_equal(boom_semaphore_new(size, &semaphore), 0);
    return semaphore;
}

static struct boom_semaphore_stats stats_of(struct boom_semaphore *semaphore)
{
    struct boom_semaphore_stats stats;

    boom_semaphore_get_stats(semaphore, &stats);
    return stats;
}

/* Waits in the queue when this returns. */
static pthread_t spawn_request(struct call *call, struct boom_semaphore *semaphore, size_t n)
{
    size_t before = stats_of(semaphore).waiting;
    pthread_t thread;

    *call = (struct call){.semaphore = semaphore, .ctx = call->ctx, .n = n};
    call->r = WAITING;
    thread = spawn(acquire, call);
    AWAIT(stats_of(semaphore).waiting == before + 1);
    return thread;
}

static void test_units_are_counted(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(5);

    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 3), 0);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 3), -EBUSY);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 2), 0);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 1), -EBUSY);
    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 0), 0);
    assert_int_equal(boom_semaphore_release(semaphore, 6), -EINVAL);
    assert_int_equal(stats_of(semaphore).held, 5);
    assert_int_equal(boom_semaphore_release(semaphore, 5), 0);
    assert_int_equal(boom_semaphore_release(semaphore, 1), -EINVAL);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, SIZE_MAX), -EBUSY);
    boom_semaphore_free(semaphore);
    assert_null(boom_semaphore_free(NULL));
}

static void test_a_context_that_is_over(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(5);
    struct boom_ctx *cancelled, *late;

    assert_int_equal(boom_ctx_with_cancel(NULL, &cancelled), 0);
    boom_ctx_cancel(cancelled, 0);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns() + 1000000, &late), 0);
    assert_int_equal(boom_semaphore_acquire(semaphore, cancelled, 1), -ECANCELED);
    assert_int_equal(boom_semaphore_acquire(semaphore, late, 6), -ETIMEDOUT); /* Go's rule */
    assert_int_equal(stats_of(semaphore).held, 0);
    assert_int_equal(stats_of(semaphore).waiting, 0);
    boom_ctx_unref(cancelled);
    boom_ctx_unref(late);
    boom_semaphore_free(semaphore);
}

static void test_a_large_request_is_not_overtaken(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(4);
    struct call large = {0}, small = {0};
    pthread_t a, b;

    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 2), 0);
    a = spawn_request(&large, semaphore, 4);
    b = spawn_request(&small, semaphore, 1);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 1), -EBUSY);
    assert_int_equal(boom_semaphore_release(semaphore, 1), 0);
    assert_int_equal(stats_of(semaphore).waiting, 2);
    assert_int_equal(boom_semaphore_release(semaphore, 1), 0);
    join(a);
    assert_int_equal(large.r, 0);
    assert_int_equal(small.r, WAITING);
    assert_int_equal(boom_semaphore_release(semaphore, 4), 0);
    join(b);
    assert_int_equal(small.r, 0);
    assert_int_equal(stats_of(semaphore).held, 1);
    boom_semaphore_free(semaphore);
}

/* Who gives up at the head of the queue lets those behind it go who fit. */
static void test_who_gives_up_makes_way(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(4);
    struct boom_ctx *ctx;
    struct call large, small[2] = {{0}, {0}};
    pthread_t a, b[2];

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    large.ctx = ctx;
    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 2), 0);
    a = spawn_request(&large, semaphore, 3);
    for (int i = 0; i < 2; i++)
        b[i] = spawn_request(&small[i], semaphore, 1);
    boom_ctx_cancel(ctx, 0);
    join(a);
    assert_int_equal(large.r, -ECANCELED);
    for (int i = 0; i < 2; i++) {
        join(b[i]);
        assert_int_equal(small[i].r, 0);
    }
    assert_int_equal(stats_of(semaphore).held, 4);
    boom_ctx_unref(ctx);
    boom_semaphore_free(semaphore);
}

/* A request above the size is in nobody's way, and is served in its place when the size grows. */
static void test_a_request_above_the_size(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(2);
    struct call huge = {0}, small = {0};
    pthread_t a, b;

    a = spawn_request(&huge, semaphore, 3);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 1), 0);
    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 1), 0);
    b = spawn_request(&small, semaphore, 1);
    boom_semaphore_resize(semaphore, 3); /* now huge is first, and one unit is free */
    assert_int_equal(small.r, WAITING);
    assert_int_equal(stats_of(semaphore).waiting, 2);
    assert_int_equal(boom_semaphore_release(semaphore, 2), 0);
    join(a);
    assert_int_equal(huge.r, 0);
    assert_int_equal(boom_semaphore_release(semaphore, 3), 0);
    join(b);
    boom_semaphore_free(semaphore);
}

static void test_shrink_below_what_is_held_and_wanted(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(4);
    struct call large = {0}, small = {0};
    pthread_t a, b;

    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 4), 0);
    a = spawn_request(&large, semaphore, 3);
    b = spawn_request(&small, semaphore, 1);
    boom_semaphore_resize(semaphore, 2);
    assert_int_equal(stats_of(semaphore).held, 4);
    assert_int_equal(boom_semaphore_release(semaphore, 2), 0);
    assert_int_equal(stats_of(semaphore).waiting, 2);
    assert_int_equal(boom_semaphore_try_acquire(semaphore, 1), -EBUSY);
    assert_int_equal(boom_semaphore_release(semaphore, 1), 0); /* large steps aside */
    join(b);
    assert_int_equal(small.r, 0);
    assert_int_equal(large.r, WAITING);
    boom_semaphore_resize(semaphore, 5);
    join(a);
    assert_int_equal(stats_of(semaphore).held, 5);
    boom_semaphore_free(semaphore);
}

static void test_shrinking_alone_serves(void **state)
{
    struct boom_semaphore *semaphore = new_semaphore(4);
    struct call large = {0}, small = {0};
    pthread_t a, b;

    assert_int_equal(boom_semaphore_acquire(semaphore, NULL, 1), 0);
    a = spawn_request(&large, semaphore, 4);
    b = spawn_request(&small, semaphore, 1);
    boom_semaphore_resize(semaphore, 3);
    join(b);
    boom_semaphore_resize(semaphore, 6);
    join(a);
    boom_semaphore_free(semaphore);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units_are_counted),
        cmocka_unit_test(test_a_context_that_is_over),
        cmocka_unit_test(test_a_large_request_is_not_overtaken),
        cmocka_unit_test(test_who_gives_up_makes_way),
        cmocka_unit_test(test_a_request_above_the_size),
        cmocka_unit_test(test_shrink_below_what_is_held_and_wanted),
        cmocka_unit_test(test_shrinking_alone_serves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
