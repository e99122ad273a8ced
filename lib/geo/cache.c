/* SPDX-License-Identifier: MIT */
#include "geo/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ENTRIES ((size_t)1 << 24)

_Static_assert(sizeof(struct geo_cache_slot) == 32, "two slots are one cache line");

int geo_cache_init(struct geo_cache *cache, size_t n_entries)
{
    unsigned pair_bits = 1;
    while (pair_bits < 23 && (size_t)2 << pair_bits < n_entries)
        pair_bits++;
    size_t n_slots = (size_t)2 << pair_bits;
    struct geo_cache_slot *slots = aligned_alloc(64, n_slots * sizeof(*slots));
    struct place *places = malloc(n_slots * sizeof(*places));
    if (!slots || !places) {
        free(slots);
        free(places);
        return -ENOMEM;
    }
    *cache = (struct geo_cache){slots, places, 64 - pair_bits, n_slots};
    geo_cache_clear(cache);
    return 0;
}

void geo_cache_deinit(struct geo_cache *cache)
{
    free(cache->slots);
    free(cache->places);
    *cache = GEO_CACHE_NULL;
}

void geo_cache_clear(struct geo_cache *cache)
{
    memset(cache->slots, 0, cache->n_slots * sizeof(*cache->slots));
}

static size_t pair_of(const struct geo_cache *cache, const uint8_t address[16])
{
    uint64_t upper, lower;
    memcpy(&upper, address, 8);
    memcpy(&lower, address + 8, 8);
    uint64_t hash = (upper * 0x9e3779b97f4a7c15u) ^ lower;
    hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
    return (size_t)(hash >> cache->shift) * 2;
}

static bool is_slot_of(const struct geo_cache_slot *slot, const uint8_t address[16])
{
    return slot->state != GEO_CACHE_EMPTY && memcmp(slot->address, address, 16) == 0;
}

struct geo_cache_slot *geo_cache_get(struct geo_cache *cache, const uint8_t address[16])
{
    struct geo_cache_slot *pair = &cache->slots[pair_of(cache, address)];
    bool is_hit = true;
    unsigned way = 0;
    if (!is_slot_of(&pair[0], address)) {
        is_hit = is_slot_of(&pair[1], address);
        way = is_hit || pair[1].is_oldest ? 1 : 0;
    }
    pair[way].is_oldest = false;
    pair[!way].is_oldest = true;
    if (!is_hit) {
        memcpy(pair[way].address, address, 16);
        pair[way].batch = 0;
        pair[way].state = GEO_CACHE_EMPTY;
    }
    return &pair[way];
}

void geo_cache_prefetch(const struct geo_cache *cache, const uint8_t address[16])
{
    __builtin_prefetch(&cache->slots[pair_of(cache, address)]);
}
