/* SPDX-License-Identifier: MIT */
#ifndef STORE_ENCODER_H
#define STORE_ENCODER_H

/*
 * The inside of an encoder. encode.c walks the rows and encode_rows.c keeps their numbers,
 * encode_dicts.c finds their dictionary entries; encode_text.c and encode_text_columns.c make templates
 * of texts; encode_time.c, encode_geo.c, encode_rollup.c and encode_texts.c write the columns of that
 * name; sections.c compresses.
 *
 *   batches ─▶ rows in order of reception ─▶ streams (host, app), ordered by app ─▶ rows grouped by
 * stream ─▶ sections
 */

#include <string.h>
#include <zstd.h>
#include "record/batch.h"
#include "store/buffer.h"
#include "store/encode_text.h"
#include "store/filter_builder.h"
#include "store/format.h"
#include "store/intern.h"
#include "store/name.h"
#include "store/rollup.h"
#include "store/store.h"

/* Columns at most this long go into SECTION_GROUP. */
#define GROUPED_BYTES 192
/* Sections at most this long are not worth a compressed frame. */
#define PLAIN_BYTES 48
/* A block of fewer rows has no filter: it is as soon read. */
#define FILTER_LEAST_ROWS 32
/* Bytes of messages for each token that a filter is to hold, at least: more go without a filter. */
#define FILTERED_BYTES 8

/* One batch of the block: where its spans point. */
struct source {
    const struct batch *batch;
    uint32_t first_row;
    /* while its rows are added: */
    uint32_t *peers, *places; /* the dictionary entries (1 + index, 0: not looked up) of the batch's */
    uint32_t input;
};

/* Some of its rows: few enough that records and lines stay in the nearest cache from walk to walk. */
#define CHUNK_ROWS 128

struct chunk {
    const struct source *source;
    const struct record *records;
    size_t row, n;
};

static inline bool same_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

struct stream {
    struct text host, app;
    uint32_t host_index, app_index;
    uint32_t n_rows;
    uint32_t rank; /* its number on disk: ordered by app */
};

/* Arrays of one element a row, in order of reception, in one allocation; `memory` is what is freed. */
struct rows {
    void *memory;
    size_t capacity;
    int64_t *time_ns, *received_us;
    uint32_t *stream, *input, *peer, *place, *geo_off;
    uint8_t *digits, *flags, *pri, *format, *geo_from, *geo_len;
    uint32_t *order;  /* the row that is stored first, second, … */
    uint32_t *starts; /* of the streams: where each one's next row goes */
    uint32_t *len;    /* of the texts kept whole of one column */
    int64_t *scratch;
};

size_t rows_bytes(size_t n_rows);
/* Makes room for n_rows; the first n_kept of them stay. Returns 0, -ENOMEM. */
int rows_reserve(struct rows *rows, size_t n_kept, size_t n_rows);
void rows_deinit(struct rows *rows);

struct store_encoder {
    ZSTD_CCtx *zstd;
    bool is_fast; /* the level is */
    const char *const *inputs;
    size_t n_inputs;

    struct rows rows;
    size_t n_rows; /* of the block that is held, or in the making; 0: none */
    bool is_whole; /* it is held: store_encode_end() came to its end */
    int failed;    /* what adding to it met with: 0 or a negative errno */
    struct block_header header;
    uint8_t max_digits;
    bool codes[PRI_CODES]; /* that were seen */
    size_t text_bytes[N_TEXT_COLUMNS];

    struct buffer sources, maps; /* struct source; uint32_t */
    struct intern streams_table, hosts_table, apps_table, peers_table, places_table;
    struct buffer streams;                  /* struct stream */
    struct buffer hosts, apps, inputs_used; /* struct text */
    struct buffer peers;                    /* struct peer */
    struct buffer places;                   /* struct place */
    size_t n_streams, n_hosts, n_apps, n_inputs_used, n_peers, n_places;

    struct filter_builder filter;
    struct text_encoder texts[N_TEXT_COLUMNS];
    bool has_templates[N_TEXT_COLUMNS]; /* in this block */
    struct buffer whole;  /* texts that no template holds */
    struct intern rollup_table;
    struct rollup rollup, rollup_scratch;

    struct buffer column; /* the raw bytes of the column at work */
    struct buffer group;
    struct buffer out; /* room for the longest head, then the sections */
    struct section sections[MAX_SECTIONS];
    unsigned n_sections;
};

/* Room in `out` before the first section; the head is written so that it ends there. */
#define HEAD_ROOM (BLOCK_HEADER_BYTES + MAX_SECTIONS * SECTION_BYTES)

static inline uint8_t *encoder_block(const struct store_encoder *encoder)
{
    return encoder->out.data + HEAD_ROOM - BLOCK_HEADER_BYTES -
           encoder->n_sections * (size_t)SECTION_BYTES;
}

/* store_encoder_new() without a store: the options' inputs and level are all it needs. Returns 0,
 * -ENOMEM. */
int encoder_new(const struct store_options *options, struct store_encoder **ret_encoder);

/* These write columns of the block; all return 0, -ENOMEM or -E2BIG. */
int encoder_add_section(struct store_encoder *encoder, enum section_id id, const void *data,
                        size_t len);
int encoder_add_column(struct store_encoder *encoder, enum section_id id);
/* As it is, because it does not compress. */
int encoder_add_plain_section(struct store_encoder *encoder, enum section_id id, const void *data,
                              size_t len);
/* One value a row, in order of reception. */
int encoder_add_u8(struct store_encoder *encoder, enum section_id id, const uint8_t *values);
int encoder_add_u32(struct store_encoder *encoder, enum section_id id, const uint32_t *values);
/* In the order in which they are stored. */
int encoder_add_ints(struct store_encoder *encoder, enum section_id id, const uint32_t *values,
                     size_t n);
int encoder_add_time(struct store_encoder *encoder);
int encoder_add_received(struct store_encoder *encoder);
int encoder_add_peers(struct store_encoder *encoder);
int encoder_add_places(struct store_encoder *encoder);
int encoder_add_streams(struct store_encoder *encoder);
int encoder_add_inputs(struct store_encoder *encoder);
int encoder_add_texts(struct store_encoder *encoder); /* after encoder_finish_texts() */
int encoder_add_filter(struct store_encoder *encoder);
int encoder_add_rollup(struct store_encoder *encoder);
int encoder_finish(struct store_encoder *encoder);

/* Start a block. Return 0, -ENOMEM. */
int encoder_clear_dicts(struct store_encoder *encoder);
int encoder_begin_rollup(struct store_encoder *encoder);
int encoder_begin_texts(struct store_encoder *encoder);

/* Entries of the dictionaries, found or added: 0, or -ENOMEM. */
int encoder_stream(struct store_encoder *encoder, struct text host, struct text app,
                   uint32_t *ret_stream);
int encoder_find_peer(struct store_encoder *encoder, const struct peer *peer, uint32_t *ret_index);
int encoder_find_place(struct store_encoder *encoder, const struct place *place,
                       uint32_t *ret_index);
int encoder_input(struct store_encoder *encoder, uint16_t index, uint32_t *ret_input);
/* Counts the rows of a batch, whose places are in rows.place, in their cells of the roll-up. Returns 0,
 * -ENOMEM. */
int encoder_count(struct store_encoder *encoder, const struct chunk *chunk);
/* Of this batch's records, what their rows keep but streams and texts, and what the header says of
 * them. Returns 0, -ENOMEM. */
int encoder_add_numbers(struct store_encoder *encoder, const struct chunk *chunk);
/* What the header says of all rows. */
void encoder_sum_up(struct store_encoder *encoder);
/*
 * The texts of rows. When these are in order, they are finished: what the filter has to know of them
 * is known then, and their columns can be written. Return 0, -ENOMEM, -E2BIG.
 */
int encoder_take_texts(struct store_encoder *encoder, const struct chunk *chunk);
int encoder_finish_texts(struct store_encoder *encoder);
/* Ranks the streams by app, and fills rows.starts with the first place of each. */
void encoder_rank_streams(struct store_encoder *encoder);

static inline int encoder_peer(struct store_encoder *encoder, const struct source *source,
                               uint16_t index, uint32_t *ret_peer)
{
    uint32_t *known = &source->peers[index], found;
    if (*known == 0) {
        if (encoder_find_peer(encoder, &source->batch->peers[index], &found) < 0)
            return -ENOMEM;
        *known = found + 1;
    }
    *ret_peer = *known - 1;
    return 0;
}

/* Places are numbered from 1; 0 is none, here and on disk. */
static inline int encoder_place(struct store_encoder *encoder, const struct source *source,
                                uint16_t index, uint32_t *ret_place)
{
    *ret_place = 0;
    if (index == 0)
        return 0;
    uint32_t *known = &source->places[index - 1], found;
    if (*known == 0) {
        if (encoder_find_place(encoder, &source->batch->places[index - 1], &found) < 0)
            return -ENOMEM;
        *known = found + 1;
    }
    *ret_place = *known;
    return 0;
}

/* Puts n texts (their lengths as ints, then their bytes) behind `column`. */
int encoder_put_texts(struct buffer *column, const struct text *texts, size_t n);

#endif
