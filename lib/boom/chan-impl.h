/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CHAN_IMPL_H
#define BOOM_CHAN_IMPL_H

/*
 * The channel, open to the rest of the library.
 *
 *   ring, capacity 8:   . . e e e e . .         head = 2, length = 4
 *                           ^
 *                           head: the oldest
 *
 * At rest, that is whenever the lock is free:
 *   - receivers wait only while the ring is empty and no sender waits, but for the other cases of
 * the same select;
 *   - senders wait only while the ring is full;
 *   - nobody waits on a closed channel.
 * (Nodes whose waiter was claimed elsewhere may linger in the lists; they do not count.)
 */

#include <pthread.h>
#include <stdatomic.h>
#include <boom/chan.h>
#include "list.h"
#include "lock.h"
#include "wait.h"

/* Two threads on two processors pull the lines of what they change back and forth: few lines. */
enum { CHAN_LINE_BYTES = 64 };

struct boom_chan {
    /* Everything but the constants. The innermost of the library; select.c holds several, in the
     * order of their addresses. */
    _Alignas(CHAN_LINE_BYTES) pthread_mutex_t lock;
    size_t head, length;
    uint64_t received;   /* and sent, with those that are in the ring */
    uint64_t n_receives; /* receive calls that got something: the ticket of the next one */

    struct link senders;   /* struct wait_node, first come first served */
    struct link receivers; /* struct wait_node */
    bool closed;
    /* The pipeline's setting: the receiver that waits for the shortest time is served first. */
    bool recent_first;

    struct boom_watch *watches; /* armed, newest first */
    atomic_bool is_shared;      /* threads have waited here: they will also meet at the lock */
    size_t elem_bytes;          /* constant */
    size_t capacity;            /* constant, in elements */
    size_t high_water;
    /* The pipeline's, set before the channel is shared: called under the lock on the copy of every
     * element that enters. late: its sender has waited. NULL: not wanted. */
    void (*entered)(void *arg, void *elem, bool late);
    void *entered_arg;

    struct link firings;    /* threads that call watches now (chan-watch.c) */
    pthread_cond_t fired;   /* one of them returned from a call */
    uint64_t select_random; /* the state of the generator of select.c */

    unsigned char ring[];
};

/* chan-lock.c */
void chan_lock_shared(struct boom_chan *chan);

static inline void chan_lock(struct boom_chan *chan)
{
    if (atomic_load_explicit(&chan->is_shared, memory_order_relaxed))
        chan_lock_shared(chan);
    else
        boom_lock(&chan->lock);
}

static inline uint64_t chan_sent_locked(const struct boom_chan *chan)
{
    return chan->received + chan->length;
}

/* As chan_unlock(), with a chain or watches. */
void chan_unlock_and_wake(struct boom_chan *chan, struct waiter *chain);
/* Unlocks, wakes chain, and calls the watches that are due. */
static inline void chan_unlock(struct boom_chan *chan, struct waiter *chain)
{
    if (chain || chan->watches)
        chan_unlock_and_wake(chan, chain);
    else
        boom_unlock(&chan->lock);
}

/* boom_chan_try_send() and boom_chan_try_recv() under the lock; who is to be woken goes to chain.
 */
int chan_send_locked(struct boom_chan *chan, const void *elem, struct waiter **chain);
int chan_recv_locked(struct boom_chan *chan, void *ret_elem, struct waiter **chain);
/* As chan_recv_locked(), but takes no ticket: for an element whose turn will never be passed. */
int chan_purge_locked(struct boom_chan *chan, void *ret_elem, struct waiter **chain);

static inline void note_sharing_locked(struct boom_chan *chan)
{
    if (!atomic_load_explicit(&chan->is_shared, memory_order_relaxed))
        atomic_store_explicit(&chan->is_shared, true, memory_order_relaxed);
}

/* A sender begins to wait. */
static inline void chan_list_sender_locked(struct boom_chan *chan, struct wait_node *node)
{
    note_sharing_locked(chan);
    list_push_back(&chan->senders, &node->link);
}

/* A receiver begins to wait. */
static inline void chan_list_receiver_locked(struct boom_chan *chan, struct wait_node *node)
{
    note_sharing_locked(chan);
    if (chan->recent_first)
        list_push_front(&chan->receivers, &node->link);
    else
        list_push_back(&chan->receivers, &node->link);
}

/*
 * Takes the oldest element of the ring for which may_go(arg, elem) holds out of it. True: there is
 * one; its place is the caller's to fill before the lock is released. Counts as received.
 */
bool chan_evict_locked(struct boom_chan *chan, bool (*may_go)(void *arg, const void *elem),
                       void *arg, void *ret_elem);

/* A deadline that is always over. */
#define CHAN_NO_WAIT INT64_C(0)

/*
 * boom_chan_recv_many() that waits until deadline_ns at most, and then returns BOOM_CHAN_EMPTY.
 * CHAN_NO_WAIT: it never waits.
 * ret_ticket: 0, 1, 2 … in the order in which receives got their elements out of the channel.
 */
int chan_take(struct boom_chan *chan, struct boom_ctx *ctx, int64_t deadline_ns, void *ret_elems,
              size_t max, size_t *ret_n, uint64_t *ret_ticket);

/* chan-watch.c: a watch is armed for what is true now. */
bool chan_is_watch_due_locked(struct boom_chan *chan);
/* Calls the watches that are due, each without the lock, which it releases. */
void chan_fire_and_unlock(struct boom_chan *chan);

#endif
