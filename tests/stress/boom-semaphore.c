/* SPDX-License-Identifier: MIT */
/*
 * Threads that acquire and release random weights, with contexts that run out, while another
 * resizes; each that began is counted by a wait group, for which two others wait. Never is more
 * held than the largest size that there was; at the end nothing is held and nobody waits.
 */
#include <boom/semaphore.h>
#include <boom/waitgroup.h>

#include "stress/stress.h"

enum { N_THREADS = 6, N_WAITERS = 2, CALLS = 500, MAX_SIZE = 8 };

struct round {
    struct boom_semaphore *semaphore;
    struct boom_waitgroup *group;
    atomic_size_t held;
    atomic_uint n_done;
};

struct player {
    struct round *round;
    struct random random;
};

/* Most wait as long as it takes, which the size allows in the end; others give up. */
static int acquire_somehow(struct player *player, size_t n)
{
    struct boom_semaphore *semaphore = player->round->semaphore;
    struct boom_ctx *ctx;
    int r;

    switch (random_below(&player->random, 4)) {
    case 0:
        return boom_semaphore_try_acquire(semaphore, n);
    case 1:
        CHECK(boom_ctx_with_deadline(
                  NULL, boom_now_ns() + (int64_t)random_below(&player->random, 50000), &ctx) == 0);
        r = boom_semaphore_acquire(semaphore, ctx, n);
        boom_ctx_unref(ctx);
        return r;
    default:
        return boom_semaphore_acquire(semaphore, NULL, n);
    }
}

static void *player_main(void *arg)
{
    struct player *player = arg;
    struct round *round = player->round;

    for (unsigned i = 0; i < CALLS; i++) {
        size_t n = random_below(&player->random, MAX_SIZE + 1);
        int r = acquire_somehow(player, n);

        CHECK(r == 0 || r == -EBUSY || r == -ETIMEDOUT);
        if (r < 0)
            continue;
        CHECK(atomic_fetch_add(&round->held, n) + n <= MAX_SIZE);
        random_yield(&player->random);
        atomic_fetch_sub(&round->held, n);
        CHECK(boom_semaphore_release(round->semaphore, n) == 0);
    }
    atomic_fetch_add(&round->n_done, 1);
    CHECK(boom_waitgroup_done(round->group) == 0);
    return NULL;
}

static void *waiter_main(void *arg)
{
    struct player *player = arg;

    CHECK(boom_waitgroup_wait(player->round->group, NULL) == 0);
    CHECK(player->round->n_done == N_THREADS);
    return NULL;
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    struct player players[N_THREADS + N_WAITERS];
    pthread_t threads[N_THREADS + N_WAITERS];
    struct boom_semaphore_stats stats;

    *round = (struct round){0};
    CHECK(boom_semaphore_new(MAX_SIZE, &round->semaphore) == 0);
    CHECK(boom_waitgroup_new(&round->group) == 0);
    CHECK(boom_waitgroup_add(round->group, N_THREADS) == 0);
    for (unsigned i = 0; i < N_THREADS + N_WAITERS; i++) {
        players[i] = (struct player){round, {random_next(random)}};
        threads[i] = stress_thread(i < N_THREADS ? player_main : waiter_main, &players[i]);
    }
    while (atomic_load(&round->n_done) < N_THREADS) {
        boom_semaphore_resize(round->semaphore, random_below(random, MAX_SIZE + 1));
        sched_yield();
        boom_semaphore_resize(round->semaphore, MAX_SIZE);
        random_yield(random);
    }
    stress_join(threads, N_THREADS + N_WAITERS);
    boom_semaphore_get_stats(round->semaphore, &stats);
    CHECK(stats.held == 0 && stats.waiting == 0 && stats.size == MAX_SIZE);
    boom_semaphore_free(round->semaphore);
    boom_waitgroup_free(round->group);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-semaphore", play_round, &round);
}
