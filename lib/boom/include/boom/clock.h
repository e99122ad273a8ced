/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CLOCK_H
#define BOOM_CLOCK_H

/*
 * Clock: where rate.h and retry.h get the time from and wait. The real one is CLOCK_MONOTONIC; a test
 * gives them one that it owns.
 */

#include <stdint.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* The functions are called by any thread; what they are called with is `arg`. */
struct boom_clock {
    /* Nanoseconds, at least 0, on the scale of the deadlines of contexts. Never goes back. */
    int64_t (*now_ns)(void *arg);
    /* Returns 0 once it is until_ns or later, or the error of ctx as soon as that is over. */
    int (*wait_until)(void *arg, struct boom_ctx *ctx, int64_t until_ns);
    void *arg;
};

/* What the clock says; NULL means the real one. */
int64_t boom_clock_now_ns(const struct boom_clock *clock);
/*
 * Waits until until_ns. Returns 0, or the error of ctx: as soon as it is cancelled, and -ETIMEDOUT
 * at its deadline, where that comes first.
 */
int boom_clock_wait_until(const struct boom_clock *clock, struct boom_ctx *ctx, int64_t until_ns);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
