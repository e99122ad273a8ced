/* SPDX-License-Identifier: MIT */
/*
 * The channel: one mutex, a ring, two lists of waiters, and direct hand-over.
 *
 * A sender that finds a receiver waiting copies the element into the receiver's buffer; a receiver
 * that makes room moves the first waiting sender's element into the ring. So who was completed has
 * what it waited for, nobody can overtake it, and no wake-up is lost or spent on looking again.
 * Threads are woken after the lock is released.
 *
 * The uncontended path is lock, copy, unlock: the clock is read only for a context with a deadline,
 * and the context's list of waiters is touched only by those who really wait. How threads that meet
 * at the lock wait for it is told in chan-lock.c.
 */
#include "chan-impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "context-impl.h"

int boom_chan_new(size_t elem_bytes, size_t capacity, struct boom_chan **ret_chan)
{
    struct boom_chan *chan;
    size_t bytes;
    void *memory;

    if (elem_bytes == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(elem_bytes, capacity, &bytes) ||
        __builtin_add_overflow(bytes, sizeof(*chan), &bytes))
        return -ENOMEM;
    if (posix_memalign(&memory, CHAN_LINE_BYTES, bytes) != 0)
        return -ENOMEM;
    chan = memset(memory, 0, sizeof(*chan));
    pthread_mutex_init(&chan->lock, NULL);
    pthread_cond_init(&chan->fired, NULL);
    chan->elem_bytes = elem_bytes;
    chan->capacity = capacity;
    chan->select_random = (uintptr_t)chan;
    list_init(&chan->senders);
    list_init(&chan->receivers);
    list_init(&chan->firings);
    *ret_chan = chan;
    return 0;
}

struct boom_chan *boom_chan_free(struct boom_chan *chan)
{
    if (!chan)
        return NULL;
    pthread_cond_destroy(&chan->fired);
    pthread_mutex_destroy(&chan->lock);
    free(chan);
    return NULL;
}

void chan_unlock_and_wake(struct boom_chan *chan, struct waiter *chain)
{
    bool due = chan_is_watch_due_locked(chan);

    boom_unlock(&chan->lock);
    waiter_wake_chain(chain);
    if (due) {
        chan_lock(chan);
        chan_fire_and_unlock(chan);
    }
}

static void copy_elem(const struct boom_chan *chan, void *to, const void *from)
{
    if (chan->elem_bytes == sizeof(void *))
        memcpy(to, from, sizeof(void *));
    else
        memcpy(to, from, chan->elem_bytes);
}

/* The place of the nth oldest element; n may be the length: the next free place. */
static unsigned char *slot(struct boom_chan *chan, size_t n)
{
    size_t i = chan->head + n;

    if (i >= chan->capacity)
        i -= chan->capacity;
    return chan->ring + i * chan->elem_bytes;
}

/* An element enters the channel: its copy goes to `to`, a ring slot or a receiver's buffer. */
static void enter(struct boom_chan *chan, void *to, const void *elem, bool late)
{
    copy_elem(chan, to, elem);
    if (chan->entered)
        chan->entered(chan->entered_arg, to, late);
}

static void push(struct boom_chan *chan, const void *elem, bool late)
{
    enter(chan, slot(chan, chan->length), elem, late);
    if (++chan->length > chan->high_water)
        chan->high_water = chan->length;
}

static void pop(struct boom_chan *chan, void *ret_elem)
{
    copy_elem(chan, ret_elem, slot(chan, 0));
    if (++chan->head == chan->capacity)
        chan->head = 0;
    chan->length--;
    chan->received++;
}

static inline int give_locked(struct boom_chan *chan, const void *elem, struct waiter **chain)
{
    struct wait_node *receiver;

    if (chan->closed)
        return -EPIPE;
    receiver = wait_list_claim(&chan->receivers);
    if (receiver) {
        enter(chan, receiver->elem, elem, false);
        chan->received++;
        receiver->ticket = chan->n_receives++;
        wait_node_complete(receiver, 0, chain);
        return 0;
    }
    if (chan->length == chan->capacity)
        return BOOM_CHAN_FULL;
    push(chan, elem, false);
    return 0;
}

int chan_send_locked(struct boom_chan *chan, const void *elem, struct waiter **chain)
{
    return give_locked(chan, elem, chain);
}

/* One element, without taking a ticket. */
static inline int pull_locked(struct boom_chan *chan, void *ret_elem, struct waiter **chain)
{
    struct wait_node *sender;

    if (chan->length > 0) {
        pop(chan, ret_elem);
        sender = wait_list_claim(&chan->senders);
        if (sender) {
            push(chan, sender->elem, true);
            wait_node_complete(sender, 0, chain);
        }
        return 0;
    }
    sender = wait_list_claim(&chan->senders);
    if (!sender)
        return chan->closed ? BOOM_CHAN_CLOSED : BOOM_CHAN_EMPTY;
    enter(chan, ret_elem, sender->elem, true);
    chan->received++;
    wait_node_complete(sender, 0, chain);
    return 0;
}

/* Up to max elements; ret_n is what came, also when the return value says that there is none. */
static int pull_many_locked(struct boom_chan *chan, unsigned char *ret_elems, size_t max,
                            size_t *ret_n, struct waiter **chain)
{
    size_t n = 0;
    int r = 0;

    while (n < max && (r = pull_locked(chan, ret_elems + n * chan->elem_bytes, chain)) == 0)
        n++;
    *ret_n = n;
    return n > 0 ? 0 : r;
}

int chan_recv_locked(struct boom_chan *chan, void *ret_elem, struct waiter **chain)
{
    int r = pull_locked(chan, ret_elem, chain);

    if (r == 0)
        chan->n_receives++;
    return r;
}

int chan_purge_locked(struct boom_chan *chan, void *ret_elem, struct waiter **chain)
{
    return pull_locked(chan, ret_elem, chain);
}

bool chan_evict_locked(struct boom_chan *chan, bool (*may_go)(void *arg, const void *elem),
                       void *arg, void *ret_elem)
{
    size_t at = 0;

    while (at < chan->length && !may_go(arg, slot(chan, at)))
        at++;
    if (at == chan->length)
        return false;
    copy_elem(chan, ret_elem, slot(chan, at));
    for (; at + 1 < chan->length; at++)
        copy_elem(chan, slot(chan, at), slot(chan, at + 1));
    chan->length--;
    chan->received++;
    return true;
}

/* A waiter that was not completed by the channel leaves its list. */
static void withdraw(struct boom_chan *chan, struct wait_node *node)
{
    chan_lock(chan);
    link_unlink(&node->link);
    boom_unlock(&chan->lock);
}

/*
 * Called with the lock, which it releases. Returns what the peer said, or as waiter_wait(). Out of
 * line with its big frame, as are its callers: the way that does not wait stays short.
 */
static int wait_and_unlock(struct boom_chan *chan, struct wait_node *node, struct boom_ctx *ctx,
                           int64_t deadline_ns)
{
    struct waiter waiter;
    int r;

    waiter_init(&waiter);
    node->waiter = &waiter;
    chan_unlock(chan, NULL);
    r = waiter_wait(&waiter, ctx, deadline_ns);
    if (r != 0)
        withdraw(chan, node);
    node->waiter = NULL;
    waiter_deinit(&waiter);
    if (r == 0)
        return node->result;
    return r == WAIT_DEADLINE ? BOOM_CHAN_EMPTY : r;
}

__attribute__((noinline)) static int wait_to_send_and_unlock(struct boom_chan *chan,
                                                             struct boom_ctx *ctx, const void *elem)
{
    struct wait_node node = {.elem = (void *)elem};

    chan_list_sender_locked(chan, &node);
    return wait_and_unlock(chan, &node, ctx, BOOM_NEVER);
}

int boom_chan_send(struct boom_chan *chan, struct boom_ctx *ctx, const void *elem)
{
    struct waiter *chain = NULL;
    int r = ctx_err(ctx);

    if (r < 0)
        return r;
    chan_lock(chan);
    r = give_locked(chan, elem, &chain);
    if (r == BOOM_CHAN_FULL)
        return wait_to_send_and_unlock(chan, ctx, elem);
    chan_unlock(chan, chain);
    return r;
}

int boom_chan_try_send(struct boom_chan *chan, const void *elem)
{
    struct waiter *chain = NULL;
    int r;

    chan_lock(chan);
    r = chan_send_locked(chan, elem, &chain);
    chan_unlock(chan, chain);
    return r;
}

/* After a hand-over of one: more of what came meanwhile, unless another receiver came between. */
static size_t top_up(struct boom_chan *chan, unsigned char *ret_elems, size_t max, uint64_t ticket)
{
    struct waiter *chain = NULL;
    size_t n = 0;

    if (max == 0)
        return 0;
    chan_lock(chan);
    if (chan->n_receives == ticket + 1)
        pull_many_locked(chan, ret_elems, max, &n, &chain);
    chan_unlock(chan, chain);
    return n;
}

__attribute__((noinline)) static int wait_to_recv_and_unlock(struct boom_chan *chan,
                                                             struct boom_ctx *ctx,
                                                             int64_t deadline_ns, void *ret_elem,
                                                             uint64_t *ret_ticket)
{
    struct wait_node node = {.elem = ret_elem};
    int r;

    chan_list_receiver_locked(chan, &node);
    r = wait_and_unlock(chan, &node, ctx, deadline_ns);
    *ret_ticket = node.ticket;
    return r;
}

int chan_take(struct boom_chan *chan, struct boom_ctx *ctx, int64_t deadline_ns, void *ret_elems,
              size_t max, size_t *ret_n, uint64_t *ret_ticket)
{
    unsigned char *rest = (unsigned char *)ret_elems + chan->elem_bytes;
    struct waiter *chain = NULL;
    int r = ctx_err(ctx);

    if (r < 0)
        return r;
    chan_lock(chan);
    r = pull_many_locked(chan, ret_elems, max, ret_n, &chain);
    if (r != BOOM_CHAN_EMPTY || deadline_ns == CHAN_NO_WAIT) {
        *ret_ticket = r == 0 ? chan->n_receives++ : 0;
        chan_unlock(chan, chain);
        return r;
    }
    r = wait_to_recv_and_unlock(chan, ctx, deadline_ns, ret_elems, ret_ticket);
    if (r == 0)
        *ret_n = 1 + top_up(chan, rest, max - 1, *ret_ticket);
    return r;
}

int boom_chan_recv(struct boom_chan *chan, struct boom_ctx *ctx, void *ret_elem)
{
    struct waiter *chain = NULL;
    uint64_t ticket;
    int r = ctx_err(ctx);

    if (r < 0)
        return r;
    chan_lock(chan);
    r = chan_recv_locked(chan, ret_elem, &chain);
    if (r == BOOM_CHAN_EMPTY)
        return wait_to_recv_and_unlock(chan, ctx, BOOM_NEVER, ret_elem, &ticket);
    chan_unlock(chan, chain);
    return r;
}

int boom_chan_recv_many(struct boom_chan *chan, struct boom_ctx *ctx, void *ret_elems, size_t max,
                        size_t *ret_n)
{
    uint64_t ticket;

    return chan_take(chan, ctx, BOOM_NEVER, ret_elems, max, ret_n, &ticket);
}

int boom_chan_try_recv(struct boom_chan *chan, void *ret_elem)
{
    struct waiter *chain = NULL;
    int r;

    chan_lock(chan);
    r = chan_recv_locked(chan, ret_elem, &chain);
    chan_unlock(chan, chain);
    return r;
}

int boom_chan_close(struct boom_chan *chan)
{
    struct waiter *chain = NULL;
    struct wait_node *node;

    chan_lock(chan);
    if (chan->closed) {
        boom_unlock(&chan->lock);
        return -EALREADY;
    }
    chan->closed = true;
    while ((node = wait_list_claim(&chan->senders)))
        wait_node_complete(node, -EPIPE, &chain);
    while ((node = wait_list_claim(&chan->receivers)))
        wait_node_complete(node, BOOM_CHAN_CLOSED, &chain);
    chan_unlock(chan, chain);
    return 0;
}

bool boom_chan_is_closed(struct boom_chan *chan)
{
    bool closed;

    chan_lock(chan);
    closed = chan->closed;
    boom_unlock(&chan->lock);
    return closed;
}

void boom_chan_get_stats(struct boom_chan *chan, struct boom_chan_stats *ret_stats)
{
    chan_lock(chan);
    *ret_stats = (struct boom_chan_stats){
        .length = chan->length,
        .capacity = chan->capacity,
        .high_water = chan->high_water,
        .sent = chan_sent_locked(chan),
        .received = chan->received,
    };
    boom_unlock(&chan->lock);
}

size_t boom_chan_length(struct boom_chan *chan)
{
    size_t length;

    chan_lock(chan);
    length = chan->length;
    boom_unlock(&chan->lock);
    return length;
}

size_t boom_chan_capacity(const struct boom_chan *chan)
{
    return chan->capacity;
}
