/* SPDX-License-Identifier: MIT */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

/*
 * A batch: the unit that flows. One allocation of fixed size, made once, used again and again.
 *
 *   bytes    [ line line line line …… | room ]      capacity bytes, `used` of them taken
 *   records  [ r r r r …… | room ]                  views into bytes
 *   peers    [ p p | room ]                         senders; a record holds an index
 *   places   [ l l l | room ]                       distinct places of this batch; ditto
 *
 * States, and who may touch it:
 *
 *   pool ──take──▶ filling (one receiver) ──submit──▶ parse ──▶ enrich ──▶ store ──put──▶ pool
 *                                              └──────── drop ────────────────────────────┘
 *
 * Exactly one thread owns a batch at a time; hand-over through a channel orders the memory.
 * Every line of a batch ends as stored or as dropped for a reason; batch_pool_put() tells the
 * ledger.
 */

#include <stdint.h>
#include <stddef.h>
#include <stdbool.h>
#include "record/record.h"

struct batch_pool;
struct batch_quota;

/* Why a line was dropped. The words are what status, metrics and people see. */
enum drop_reason {
    DROP_QUEUE_FULL,  /* on_full: drop, and the stage's queue was full */
    DROP_MEMORY,      /* the memory budget was used up */
    DROP_OVERSIZE,    /* longer than max_line, and the input refuses such lines */
    DROP_EMPTY,       /* nothing between two frame ends */
    DROP_STORE_ERROR, /* the disk refused it */
    DROP_SHUTDOWN,    /* the shutdown's deadline passed before it was stored */
    N_DROP_REASONS,
};
const char *drop_reason_name(enum drop_reason reason);

/* Which room of the house dropped it. */
enum stage_id { STAGE_INPUT, STAGE_PARSE, STAGE_ENRICH, STAGE_STORE, N_STAGES };
const char *stage_name(enum stage_id stage);

struct batch {
    char *bytes;
    struct record *records;
    struct peer *peers;
    struct place *places;
    uint32_t capacity, used; /* of bytes */
    uint32_t max_records, n_records;
    uint32_t max_peers, n_peers;
    uint32_t max_places, n_places;

    uint16_t input; /* index of the input it came by */
    bool
        /* the input's on_full is block: a full queue waits for room instead of dropping it */
        blocks;
    uint64_t serial; /* new at each take: caches that index into the batch compare it */

    /*
     * What the places point into; geo_release(geo_owner) is called when the batch is put. NULL:
     * nothing.
     */
    void *geo_owner;
    void (*geo_release)(void *owner);

    /*
     * How it ended; filled by the last stage or by who drops it. The sum is n_records when it is
     * put.
     */
    uint32_t n_stored;
    uint32_t n_dropped;
    enum stage_id dropped_at;
    enum drop_reason dropped_for;

    struct batch_quota *quota; /* that it was taken within, the pool's affair; NULL: none */
    struct batch *next;        /* the pool's free list */
};

/* Bytes that a batch of this shape takes, all arrays included. */
size_t batch_bytes(uint32_t capacity, uint32_t max_records);

static inline struct text batch_text(const struct batch *batch, struct span span)
{
    return (struct text){batch->bytes + span.off, span.len};
}

/* Room for one more record (and, if it is a new one, its peer)? */
static inline bool batch_has_record_room(const struct batch *batch)
{
    return batch->n_records < batch->max_records;
}

/*
 * Finds or adds a peer; the last one and a few before it are compared, so that a batch of one
 * sender has one. There are as many peers as records, so it never fails while there is room for a
 * record.
 */
uint16_t batch_add_peer(struct batch *batch, const struct peer *peer);

/* Appends a record for bytes [off, off + len). There must be room. */
struct record *batch_add_record(struct batch *batch, uint32_t off, uint32_t len, uint16_t peer,
                                int64_t received_us);

/* Marks all lines as dropped; the caller then puts the batch. */
void batch_drop(struct batch *batch, enum stage_id stage, enum drop_reason reason);

#endif
