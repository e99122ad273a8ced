/* SPDX-License-Identifier: MIT */
/*
 * Rounds of submitters on one pool that is resized at random all the while, listed, registered, and
 * drained in the end, sometimes by a context that is over. Every accepted task runs exactly once,
 * and the bounds hold when nothing runs.
 */
#include <boom/chan.h>
#include <boom/pool.h>
#include <boom/registry.h>

#include "stress/stress.h"

enum { N_SUBMITTERS = 3, PER_SUBMITTER = 500, MAX_WORKERS = 6 };

struct round {
    struct boom_pool *pool;
    struct boom_registry *registry;
    atomic_uint n_accepted, n_run, n_submitting;
};

struct player {
    struct round *round;
    struct random random;
};

static void task(struct boom_ctx *ctx, void *arg)
{
    struct round *round = arg;

    CHECK(boom_registry_self(round->registry));
    atomic_fetch_add(&round->n_run, 1);
    if (round->n_run % 8 == 0)
        sched_yield();
}

static void *submitter_main(void *arg)
{
    struct player *player = arg;
    struct round *round = player->round;

    for (unsigned i = 0; i < PER_SUBMITTER; i++) {
        int r = random_below(&player->random, 2) ? boom_pool_submit(round->pool, NULL, task, round)
                                                 : boom_pool_try_submit(round->pool, task, round);

        CHECK(r == 0 || r == BOOM_CHAN_FULL || r == -EPIPE);
        if (r == 0)
            atomic_fetch_add(&round->n_accepted, 1);
        random_yield(&player->random);
    }
    atomic_fetch_sub(&round->n_submitting, 1);
    return NULL;
}

static void count(void *arg, unsigned index, const char *what, int64_t since_ns, uint64_t tasks)
{
    CHECK(since_ns > 0);
    ++*(unsigned *)arg;
}

static void resize(struct round *round, struct random *random)
{
    unsigned min = 1 + (unsigned)random_below(random, MAX_WORKERS);
    unsigned max = min + (unsigned)random_below(random, MAX_WORKERS + 1 - min);
    unsigned n = 0;

    CHECK(boom_pool_resize(round->pool, min, max) == 0);
    boom_pool_each_worker(round->pool, count, &n);
    CHECK(n > 0);
}

/* Whatever there was, in the end there are as many as the last word said. */
static void settle(struct round *round)
{
    struct boom_pool_stats stats;

    CHECK(boom_pool_resize(round->pool, 2, 2) == 0);
    do {
        sched_yield();
        boom_pool_get_stats(round->pool, &stats);
    } while (stats.workers != 2 || stats.completed != stats.submitted);
}

static void end_round(struct round *round, bool cancelled)
{
    struct boom_ctx *ctx;

    CHECK(boom_ctx_with_cancel(NULL, &ctx) == 0);
    if (cancelled)
        boom_ctx_cancel(ctx, 0);
    CHECK(boom_pool_drain(round->pool, ctx) == (cancelled ? -ECANCELED : 0));
    CHECK(boom_pool_resize(round->pool, 1, 1) == -EPIPE);
    boom_ctx_unref(ctx);
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    struct boom_pool_options options = {"stress", 1, 1, 1 + random_below(random, 8), NULL};
    struct player players[N_SUBMITTERS];
    pthread_t threads[N_SUBMITTERS];
    bool early = random_below(random, 3) == 0;

    memset(round, 0, sizeof(*round));
    CHECK(boom_registry_new(&round->registry) == 0);
    options.registry = round->registry;
    CHECK(boom_pool_new(NULL, &options, &round->pool) == 0);
    round->n_submitting = N_SUBMITTERS;
    for (unsigned i = 0; i < N_SUBMITTERS; i++) {
        players[i] = (struct player){round, {random_next(random)}};
        threads[i] = stress_thread(submitter_main, &players[i]);
    }
    while (round->n_submitting > 0 && !(early && round->n_run > PER_SUBMITTER / 2)) {
        resize(round, random);
        random_yield(random);
    }
    if (round->n_submitting == 0)
        settle(round);
    end_round(round, random_below(random, 2));
    stress_join(threads, N_SUBMITTERS);
    CHECK(round->n_run == round->n_accepted);
    boom_pool_free(round->pool);
    boom_registry_free(round->registry);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-pool", play_round, &round);
}
