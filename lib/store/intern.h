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
 * It must never hold more entries than it was cleared for.
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
    uint32_t mask, generation;
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

/* Empties it and makes room for n_entries. Returns 0, -ENOMEM. */
static inline int intern_clear(struct intern *table, size_t n_entries)
{
    size_t n_slots = intern_slots(n_entries);
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
    *table = (struct intern){slots, (uint32_t)n_slots - 1, 1};
    return 0;
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

static inline void intern_set(const struct intern *table, struct intern_slot *slot, uint64_t hash,
                              uint32_t index)
{
    *slot = (struct intern_slot){hash, table->generation, index};
}

#endif
