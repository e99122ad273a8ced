/* SPDX-License-Identifier: MIT */
/*
 * Threads that allow, reserve, cancel and wait on one limiter, by a clock that this test moves,
 * while the limit and the burst change between fixed bounds. What was granted never exceeds what
 * the greatest of them would have let through. And threads on one retry budget, which holds its
 * law.
 */
#include <boom/rate.h>
#include <boom/retry.h>

#include "stress/stress.h"

enum { N_THREADS = 4, MAX_PER_NS_INVERSE = 100, MAX_BURST = 50, CALLS = 2000 };

static const int64_t T0 = INT64_C(1)
                          << 61; /* so that a deadline by this clock is not over by the real one */

static _Atomic int64_t now_ns;
static atomic_bool over;
static atomic_uint n_calls_made; /* by all, in this round */

struct player {
    struct boom_rate *rate;
    struct boom_retry_budget *budget;
    struct boom_ctx *ctx;
    struct random random;
    int64_t n_granted; /* for a moment that has come */
    int64_t n_calls, n_retries;
};

static int64_t read_clock(void *arg)
{
    return now_ns;
}

static int wait_until(void *arg, struct boom_ctx *ctx, int64_t until_ns)
{
    while (now_ns < until_ns && !over && boom_ctx_err(ctx) == 0)
        sched_yield();
    return now_ns < until_ns ? -ECANCELED : 0;
}

static void reserve_and_cancel(struct player *player, int64_t n)
{
    struct boom_reservation reservation;
    int r = boom_rate_reserve(player->rate, n, &reservation);

    CHECK(r == 0 || r == -E2BIG || r == -ETIMEDOUT);
    random_yield(&player->random);
    if (r == 0)
        boom_rate_cancel(player->rate, &reservation);
}

static void wait_for(struct player *player, int64_t n)
{
    int r = boom_rate_wait(player->rate, player->ctx, n);

    CHECK(r == 0 || r == -E2BIG || r == -ETIMEDOUT || r == -ECANCELED);
    if (r == 0)
        player->n_granted += n;
}

static void change(struct player *player)
{
    int64_t per_ns = MAX_PER_NS_INVERSE * (1 + (int64_t)random_below(&player->random, 9));

    CHECK(boom_rate_set_limit(player->rate, (struct boom_limit){1, per_ns}) == 0);
    CHECK(boom_rate_set_burst(player->rate,
                              1 + (int64_t)random_below(&player->random, MAX_BURST)) == 0);
    CHECK(boom_rate_tokens(player->rate) <= MAX_BURST);
}

static void *player_main(void *arg)
{
    struct player *player = arg;

    while (!over) {
        int64_t n = (int64_t)random_below(&player->random, 5);

        switch (random_below(&player->random, 8)) {
        case 0:
            reserve_and_cancel(player, n);
            break;
        case 1:
            wait_for(player, n);
            break;
        case 2:
            change(player);
            break;
        default:
            player->n_granted += boom_rate_allow(player->rate, n) ? n : 0;
        }
        boom_retry_budget_call(player->budget);
        player->n_calls++;
        n_calls_made++;
        player->n_retries += boom_retry_budget_take(player->budget);
        random_yield(&player->random);
    }
    return NULL;
}

static void check(const struct player *players)
{
    int64_t n_granted = 0, n_calls = 0, n_retries = 0;

    for (unsigned i = 0; i < N_THREADS; i++) {
        n_granted += players[i].n_granted;
        n_calls += players[i].n_calls;
        n_retries += players[i].n_retries;
    }
    CHECK(n_granted <= MAX_BURST + (now_ns - T0) / MAX_PER_NS_INVERSE + 1);
    CHECK(n_retries * 100 <= n_calls * 20 + 1000);
    CHECK(n_retries > 0);
}

static void play_round(void *arg, struct random *random)
{
    struct boom_clock clock = {read_clock, wait_until, NULL};
    struct player players[N_THREADS];
    pthread_t threads[N_THREADS];
    struct boom_retry_budget *budget;
    struct boom_rate *rate;
    struct boom_ctx *ctx;

    now_ns = T0;
    over = false;
    n_calls_made = 0;
    CHECK(boom_rate_new((struct boom_limit){1, MAX_PER_NS_INVERSE}, MAX_BURST, &clock, &rate) == 0);
    CHECK(boom_retry_budget_new(20, 10, &budget) == 0);
    CHECK(boom_ctx_with_cancel(NULL, &ctx) == 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        players[i] = (struct player){rate, budget, ctx, {random_next(random)}, 0, 0, 0};
        threads[i] = stress_thread(player_main, &players[i]);
    }
    while (n_calls_made < CALLS) {
        now_ns += (int64_t)random_below(random, 40);
        random_yield(random);
    }
    over = true;
    boom_ctx_cancel(ctx, 0);
    stress_join(threads, N_THREADS);
    check(players);
    boom_ctx_unref(ctx);
    boom_retry_budget_free(budget);
    boom_rate_free(rate);
}

int main(void)
{
    return stress_run("boom-rate", play_round, NULL);
}
