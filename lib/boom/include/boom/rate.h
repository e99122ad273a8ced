/* SPDX-License-Identifier: MIT */
#ifndef BOOM_RATE_H
#define BOOM_RATE_H

/*
 * Rate limiter: a bucket of tokens (Go: golang.org/x/time/rate, whose rules these are).
 *
 *        limit: tokens in time
 *              │
 *              ▼
 *       ╲  ●  ●  ●  ╱   holds `burst` at most, and is full at first;
 *        ╲ ●  ●  ● ╱    below empty is a debt: tokens that were given out before they came
 *         ╲───────╱
 *              │
 *              ▼  n tokens an event: now or not at all (allow), at a later time (reserve, wait)
 *
 * In any span of time no more than burst + limit × span tokens are given out. Requests are served in the
 * order in which they come: a reservation is made at once, for a time that is then fixed. So a limit
 * that is changed while others wait holds for the requests that come after; those who have their time
 * keep it.
 *
 * All functions may be called from any thread; only boom_rate_wait() blocks.
 */

#include <stdbool.h>
#include <stdint.h>
#include <boom/clock.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_rate;

/*
 * tokens (0 ..) in per_ns (1 ..) nanoseconds, exactly: {1, 3} is a third of a token each nanosecond.
 * per_ns 0: no limit. tokens 0: nothing comes any more, what is in the bucket may still be taken.
 * Once reduced to its lowest terms, tokens × per_ns must fit int64_t.
 */
struct boom_limit {
    int64_t tokens;
    int64_t per_ns;
};

static inline struct boom_limit boom_limit_per_second(int64_t tokens)
{
    struct boom_limit limit = {tokens, 1000000000};

    return limit;
}

/* One token every so many nanoseconds. */
static inline struct boom_limit boom_limit_every_ns(int64_t per_ns)
{
    struct boom_limit limit = {1, per_ns};

    return limit;
}

static inline struct boom_limit boom_limit_infinite(void)
{
    struct boom_limit limit = {0, 0};

    return limit;
}

/*
 * burst: tokens that the bucket holds (0 .., of no meaning with an infinite limit). clock: copied; NULL
 * for the real one. Returns 0, -EINVAL, -ENOMEM.
 */
int boom_rate_new(struct boom_limit limit, int64_t burst, const struct boom_clock *clock,
                  struct boom_rate **ret_rate);
/* Nobody may wait. Returns NULL. NULL is allowed. */
struct boom_rate *boom_rate_free(struct boom_rate *rate);

/* True: n (0 ..) tokens were there, and are taken. False: nothing was taken. */
bool boom_rate_allow(struct boom_rate *rate, int64_t n);

/*
 * Waits until n (0 ..) tokens are there for this call, and takes them. Returns 0; -E2BIG: n is more
 * than burst, so it would never be; -EINVAL: n is negative; or the error of ctx. -ETIMEDOUT comes at
 * once, not at the deadline, when the tokens would come after it, or never. After an error the tokens are
 * given back, but for those that later reservations were timed behind.
 */
int boom_rate_wait(struct boom_rate *rate, struct boom_ctx *ctx, int64_t n);

/* Tokens that were taken for a moment to come. A value; forgetting it is allowed. */
struct boom_reservation {
    int64_t at_ns;   /* by the limiter's clock: the caller must not act before */
    int64_t n;       /* private from here on */
    uint64_t issued; /* by the limiter, including these */
    bool infinite;   /* nothing was taken */
};

/*
 * Takes n (0 ..) tokens in advance. Returns 0, -E2BIG, -EINVAL as above, -ETIMEDOUT (never: there are
 * too few, and the limit is zero).
 */
int boom_rate_reserve(struct boom_rate *rate, int64_t n, struct boom_reservation *ret_reservation);
/*
 * The caller will not act: gives the tokens back as far as no later reservation was timed behind
 * them. Once for each reservation; changes nothing once its time has come and gone.
 */
void boom_rate_cancel(struct boom_rate *rate, const struct boom_reservation *reservation);

/* For the requests from now on; what came in until now came by the old limit. 0, -EINVAL. */
int boom_rate_set_limit(struct boom_rate *rate, struct boom_limit limit);
/* What is in the bucket beyond it is lost. 0, -EINVAL. */
int boom_rate_set_burst(struct boom_rate *rate, int64_t burst);

struct boom_limit boom_rate_limit(struct boom_rate *rate);
int64_t boom_rate_burst(struct boom_rate *rate);
/* Whole tokens in the bucket now, rounded down; negative: the debt. */
int64_t boom_rate_tokens(struct boom_rate *rate);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
