/* SPDX-License-Identifier: MIT */
#ifndef BOOM_RETRY_H
#define BOOM_RETRY_H

/*
 * Retry: calls a function until it succeeds, with pauses between that grow and are random.
 *
 *   fn ✗ ── pause 0 .. base ── fn ✗ ── 0 .. 2 base ── fn ✗ ── 0 .. 4 base ── … 0 .. max_pause ── fn ✓
 *
 * The pauses are drawn evenly from zero up ("full jitter"), so that callers which failed together do
 * not come back together. A budget that callers share keeps retries from multiplying the load of a
 * service that is down. May be called from any thread.
 */

#include <stdbool.h>
#include <stdint.h>
#include <boom/clock.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * How many retries a service is spared: at any time
 *     retries <= calls × percent / 100 + reserve
 * over all callers that share the budget. What was not used is kept, up to reserve retries (but at
 * least one, and what one call earns). Any thread; never blocks.
 */
struct boom_retry_budget;

/* percent: 0 .. 1000; reserve: retries allowed at first (0 .. 1000000). Returns 0, -EINVAL, -ENOMEM. */
int boom_retry_budget_new(unsigned percent, unsigned reserve, struct boom_retry_budget **ret_budget);
/* Nobody may use it. Returns NULL. NULL is allowed. */
struct boom_retry_budget *boom_retry_budget_free(struct boom_retry_budget *budget);
/* For those who retry by themselves: a call begins. */
void boom_retry_budget_call(struct boom_retry_budget *budget);
/* True: one retry is granted, and spent. */
bool boom_retry_budget_take(struct boom_retry_budget *budget);

struct boom_retry_options {
    int64_t base_ns;         /* the longest first pause; doubles each time; 0: no pauses */
    int64_t max_pause_ns;    /* no pause is longer; 0: no limit */
    unsigned max_attempts;   /* calls of fn; 0: no limit */
    int64_t max_elapsed_ns;  /* no attempt begins later than this after the first; 0: no limit */
    /* Optional: true when err, a negative return of fn, will not go away. Default: none is. */
    bool (*is_permanent)(void *arg, int err);
    /* Optional: evenly distributed in 0 .. UINT64_MAX. Default: seeded by the kernel, for each call. */
    uint64_t (*random)(void *arg);
    void *arg;                        /* the first argument of the above */
    struct boom_retry_budget *budget; /* optional; borrowed */
    const struct boom_clock *clock;   /* NULL: the real one; borrowed */
};

/* 100 ms doubling to 10 s, five attempts. */
#ifdef __cplusplus
#define BOOM_RETRY_OPTIONS_DEFAULT                                                                 \
    ([] {                                                                                          \
        struct boom_retry_options options{};                                                       \
        options.base_ns = 100000000;                                                               \
        options.max_pause_ns = 10000000000;                                                        \
        options.max_attempts = 5;                                                                  \
        return options;                                                                            \
    }())
#else
#define BOOM_RETRY_OPTIONS_DEFAULT                                                                 \
    ((struct boom_retry_options){                                                                  \
        .base_ns = 100000000, .max_pause_ns = 10000000000, .max_attempts = 5})
#endif

enum boom_retry_end {
    BOOM_RETRY_SUCCESS,
    BOOM_RETRY_PERMANENT, /* fn returned more than 0, or is_permanent() said so */
    BOOM_RETRY_ATTEMPTS,  /* max_attempts were made */
    BOOM_RETRY_ELAPSED,   /* the pause would have gone beyond max_elapsed_ns */
    BOOM_RETRY_BUDGET,    /* the budget had nothing left */
    BOOM_RETRY_CONTEXT,   /* ctx is over, or will be before the pause is */
};

struct boom_retry_report {
    enum boom_retry_end end;
    unsigned attempts;  /* calls of fn */
    int last;           /* what the last of them returned; 0 when there was none */
    int64_t elapsed_ns; /* in all */
    int64_t paused_ns;  /* of which: pauses, as they were drawn, but for one cut off by ctx */
};

/*
 * Calls fn(ctx, arg, attempt), attempt = 1, 2, …, in the calling thread, until one ends it:
 *     0                  success: returns 0;
 *     more than 0        an outcome that trying again would not change: returned as it is;
 *     a negative errno   returned as it is when it is permanent or attempts, elapsed time or budget
 *                        are used up; else followed by a pause and the next attempt.
 * Returns the error of ctx when that is over before an attempt or ends a pause; -ETIMEDOUT at once,
 * without the pause, when it would last until the deadline of ctx. The report says what fn had.
 * options: NULL for the default. ret_report: always filled; may be NULL. Returns also -EINVAL:
 * a negative time in the options.
 */
int boom_retry(struct boom_ctx *ctx, const struct boom_retry_options *options,
               int (*fn)(struct boom_ctx *ctx, void *arg, unsigned attempt), void *arg,
               struct boom_retry_report *ret_report);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
