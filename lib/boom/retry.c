/* SPDX-License-Identifier: MIT */
/*
 * A retry is a loop around three questions: is what fn said final, may there be another attempt,
 * and how long is the pause before it. The budget is asked last, so that nothing is spent on a
 * retry that something else forbids.
 */
#include <boom/retry.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/random.h>

#include "random.h"

enum { RETRY_COST = 100 }; /* in the budget's unit: a call earns `percent` of it */

struct boom_retry_budget {
    unsigned percent; /* constant */
    unsigned max;     /* constant; balance never goes above */
    atomic_uint balance;
};

int boom_retry_budget_new(unsigned percent, unsigned reserve, struct boom_retry_budget **ret_budget)
{
    struct boom_retry_budget *budget;

    if (percent > 1000 || reserve > 1000000)
        return -EINVAL;
    budget = calloc(1, sizeof(*budget));
    if (!budget)
        return -ENOMEM;
    budget->percent = percent;
    budget->max = reserve * RETRY_COST;
    if (budget->max < RETRY_COST)
        budget->max = RETRY_COST;
    if (budget->max < percent)
        budget->max = percent;
    atomic_init(&budget->balance, reserve * RETRY_COST);
    *ret_budget = budget;
    return 0;
}

struct boom_retry_budget *boom_retry_budget_free(struct boom_retry_budget *budget)
{
    free(budget);
    return NULL;
}

void boom_retry_budget_call(struct boom_retry_budget *budget)
{
    unsigned before = atomic_load_explicit(&budget->balance, memory_order_relaxed), after;

    do {
        after = before + budget->percent;
        if (after > budget->max)
            after = budget->max;
    } while (!atomic_compare_exchange_weak_explicit(&budget->balance, &before, after,
                                                    memory_order_relaxed, memory_order_relaxed));
}

bool boom_retry_budget_take(struct boom_retry_budget *budget)
{
    unsigned before = atomic_load_explicit(&budget->balance, memory_order_relaxed);

    while (before >= RETRY_COST)
        if (atomic_compare_exchange_weak_explicit(&budget->balance, &before, before - RETRY_COST,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    return false;
}

struct retry {
    struct boom_ctx *ctx;
    const struct boom_retry_options *options;
    struct boom_retry_report report;
    int64_t began_ns;
    int64_t ceiling_ns; /* of the next pause */
    uint64_t random;    /* splitmix64; 0: not seeded yet */
};

static bool are_valid(const struct boom_retry_options *options)
{
    return options->base_ns >= 0 && options->max_pause_ns >= 0 && options->max_elapsed_ns >= 0;
}

static uint64_t next_random(struct retry *retry)
{
    if (retry->random == 0 && getrandom(&retry->random, sizeof(retry->random), GRND_NONBLOCK) < 0)
        retry->random = (uint64_t)boom_now_ns();
    return random_next(&retry->random);
}

static int64_t draw_pause(struct retry *retry)
{
    const struct boom_retry_options *options = retry->options;
    uint64_t drawn;

    if (retry->ceiling_ns == 0)
        return 0;
    drawn = options->random ? options->random(options->arg) : next_random(retry);
    return (int64_t)(drawn % ((uint64_t)retry->ceiling_ns + 1));
}

static int64_t limited_ceiling(const struct boom_retry_options *options, int64_t ceiling_ns)
{
    int64_t max_ns = options->max_pause_ns > 0 ? options->max_pause_ns : INT64_MAX;

    return ceiling_ns < max_ns ? ceiling_ns : max_ns;
}

static void raise_ceiling(struct retry *retry)
{
    int64_t twice;

    if (__builtin_mul_overflow(retry->ceiling_ns, 2, &twice))
        twice = INT64_MAX;
    retry->ceiling_ns = limited_ceiling(retry->options, twice);
}

static int finish(struct retry *retry, enum boom_retry_end end, int r)
{
    retry->report.end = end;
    return r;
}

/* True: what fn said is the last word, and *ret is to be returned. */
static bool is_final(struct retry *retry, int r, int *ret)
{
    const struct boom_retry_options *options = retry->options;

    if (r == 0)
        *ret = finish(retry, BOOM_RETRY_SUCCESS, r);
    else if (r > 0 || (options->is_permanent && options->is_permanent(options->arg, r)))
        *ret = finish(retry, BOOM_RETRY_PERMANENT, r);
    else if (options->max_attempts > 0 && retry->report.attempts >= options->max_attempts)
        *ret = finish(retry, BOOM_RETRY_ATTEMPTS, r);
    else
        return false;
    return true;
}

/* After the failure r. Returns 0: the next attempt may begin; else what is to be returned. */
static int pause_after(struct retry *retry, int r)
{
    const struct boom_retry_options *options = retry->options;
    int64_t now = boom_clock_now_ns(options->clock), until, pause = draw_pause(retry);
    int waited;

    if (options->max_elapsed_ns > 0 && pause > options->max_elapsed_ns - (now - retry->began_ns))
        return finish(retry, BOOM_RETRY_ELAPSED, r);
    if (boom_ctx_err(retry->ctx) < 0)
        return finish(retry, BOOM_RETRY_CONTEXT, boom_ctx_err(retry->ctx));
    if (__builtin_add_overflow(now, pause, &until))
        until = INT64_MAX;
    if (until >= boom_ctx_deadline(retry->ctx) && boom_ctx_deadline(retry->ctx) != BOOM_NEVER)
        return finish(retry, BOOM_RETRY_CONTEXT, -ETIMEDOUT);
    if (options->budget && !boom_retry_budget_take(options->budget))
        return finish(retry, BOOM_RETRY_BUDGET, r);
    waited = pause > 0 ? boom_clock_wait_until(options->clock, retry->ctx, until) : 0;
    if (waited < 0)
        return finish(retry, BOOM_RETRY_CONTEXT, waited);
    retry->report.paused_ns += pause;
    raise_ceiling(retry);
    return 0;
}

static int try_until_final(struct retry *retry,
                           int (*fn)(struct boom_ctx *ctx, void *arg, unsigned attempt), void *arg)
{
    int r = boom_ctx_err(retry->ctx), ret;

    if (r < 0)
        return finish(retry, BOOM_RETRY_CONTEXT, r);
    for (;;) {
        r = fn(retry->ctx, arg, ++retry->report.attempts);
        retry->report.last = r;
        if (is_final(retry, r, &ret))
            return ret;
        r = pause_after(retry, r);
        if (r < 0)
            return r;
    }
}

int boom_retry(struct boom_ctx *ctx, const struct boom_retry_options *options,
               int (*fn)(struct boom_ctx *ctx, void *arg, unsigned attempt), void *arg,
               struct boom_retry_report *ret_report)
{
    static const struct boom_retry_options defaults = BOOM_RETRY_OPTIONS_DEFAULT;
    struct retry retry = {.ctx = ctx, .options = options ? options : &defaults};
    int r = -EINVAL;

    if (are_valid(retry.options)) {
        retry.began_ns = boom_clock_now_ns(retry.options->clock);
        retry.ceiling_ns = limited_ceiling(retry.options, retry.options->base_ns);
        if (retry.options->budget)
            boom_retry_budget_call(retry.options->budget);
        r = try_until_final(&retry, fn, arg);
        retry.report.elapsed_ns = boom_clock_now_ns(retry.options->clock) - retry.began_ns;
    }
    if (ret_report)
        *ret_report = retry.report;
    return r;
}
