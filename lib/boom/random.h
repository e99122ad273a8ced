/* SPDX-License-Identifier: MIT */
#ifndef BOOM_RANDOM_H
#define BOOM_RANDOM_H

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators). Not for secrets. */

#include <stdint.h>

static inline uint64_t random_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
    value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
    return value ^ (value >> 31);
}

/* The next number of a sequence; the state may begin with any value. */
static inline uint64_t random_next(uint64_t *state)
{
    return random_mix(*state += 0x9e3779b97f4a7c15);
}

#endif
