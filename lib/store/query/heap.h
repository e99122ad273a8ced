/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_HEAP_H
#define STORE_QUERY_HEAP_H

/*
 * A heap of things that have a place in the order of a run: rows are known by key, and a block by
 * the least key that a row of it can have.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Less is earlier in the run. Newest first, both are complements. */
struct key {
    int64_t time;
    uint64_t id;
};

#define KEY_LAST ((struct key){INT64_MAX, UINT64_MAX})

static inline bool key_before(struct key a, struct key b)
{
    return a.time != b.time ? a.time < b.time : a.id < b.id;
}

static inline struct key key_make(int64_t time, uint64_t id, bool newest_first)
{
    return newest_first ? (struct key){~time, ~id} : (struct key){time, id};
}

struct heap_entry {
    struct key key;
    void *item;
    uint32_t number;
};

struct heap {
    struct heap_entry *entries; /* the least comes first */
    size_t n, capacity;
};

#define HEAP_NULL ((struct heap){0})
void heap_deinit(struct heap *heap);
/* Returns 0, -ENOMEM. */
int heap_push(struct heap *heap, const struct heap_entry *entry);
/* There must be one. */
struct heap_entry heap_pop(struct heap *heap);
static inline struct key heap_least(const struct heap *heap)
{
    return heap->n > 0 ? heap->entries[0].key : KEY_LAST;
}

#endif
