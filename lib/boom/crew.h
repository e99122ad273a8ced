/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CREW_H
#define BOOM_CREW_H

/*
 * Crew: the threads behind a queue, between min and max of them.
 *
 *            start                  took work: crew_busy()
 *   (none) ─────────▶ idle ◀──────────────────────────────▶ busy
 *            grow      │            done: crew_idle()
 *                      └─▶ gone: crew_retire() after idleness, crew_leave() at the end of the queue
 *
 * It grows by one when something waits in the queue and nobody is idle. This is looked at by those
 * who put something in (crew_grow() after it) and by those who turn busy, so one of the two sees
 * it.
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

struct crew_slot {
    struct crew *crew;
    unsigned index;
    bool initial; /* among the first min */
    bool taken;   /* by a thread; under the crew's lock */
};

struct crew {
    /* constant after crew_init() */
    char name[CREW_NAME_BYTES];
    unsigned min, max;
    int64_t idle_ns;
    struct boom_group *group; /* where the threads run; borrowed */
    struct boom_chan *queue;  /* borrowed */
    /*
     * The life of a worker, which begins idle and ends after it retired (crew_retire() said true)
     * or left (crew_leave()). Its error is the group's.
     */
    int (*main)(void *arg, unsigned index, bool initial);
    void *arg;

    pthread_mutex_t
        lock; /* slots, retry_at_ns, changes of n_workers; then the queue's and group's */
    struct crew_slot *slots; /* max of them */
    int64_t retry_at_ns;     /* no growth before: the last attempt failed */
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
/* For an idle worker. True: it is surplus, and no longer counted. */
bool crew_retire(struct crew *crew);
/* For an idle worker: no longer counted. True: it was the last. */
bool crew_leave(struct crew *crew);

#endif
