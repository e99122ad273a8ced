/* SPDX-License-Identifier: MIT */
#ifndef STRESS_H
#define STRESS_H

/*
 * What the stress tests share. A test is a round that is played again and again, from a seed of its
 * own each time: STRESS_SEED (else the clock) is the first round's, and the others follow from it.
 * It ends after STRESS_SECONDS (2), or after STRESS_ROUNDS rounds where that is set. The seed is
 * printed at the start; that of the round which failed, where a CHECK() does not hold.
 */

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <boom/context.h>

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact))                                                                               \
            stress_fail(__FILE__, __LINE__, #fact);                                                \
    } while (0)

struct random {
    uint64_t state;
};

/* splitmix64 */
static inline uint64_t random_next(struct random *random)
{
    uint64_t z = (random->state += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

/* 0 .. n - 1 */
static inline uint64_t random_below(struct random *random, uint64_t n)
{
    return random_next(random) % n;
}

/* Disturbs the schedule, now and then. */
static inline void random_yield(struct random *random)
{
    if (random_below(random, 4) == 0)
        sched_yield();
}

/* Says what does not hold, and how to try the round again; does not return. Any thread. */
_Noreturn void stress_fail(const char *file, int line, const char *fact);

/* The whole of main() of a test: plays round(arg, random) until the end. Returns 0. */
int stress_run(const char *name, void (*round)(void *arg, struct random *random), void *arg);

/* A thread that is there from here to stress_join(). */
pthread_t stress_thread(void *(*fn)(void *arg), void *arg);
void stress_join(const pthread_t *threads, size_t n_threads);

#endif
