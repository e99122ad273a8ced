/* SPDX-License-Identifier: MIT */
#ifndef GEO_CACHE_H
#define GEO_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

/*
 * Address → place, for one thread and one generation of the databases. Two slots an address, which
 * share a cache line; what is not known is kept as well.
 *
 *   slots   [ a b | c d | e f | … ]   what is compared
 *   places  [ A B | C D | E F | … ]   what is copied, once a batch
 */

enum geo_cache_state {
    GEO_CACHE_EMPTY,
    GEO_CACHE_PENDING, /* its owner asks the databases */
    GEO_CACHE_UNKNOWN,
    GEO_CACHE_KNOWN,
};

struct geo_cache_slot {
    uint8_t address[16];
    uint64_t batch;    /* the last batch that got this place, by the owner's count */
    uint16_t place;    /* and as which: record.place; pending: the owner's */
    uint8_t state;     /* enum geo_cache_state */
    uint8_t is_oldest; /* of the two: the one to overwrite */
};

struct geo_cache {
    struct geo_cache_slot *slots;
    struct place *places;
    unsigned shift; /* the hash's upper 64 - shift bits are the pair's index */
    size_t n_slots;
};

#define GEO_CACHE_NULL ((struct geo_cache){0})

/* n_entries: at least 2; rounded up to a power of two, and down to 2^24. Returns 0, -ENOMEM. */
int geo_cache_init(struct geo_cache *cache, size_t n_entries);
void geo_cache_deinit(struct geo_cache *cache);
/* Forgets all: the databases are new. */
void geo_cache_clear(struct geo_cache *cache);

/*
 * The slot of an address. When it was not there, the state is GEO_CACHE_EMPTY, and the caller sets
 * that and, if it is known, the slot's place. The next call may take the slot away again.
 */
struct geo_cache_slot *geo_cache_get(struct geo_cache *cache, const uint8_t address[16]);

/* Fetches the slots of an address that will be asked for soon. */
void geo_cache_prefetch(const struct geo_cache *cache, const uint8_t address[16]);

static inline struct place *geo_cache_place(struct geo_cache *cache,
                                            const struct geo_cache_slot *slot)
{
    return &cache->places[slot - cache->slots];
}

#endif
