/* SPDX-License-Identifier: MIT */
/*
 * Trees of contexts that several threads build, ask, poll, cancel and let go of at once, with
 * deadlines and functions that are stopped in the race. Every function that was armed was either
 * stopped or called, once; every fd of a context that was cancelled is readable; every value is
 * destroyed once.
 */
#include <poll.h>

#include "stress/stress.h"

enum { N_THREADS = 4, DEPTH = 5, CALLS = 60 };

struct round {
    struct boom_ctx *root;
    atomic_uint n_values, n_destroyed;
};

struct player {
    struct round *round;
    struct random random;
};

struct leaf {
    struct boom_ctx *ctx;
    struct boom_after after;
    atomic_uint n_calls;
};

static void destroy_value(void *value)
{
    atomic_fetch_add(&((struct round *)value)->n_destroyed, 1);
}

static void count_call(void *arg)
{
    atomic_fetch_add(&((struct leaf *)arg)->n_calls, 1);
}

static struct boom_ctx *random_child(struct player *player, struct boom_ctx *parent)
{
    struct boom_ctx *ctx;

    switch (random_below(&player->random, 3)) {
    case 0:
        CHECK(boom_ctx_with_cancel(parent, &ctx) == 0);
        break;
    case 1:
        CHECK(boom_ctx_with_timeout(parent, (int64_t)random_below(&player->random, 400000), &ctx) ==
              0);
        break;
    default:
        atomic_fetch_add(&player->round->n_values, 1);
        CHECK(boom_ctx_with_value(parent, player->round, player->round, destroy_value, &ctx) == 0);
        CHECK(boom_ctx_value(ctx, player->round) == player->round);
    }
    return ctx;
}

/* A line of descendants of the root, of which only the last is held. */
static struct boom_ctx *random_line(struct player *player)
{
    struct boom_ctx *ctx = boom_ctx_ref(player->round->root);
    uint64_t depth = 1 + random_below(&player->random, DEPTH);

    for (uint64_t i = 0; i < depth; i++) {
        struct boom_ctx *child = random_child(player, ctx);

        boom_ctx_unref(ctx);
        ctx = child;
    }
    return ctx;
}

static void *cancel_leaf(void *arg)
{
    struct boom_ctx *ctx = arg;

    boom_ctx_cancel(ctx, -EIO);
    boom_ctx_unref(ctx);
    return NULL;
}

static void check_end(struct boom_ctx *ctx, int fd)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    CHECK(boom_ctx_err(ctx) == -ECANCELED || boom_ctx_err(ctx) == -ETIMEDOUT);
    CHECK(poll(&pollfd, 1, 20000) == 1);
}

/* Two cancel at once, and one of them tries to stop the function. */
static void play_leaf(struct player *player)
{
    struct leaf leaf = {.ctx = random_line(player), .after = {.fn = count_call, .arg = &leaf}};
    bool has_fd = random_below(&player->random, 2) == 0, stopped;
    int fd = has_fd ? boom_ctx_fd(leaf.ctx) : -1;
    pthread_t other;

    boom_ctx_after_func(leaf.ctx, &leaf.after);
    other = stress_thread(cancel_leaf, boom_ctx_ref(leaf.ctx));
    random_yield(&player->random);
    stopped = boom_ctx_stop_after(leaf.ctx, &leaf.after);
    random_yield(&player->random);
    boom_ctx_cancel(leaf.ctx, -EPERM);
    pthread_join(other, NULL);
    while (!stopped && atomic_load(&leaf.n_calls) == 0) /* called by who cancels the root */
        sched_yield();
    CHECK(atomic_load(&leaf.n_calls) == (stopped ? 0 : 1));
    check_end(leaf.ctx, has_fd ? fd : boom_ctx_fd(leaf.ctx));
    boom_ctx_unref(leaf.ctx);
}

static void *player_main(void *arg)
{
    struct player *player = arg;

    for (unsigned i = 0; i < CALLS; i++)
        play_leaf(player);
    return NULL;
}

static void play_round(void *arg, struct random *random)
{
    struct round round = {0};
    struct player players[N_THREADS];
    pthread_t threads[N_THREADS];

    CHECK(boom_ctx_with_cancel(NULL, &round.root) == 0);
    for (unsigned i = 0; i < N_THREADS; i++) {
        players[i] = (struct player){&round, {random_next(random)}};
        threads[i] = stress_thread(player_main, &players[i]);
    }
    for (uint64_t i = random_below(random, 3000); i > 0; i--)
        sched_yield();
    boom_ctx_cancel(round.root, 0);
    stress_join(threads, N_THREADS);
    boom_ctx_unref(round.root);
    CHECK(round.n_values == round.n_destroyed);
}

int main(void)
{
    return stress_run("boom-context", play_round, NULL);
}
