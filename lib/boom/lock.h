/* SPDX-License-Identifier: MIT */
#ifndef BOOM_LOCK_H
#define BOOM_LOCK_H

/*
 * Every mutex of the library is locked and unlocked here. In a build with -Dperturb=true the thread
 * may be held up before and after each, and around every claim of a waiter (wait.c): tests then meet
 * schedules that are rare otherwise.
 */

#include <pthread.h>
#include <stdbool.h>

#ifdef BOOM_PERTURB
/* Returns at once, spins for a moment, or lets another thread run: at random (perturb.c). */
void boom_perturb(void);
#else
static inline void boom_perturb(void) {}
#endif

static inline void boom_lock(pthread_mutex_t *lock)
{
    boom_perturb();
    pthread_mutex_lock(lock);
    boom_perturb();
}

/* True: locked. */
static inline bool boom_trylock(pthread_mutex_t *lock)
{
    bool locked;

    boom_perturb();
    locked = pthread_mutex_trylock(lock) == 0;
    boom_perturb();
    return locked;
}

static inline void boom_unlock(pthread_mutex_t *lock)
{
    boom_perturb();
    pthread_mutex_unlock(lock);
    boom_perturb();
}

#endif
