/* SPDX-License-Identifier: MIT */
#include "geo/core.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/cache.h"

/*
 * A worker holds a reference to the set that its cache is about. When the current generation is
 * another, it takes the new set and forgets what it kept, at the start of a batch and never within
 * one: all places of a batch point into one set, which the batch then holds.
 *
 * A slot of the cache remembers the last batch that got its place, and as which one, so that a
 * repeated address costs the batch nothing. Batches are counted by the worker itself: one may see
 * batches of several pools, whose serials are not distinct.
 */

#define DEFAULT_CACHE_ENTRIES 4096

struct geo_worker {
    struct geo *geo;
    struct geo_set *set;
    struct geo_cache cache;
    struct geo_reader reader;
    uint64_t n_batches;
    size_t n_lookup;
    enum geo_lookup lookup[];
};

int geo_worker_new(struct geo *geo, const enum geo_lookup *lookup, size_t n_lookup,
                   size_t cache_entries, struct geo_worker **ret_worker)
{
    struct geo_worker *worker = calloc(1, sizeof(*worker) + n_lookup * sizeof(*lookup));
    if (!worker)
        return -ENOMEM;
    worker->geo = geo;
    worker->set = geo_ref_current(geo);
    geo_count_worker(geo, 1);
    worker->n_lookup = n_lookup;
    if (n_lookup > 0)
        memcpy(worker->lookup, lookup, n_lookup * sizeof(*lookup));
    int r = geo_reader_init(&worker->reader, geo_n_databases(geo), true);
    if (r == 0)
        r = geo_cache_init(&worker->cache, cache_entries ? cache_entries : DEFAULT_CACHE_ENTRIES);
    if (r < 0) {
        geo_worker_free(worker);
        return r;
    }
    *ret_worker = worker;
    return 0;
}

struct geo_worker *geo_worker_free(struct geo_worker *worker)
{
    if (!worker)
        return NULL;
    geo_cache_deinit(&worker->cache);
    geo_reader_deinit(&worker->reader);
    geo_set_unref(worker->set);
    geo_count_worker(worker->geo, -1);
    free(worker);
    return NULL;
}

static void use_current_set(struct geo_worker *worker)
{
    if (geo_current_generation(worker->geo) == worker->set->generation)
        return;
    geo_set_unref(worker->set);
    worker->set = geo_ref_current(worker->geo);
    geo_cache_clear(&worker->cache);
    geo_reader_forget(&worker->reader);
}

/* The slot of an address of which something is known, or NULL. */
static struct geo_cache_slot *look_up(struct geo_worker *worker, const uint8_t address[16])
{
    struct geo_cache_slot *slot = geo_cache_get(&worker->cache, address);
    if (slot->state == GEO_CACHE_EMPTY) {
        struct place *place = geo_cache_place(&worker->cache, slot);
        bool is_known = geo_reader_lookup(&worker->reader, worker->set, address, place);
        slot->state = is_known ? GEO_CACHE_KNOWN : GEO_CACHE_UNKNOWN;
    }
    return slot->state == GEO_CACHE_KNOWN ? slot : NULL;
}

bool geo_lookup_address(struct geo_worker *worker, const uint8_t address[16],
                        struct place *ret_place)
{
    use_current_set(worker);
    const struct geo_cache_slot *slot = look_up(worker, address);
    geo_add_tallies(worker->geo, worker->reader.tallies);
    if (!slot)
        return false;
    *ret_place = *geo_cache_place(&worker->cache, slot);
    return true;
}

/* The place in this batch, added when it is its first record. */
static uint16_t place_in_batch(struct geo_worker *worker, struct batch *batch,
                               struct geo_cache_slot *slot)
{
    if (slot->batch != worker->n_batches) {
        assert(batch->n_places < batch->max_places && batch->n_places < UINT16_MAX);
        batch->places[batch->n_places++] = *geo_cache_place(&worker->cache, slot);
        slot->batch = worker->n_batches;
        slot->place = (uint16_t)batch->n_places;
    }
    return slot->place;
}

static bool enrich_by_peer(struct geo_worker *worker, struct batch *batch, struct record *record)
{
    const struct peer *peer = &batch->peers[record->peer];
    if (!geo_is_public(peer->address)) /* nor is that of a peer without one, all zero */
        return false;
    struct geo_cache_slot *slot = look_up(worker, peer->address);
    if (!slot)
        return false;
    record->geo_from = RECORD_GEO_PEER;
    record->place = place_in_batch(worker, batch, slot);
    return true;
}

static bool enrich_by_message(struct geo_worker *worker, struct batch *batch, struct record *record)
{
    struct text message = batch_text(batch, record->message);
    uint32_t off, len;
    uint8_t address[16];
    if (message.len == 0 || !geo_find_address(message.data, message.len, &off, &len, address))
        return false;
    struct geo_cache_slot *slot = look_up(worker, address);
    if (!slot)
        return false;
    record->geo_from = RECORD_GEO_MESSAGE;
    record->geo_off = off;
    record->geo_len = (uint8_t)len;
    record->place = place_in_batch(worker, batch, slot);
    return true;
}

static void enrich_record(struct geo_worker *worker, struct batch *batch, struct record *record)
{
    bool is_found = false;
    for (size_t i = 0; i < worker->n_lookup && !is_found; i++) {
        if (worker->lookup[i] == GEO_LOOKUP_PEER)
            is_found = enrich_by_peer(worker, batch, record);
        else
            is_found = enrich_by_message(worker, batch, record);
    }
}

static void release_set(void *set)
{
    geo_set_unref(set);
}

void geo_enrich_batch(struct geo_worker *worker, struct batch *batch)
{
    assert(!batch->geo_owner);
    use_current_set(worker);
    worker->n_batches++;
    for (uint32_t i = 0; i < batch->n_records; i++)
        enrich_record(worker, batch, &batch->records[i]);
    if (batch->n_places > 0) {
        batch->geo_owner = geo_set_ref(worker->set);
        batch->geo_release = release_set;
    }
    geo_add_tallies(worker->geo, worker->reader.tallies);
}
