/* SPDX-License-Identifier: MIT */
#include "geo/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/core.h"

/*
 * A worker holds a reference to the set that its cache is about. When the current generation is
 * another, it takes the new set and forgets what it kept, at the start of a batch and never within
 * one: all places of a batch point into one set, which the batch then holds.
 */

#define DEFAULT_CACHE_ENTRIES 4096

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

void geo_worker_use_current_set(struct geo_worker *worker)
{
    if (geo_current_generation(worker->geo) == worker->set->generation)
        return;
    geo_set_unref(worker->set);
    worker->set = geo_ref_current(worker->geo);
    geo_cache_clear(&worker->cache);
    geo_reader_forget(&worker->reader);
}

bool geo_lookup_address(struct geo_worker *worker, const uint8_t address[16],
                        struct place *ret_place)
{
    geo_worker_use_current_set(worker);
    struct geo_cache_slot *slot = geo_cache_get(&worker->cache, address);
    struct place *place = geo_cache_place(&worker->cache, slot);
    if (slot->state == GEO_CACHE_EMPTY) {
        struct geo_ask *ask = &worker->asks[0];
        memcpy(ask->address, address, sizeof(ask->address));
        geo_reader_lookup(&worker->reader, worker->set, ask, 1);
        *place = ask->place;
        slot->state = ask->is_known ? GEO_CACHE_KNOWN : GEO_CACHE_UNKNOWN;
        geo_add_tallies(worker->geo, worker->reader.tallies);
    }
    if (slot->state != GEO_CACHE_KNOWN)
        return false;
    *ret_place = *place;
    return true;
}
