/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CHAN_H
#define BOOM_CHAN_H

/*
 * Channel: a bounded queue of fixed-size elements between threads (Go: chan T).
 *
 *   senders ──▶ [ e e e . . . . ] ──▶ receivers        FIFO; capacity 0 is a rendezvous
 *
 * Elements are copied in and out. A closed channel first drains, then says that it is closed; sending
 * on it, or closing it twice, is an error and not a crash. Every wait is woken by close, by the
 * cancellation of its context and by its deadline. All functions may be called from any thread.
 */

#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_chan;

/* Expected outcomes (positive): the direct caller handles them. */
enum {
    BOOM_CHAN_CLOSED = 1, /* receive: closed and drained */
    BOOM_CHAN_FULL,       /* try_send: no room now */
    BOOM_CHAN_EMPTY,      /* try_recv: nothing there now */
};

struct boom_chan_stats {
    size_t length;     /* elements in it now */
    size_t capacity;
    size_t high_water; /* most elements ever in it at once */
    uint64_t sent;     /* elements that ever entered */
    uint64_t received; /* elements that ever left */
};

/*
 * elem_bytes: size of one element (1 ..); capacity: elements held without a receiver (0 ..).
 * Returns 0, -EINVAL, -ENOMEM. The creator owns the channel: free it when no thread uses it any more.
 */
int boom_chan_new(size_t elem_bytes, size_t capacity, struct boom_chan **ret_chan);
/* Frees memory only; elements still inside are forgotten. Returns NULL. NULL is allowed. */
struct boom_chan *boom_chan_free(struct boom_chan *chan);

/*
 * Waits for room. Returns 0 (copied in), -EPIPE (closed), or the error of ctx (-ECANCELED, -ETIMEDOUT);
 * on an error the element stays the caller's. Senders that wait are served first come first served;
 * closing the channel ends their wait with -EPIPE. A context that is already over fails even when there is room.
 */
int boom_chan_send(struct boom_chan *chan, struct boom_ctx *ctx, const void *elem);
/* Never waits: 0, BOOM_CHAN_FULL, -EPIPE. */
int boom_chan_try_send(struct boom_chan *chan, const void *elem);

/*
 * Waits for an element. Returns 0, BOOM_CHAN_CLOSED, or the error of ctx. What is in the channel is
 * handed out before an error of ctx only if ctx is live: a cancelled context receives nothing.
 */
int boom_chan_recv(struct boom_chan *chan, struct boom_ctx *ctx, void *ret_elem);
/* Never waits: 0, BOOM_CHAN_EMPTY, BOOM_CHAN_CLOSED. */
int boom_chan_try_recv(struct boom_chan *chan, void *ret_elem);
/*
 * Waits for the first element, then takes up to max (1 ..) of those that are there: consecutive ones,
 * in order. ret_n is at least 1 on success. Returns as boom_chan_recv().
 */
int boom_chan_recv_many(struct boom_chan *chan, struct boom_ctx *ctx, void *ret_elems, size_t max,
                        size_t *ret_n);

/* Refuses new elements and wakes every waiter. Returns 0, -EALREADY (closed before). */
int boom_chan_close(struct boom_chan *chan);
bool boom_chan_is_closed(struct boom_chan *chan);

void boom_chan_get_stats(struct boom_chan *chan, struct boom_chan_stats *ret_stats);
/* Elements in it now (Go: len), and at most (Go: cap). */
size_t boom_chan_length(struct boom_chan *chan);
size_t boom_chan_capacity(const struct boom_chan *chan);

/*
 * A one-shot watch, for event loops that must not wait: `fn(arg)` is called once, from the thread
 * that made it true, when the channel has room, or has an element, or was closed. (In a rendezvous a
 * receiver that waits is room, a sender that waits is an element.) It runs without the channel's lock,
 * must not block, and typically writes an eventfd; it may arm the watch again. With several watches
 * all are called: the room or element may be gone when they try. The watch belongs to the caller and must stay
 * valid until fn was called or boom_chan_unwatch() returned. Start it zeroed but for fn and arg.
 */
struct boom_watch {
    void (*fn)(void *arg);
    void *arg;
    struct boom_watch *next; /* private */
    bool armed;              /* private */
    bool for_elem;           /* private */
};

/* Must not be armed already. Returns 0 (armed: fn will be called), 1 (there is room, or it is closed: fn will not be called). */
int boom_chan_watch_room(struct boom_chan *chan, struct boom_watch *watch);
/* The same for an element: 0, 1 (there is one, or it is closed). */
int boom_chan_watch_elem(struct boom_chan *chan, struct boom_watch *watch);
/*
 * After return fn is not running and will not be called; waits for a call that is under way (unless
 * it is that call which asks). Harmless when the watch is not armed.
 */
void boom_chan_unwatch(struct boom_chan *chan, struct boom_watch *watch);

/*
 * A channel as an fd, for libevent, epoll and poll. The fd becomes readable (EPOLLIN, whatever is
 * waited for) when the channel has an element or room, or is closed, as a watch is called; it stays
 * so until it is armed again:
 *
 *     readable:  while (boom_chan_try_recv(chan, &elem) == 0)
 *                    …
 *                boom_chan_fd_arm(fd);
 *
 * Arming looks again, so nothing is missed between the last try and it, and one need not take all;
 * and so it may be level- or edge-triggered in the loop. Others that receive may have been faster:
 * readable is a reason to try, not a promise. Of a closed channel the fd is always readable.
 */
struct boom_chan_fd;

enum boom_chan_event {
    BOOM_CHAN_READABLE, /* an element is there, or it is closed */
    BOOM_CHAN_WRITABLE, /* there is room, or it is closed */
};

/* Armed. Returns 0, -ENOMEM, -EMFILE, -ENFILE, -EINVAL (no such event). Any number a channel. */
int boom_chan_fd_new(struct boom_chan *chan, enum boom_chan_event event,
                     struct boom_chan_fd **ret_fd);
/* Before the channel is freed, and after the loop let go of the fd. Returns NULL. NULL is allowed. */
struct boom_chan_fd *boom_chan_fd_free(struct boom_chan_fd *fd);
/* The fd; for poll and its like only: do not read, write or close it. The same for life. */
int boom_chan_fd_get(const struct boom_chan_fd *fd);
/*
 * Returns 0 (not readable now; will be), 1 (it is: there is something, or it is closed). By one thread
 * at a time.
 */
int boom_chan_fd_arm(struct boom_chan_fd *fd);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
