/* SPDX-License-Identifier: MIT */
/*
 * Half of the calls do nothing, a quarter spins, a quarter yields. The dice are the clock and the
 * thread's stack, mixed: no state, so nothing that would order the threads by itself.
 */
#include "lock.h"
#include "random.h"

#include <sched.h>
#include <stdint.h>
#include <time.h>

enum { MAX_SPINS = 512 };

static uint64_t throw_dice(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return random_mix((uint64_t)now.tv_nsec ^ (uint64_t)(uintptr_t)&now << 20);
}

void boom_perturb(void)
{
    uint64_t dice = throw_dice();

    switch (dice % 4) {
    case 0:
        sched_yield();
        break;
    case 1:
        for (volatile unsigned n = (unsigned)(dice >> 32) % MAX_SPINS; n > 0;)
            n--;
        break;
    default:
        break;
    }
}
