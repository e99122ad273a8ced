/* SPDX-License-Identifier: MIT */
#include <boom/clock.h>

#include "wait.h"

int64_t boom_clock_now_ns(const struct boom_clock *clock)
{
    return clock ? clock->now_ns(clock->arg) : boom_now_ns();
}

static int really_wait_until(struct boom_ctx *ctx, int64_t until_ns)
{
    struct waiter waiter;
    int r = boom_ctx_err(ctx);

    if (r < 0)
        return r;
    waiter_init(&waiter);
    r = waiter_wait(&waiter, ctx, until_ns);
    waiter_deinit(&waiter);
    return r == WAIT_DEADLINE ? 0 : r;
}

int boom_clock_wait_until(const struct boom_clock *clock, struct boom_ctx *ctx, int64_t until_ns)
{
    return clock ? clock->wait_until(clock->arg, ctx, until_ns) : really_wait_until(ctx, until_ns);
}
