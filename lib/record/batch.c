/* SPDX-License-Identifier: MIT */
#include "record/batch.h"

#include <assert.h>
#include <string.h>

/* How many of the newest peers are compared before one is added again. */
#define PEERS_COMPARED 8

size_t batch_bytes(uint32_t capacity, uint32_t max_records)
{
    return sizeof(struct batch) + capacity +
           (size_t)max_records *
               (sizeof(struct record) + sizeof(struct peer) + sizeof(struct place));
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
    return a->port == b->port && a->family == b->family &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

uint16_t batch_add_peer(struct batch *batch, const struct peer *peer)
{
    uint32_t oldest = batch->n_peers > PEERS_COMPARED ? batch->n_peers - PEERS_COMPARED : 0;
    for (uint32_t i = batch->n_peers; i > oldest; i--)
        if (same_peer(&batch->peers[i - 1], peer))
            return (uint16_t)(i - 1);
    assert(batch->n_peers < batch->max_peers);
    batch->peers[batch->n_peers] = *peer;
    return (uint16_t)batch->n_peers++;
}

/*
 * Field by field: a record that is cleared as a whole becomes a "rep stos", which takes longer to
 * begin than all of these stores.
 */
struct record *batch_add_record(struct batch *batch, uint32_t off, uint32_t len, uint16_t peer,
                                int64_t received_us)
{
    struct record *record = &batch->records[batch->n_records++];
    record->line = (struct span){off, len};
    record->host = record->app = record->procid = record->msgid = (struct span){0};
    record->sd = record->message = (struct span){0};
    record->time_ns = 0;
    record->received_us = received_us;
    record->geo_off = 0;
    record->geo_len = 0;
    record->geo_from = RECORD_GEO_NONE;
    record->peer = peer;
    record->place = 0;
    record->format = RECORD_RAW;
    record->facility = RECORD_NO_FACILITY;
    record->severity = RECORD_NO_SEVERITY;
    record->time_digits = 0;
    record->flags = 0;
    return record;
}

void batch_drop(struct batch *batch, enum stage_id stage, enum drop_reason reason)
{
    batch->n_stored = 0;
    batch->n_dropped = batch->n_records;
    batch->dropped_at = stage;
    batch->dropped_for = reason;
}
