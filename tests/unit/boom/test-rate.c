/* SPDX-License-Identifier: MIT */
/* The token bucket, against Go's rules. */
#include <boom/rate.h>

#include "test-clock.h"

static const int64_t SECOND = 1000000000;

static struct test_clock test_clock;

static int setup(void **state)
{
    test_clock_init(&test_clock);
    return 0;
}

static int teardown(void **state)
{
    test_clock_deinit(&test_clock);
    return 0;
}

static struct boom_rate *new_rate(struct boom_limit limit, int64_t burst)
{
    struct boom_rate *rate;

    assert_int_equal(boom_rate_new(limit, burst, &test_clock.clock, &rate), 0);
    return rate;
}

static void pass(int64_t ns)
{
    test_clock.now_ns += ns;
}

static void test_refuses_bad_limits(void **state)
{
    struct boom_rate *rate;

    assert_int_equal(boom_rate_new((struct boom_limit){-1, 1}, 1, NULL, &rate), -EINVAL);
    assert_int_equal(boom_rate_new((struct boom_limit){1, -1}, 1, NULL, &rate), -EINVAL);
    assert_int_equal(boom_rate_new((struct boom_limit){INT64_MIN, INT64_MIN}, 1, NULL, &rate),
                     -EINVAL);
    assert_int_equal(boom_rate_new((struct boom_limit){1, 1}, -1, NULL, &rate), -EINVAL);
    assert_int_equal(boom_rate_new((struct boom_limit){INT64_MAX, INT64_MAX - 1}, 1, NULL, &rate),
                     -EINVAL);
    /* in lowest terms 1 / 1 */
    assert_int_equal(boom_rate_new((struct boom_limit){INT64_MAX, INT64_MAX}, 1, NULL, &rate), 0);
    assert_int_equal(boom_rate_limit(rate).tokens, 1);
    assert_int_equal(boom_rate_set_limit(rate, (struct boom_limit){0, -1}), -EINVAL);
    assert_int_equal(boom_rate_set_burst(rate, -1), -EINVAL);
    assert_null(boom_rate_free(rate));
    assert_null(boom_rate_free(NULL));
}

static void test_allows_the_burst_then_the_limit(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_per_second(10), 3);

    for (int i = 0; i < 3; i++)
        assert_true(boom_rate_allow(rate, 1));
    assert_false(boom_rate_allow(rate, 1));
    pass(SECOND / 10 - 1);
    assert_false(boom_rate_allow(rate, 1));
    pass(1);
    assert_true(boom_rate_allow(rate, 1));
    assert_false(boom_rate_allow(rate, 1));
    pass(100 * SECOND);
    assert_int_equal(boom_rate_tokens(rate), 3);
    assert_false(boom_rate_allow(rate, 4));
    assert_true(boom_rate_allow(rate, 3));
    assert_true(boom_rate_allow(rate, 0));
    assert_false(boom_rate_allow(rate, -1));
    boom_rate_free(rate);
}

/* A rate of 7 in 3 ns looked at each nanosecond, or of 1 in 3: nothing is lost by rounding. */
static void test_is_exact_however_often_it_is_looked_at(void **state)
{
    struct boom_rate *rate = new_rate((struct boom_limit){1, 3}, 1000);

    assert_true(boom_rate_allow(rate, 1000));
    for (int i = 1; i <= 2999; i++) {
        pass(1);
        assert_int_equal(boom_rate_tokens(rate), i / 3);
    }
    boom_rate_free(rate);
    rate = new_rate((struct boom_limit){7, 3}, 100000);
    assert_true(boom_rate_allow(rate, 100000));
    for (int i = 1; i <= 2999; i++) {
        pass(1);
        assert_int_equal(boom_rate_tokens(rate), i * 7 / 3);
    }
    boom_rate_free(rate);
}

static void test_zero_limit_gives_only_what_is_there(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_per_second(0), 2);
    struct boom_reservation reservation;

    assert_int_equal(boom_rate_wait(rate, NULL, 1), 0);
    pass(1000 * SECOND);
    assert_true(boom_rate_allow(rate, 1));
    assert_int_equal(boom_rate_wait(rate, NULL, 1), -ETIMEDOUT);
    assert_int_equal(boom_rate_reserve(rate, 1, &reservation), -ETIMEDOUT);
    assert_int_equal(boom_rate_wait(rate, NULL, 3), -E2BIG);
    boom_rate_free(rate);
}

static void test_infinite_limit_ignores_the_burst(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_infinite(), 0);
    struct boom_reservation reservation;

    assert_true(boom_rate_allow(rate, INT64_MAX));
    assert_int_equal(boom_rate_wait(rate, NULL, INT64_MAX), 0);
    assert_int_equal(boom_rate_reserve(rate, INT64_MAX, &reservation), 0);
    assert_int_equal(reservation.at_ns, test_clock.now_ns);
    boom_rate_cancel(rate, &reservation);
    assert_int_equal(boom_rate_wait(rate, NULL, -1), -EINVAL);
    assert_int_equal(test_clock.n_waits, 0);
    /* and then is full, as in Go */
    assert_int_equal(boom_rate_set_burst(rate, 5), 0);
    assert_int_equal(boom_rate_set_limit(rate, boom_limit_per_second(1)), 0);
    assert_true(boom_rate_allow(rate, 5));
    assert_false(boom_rate_allow(rate, 1));
    boom_rate_free(rate);
}

static void test_reservations_queue_up(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_per_second(2), 4);
    struct boom_reservation reservation;
    int64_t t0 = test_clock.now_ns;

    assert_int_equal(boom_rate_reserve(rate, 5, &reservation), -E2BIG);
    assert_int_equal(boom_rate_reserve(rate, -1, &reservation), -EINVAL);
    assert_int_equal(boom_rate_reserve(rate, 4, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, 0);
    assert_int_equal(boom_rate_reserve(rate, 1, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, SECOND / 2);
    assert_int_equal(boom_rate_reserve(rate, 4, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, SECOND * 5 / 2);
    assert_int_equal(boom_rate_tokens(rate), -5);
    assert_false(boom_rate_allow(rate, 1));
    boom_rate_free(rate);
}

static void test_rounds_the_time_up(void **state)
{
    struct boom_rate *rate = new_rate((struct boom_limit){3, 10}, 3);
    struct boom_reservation reservation;
    int64_t t0 = test_clock.now_ns;

    assert_true(boom_rate_allow(rate, 3));
    assert_int_equal(boom_rate_reserve(rate, 1, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, 4); /* 3.33 */
    pass(1);                                     /* 0.3 of a token are there */
    assert_int_equal(boom_rate_reserve(rate, 1, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, 7); /* 6.67 */
    boom_rate_free(rate);
}

static void test_cancel_gives_back_what_nobody_is_behind(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_per_second(1), 10);
    struct boom_reservation first, second, third;

    assert_true(boom_rate_allow(rate, 10));
    assert_int_equal(boom_rate_reserve(rate, 5, &first), 0);
    assert_int_equal(boom_rate_reserve(rate, 2, &second), 0);
    boom_rate_cancel(rate, &first); /* two were reserved behind it */
    assert_int_equal(boom_rate_tokens(rate), -4);
    boom_rate_cancel(rate, &second);
    assert_int_equal(boom_rate_tokens(rate), -2);
    assert_int_equal(boom_rate_reserve(rate, 1, &third), 0);
    pass(4 * SECOND);
    boom_rate_cancel(rate, &third); /* too late */
    assert_int_equal(boom_rate_tokens(rate), 1);
    boom_rate_free(rate);

    rate = new_rate(boom_limit_per_second(1), 10);
    assert_int_equal(boom_rate_reserve(rate, 2, &first), 0);
    assert_int_equal(boom_rate_reserve(rate, 5, &second), 0);
    boom_rate_cancel(rate, &first); /* more than that was reserved behind it */
    assert_int_equal(boom_rate_tokens(rate), 3);
    boom_rate_free(rate);

    rate = new_rate(boom_limit_per_second(1), 10);
    assert_int_equal(boom_rate_reserve(rate, 7, &first), 0);
    boom_rate_cancel(rate, &first); /* now is not too late */
    assert_int_equal(boom_rate_tokens(rate), 10);
    boom_rate_free(rate);
}

static void test_wait_takes_its_time(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_every_ns(SECOND), 2);
    int64_t t0 = test_clock.now_ns;

    for (int i = 0; i < 5; i++)
        assert_int_equal(boom_rate_wait(rate, NULL, 1), 0);
    assert_int_equal(test_clock.now_ns - t0, 3 * SECOND);
    assert_int_equal(test_clock.n_waits, 3);
    boom_rate_free(rate);
}

static void test_wait_fails_at_once_before_a_deadline_it_cannot_meet(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_every_ns(SECOND), 1);
    struct boom_ctx *ctx;

    assert_true(boom_rate_allow(rate, 1));
    assert_int_equal(boom_ctx_with_deadline(NULL, test_clock.now_ns + SECOND - 1, &ctx), 0);
    assert_int_equal(boom_rate_wait(rate, ctx, 1), -ETIMEDOUT);
    assert_int_equal(test_clock.n_waits, 0);
    assert_int_equal(boom_rate_tokens(rate), 0); /* nothing was taken */
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_deadline(NULL, test_clock.now_ns + SECOND, &ctx), 0);
    assert_int_equal(boom_rate_wait(rate, ctx, 1), 0);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(boom_rate_wait(rate, ctx, 0), -ECANCELED);
    boom_ctx_unref(ctx);
    boom_rate_free(rate);
}

struct waiting {
    struct boom_rate *rate;
    struct boom_ctx *ctx;
    int r;
};

static void *wait_for_one(void *arg)
{
    struct waiting *waiting = arg;

    waiting->r = boom_rate_wait(waiting->rate, waiting->ctx, 1);
    return NULL;
}

static void test_cancelled_wait_gives_its_tokens_back(void **state)
{
    struct waiting waiting = {.rate = new_rate(boom_limit_every_ns(SECOND), 1)};
    pthread_t thread;

    test_clock.held = true;
    assert_int_equal(boom_ctx_with_cancel(NULL, &waiting.ctx), 0);
    assert_true(boom_rate_allow(waiting.rate, 1));
    thread = spawn(wait_for_one, &waiting);
    AWAIT(test_clock.n_waits == 1);
    assert_int_equal(boom_rate_tokens(waiting.rate), -1);
    boom_ctx_cancel(waiting.ctx, -EIO);
    join(thread);
    assert_int_equal(waiting.r, -ECANCELED);
    assert_int_equal(boom_rate_tokens(waiting.rate), 0);
    boom_ctx_unref(waiting.ctx);
    boom_rate_free(waiting.rate);
}

static void test_real_clock_wakes_on_cancel_and_at_time(void **state)
{
    struct waiting waiting = {.r = 1};
    int64_t t0 = boom_now_ns();
    pthread_t thread;

    assert_int_equal(boom_rate_new(boom_limit_every_ns(1000000), 1, NULL, &waiting.rate), 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(boom_rate_wait(waiting.rate, NULL, 1), 0);
    assert_true(boom_now_ns() - t0 >= 3000000);
    assert_int_equal(boom_rate_set_limit(waiting.rate, boom_limit_every_ns(3600 * SECOND)), 0);
    assert_int_equal(boom_rate_set_burst(waiting.rate, 5), 0);
    while (boom_rate_allow(waiting.rate, 1))
        ;
    assert_int_equal(boom_ctx_with_cancel(NULL, &waiting.ctx), 0);
    thread = spawn(wait_for_one, &waiting);
    AWAIT(boom_rate_tokens(waiting.rate) == -1);
    boom_ctx_cancel(waiting.ctx, 0);
    join(thread);
    assert_int_equal(waiting.r, -ECANCELED);
    boom_ctx_unref(waiting.ctx);
    boom_rate_free(waiting.rate);
}

static void test_set_limit_holds_from_now_on(void **state)
{
    struct boom_rate *rate = new_rate(boom_limit_per_second(1), 10);
    struct boom_reservation reservation;
    int64_t t0 = test_clock.now_ns;

    assert_true(boom_rate_allow(rate, 10));
    pass(3 * SECOND);
    assert_int_equal(boom_rate_set_limit(rate, boom_limit_per_second(100)), 0);
    assert_int_equal(boom_rate_tokens(rate), 3);
    assert_int_equal(boom_rate_limit(rate).tokens * 10000000, boom_rate_limit(rate).per_ns);
    assert_int_equal(boom_rate_reserve(rate, 5, &reservation), 0);
    assert_int_equal(reservation.at_ns - t0, 3 * SECOND + SECOND / 50);
    pass(SECOND);
    assert_int_equal(boom_rate_tokens(rate), 10);
    assert_int_equal(boom_rate_set_burst(rate, 4), 0);
    assert_int_equal(boom_rate_burst(rate), 4);
    assert_int_equal(boom_rate_tokens(rate), 4);
    boom_rate_free(rate);
}

static void test_extremes_do_not_overflow(void **state)
{
    struct boom_rate *rate = new_rate((struct boom_limit){INT64_MAX, 1}, INT64_MAX);
    struct boom_reservation reservation;

    assert_true(boom_rate_allow(rate, INT64_MAX));
    pass(1);
    assert_true(boom_rate_allow(rate, INT64_MAX));
    test_clock.now_ns = INT64_MAX - 1;
    assert_true(boom_rate_allow(rate, INT64_MAX));
    boom_rate_free(rate);

    test_clock.now_ns = 0;
    rate = new_rate((struct boom_limit){1, INT64_MAX}, INT64_MAX);
    assert_true(boom_rate_allow(rate, INT64_MAX));
    assert_int_equal(boom_rate_wait(rate, NULL, 1), -ETIMEDOUT); /* only at the end of time */
    assert_int_equal(boom_rate_wait(rate, NULL, INT64_MAX), -ETIMEDOUT);
    test_clock.now_ns = INT64_MAX - 1;
    assert_int_equal(boom_rate_tokens(rate), 0);
    test_clock.now_ns = INT64_MAX;
    assert_int_equal(boom_rate_tokens(rate), 1);
    boom_rate_free(rate);

    test_clock.now_ns = 0;
    rate = new_rate((struct boom_limit){INT64_MAX, 1}, INT64_MAX);
    for (int i = 0; i < 2; i++)
        assert_int_equal(boom_rate_reserve(rate, INT64_MAX, &reservation), 0);
    assert_int_equal(reservation.at_ns, 1);
    assert_int_equal(boom_rate_reserve(rate, INT64_MAX, &reservation), -ETIMEDOUT);
    boom_rate_free(rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refuses_bad_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_allows_the_burst_then_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_is_exact_however_often_it_is_looked_at, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_zero_limit_gives_only_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_infinite_limit_ignores_the_burst, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reservations_queue_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rounds_the_time_up, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel_gives_back_what_nobody_is_behind, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_wait_takes_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wait_fails_at_once_before_a_deadline_it_cannot_meet,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancelled_wait_gives_its_tokens_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_real_clock_wakes_on_cancel_and_at_time, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_set_limit_holds_from_now_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_extremes_do_not_overflow, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
