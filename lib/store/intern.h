/* SPDX-License-Identifier: MIT */
#ifndef STORE_INTERN_H
#define STORE_INTERN_H

/*
 * An open-addressing table from hashes to indices, emptied by counting up its generation. The
 * caller compares the keys:
 *
 *     for (slot = intern_first(&table, hash); intern_taken(&table, slot);
 *          slot = intern_next(&table, slot))
 *         if (slot->hash == hash && same(key, keys[slot->index]))
 *             return slot->index;
 *     intern_set(&table, slot, hash, index);
 *
 * It is small while it holds little, so that what is looked up lies close together; and grows.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct intern_slot {
    uint64_t hash;
    uint32_t generation, index;
};

struct intern {
    struct intern_slot *slots;
    uint32_t mask, generation, n_entries;
};

/* Slots for so many entries: a power of two, at most half of them taken. */
static inline size_t intern_slots(size_t n_entries)
{
    size_t n_slots = 16;
    while (n_slots < 2 * n_entries)
        n_slots *= 2;
    return n_slots;
}

static inline void intern_deinit(struct intern *table)
{
    free(table->slots);
    *table = (struct intern){0};
}

/* Empties it; so many entries have room without its growing. Returns 0, -ENOMEM. */
static inline int intern_clear(struct intern *table, size_t n_entries)
{
    size_t n_slots = intern_slots(n_entries);
    table->n_entries = 0;
    if (table->slots && table->mask + 1 >= n_slots && table->generation < UINT32_MAX) {
        table->generation++;
        return 0;
    }
    if (table->slots && table->mask + 1 > n_slots)
        n_slots = (size_t)table->mask + 1;
    struct intern_slot *slots = calloc(n_slots, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    free(table->slots);
    *table = (struct intern){slots, (uint32_t)n_slots - 1, 1, 0};
    return 0;
}

/* Of a key that is a number. Different numbers have different hashes: nothing is lost by an odd factor,
 * nor by folding. So there is nothing to compare. */
static inline uint64_t intern_hash(uint64_t number)
{
    uint64_t hash = number * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

static inline struct intern_slot *intern_first(const struct intern *table, uint64_t hash)
{
    return &table->slots[hash & table->mask];
}

static inline struct intern_slot *intern_next(const struct intern *table, struct intern_slot *slot)
{
    return &table->slots[(uint32_t)(slot - table->slots + 1) & table->mask];
}

static inline bool intern_taken(const struct intern *table, const struct intern_slot *slot)
{
    return slot->generation == table->generation;
}

/* Twice as many slots. Returns 0, -ENOMEM. */
static inline int intern_grow(struct intern *table)
{
    size_t n_slots = 2 * ((size_t)table->mask + 1);
    struct intern grown = {calloc(n_slots, sizeof(*grown.slots)), (uint32_t)n_slots - 1, 1,
                           table->n_entries};
    if (!grown.slots)
        return -ENOMEM;
    for (const struct intern_slot *old = table->slots; old <= table->slots + table->mask; old++) {
        if (!intern_taken(table, old))
            continue;
        struct intern_slot *slot = intern_first(&grown, old->hash);
        while (intern_taken(&grown, slot))
            slot = intern_next(&grown, slot);
        *slot = (struct intern_slot){old->hash, grown.generation, old->index};
    }
    free(table->slots);
    *table = grown;
    return 0;
}

/* Takes a free slot, which may move then. Returns 0, -ENOMEM. */
static inline int intern_set(struct intern *table, struct intern_slot *slot, uint64_t hash,
                             uint32_t index)
{
    *slot = (struct intern_slot){hash, table->generation, index};
    return 2 * (size_t)++table->n_entries > (size_t)table->mask + 1 ? intern_grow(table) : 0;
}

#endif
