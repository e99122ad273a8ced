/* SPDX-License-Identifier: MIT */
/*
 * HyperLogLog with Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog
 * sketches", 2017, section 4), which has no bias at any size and needs no table of corrections.
 */
#include "store/query/agg_uniq.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The largest register: the position of the first set bit of what the index leaves of a hash. */
#define MOST (64 - UNIQ_BITS + 1)

void uniq_deinit(struct uniq *uniq, struct budget *budget)
{
    budget_give(budget, uniq->room * sizeof(*uniq->hashes) +
                            (uniq->registers != NULL ? UNIQ_REGISTERS : 0));
    free(uniq->hashes);
    free(uniq->registers);
    *uniq = (struct uniq){0};
}

/* Room for one more, as long as hashes are kept: half of the slots stay empty. */
static bool grow(struct uniq *uniq, struct budget *budget)
{
    if (uniq->n * 2 < uniq->room || uniq->n == UNIQ_EXACT)
        return true;
    uint32_t room = uniq->room == 0 ? 8 : uniq->room * 2;
    if (!budget_take(budget, room * sizeof(*uniq->hashes)))
        return false;
    uint64_t *hashes = calloc(room, sizeof(*hashes));
    if (hashes == NULL) {
        budget_give(budget, room * sizeof(*uniq->hashes));
        return false;
    }
    for (uint32_t i = 0; i < uniq->room; i++) {
        uint32_t slot = (uint32_t)uniq->hashes[i] & (room - 1);
        if (uniq->hashes[i] == 0)
            continue;
        while (hashes[slot] != 0)
            slot = (slot + 1) & (room - 1);
        hashes[slot] = uniq->hashes[i];
    }
    budget_give(budget, uniq->room * sizeof(*uniq->hashes));
    free(uniq->hashes);
    uniq->hashes = hashes;
    uniq->room = room;
    return true;
}

static void note(struct uniq *uniq, uint64_t hash)
{
    uint32_t index = (uint32_t)(hash >> (64 - UNIQ_BITS));
    uint64_t rest = hash << UNIQ_BITS;
    uint8_t position = rest == 0 ? MOST : (uint8_t)(__builtin_clzll(rest) + 1);
    if (position > uniq->registers[index])
        uniq->registers[index] = position;
}

static bool estimate(struct uniq *uniq, struct budget *budget)
{
    if (!budget_take(budget, UNIQ_REGISTERS))
        return false;
    uniq->registers = calloc(UNIQ_REGISTERS, 1);
    if (uniq->registers == NULL) {
        budget_give(budget, UNIQ_REGISTERS);
        return false;
    }
    for (uint32_t i = 0; i < uniq->room; i++)
        if (uniq->hashes[i] != 0)
            note(uniq, uniq->hashes[i]);
    budget_give(budget, uniq->room * sizeof(*uniq->hashes));
    free(uniq->hashes);
    uniq->hashes = NULL;
    uniq->n = uniq->room = 0;
    return true;
}

bool uniq_add(struct uniq *uniq, uint64_t hash, struct budget *budget)
{
    hash += hash == 0;
    if (uniq->registers != NULL) {
        note(uniq, hash);
        return true;
    }
    if (!grow(uniq, budget))
        return false;
    uint32_t slot = (uint32_t)hash & (uniq->room - 1);
    while (uniq->hashes[slot] != 0 && uniq->hashes[slot] != hash)
        slot = (slot + 1) & (uniq->room - 1);
    if (uniq->hashes[slot] == hash)
        return true;
    if (uniq->n == UNIQ_EXACT)
        return estimate(uniq, budget) && uniq_add(uniq, hash, budget);
    uniq->hashes[slot] = hash;
    uniq->n++;
    return true;
}

bool uniq_merge(struct uniq *uniq, const struct uniq *other, struct budget *budget)
{
    bool whole = true;
    if (other->registers != NULL && uniq->registers == NULL && !estimate(uniq, budget))
        return false;
    for (uint32_t i = 0; other->registers != NULL && i < UNIQ_REGISTERS; i++)
        if (other->registers[i] > uniq->registers[i])
            uniq->registers[i] = other->registers[i];
    for (uint32_t i = 0; i < other->room; i++)
        if (other->hashes[i] != 0)
            whole &= uniq_add(uniq, other->hashes[i], budget);
    return whole;
}

static double sigma(double x)
{
    double y = 1, z = x, before;
    if (x == 1)
        return INFINITY;
    do {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    } while (z != before);
    return z;
}

static double tau(double x)
{
    double y = 1, z = 1 - x, before;
    if (x == 0 || x == 1)
        return 0;
    do {
        x = sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1 - x) * (1 - x) * y;
    } while (z != before);
    return z / 3;
}

uint64_t uniq_count(const struct uniq *uniq)
{
    uint32_t n_of[MOST + 1] = {0};
    const double m = UNIQ_REGISTERS;
    if (uniq->registers == NULL)
        return uniq->n;
    for (uint32_t i = 0; i < UNIQ_REGISTERS; i++)
        n_of[uniq->registers[i]]++;
    double z = m * tau(1 - n_of[MOST] / m);
    for (int i = MOST - 1; i >= 1; i--)
        z = 0.5 * (z + n_of[i]);
    z += m * sigma(n_of[0] / m);
    return (uint64_t)llround(m * m / (2 * M_LN2 * z));
}
