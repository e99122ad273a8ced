/* SPDX-License-Identifier: MIT */
#include "geo/worker.h"

#include <assert.h>
#include <string.h>
#include "geo/core.h"

/*
 * A batch is enriched in chunks, and a chunk in phases, so that what has to come from memory is
 * fetched while something else is done:
 *
 *   for each source, peer or message:
 *     gather   an address for each record without a place                     → queries
 *     settle   those that the cache answers; the rest share an ask an address → queries, asks
 *     ask      the databases, all at once
 *     finish   places to the batch, answers to the cache and to the records
 *
 * A slot of the cache remembers the last batch that got its place, and as which one, so that a
 * repeated address costs the batch nothing. Batches are counted by the worker itself: one may see
 * batches of several pools, whose serials are not distinct.
 *
 * A slot whose address is asked for is pending and names the ask. Others of the chunk may take it
 * away meanwhile: then it names another one, and the answer goes to batch and records only.
 *
 * A place is added when a record needs it, so that there are never more than records.
 */

#define AHEAD      8  /* records */
#define LINE_BYTES 64 /* of the processor's cache */

static bool find_peer(const struct batch *batch, struct geo_query *query)
{
    const struct peer *peer = &batch->peers[query->record->peer];
    if (!geo_is_public(peer->address)) /* nor is that of a peer without one, all zero */
        return false;
    memcpy(query->address, peer->address, sizeof(query->address));
    return true;
}

static bool find_in_message(const struct batch *batch, struct geo_query *query)
{
    struct text message = batch_text(batch, query->record->message);
    uint32_t len;
    if (message.len == 0 ||
        !geo_find_address(message.data, message.len, &query->off, &len, query->address))
        return false;
    query->len = (uint8_t)len;
    return true;
}

/*
 * Another processor has parsed the batch, and has it still: what is needed soon is fetched, of a
 * record, which will be written, and of a message that begins there.
 */
static void fetch_record(const struct record *record)
{
    __builtin_prefetch(record, 1);
    __builtin_prefetch((const char *)(record + 1) - 1, 1);
}

/* Queries of peers. Neighbours mostly have the same one, which is judged once. */
static size_t gather_peers(struct geo_worker *worker, const struct batch *batch,
                           struct record *records, size_t n_records)
{
    size_t n_queries = 0;
    const struct record *not_public = NULL;
    for (size_t i = 0; i < n_records; i++) {
        if (i + 2 * AHEAD < n_records)
            fetch_record(&records[i + 2 * AHEAD]);
        if (records[i].place != 0 || (not_public && records[i].peer == not_public->peer))
            continue;
        struct geo_query *query = &worker->queries[n_queries];
        *query = (struct geo_query){.record = &records[i]};
        if (find_peer(batch, query))
            n_queries++;
        else
            not_public = &records[i];
    }
    return n_queries;
}

static void fetch_message(const struct batch *batch, const struct record *record)
{
    const char *message = batch->bytes + record->message.off;
    __builtin_prefetch(message);
    if (record->message.len > LINE_BYTES)
        __builtin_prefetch(message + LINE_BYTES);
}

static size_t gather_messages(struct geo_worker *worker, const struct batch *batch,
                              struct record *records, size_t n_records)
{
    size_t n_queries = 0;
    for (size_t i = 0; i < n_records; i++) {
        if (i + 2 * AHEAD < n_records)
            fetch_record(&records[i + 2 * AHEAD]);
        if (i + AHEAD < n_records)
            fetch_message(batch, &records[i + AHEAD]);
        if (records[i].place != 0)
            continue;
        struct geo_query *query = &worker->queries[n_queries];
        query->record = &records[i];
        if (find_in_message(batch, query)) {
            geo_cache_prefetch(&worker->cache, query->address);
            n_queries++;
        }
    }
    return n_queries;
}

static uint16_t add_place(struct batch *batch, const struct place *place)
{
    assert(batch->n_places < batch->max_places && batch->n_places < UINT16_MAX);
    batch->places[batch->n_places++] = *place;
    return (uint16_t)batch->n_places;
}

static void set_place(const struct geo_query *query, enum record_geo_from from, uint16_t place)
{
    struct record *record = query->record;
    record->place = place;
    record->geo_from = (uint8_t)from;
    record->geo_off = query->off;
    record->geo_len = query->len;
}

/* What the cache knows, as an index of the batch's places. */
static uint16_t place_of_slot(struct geo_worker *worker, struct batch *batch,
                              struct geo_cache_slot *slot)
{
    if (slot->batch != worker->n_batches) {
        slot->place = add_place(batch, geo_cache_place(&worker->cache, slot));
        slot->batch = worker->n_batches;
    }
    return slot->place;
}

/* Leaves the queries that need an ask; returns how many, and how many asks they need. */
static size_t settle(struct geo_worker *worker, struct batch *batch, enum record_geo_from from,
                     size_t n_queries, size_t *ret_n_asks)
{
    size_t n_left = 0, n_asks = 0;
    for (size_t i = 0; i < n_queries; i++) {
        struct geo_query *query = &worker->queries[i];
        struct geo_cache_slot *slot = geo_cache_get(&worker->cache, query->address);
        if (slot->state == GEO_CACHE_KNOWN)
            set_place(query, from, place_of_slot(worker, batch, slot));
        if (slot->state == GEO_CACHE_EMPTY) {
            memcpy(worker->asks[n_asks].address, query->address, sizeof(query->address));
            worker->slots[n_asks] = slot;
            slot->state = GEO_CACHE_PENDING;
            slot->place = (uint16_t)n_asks++;
        }
        if (slot->state == GEO_CACHE_PENDING) {
            query->ask = slot->place;
            worker->queries[n_left++] = *query;
        }
    }
    *ret_n_asks = n_asks;
    return n_left;
}

/* The answers, to the cache, and as places of the batch. */
static void take_answers(struct geo_worker *worker, struct batch *batch, size_t n_asks)
{
    for (size_t i = 0; i < n_asks; i++) {
        const struct geo_ask *ask = &worker->asks[i];
        struct geo_cache_slot *slot = worker->slots[i];
        uint16_t place = ask->is_known ? add_place(batch, &ask->place) : 0;
        worker->places[i] = place;
        if (slot->state != GEO_CACHE_PENDING || slot->place != i)
            continue;
        slot->state = ask->is_known ? GEO_CACHE_KNOWN : GEO_CACHE_UNKNOWN;
        slot->batch = worker->n_batches;
        slot->place = place;
        *geo_cache_place(&worker->cache, slot) = ask->place;
    }
}

static void answer_queries(struct geo_worker *worker, struct batch *batch,
                           enum record_geo_from from, size_t n_queries)
{
    size_t n_asks;
    size_t n_left = settle(worker, batch, from, n_queries, &n_asks);
    geo_reader_lookup(&worker->reader, worker->set, worker->asks, n_asks);
    take_answers(worker, batch, n_asks);
    for (size_t i = 0; i < n_left; i++) {
        const struct geo_query *query = &worker->queries[i];
        if (worker->places[query->ask] != 0)
            set_place(query, from, worker->places[query->ask]);
    }
}

/* A batch of senders that can be nowhere is not walked for them. */
static bool has_public_peer(const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n_peers; i++)
        if (geo_is_public(batch->peers[i].address))
            return true;
    return false;
}

static void enrich_chunk(struct geo_worker *worker, struct batch *batch, struct record *records,
                         size_t n_records, bool has_peers)
{
    for (size_t i = 0; i < worker->n_lookup; i++) {
        bool is_peer = worker->lookup[i] == GEO_LOOKUP_PEER;
        if (is_peer && !has_peers)
            continue;
        size_t n_queries = is_peer ? gather_peers(worker, batch, records, n_records)
                                   : gather_messages(worker, batch, records, n_records);
        answer_queries(worker, batch, is_peer ? RECORD_GEO_PEER : RECORD_GEO_MESSAGE, n_queries);
    }
}

static void release_set(void *set)
{
    geo_set_unref(set);
}

void geo_enrich_batch(struct geo_worker *worker, struct batch *batch)
{
    assert(!batch->geo_owner);
    geo_worker_use_current_set(worker);
    worker->n_batches++;
    bool has_peers = has_public_peer(batch);
    for (uint32_t at = 0, n; at < batch->n_records; at += n) {
        n = batch->n_records - at < GEO_CHUNK ? batch->n_records - at : GEO_CHUNK;
        enrich_chunk(worker, batch, batch->records + at, n, has_peers);
    }
    if (batch->n_places > 0) {
        batch->geo_owner = geo_set_ref(worker->set);
        batch->geo_release = release_set;
    }
    geo_add_tallies(worker->geo, worker->reader.tallies);
}
