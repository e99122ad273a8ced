/* SPDX-License-Identifier: MIT */
/*
 * Rounds of threads that send and receive on a few channels of random capacity, most by select over
 * random cases (any order, repeated and null channels, sends beside receives), some by plain calls;
 * with a context that is cancelled in the middle, and channels that are closed at random moments.
 * Afterwards: what was told to be sent is what was received or is still inside, once each. A lost
 * wake-up or a deadlock is a hang.
 */
#include <boom/select.h>

#include "stress/stress.h"

enum { N_CHANS = 4, MAX_THREADS = 8, MAX_CASES = 6, CALLS = 400 };

struct round {
    struct boom_chan *chans[N_CHANS];
    struct boom_ctx *ctx;
    atomic_uint sent[MAX_THREADS][CALLS], received[MAX_THREADS][CALLS];
    atomic_uint n_calls;
    atomic_uint n_playing;
};

struct player {
    struct round *round;
    uint32_t index;
    struct random random;
};

struct elem {
    uint32_t player, number;
};

static void see(struct round *round, const struct elem *elem)
{
    CHECK(elem->player < MAX_THREADS && elem->number < CALLS);
    CHECK(atomic_fetch_add(&round->received[elem->player][elem->number], 1) == 0);
}

static struct boom_chan *any_chan(struct player *player)
{
    return player->round->chans[random_below(&player->random, N_CHANS)];
}

static size_t random_cases(struct player *player, struct boom_case *cases, const struct elem *in,
                           struct elem *outs)
{
    size_t n = 1 + random_below(&player->random, MAX_CASES);

    for (size_t i = 0; i < n; i++) {
        bool null = random_below(&player->random, 10) == 0;
        struct boom_chan *chan = null ? NULL : any_chan(player);

        if (random_below(&player->random, 2) == 0)
            cases[i] = (struct boom_case)BOOM_CASE_SEND(chan, in);
        else
            cases[i] = (struct boom_case)BOOM_CASE_RECV(chan, &outs[i]);
    }
    return n;
}

/* Notes what a case did. */
static void note(struct player *player, enum boom_case_op op, int r, const struct elem *in,
                 const struct elem *out)
{
    if (op == BOOM_SEND) {
        CHECK(r == 0 || r == -EPIPE);
        if (r == 0)
            atomic_store(&player->round->sent[in->player][in->number], 1);
    } else {
        CHECK(r == 0 || r == BOOM_CHAN_CLOSED);
        if (r == 0)
            see(player->round, out);
    }
}

static void play_select(struct player *player, const struct elem *in)
{
    struct boom_case cases[MAX_CASES];
    struct elem outs[MAX_CASES];
    size_t n = random_cases(player, cases, in, outs), index;
    int r;

    if (random_below(&player->random, 3) == 0)
        r = boom_try_select(cases, n, &index);
    else
        r = boom_select(player->round->ctx, cases, n, &index);
    CHECK(r == 0 || r == BOOM_SELECT_DEFAULT || r == -ECANCELED);
    if (r == 0) {
        CHECK(index < n && cases[index].chan);
        note(player, cases[index].op, cases[index].result, in, &outs[index]);
    }
}

static void play_plain(struct player *player, const struct elem *in)
{
    enum boom_case_op op = random_below(&player->random, 2) ? BOOM_SEND : BOOM_RECV;
    struct boom_chan *chan = any_chan(player);
    struct elem out;
    int r = op == BOOM_SEND ? boom_chan_send(chan, player->round->ctx, in)
                            : boom_chan_recv(chan, player->round->ctx, &out);

    if (r != -ECANCELED)
        note(player, op, r, in, &out);
}

static void *player_main(void *arg)
{
    struct player *player = arg;

    for (uint32_t i = 0; i < CALLS; i++) {
        struct elem in = {player->index, i};

        if (random_below(&player->random, 4) == 0)
            play_plain(player, &in);
        else
            play_select(player, &in);
        atomic_fetch_add(&player->round->n_calls, 1);
        random_yield(&player->random);
    }
    atomic_fetch_sub(&player->round->n_playing, 1);
    return NULL;
}

static void await_calls(struct round *round, uint64_t n, int64_t until_ns)
{
    while (atomic_load(&round->n_calls) < n && atomic_load(&round->n_playing) > 0 &&
           boom_now_ns() < until_ns)
        sched_yield();
}

/* All may wait for each other, legally: after a while the context is cancelled in any case. */
static void disturb(struct round *round, struct random *random, unsigned n_players)
{
    int64_t until_ns = boom_now_ns() + 20000000;
    uint64_t n = random_below(random, (uint64_t)n_players * CALLS);

    await_calls(round, n, until_ns);
    if (random_below(random, 2) == 0)
        CHECK(boom_chan_close(round->chans[random_below(random, N_CHANS)]) == 0);
    await_calls(round, (uint64_t)n_players * CALLS, until_ns);
    boom_ctx_cancel(round->ctx, -EIO);
}

static void check_round(struct round *round)
{
    struct boom_chan_stats stats;
    struct elem elem;

    for (unsigned i = 0; i < N_CHANS; i++) {
        while (boom_chan_try_recv(round->chans[i], &elem) == 0)
            see(round, &elem);
        boom_chan_get_stats(round->chans[i], &stats);
        CHECK(stats.sent == stats.received && stats.length == 0);
        CHECK(stats.high_water <= stats.capacity);
        boom_chan_free(round->chans[i]);
    }
    for (unsigned p = 0; p < MAX_THREADS; p++)
        for (unsigned i = 0; i < CALLS; i++)
            CHECK(round->sent[p][i] == round->received[p][i]);
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    unsigned n_players = 2 + (unsigned)random_below(random, MAX_THREADS - 1);
    struct player players[MAX_THREADS];
    pthread_t threads[MAX_THREADS];

    memset(round, 0, sizeof(*round));
    for (unsigned i = 0; i < N_CHANS; i++)
        CHECK(boom_chan_new(sizeof(struct elem), random_below(random, 3), &round->chans[i]) == 0);
    CHECK(boom_ctx_with_cancel(NULL, &round->ctx) == 0);
    round->n_playing = n_players;
    for (unsigned i = 0; i < n_players; i++) {
        players[i] = (struct player){round, i, {random_next(random)}};
        threads[i] = stress_thread(player_main, &players[i]);
    }
    disturb(round, random, n_players);
    stress_join(threads, n_players);
    check_round(round);
    boom_ctx_unref(round->ctx);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-select", play_round, &round);
}
