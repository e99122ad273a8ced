/* SPDX-License-Identifier: MIT */
#ifndef STORE_BLOCK_H
#define STORE_BLOCK_H

/*
 * A block, read: columns are fetched, checked and decoded when they are asked for, and kept until
 * the next block.
 *
 *   block.c          sections: read, checksum, decompress
 *   decode.c         columns: which sections each needs, and the order of the rows
 *   decode_values.c  times, dictionaries, places
 *   decode_text.c    texts out of templates
 *   row.c            one row out of the columns
 *
 * Untrusted bytes come in here; what decode_… has accepted is in range, and the rows need no more
 * checks.
 */

#include <zstd.h>
#include "store/buffer.h"
#include "store/decode_text.h"
#include "store/format.h"

/* A dictionary of texts; they point into `raw` or into the block's group. */
struct dict {
    struct buffer raw;
    struct buffer texts; /* struct text */
    uint32_t n;
};

struct block {
    int fd; /* borrowed */
    uint64_t at;
    struct block_header header;
    struct section sections[MAX_SECTIONS];
    ZSTD_DCtx *zstd;
    struct buffer head;   /* the first bytes of the block */
    struct buffer stored; /* a section as it is on disk */
    struct buffer group, scratch;
    bool has_group;

    uint32_t decoded, wanted; /* masks of enum store_column, and the one below */

    void *memory; /* the arrays of one element a row */
    size_t capacity;
    uint32_t *stream,
        *position; /* order of reception: the row's stream, its place among the grouped */
    int64_t *time_ns, *received_us;           /* order of reception */
    uint32_t *input, *peer, *place, *geo_off; /* grouped, as all that follow */
    uint8_t *digits, *flags, *pri, *format, *geo_from, *geo_len;
    struct text_rows text[N_TEXT_COLUMNS];

    uint32_t n_streams;
    struct buffer stream_parts; /* uint32_t: hosts, then apps */
    struct dict hosts, apps, inputs, cities, regions, orgs;
    struct buffer peers; /* struct peer */
    uint32_t n_peers;
    struct buffer places; /* struct place */
    struct buffer places_raw;
    uint32_t n_places;
};

/* The order of the rows: every column but the reception needs it. */
#define BLOCK_ORDER (1u << 30)

/* Returns 0, -ENOMEM. */
int block_init(struct block *block);
void block_deinit(struct block *block);

/* Makes the block at `at` the current one; nothing is read yet. header: what the index says of it.
 * Returns 0, -ENOMEM. */
int block_open(struct block *block, int fd, uint64_t at, const struct block_header *header);
/* Returns 0, -EBADMSG (what the disk holds is not what was written), -ENOMEM. */
int block_load(struct block *block, uint32_t columns);
/* Checks every section's checksum without decoding. Returns 0, -EBADMSG, -ENOMEM. */
int block_verify(struct block *block);
/*
 * Puts together the texts that are asked for: those live until the next block. Not from two threads
 * at once.
 */
void block_row(struct block *block, uint32_t index, struct store_row *ret_row);
/* The same into what block_row() filled since block_load(), which saves clearing it. */
void block_row_again(struct block *block, uint32_t index, struct store_row *row);
/*
 * The block's token filter (filter.h). Returns 1, 0 (there is none: anything may be there),
 * -EBADMSG, -ENOMEM. It lives until the next block or block_load().
 */
int block_filter(struct block *block, const uint8_t **ret_lines, size_t *ret_bytes);

/*
 * The raw bytes of a section, in `raw` or in the group. Returns 1, 0 (the block has none: all
 * values are 0; ret_bytes is empty), -EBADMSG, -ENOMEM.
 */
int block_section(struct block *block, enum section_id id, struct buffer *raw,
                  struct cursor *ret_bytes);

int block_decode_time(struct block *block);
int block_decode_received(struct block *block);
int block_decode_dict(struct block *block, enum section_id id, struct dict *dict);
/* n texts from the cursor; they point into its bytes. */
int block_decode_texts(struct block *block, struct cursor *bytes, uint32_t n, struct dict *dict);
int block_decode_peers(struct block *block);
int block_decode_places(struct block *block);

#endif
