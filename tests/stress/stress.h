/* SPDX-License-Identifier: MIT */
#ifndef STRESS_H
#define STRESS_H

/*
 * What the stress tests share. A run lasts STRESS_SECONDS (2) and starts from STRESS_SEED (the
 * clock); the seed is printed, so that a failure can be tried again.
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
        if (!(fact)) {                                                                             \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #fact);              \
            abort();                                                                               \
        }                                                                                          \
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

static inline int64_t env_number(const char *name, int64_t otherwise)
{
    const char *value = getenv(name);

    return value ? strtoll(value, NULL, 0) : otherwise;
}

static inline struct random stress_begin(const char *name)
{
    struct random random = {.state = (uint64_t)env_number("STRESS_SEED", boom_now_ns())};

    printf("%s: STRESS_SEED=%llu\n", name, (unsigned long long)random.state);
    fflush(stdout);
    return random;
}

static inline int64_t stress_end_ns(void)
{
    return boom_now_ns() + env_number("STRESS_SECONDS", 2) * 1000000000;
}

#endif
