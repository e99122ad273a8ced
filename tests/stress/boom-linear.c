/* SPDX-License-Identifier: MIT */
/*
 * Short histories of a small channel, recorded and checked against a model (linear.c): four threads
 * do a few sends, receives and closes each, with and without waiting, with and without a context,
 * directly or by a select of one case; a fifth cancels the context and closes at random moments, so
 * that nobody waits for ever. Every call is stamped before and after.
 */
#include <boom/chan.h>
#include <boom/select.h>

#include "stress/linear.h"
#include "stress/stress.h"

enum { N_THREADS = 4, MAX_OPS_A_THREAD = 5, MAX_PATIENCE = 64 };

_Static_assert(N_THREADS *MAX_OPS_A_THREAD + 2 <= LINEAR_MAX_OPS, "all of a history, and its end");

struct player {
    struct scene *scene;
    unsigned thread;
    struct random random;
    size_t n_ops;
    struct linear_op ops[MAX_OPS_A_THREAD];
};

/* One channel a history; the threads stay. */
struct scene {
    pthread_barrier_t begin, end;
    struct boom_chan *chan; /* NULL: no more histories */
    struct boom_ctx *ctx;
    atomic_uint_fast64_t stamp;
    atomic_uint n_done; /* operations of this history */
    struct player players[N_THREADS];
    size_t n_ops, n_overlapped; /* of all histories */
};

/* Most send or receive; a thread in ten closes. */
static enum linear_kind any_kind(struct random *random)
{
    static const enum linear_kind kinds[] = {LINEAR_SEND, LINEAR_TRY_SEND, LINEAR_RECV,
                                             LINEAR_TRY_RECV};

    return random_below(random, 40) == 0 ? LINEAR_CLOSE : kinds[random_below(random, 4)];
}

static int wait_for(struct player *player, enum boom_case_op op, void *elem)
{
    struct boom_chan *chan = player->scene->chan;
    struct boom_ctx *ctx = random_below(&player->random, 2) ? player->scene->ctx : NULL;
    struct boom_case only = {.op = op, .chan = chan, .elem = elem};
    size_t index;
    int r;

    if (random_below(&player->random, 2)) {
        r = boom_select(ctx, &only, 1, &index);
        return r == 0 ? only.result : r;
    }
    return op == BOOM_SEND ? boom_chan_send(chan, ctx, elem) : boom_chan_recv(chan, ctx, elem);
}

static int do_op(struct player *player, enum linear_kind kind, uint32_t *value)
{
    struct boom_chan *chan = player->scene->chan;

    switch (kind) {
    case LINEAR_SEND:
        return wait_for(player, BOOM_SEND, value);
    case LINEAR_TRY_SEND:
        return boom_chan_try_send(chan, value);
    case LINEAR_RECV:
        return wait_for(player, BOOM_RECV, value);
    case LINEAR_TRY_RECV:
        return boom_chan_try_recv(chan, value);
    default:
        return boom_chan_close(chan);
    }
}

static void record(struct player *player)
{
    struct linear_op op = {
        .kind = any_kind(&player->random),
        .thread = player->thread,
        .value = (uint32_t)(player->thread * MAX_OPS_A_THREAD + player->n_ops),
    };

    random_yield(&player->random);
    op.called = 1 + atomic_fetch_add(&player->scene->stamp, 1);
    op.result = do_op(player, op.kind, &op.value);
    op.returned = 1 + atomic_fetch_add(&player->scene->stamp, 1);
    player->ops[player->n_ops++] = op;
    atomic_fetch_add(&player->scene->n_done, 1);
}

static void *player_main(void *arg)
{
    struct player *player = arg;
    struct scene *scene = player->scene;

    for (;;) {
        pthread_barrier_wait(&scene->begin);
        if (!scene->chan)
            return NULL;
        player->n_ops = 0;
        for (uint64_t n = 4 + random_below(&player->random, 2); n > 0; n--)
            record(player);
        pthread_barrier_wait(&scene->end);
    }
}

/* Until n operations are done, or so little happens that the rest may well be waiting. */
static void await_done(struct scene *scene, unsigned n)
{
    unsigned patience = MAX_PATIENCE;
    unsigned before = 0, done;

    while ((done = atomic_load(&scene->n_done)) < n && patience-- > 0) {
        if (done != before)
            patience = MAX_PATIENCE;
        before = done;
        sched_yield();
    }
}

static struct linear_op end_it(struct scene *scene, enum linear_kind kind)
{
    struct linear_op op = {.kind = kind, .thread = N_THREADS};

    op.called = 1 + atomic_fetch_add(&scene->stamp, 1);
    if (kind == LINEAR_CANCEL)
        boom_ctx_cancel(scene->ctx, -ECANCELED);
    else
        op.result = boom_chan_close(scene->chan);
    op.returned = 1 + atomic_fetch_add(&scene->stamp, 1);
    return op;
}

static void play(struct scene *scene, struct random *random, struct linear_history *ret_history)
{
    struct linear_history *history = ret_history;

    history->capacity = random_below(random, 4);
    history->n_ops = 0;
    CHECK(boom_chan_new(sizeof(uint32_t), history->capacity, &scene->chan) == 0);
    CHECK(boom_ctx_with_cancel(NULL, &scene->ctx) == 0);
    atomic_store(&scene->stamp, 0);
    atomic_store(&scene->n_done, 0);
    pthread_barrier_wait(&scene->begin);
    await_done(scene, (unsigned)random_below(random, N_THREADS * MAX_OPS_A_THREAD));
    history->ops[history->n_ops++] = end_it(scene, LINEAR_CANCEL);
    await_done(scene, (unsigned)random_below(random, N_THREADS * MAX_OPS_A_THREAD));
    history->ops[history->n_ops++] = end_it(scene, LINEAR_CLOSE);
    pthread_barrier_wait(&scene->end);
    for (unsigned i = 0; i < N_THREADS; i++)
        for (size_t k = 0; k < scene->players[i].n_ops; k++)
            history->ops[history->n_ops++] = scene->players[i].ops[k];
    boom_ctx_unref(scene->ctx);
    boom_chan_free(scene->chan);
}

/* Other calls began or ended while it was under way. */
static size_t count_overlapped(const struct linear_history *history)
{
    size_t n = 0;

    for (size_t i = 0; i < history->n_ops; i++)
        n += history->ops[i].returned > history->ops[i].called + 1;
    return n;
}

static void play_round(void *arg, struct random *random)
{
    struct scene *scene = arg;
    struct linear_history history;
    bool has_legal_order;

    for (unsigned i = 0; i < N_THREADS; i++)
        scene->players[i].random.state = random_next(random);
    play(scene, random, &history);
    has_legal_order = linear_check(&history);
    if (!has_legal_order)
        linear_print(&history, stderr);
    CHECK(has_legal_order);
    scene->n_ops += history.n_ops;
    scene->n_overlapped += count_overlapped(&history);
}

static void start(struct scene *scene, pthread_t *ret_threads)
{
    pthread_barrier_init(&scene->begin, NULL, N_THREADS + 1);
    pthread_barrier_init(&scene->end, NULL, N_THREADS + 1);
    for (unsigned i = 0; i < N_THREADS; i++) {
        scene->players[i] = (struct player){.scene = scene, .thread = i};
        ret_threads[i] = stress_thread(player_main, &scene->players[i]);
    }
}

static void stop(struct scene *scene, const pthread_t *threads)
{
    scene->chan = NULL;
    pthread_barrier_wait(&scene->begin);
    stress_join(threads, N_THREADS);
    pthread_barrier_destroy(&scene->begin);
    pthread_barrier_destroy(&scene->end);
}

int main(void)
{
    struct scene scene = {0};
    pthread_t threads[N_THREADS];
    int r;

    start(&scene, threads);
    r = stress_run("boom-linear", play_round, &scene);
    stop(&scene, threads);
    printf("%zu operations, %zu of them overlapped\n", scene.n_ops, scene.n_overlapped);
    return r;
}
