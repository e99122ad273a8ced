/* SPDX-License-Identifier: MIT */
#ifndef STORE_READER_H
#define STORE_READER_H

/*
 * The store, as a reader sees it: rows in the order of reception, block by block, from either end.
 * A reader needs read permission and nothing else; a writer may be at work. Damage is skipped,
 * counted and reported.
 *
 *   reader ──▶ segments (by first id) ──▶ blocks (headers first) ──▶ columns (only those asked for) ──▶ rows
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

/* Columns of a row; a mask of them says what must be decoded. */
enum store_column {
    STORE_TIME = 1u << 0,     /* time_ns, time_digits, flags */
    STORE_RECEIVED = 1u << 1,
    STORE_HOST = 1u << 2,
    STORE_APP = 1u << 3,
    STORE_PROCID = 1u << 4,
    STORE_MSGID = 1u << 5,
    STORE_SD = 1u << 6,
    STORE_MESSAGE = 1u << 7,
    STORE_PRI = 1u << 8,      /* facility, severity */
    STORE_FORMAT = 1u << 9,
    STORE_INPUT = 1u << 10,
    STORE_PEER = 1u << 11,
    STORE_GEO = 1u << 12,     /* place, geo_ip */
    STORE_ALL = (1u << 13) - 1,
    /* A part of STORE_GEO: the place without geo_ip, for which the message may have to be read. */
    STORE_PLACE = 1u << 13,
};

/* One row. Texts live until the reader moves on. Columns not asked for are zero. */
struct store_row {
    uint64_t id;           /* sortable by reception, unique in the store */
    int64_t time_ns;
    int64_t received_us;
    struct text host, app, procid, msgid, sd, message, input;
    struct peer peer;
    struct place place;    /* only with has_place */
    uint8_t geo_ip[16];    /* only with has_place */
    bool has_place;
    uint8_t format, facility, severity, time_digits, flags;
};

struct store_reader;

struct store_reader_options {
    const char *path;
    void (*report)(void *arg, int priority, const char *message); /* damage; may be NULL */
    void *arg;
};

struct store_info {
    uint64_t records, bytes_raw, bytes_disk, segments, quarantined;
    int64_t oldest_ns, newest_ns; /* reception; 0 when empty */
};

/* Returns 0, -ENOENT (no store there), -EACCES, … */
int store_reader_open(const struct store_reader_options *options, struct store_reader **ret_reader);
struct store_reader *store_reader_close(struct store_reader *reader);
int store_reader_info(struct store_reader *reader, struct store_info *ret_info);

/* What is known of a block before anything is decompressed. */
struct store_block_info {
    uint64_t first_id;
    uint32_t n_rows;
    int64_t min_time_ns, max_time_ns;
    int64_t min_received_us, max_received_us;
    uint16_t severities;  /* bit s: a row of severity s; bit 8: a row without one */
    uint32_t facilities;  /* bit f: a row of facility f; bit 24: a row without one */
};

/*
 * Moves to the next block: forwards from the oldest, or backwards from the newest (decided at the
 * first call after open or store_reader_seek). Returns 1 (ret_info is filled), 0 (no more *now*;
 * forwards, a later call finds what was appended since), or a negative errno (-EINVAL: the
 * direction was another one before).
 */
int store_reader_next(struct store_reader *reader, bool backwards, struct store_block_info *ret_info);
/*
 * The next forward block is the one that holds id, or the first after it. UINT64_MAX: only what is
 * appended from now on.
 */
int store_reader_seek(struct store_reader *reader, uint64_t id);

/*
 * Decodes columns of the current block; those decoded already are not decoded again, so a caller
 * may look at few columns first and load the others where a row is wanted. Rows show the columns of
 * the last call. Returns 0, -EBADMSG (damaged: counted, reported; go on with the next), -EINVAL (no
 * current block), -ENOMEM.
 */
int store_reader_load(struct store_reader *reader, uint32_t columns);
/* Row 0 .. n_rows-1 of the loaded block. */
void store_reader_row(struct store_reader *reader, uint32_t index, struct store_row *ret_row);

/*
 * A descriptor that becomes readable when something may have been appended (inotify), or a negative
 * errno. The reader's own.
 */
int store_reader_fd(struct store_reader *reader);
/* Empties that descriptor. */
void store_reader_ack(struct store_reader *reader);

#endif
