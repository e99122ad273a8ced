/* SPDX-License-Identifier: MIT */
#ifndef GEO_WORKER_H
#define GEO_WORKER_H

#include <stddef.h>
#include <stdint.h>
#include "geo/cache.h"
#include "geo/geo.h"
#include "geo/reader.h"
#include "record/batch.h"

/* Records of a batch that are enriched at once. */
#define GEO_CHUNK 256

/* An address that one record has. */
struct geo_query {
    struct record *record;
    uint32_t off; /* in the message; 0 of a peer's */
    uint8_t len;
    uint16_t ask; /* index of the ask that answers it */
    uint8_t address[16];
};

struct geo_worker {
    struct geo *geo;
    struct geo_set *set;
    struct geo_cache cache;
    struct geo_reader reader;
    uint64_t n_batches;
    struct geo_query queries[GEO_CHUNK];
    struct geo_ask asks[GEO_CHUNK];          /* of addresses that the cache does not know */
    struct geo_cache_slot *slots[GEO_CHUNK]; /* where the cache wants the answers */
    uint16_t places[GEO_CHUNK];              /* the answers as record.place */
    size_t n_lookup;
    enum geo_lookup lookup[];
};

/* Before a batch, or a lookup outside of batches. */
void geo_worker_use_current_set(struct geo_worker *worker);

#endif
