/* SPDX-License-Identifier: MIT */
/*
 * Rounds of senders and receivers on one channel of random capacity, with contexts that are
 * cancelled or run out in the middle, and a close at a random moment. Afterwards: what senders were
 * told that they sent is what was received or is still inside, once each, and what any one receiver
 * saw of any one sender was in that sender's order.
 */
#include <boom/chan.h>

#include "stress/stress.h"

enum { MAX_THREADS = 6, PER_SENDER = 400 };

struct elem {
    uint32_t sender, number;
};

struct round {
    struct boom_chan *chan;
    struct boom_ctx *ctx[2];                   /* one is cancelled, one has a deadline */
    atomic_bool sent[MAX_THREADS][PER_SENDER]; /* the sender was told so */
    atomic_uint seen[MAX_THREADS][PER_SENDER]; /* times received */
    atomic_uint n_sent, n_received;
    atomic_uint n_sending; /* senders that are not done */
};

struct player {
    struct round *round;
    uint32_t index;
    struct random random;
};

static struct boom_ctx *any_ctx(struct player *player)
{
    uint64_t i = random_below(&player->random, 4);

    return i < 2 ? player->round->ctx[i] : NULL;
}

static int send_somehow(struct player *player, const struct elem *elem)
{
    if (random_below(&player->random, 3) == 0)
        return boom_chan_try_send(player->round->chan, elem);
    return boom_chan_send(player->round->chan, any_ctx(player), elem);
}

static void *sender_main(void *arg)
{
    struct player *player = arg;
    struct round *round = player->round;
    int r = 0;

    for (uint32_t i = 0; i < PER_SENDER && r != -EPIPE; i++) {
        r = send_somehow(player, &(struct elem){player->index, i});
        CHECK(r == 0 || r == BOOM_CHAN_FULL || r == -EPIPE || r == -ECANCELED || r == -ETIMEDOUT);
        if (r == 0) {
            atomic_store(&round->sent[player->index][i], true);
            atomic_fetch_add(&round->n_sent, 1);
        }
        random_yield(&player->random);
    }
    atomic_fetch_sub(&round->n_sending, 1);
    return NULL;
}

static int recv_somehow(struct player *player, struct elem *ret_elems, size_t *ret_n)
{
    *ret_n = 1;
    switch (random_below(&player->random, 3)) {
    case 0:
        return boom_chan_try_recv(player->round->chan, ret_elems);
    case 1:
        return boom_chan_recv(player->round->chan, any_ctx(player), ret_elems);
    default:
        return boom_chan_recv_many(player->round->chan, any_ctx(player), ret_elems, 4, ret_n);
    }
}

static void see(struct round *round, const struct elem *elem, int64_t *last)
{
    CHECK(elem->sender < MAX_THREADS && elem->number < PER_SENDER);
    CHECK((int64_t)elem->number > last[elem->sender]);
    last[elem->sender] = elem->number;
    CHECK(atomic_fetch_add(&round->seen[elem->sender][elem->number], 1) == 0);
    atomic_fetch_add(&round->n_received, 1);
}

static void *receiver_main(void *arg)
{
    struct player *player = arg;
    int64_t last[MAX_THREADS];
    struct elem elems[4];
    size_t n;
    int r = 0;

    memset(last, -1, sizeof(last));
    while (r != BOOM_CHAN_CLOSED) {
        r = recv_somehow(player, elems, &n);
        CHECK(r == 0 || r == BOOM_CHAN_EMPTY || r == BOOM_CHAN_CLOSED || r == -ECANCELED ||
              r == -ETIMEDOUT);
        for (size_t i = 0; r == 0 && i < n; i++)
            see(player->round, &elems[i], last);
        random_yield(&player->random);
    }
    return NULL;
}

static void check_round(struct round *round)
{
    struct boom_chan_stats stats;

    for (unsigned s = 0; s < MAX_THREADS; s++)
        for (unsigned i = 0; i < PER_SENDER; i++)
            CHECK(round->sent[s][i] == (round->seen[s][i] == 1));
    boom_chan_get_stats(round->chan, &stats);
    CHECK(stats.length == 0);
    CHECK(stats.sent == round->n_sent && stats.received == round->n_received);
    CHECK(stats.sent == stats.received);
    CHECK(stats.high_water <= stats.capacity);
}

static void await_received(struct round *round, uint64_t n)
{
    while (atomic_load(&round->n_received) < n && atomic_load(&round->n_sending) > 0)
        sched_yield();
}

static void disturb(struct round *round, struct random *random)
{
    uint64_t n = random_below(random, 2 * PER_SENDER);

    await_received(round, n / 2);
    boom_ctx_cancel(round->ctx[0], -EIO);
    await_received(round, n);
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    unsigned n_senders = 1 + (unsigned)random_below(random, MAX_THREADS);
    unsigned n_receivers = 1 + (unsigned)random_below(random, MAX_THREADS);
    struct player players[2 * MAX_THREADS];
    pthread_t threads[2 * MAX_THREADS];

    memset(round, 0, sizeof(*round));
    CHECK(boom_chan_new(sizeof(struct elem), random_below(random, 6), &round->chan) == 0);
    CHECK(boom_ctx_with_cancel(NULL, &round->ctx[0]) == 0);
    CHECK(boom_ctx_with_deadline(NULL, boom_now_ns() + (int64_t)random_below(random, 4000000),
                                 &round->ctx[1]) == 0);
    round->n_sending = n_senders;
    for (unsigned i = 0; i < n_senders + n_receivers; i++) {
        bool sends = i < n_senders;

        players[i] = (struct player){round, sends ? i : 0, {random_next(random)}};
        threads[i] = stress_thread(sends ? sender_main : receiver_main, &players[i]);
    }
    disturb(round, random);
    CHECK(boom_chan_close(round->chan) == 0);
    stress_join(threads, n_senders + n_receivers);
    check_round(round);
    boom_ctx_unref(round->ctx[0]);
    boom_ctx_unref(round->ctx[1]);
    boom_chan_free(round->chan);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-chan", play_round, &round);
}
