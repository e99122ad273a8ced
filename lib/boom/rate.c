/* SPDX-License-Identifier: MIT */
/*
 * The token bucket, in whole numbers.
 *
 * What is in the bucket is level + part / per_ns tokens, 0 <= part < per_ns: exact, so nothing is
 * gained or lost by rounding however often it is looked at. In each nanosecond limit.tokens parts
 * come in. tokens × per_ns fits int64_t (limit_is_valid()), which bounds the products of remainders
 * below; products of quotients saturate, and mean "more than the burst" or "never".
 *
 * A reservation lowers the level at once, below zero if need be; its time is when the level would
 * be zero again. One that is cancelled gives back only what was not reserved after it: those behind
 * it keep their times, and a newcomer that got its place would act together with them.
 */
#include <boom/rate.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lock.h"

struct boom_rate {
    struct boom_clock clock; /* constant, as the next */
    bool has_clock;
    pthread_mutex_t lock; /* everything below; the clock is read inside */
    struct boom_limit limit;
    int64_t burst;
    int64_t level, part;
    int64_t at_ns;   /* when level and part were true */
    uint64_t issued; /* tokens ever given out, less those that the last reservation gave back */
};

static bool is_infinite(const struct boom_limit *limit)
{
    return limit->per_ns == 0;
}

static int64_t saturated_mul(int64_t a, int64_t b)
{
    int64_t product;

    return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

static int64_t saturated_add(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t greatest_common_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;

        a = b;
        b = rest;
    }
    return a;
}

static bool limit_is_valid(const struct boom_limit *limit)
{
    int64_t product;

    return limit->tokens >= 0 && limit->per_ns >= 0 &&
           !__builtin_mul_overflow(limit->tokens, limit->per_ns, &product);
}

/* In lowest terms, unless it has negative ones. */
static struct boom_limit reduced(struct boom_limit limit)
{
    int64_t divisor;

    if (limit.tokens < 0 || limit.per_ns <= 0)
        return limit;
    divisor = greatest_common_divisor(limit.per_ns, limit.tokens);
    return (struct boom_limit){limit.tokens / divisor, limit.per_ns / divisor};
}

static int64_t now_ns(const struct boom_rate *rate)
{
    return boom_clock_now_ns(rate->has_clock ? &rate->clock : NULL);
}

int boom_rate_new(struct boom_limit limit, int64_t burst, const struct boom_clock *clock,
                  struct boom_rate **ret_rate)
{
    struct boom_rate *rate;

    limit = reduced(limit);
    if (!limit_is_valid(&limit) || burst < 0)
        return -EINVAL;
    rate = calloc(1, sizeof(*rate));
    if (!rate)
        return -ENOMEM;
    if (clock) {
        rate->clock = *clock;
        rate->has_clock = true;
    }
    pthread_mutex_init(&rate->lock, NULL);
    rate->limit = limit;
    rate->level = rate->burst = burst;
    rate->at_ns = now_ns(rate);
    *ret_rate = rate;
    return 0;
}

struct boom_rate *boom_rate_free(struct boom_rate *rate)
{
    if (!rate)
        return NULL;
    pthread_mutex_destroy(&rate->lock);
    free(rate);
    return NULL;
}

static void cap_locked(struct boom_rate *rate)
{
    if (rate->level < rate->burst)
        return;
    rate->level = rate->burst;
    rate->part = 0;
}

/* What has come in since the bucket was last looked at. */
static void gain_locked(struct boom_rate *rate, int64_t elapsed_ns)
{
    const struct boom_limit *limit = &rate->limit;
    int64_t whole = saturated_mul(elapsed_ns / limit->per_ns, limit->tokens);
    /* The product is below tokens × per_ns; the part goes in after the division, not to overflow.
     */
    int64_t parts = elapsed_ns % limit->per_ns * limit->tokens;
    int64_t part = parts % limit->per_ns;

    whole = saturated_add(whole, parts / limit->per_ns);
    if (part >= limit->per_ns - rate->part) {
        whole = saturated_add(whole, 1);
        rate->part -= limit->per_ns - part;
    } else {
        rate->part += part;
    }
    rate->level = saturated_add(rate->level, whole);
}

/* Returns the time. */
static int64_t advance_locked(struct boom_rate *rate)
{
    int64_t now = now_ns(rate);

    if (is_infinite(&rate->limit))
        rate->level = rate->burst;
    else if (now > rate->at_ns)
        gain_locked(rate, now - rate->at_ns);
    if (now > rate->at_ns)
        rate->at_ns = now;
    cap_locked(rate);
    return rate->at_ns;
}

/* After how long the level will be zero, rounded up; INT64_MAX: never. */
static int64_t debt_ns(const struct boom_rate *rate, int64_t level)
{
    int64_t tokens = rate->limit.tokens, per_ns = rate->limit.per_ns;
    int64_t whole_ns, rest;

    if (level >= 0)
        return 0;
    if (tokens == 0 || level == INT64_MIN)
        return INT64_MAX;
    whole_ns = saturated_mul(-level / tokens, per_ns);
    rest = -level % tokens * per_ns - rate->part; /* parts; may be negative, above -per_ns */
    rest = rest > 0 ? (rest - 1) / tokens + 1 : rest / tokens;
    return saturated_add(whole_ns, rest);
}

/* Takes n tokens if they will have come by latest_ns. */
static int reserve_locked(struct boom_rate *rate, int64_t n, int64_t now, int64_t latest_ns,
                          struct boom_reservation *ret)
{
    int64_t level, at_ns;

    if (n < 0)
        return -EINVAL;
    *ret = (struct boom_reservation){.at_ns = now, .n = n, .infinite = is_infinite(&rate->limit)};
    if (ret->infinite)
        return 0;
    if (n > rate->burst)
        return -E2BIG;
    if (__builtin_sub_overflow(rate->level, n, &level))
        return -ETIMEDOUT;
    at_ns = saturated_add(now, debt_ns(rate, level));
    if (at_ns > latest_ns || at_ns == INT64_MAX)
        return -ETIMEDOUT;
    rate->level = level;
    rate->issued += (uint64_t)n;
    ret->at_ns = at_ns;
    ret->issued = rate->issued;
    return 0;
}

bool boom_rate_allow(struct boom_rate *rate, int64_t n)
{
    struct boom_reservation reservation;
    int64_t now;
    int r;

    boom_lock(&rate->lock);
    now = advance_locked(rate);
    r = reserve_locked(rate, n, now, now, &reservation);
    boom_unlock(&rate->lock);
    return r == 0;
}

/* ret_now: when it was made. */
static int reserve(struct boom_rate *rate, int64_t n, int64_t latest_ns, int64_t *ret_now,
                   struct boom_reservation *ret)
{
    int r;

    boom_lock(&rate->lock);
    *ret_now = advance_locked(rate);
    r = reserve_locked(rate, n, *ret_now, latest_ns, ret);
    boom_unlock(&rate->lock);
    return r;
}

int boom_rate_reserve(struct boom_rate *rate, int64_t n, struct boom_reservation *ret_reservation)
{
    struct boom_reservation reservation;
    int64_t now;
    int r = reserve(rate, n, INT64_MAX, &now, &reservation);

    if (r == 0)
        *ret_reservation = reservation;
    return r;
}

void boom_rate_cancel(struct boom_rate *rate, const struct boom_reservation *reservation)
{
    uint64_t n = (uint64_t)reservation->n, later;

    if (reservation->infinite)
        return;
    boom_lock(&rate->lock);
    later = rate->issued - reservation->issued;
    if (advance_locked(rate) <= reservation->at_ns && later < n) {
        rate->level = saturated_add(rate->level, (int64_t)(n - later));
        if (later == 0)
            rate->issued -= n;
        cap_locked(rate);
    }
    boom_unlock(&rate->lock);
}

int boom_rate_wait(struct boom_rate *rate, struct boom_ctx *ctx, int64_t n)
{
    struct boom_reservation reservation;
    int64_t now;
    int r = boom_ctx_err(ctx);

    if (r < 0)
        return r;
    r = reserve(rate, n, boom_ctx_deadline(ctx), &now, &reservation);
    if (r < 0 || reservation.at_ns <= now)
        return r;
    r = boom_clock_wait_until(rate->has_clock ? &rate->clock : NULL, ctx, reservation.at_ns);
    if (r < 0)
        boom_rate_cancel(rate, &reservation);
    return r;
}

int boom_rate_set_limit(struct boom_rate *rate, struct boom_limit limit)
{
    limit = reduced(limit);
    if (!limit_is_valid(&limit))
        return -EINVAL;
    boom_lock(&rate->lock);
    advance_locked(rate);
    rate->limit = limit;
    rate->part = 0; /* less than a token, in parts of another size */
    boom_unlock(&rate->lock);
    return 0;
}

int boom_rate_set_burst(struct boom_rate *rate, int64_t burst)
{
    if (burst < 0)
        return -EINVAL;
    boom_lock(&rate->lock);
    advance_locked(rate);
    rate->burst = burst;
    cap_locked(rate);
    boom_unlock(&rate->lock);
    return 0;
}

struct boom_limit boom_rate_limit(struct boom_rate *rate)
{
    struct boom_limit limit;

    boom_lock(&rate->lock);
    limit = rate->limit;
    boom_unlock(&rate->lock);
    return limit;
}

int64_t boom_rate_burst(struct boom_rate *rate)
{
    int64_t burst;

    boom_lock(&rate->lock);
    burst = rate->burst;
    boom_unlock(&rate->lock);
    return burst;
}

int64_t boom_rate_tokens(struct boom_rate *rate)
{
    int64_t level;

    boom_lock(&rate->lock);
    advance_locked(rate);
    level = rate->level;
    boom_unlock(&rate->lock);
    return level;
}
