/* SPDX-License-Identifier: MIT */
/*
 * Select, as in Go's runtime.
 *
 *   1. Lock all channels of the cases, in the order of their addresses, each once.
 *   2. Try the cases in a random order; the first that can be done is done.
 *   3. If there is none, list one node a case, all of the same waiter; unlock; park.
 *   4. Whoever claimed the waiter has done one case. Leave the other channels, one by one.
 *
 * Step 2 and 3 are one under all locks, so nothing can become ready in between unseen. A peer in
 * whose list a node of ours lingers after the claim fails to claim it, and goes on to the next.
 *
 * Chance comes from a generator that lies in the channel that is locked first: no clock, no seed,
 * and no state of a thread.
 *
 * The channels' locks are nested here and nowhere else, and only among themselves. The two orders
 * are permutations that lie spread over the cases: slot i holds the ith number of both.
 */
#include <boom/select.h>

#include <errno.h>

#include "chan-impl.h"
#include "random.h"

struct slot {
    struct wait_node node;
    size_t lock_order; /* the ith in the order of the channels' addresses */
    size_t poll_order; /* the ith to be tried */
};

_Static_assert(sizeof(struct slot) <= sizeof(((struct boom_case *)NULL)->internal),
               "struct boom_case has room for a slot");
_Static_assert(_Alignof(struct slot) <= _Alignof(struct boom_case), "and is aligned for it");

struct selection {
    struct boom_case *cases;
    size_t n;
    uint64_t *random; /* in the channel that was locked first, under its lock */
};

static struct slot *slot_of(struct boom_case *c)
{
    return (struct slot *)(void *)c->internal;
}

static size_t *lock_order(struct selection *s, size_t i)
{
    return &slot_of(&s->cases[i])->lock_order;
}

static size_t *poll_order(struct selection *s, size_t i)
{
    return &slot_of(&s->cases[i])->poll_order;
}

static void swap(size_t *a, size_t *b)
{
    size_t was = *a;

    *a = *b;
    *b = was;
}

/* 0 .. n - 1 */
static size_t random_below_locked(struct selection *s, size_t n)
{
    return (size_t)((random_next(s->random) >> 32) * n >> 32);
}

/* The channel whose lock is the ith to be taken. */
static struct boom_chan *chan_at(struct selection *s, size_t i)
{
    return s->cases[*lock_order(s, i)].chan;
}

/* The same, or NULL where it is none or its lock is the one before. */
static struct boom_chan *distinct_chan_at(struct selection *s, size_t i)
{
    struct boom_chan *chan = chan_at(s, i);

    return i > 0 && chan == chan_at(s, i - 1) ? NULL : chan;
}

static void sift_down(struct selection *s, size_t root, size_t end)
{
    size_t child;

    while ((child = 2 * root + 1) < end) {
        if (child + 1 < end && (uintptr_t)chan_at(s, child) < (uintptr_t)chan_at(s, child + 1))
            child++;
        if ((uintptr_t)chan_at(s, child) <= (uintptr_t)chan_at(s, root))
            return;
        swap(lock_order(s, root), lock_order(s, child));
        root = child;
    }
}

/* Heap sort: no memory, and no bad case. */
static void sort_lock_order(struct selection *s)
{
    for (size_t root = s->n / 2; root-- > 0;)
        sift_down(s, root, s->n);
    for (size_t end = s->n; end-- > 1;) {
        swap(lock_order(s, 0), lock_order(s, end));
        sift_down(s, 0, end);
    }
}

static int prepare(struct selection *s, struct boom_case *cases, size_t n_cases)
{
    *s = (struct selection){.cases = cases, .n = n_cases};
    for (size_t i = 0; i < n_cases; i++) {
        if (cases[i].op != BOOM_RECV && cases[i].op != BOOM_SEND)
            return -EINVAL;
        *slot_of(&cases[i]) = (struct slot){.lock_order = i, .poll_order = i};
    }
    sort_lock_order(s);
    return 0;
}

static void lock_all(struct selection *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct boom_chan *chan = distinct_chan_at(s, i);

        if (!chan)
            continue;
        chan_lock(chan);
        if (!s->random)
            s->random = &chan->select_random;
    }
}

/*
 * Unlocks, and only then wakes chain and gives the watches a chance: they run without locks. (Also
 * those of channels in which nothing happened but that a node was listed: to a rendezvous that is
 * room, or an element.)
 */
static void unlock_all(struct selection *s, struct waiter *chain)
{
    bool watched = false;

    for (size_t i = s->n; i-- > 0;) {
        struct boom_chan *chan = distinct_chan_at(s, i);

        if (chan) {
            watched |= chan->watches != NULL;
            boom_unlock(&chan->lock);
        }
    }
    waiter_wake_chain(chain);
    for (size_t i = 0; watched && i < s->n; i++) {
        struct boom_chan *chan = distinct_chan_at(s, i);

        if (chan) {
            chan_lock(chan);
            chan_unlock(chan, NULL);
        }
    }
}

/* True: c was done. */
static bool try_case_locked(struct boom_case *c, struct waiter **chain)
{
    int r;

    if (!c->chan)
        return false;
    r = c->op == BOOM_SEND ? chan_send_locked(c->chan, c->elem, chain)
                           : chan_recv_locked(c->chan, c->elem, chain);
    if (r == BOOM_CHAN_FULL || r == BOOM_CHAN_EMPTY)
        return false;
    c->result = r;
    return true;
}

/* Shuffles as far as it has to look. */
static bool try_all_locked(struct selection *s, struct waiter **chain, size_t *ret_index)
{
    if (!s->random)
        return false;
    for (size_t i = 0; i < s->n; i++) {
        swap(poll_order(s, i), poll_order(s, i + random_below_locked(s, s->n - i)));
        if (try_case_locked(&s->cases[*poll_order(s, i)], chain)) {
            *ret_index = *poll_order(s, i);
            return true;
        }
    }
    return false;
}

static void list_all_locked(struct selection *s, struct waiter *waiter)
{
    for (size_t i = 0; i < s->n; i++) {
        struct boom_case *c = &s->cases[i];
        struct wait_node *node = &slot_of(c)->node;

        if (!c->chan)
            continue;
        *node = (struct wait_node){.waiter = waiter, .elem = c->elem};
        if (c->op == BOOM_SEND)
            chan_list_sender_locked(c->chan, node);
        else
            chan_list_receiver_locked(c->chan, node);
    }
}

static void withdraw_all(struct selection *s)
{
    for (size_t i = 0; i < s->n; i++) {
        struct boom_case *c = &s->cases[i];

        if (!c->chan)
            continue;
        chan_lock(c->chan);
        link_unlink(&slot_of(c)->node.link);
        boom_unlock(&c->chan->lock);
    }
}

static size_t index_of(struct selection *s, const struct wait_node *node)
{
    size_t i = 0;

    while (&slot_of(&s->cases[i])->node != node)
        i++;
    return i;
}

/* Called with all locks, which it releases. */
static int wait_and_unlock_all(struct selection *s, struct boom_ctx *ctx, size_t *ret_index)
{
    struct waiter waiter;
    int r;

    waiter_init(&waiter);
    list_all_locked(s, &waiter);
    unlock_all(s, NULL);
    r = waiter_wait(&waiter, ctx, BOOM_NEVER);
    withdraw_all(s);
    waiter_deinit(&waiter);
    if (r == 0) {
        *ret_index = index_of(s, waiter.by);
        s->cases[*ret_index].result = waiter.by->result;
    }
    return r;
}

int boom_select(struct boom_ctx *ctx, struct boom_case *cases, size_t n_cases, size_t *ret_index)
{
    struct waiter *chain = NULL;
    struct selection s;
    int r = boom_ctx_err(ctx);

    if (r == 0)
        r = prepare(&s, cases, n_cases);
    if (r < 0)
        return r;
    lock_all(&s);
    if (!try_all_locked(&s, &chain, ret_index))
        return wait_and_unlock_all(&s, ctx, ret_index);
    unlock_all(&s, chain);
    return 0;
}

int boom_try_select(struct boom_case *cases, size_t n_cases, size_t *ret_index)
{
    struct waiter *chain = NULL;
    struct selection s;
    bool done;
    int r = prepare(&s, cases, n_cases);

    if (r < 0)
        return r;
    lock_all(&s);
    done = try_all_locked(&s, &chain, ret_index);
    unlock_all(&s, chain);
    return done ? 0 : BOOM_SELECT_DEFAULT;
}
