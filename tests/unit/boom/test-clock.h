/* SPDX-License-Identifier: MIT */
#ifndef TEST_CLOCK_H
#define TEST_CLOCK_H

/*
 * A clock that the test owns. It stands until it is set; a wait for it sets it at once, or, where
 * it is held, waits until the test has done so. It begins an hour from now, so that deadlines on it
 * are not over by the real clock.
 */

#include <boom/clock.h>

#include "boom-test.h"

struct test_clock {
    struct boom_clock clock; /* to be handed out */
    _Atomic int64_t now_ns;
    bool held;
    struct boom_chan *moves; /* held: an element lets one wait end */
    atomic_uint n_waits;
    _Atomic int64_t until_ns; /* of the last wait */
};

static int64_t test_clock_now(void *arg)
{
    return ((struct test_clock *)arg)->now_ns;
}

static int test_clock_wait(void *arg, struct boom_ctx *ctx, int64_t until_ns)
{
    struct test_clock *clock = arg;
    char move;
    int r = 0;

    clock->until_ns = until_ns;
    clock->n_waits++;
    if (clock->held)
        r = boom_chan_recv(clock->moves, ctx, &move);
    else if (boom_ctx_err(ctx) < 0)
        r = boom_ctx_err(ctx);
    else if (until_ns > clock->now_ns)
        clock->now_ns = until_ns;
    return r;
}

static inline void test_clock_init(struct test_clock *clock)
{
    memset(clock, 0, sizeof(*clock));
    clock->clock = (struct boom_clock){test_clock_now, test_clock_wait, clock};
    clock->now_ns = boom_now_ns() + INT64_C(3600000000000);
    assert_int_equal(boom_chan_new(1, 16, &clock->moves), 0);
}

static inline void test_clock_deinit(struct test_clock *clock)
{
    boom_chan_free(clock->moves);
}

#endif
