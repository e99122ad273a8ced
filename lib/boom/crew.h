/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CREW_H
#define BOOM_CREW_H

/*
 * Crew: the threads behind a queue, between min and max of them.
 *
 *            start                  took work: crew_busy()
 *   (none) ─────────▶ idle ◀──────────────────────────────▶ busy
 *            grow      │            done: crew_idle()
 *                      └─▶ gone: crew_retire() when it is surplus, crew_leave() at the end of the
 * queue
 *
 * It grows by one when something waits in the queue and nobody is idle. This is looked at by those
 * who put something in (crew_grow() after it) and by those who turn busy, so one of the two sees
 * it.
 *
 * min and max may change (crew_resize()): who is above max retires as soon as it is not busy, and
 * those who wait for work are woken to look.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <boom/chan.h>
#include <boom/group.h>

/* How long a surplus worker stays without work. */
#define CREW_IDLE_NS INT64_C(10000000000)

enum { CREW_NAME_BYTES = 10 }; /* "%s-%u" must fit a thread's name */

/* The place of a worker. Its address is valid as long as the crew. */
struct crew_slot {
    struct crew *crew;
    unsigned index;
    bool initial; /* among the first min */
    bool taken;   /* by a thread; under the crew's lock */
    /* For the owner to write in the worker's thread, and to read anywhere. */
    atomic_int_fast64_t doing; /* since_ns * 2 + busy; idle since now when the worker is added */
    atomic_uint_fast64_t n_done;
};

struct crew {
    /* constant after crew_init() */
    char name[CREW_NAME_BYTES];
    /* Constant. An index may go beyond max, while workers that are no longer counted still end. */
    bool may_add_slots;
    int64_t idle_ns;
    struct boom_group *group; /* where the threads run; borrowed */
    struct boom_chan *queue;  /* borrowed */
    /*
     * The life of a worker, which begins idle and ends after it retired (crew_retire() said true)
     * or left (crew_leave()). Its error is the group's.
     */
    int (*main)(void *arg, struct crew_slot *slot);
    void *arg;

    atomic_uint min, max; /* changed under the lock; set by the owner before crew_init() */
    /* slots, retry_at_ns, changes of n_workers; then the queue's lock and the group's */
    pthread_mutex_t lock;
    struct crew_slot **slots; /* n_slots: at least as many as max ever was */
    unsigned n_slots;
    int64_t retry_at_ns; /* no growth before: the last attempt failed */
    atomic_uint n_workers;
    atomic_uint n_idle;
};

/* The caller has set the constants, but for idle_ns. Returns 0, -ENOMEM. */
int crew_init(struct crew *crew);
void crew_deinit(struct crew *crew);

/* Starts min workers. Returns 0, -EAGAIN, -ENOMEM. ret_n_started: so many were started, in any
 * case. */
int crew_start(struct crew *crew, unsigned *ret_n_started);
/* Something was put into the queue: one more worker, if it is needed and allowed. Does not wait. */
void crew_grow(struct crew *crew);
/* A worker could not begin: no growth for a second. */
void crew_growth_failed(struct crew *crew);

void crew_busy(struct crew *crew);
void crew_idle(struct crew *crew);
/* Until when an idle worker should wait for work before it asks crew_retire(). */
int64_t crew_idle_deadline(const struct crew *crew);
/*
 * For an idle worker whose wait for work ended without any. idle_until_ns: the deadline of that
 * wait. True: it is surplus, and no longer counted.
 */
bool crew_retire(struct crew *crew, int64_t idle_until_ns);
/* There are more workers than max: those who are idle ask crew_retire() before they take work. */
static inline bool crew_is_over(const struct crew *crew)
{
    return crew->n_workers > crew->max;
}
/*
 * New bounds, 1 <= min <= max. Starts workers up to min; wakes the idle, so that those above max
 * retire. Returns 0, -ENOMEM (nothing has changed), -EPIPE (the crew has ended), or -EAGAIN,
 * -ENOMEM for a worker that could not be started (the bounds hold).
 */
int crew_resize(struct crew *crew, unsigned min, unsigned max);
/* Calls fn, without locks, for the slot of each worker. */
void crew_each(struct crew *crew, void (*fn)(void *arg, struct crew_slot *slot), void *arg);
/* For an idle worker: no longer counted. True: it was the last. */
bool crew_leave(struct crew *crew);

#endif
