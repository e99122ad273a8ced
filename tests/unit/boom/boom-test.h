/* SPDX-License-Identifier: MIT */
#ifndef BOOM_TEST_H
#define BOOM_TEST_H

/* What the tests of libboom share: cmocka, threads, and looking at who waits where. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "boom/chan-impl.h"

static inline pthread_t spawn(void *(*fn)(void *arg), void *arg)
{
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, fn, arg), 0);
    return thread;
}

static inline void join(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static inline void wait_sem(sem_t *sem)
{
    while (sem_wait(sem) < 0)
        assert_int_equal(errno, EINTR);
}

/* Gives the processor away until the fact holds. */
#define AWAIT(fact)                                                                                \
    do {                                                                                           \
        while (!(fact))                                                                            \
            sched_yield();                                                                         \
    } while (0)

static inline unsigned list_length(struct boom_chan *chan, struct link *list)
{
    unsigned n = 0;

    chan_lock(chan);
    for (struct link *at = list->next; at != list; at = at->next)
        n++;
    pthread_mutex_unlock(&chan->lock);
    return n;
}

/* So many threads wait in the channel. */
static inline void await_senders(struct boom_chan *chan, unsigned n)
{
    AWAIT(list_length(chan, &chan->senders) == n);
}

static inline void await_receivers(struct boom_chan *chan, unsigned n)
{
    AWAIT(list_length(chan, &chan->receivers) == n);
}

#endif
