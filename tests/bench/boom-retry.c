/* SPDX-License-Identifier: MIT */
/*
 * What it costs to call a function through a retry, nanoseconds a call of boom_retry(), where it
 * succeeds at once, and where it does so at the third attempt without pauses; beside the loop that
 * one would write by hand. BENCH_OPS: how many of each (1000000).
 */
#include <boom/retry.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "best.h"
#include "queues.h"

enum { REPEATS = 10, MAX_ATTEMPTS = 5 };

struct subject {
    const char *name;
    bool by_hand;
    unsigned good; /* the attempt that succeeds */
    struct boom_retry_options options;
    struct boom_ctx *ctx;
};

static int work(struct boom_ctx *ctx, void *arg, unsigned attempt)
{
    (void)ctx;
    return attempt < ((const struct subject *)arg)->good ? -EAGAIN : 0;
}

/* Called by address, as boom_retry() does. */
static int (*volatile work_somewhere)(struct boom_ctx *ctx, void *arg, unsigned attempt) = work;

static int retry_by_hand(struct subject *subject)
{
    int r = -EAGAIN;

    for (unsigned attempt = 1; r < 0 && attempt <= MAX_ATTEMPTS; attempt++)
        r = work_somewhere(subject->ctx, subject, attempt);
    return r;
}

static double measure(void *arg)
{
    struct subject *subject = arg;
    size_t n = bench_ops(1000000) / REPEATS;
    int64_t begin_ns = boom_now_ns();

    for (size_t i = 0; i < n; i++) {
        int r = subject->by_hand
                    ? retry_by_hand(subject)
                    : boom_retry(subject->ctx, &subject->options, work_somewhere, subject, NULL);
        if (r != 0)
            abort();
    }
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

int main(void)
{
    struct boom_retry_options options = {.max_attempts = MAX_ATTEMPTS};
    struct boom_retry_options in_time = options, within = options;
    struct boom_ctx *live, *late;
    struct boom_retry_budget *budget;

    if (boom_ctx_with_cancel(NULL, &live) < 0 ||
        boom_ctx_with_timeout(NULL, 3600 * INT64_C(1000000000), &late) < 0 ||
        boom_retry_budget_new(1000, 10, &budget) < 0)
        return 1;
    in_time.max_elapsed_ns = 3600 * INT64_C(1000000000);
    within.budget = budget;

    struct subject subjects[] = {
        {"by hand, success at once", true, 1, options, live},
        {"success at once", false, 1, options, live},
        {"success at once, a deadline", false, 1, options, late},
        {"success at once, a budget", false, 1, within, live},
        {"by hand, at the third attempt", true, 3, options, live},
        {"at the third attempt", false, 3, options, live},
        {"at the third attempt, a limit of time", false, 3, in_time, live},
        {"at the third attempt, a budget", false, 3, within, live},
    };

    for (size_t i = 0; i < sizeof(subjects) / sizeof(subjects[0]); i++)
        printf("%s: %.1f ns\n", subjects[i].name, best_of(REPEATS, measure, &subjects[i]));
    boom_retry_budget_free(budget);
    boom_ctx_unref(late);
    boom_ctx_unref(live);
    return 0;
}
