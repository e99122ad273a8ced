/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * Encoding walks the rows once, in the order in which they were received and while their bytes are
 * warm, and keeps what it needs of them: numbers by row, indices of dictionaries, the values of
 * templates. At the end the places of the rows in stream order are known (a stable counting sort),
 * and the columns are written in that order, out of arrays that fit the processor's cache.
 *
 *   begin ─▶ add, batch by batch ─▶ end: order the rows, write the columns
 *
 * Memory: arrays by row and dictionaries grow to the largest block seen and stay.
 */

/* Beside n_bytes: what the columns of numbers and dictionaries of a row may come to, raw, with
 * places of usual length. */
#define COLUMN_BYTES 192
/* zstd's own at the levels up to 3. */
#define ZSTD_BYTES (2u << 20)

/* Buffers grow by half. */
size_t store_encoder_bytes(size_t n_bytes, size_t n_records)
{
    size_t dicts = sizeof(struct stream) + 2 * sizeof(struct text) + sizeof(struct peer) +
                   sizeof(struct place) + 2 * sizeof(struct rollup_cell) + 2 * sizeof(uint32_t);
    size_t raw = n_bytes + n_records * COLUMN_BYTES;
    size_t growing = rows_bytes(n_records) + n_records * dicts + raw + ZSTD_compressBound(raw) +
                     HEAD_ROOM + n_bytes / FILTERED_BYTES * sizeof(uint64_t) +
                     6 * intern_slots(n_records) * sizeof(struct intern_slot);
    return sizeof(struct store_encoder) + ZSTD_BYTES +
           (N_TEXT_COLUMNS - 1) * text_encoder_bytes(TEXT_OTHER_TEMPLATES, n_records, 0) +
           text_encoder_bytes(TEXT_MESSAGE_TEMPLATES, n_records, n_bytes) + growing + growing / 2;
}

int encoder_new(const struct store_options *options, struct store_encoder **ret_encoder)
{
    struct store_encoder *encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        return -ENOMEM;
    encoder->is_fast = options->compression <= 2;
    encoder->inputs = options->inputs;
    encoder->n_inputs = options->n_inputs;
    encoder->zstd = ZSTD_createCCtx();
    if (!encoder->zstd) {
        free(encoder);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        if (text_encoder_init(&encoder->texts[i], i == TEXT_MESSAGE ? &encoder->filter : NULL,
                              i == TEXT_MESSAGE ? TEXT_MESSAGE_TEMPLATES : TEXT_OTHER_TEMPLATES) < 0) {
            store_encoder_free(encoder);
            return -ENOMEM;
        }
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_compressionLevel, options->compression);
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_checksumFlag, 0);
    ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_contentSizeFlag, 1);
    *ret_encoder = encoder;
    return 0;
}

struct store_encoder *store_encoder_free(struct store_encoder *encoder)
{
    if (!encoder)
        return NULL;
    struct buffer *buffers[] = {
        &encoder->sources,     &encoder->maps,  &encoder->streams, &encoder->hosts,
        &encoder->apps,        &encoder->peers, &encoder->places,  &encoder->column,
        &encoder->inputs_used, &encoder->group, &encoder->out,     &encoder->whole,
    };
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        buffer_deinit(buffers[i]);
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        text_encoder_deinit(&encoder->texts[i]);
    filter_builder_deinit(&encoder->filter);
    intern_deinit(&encoder->streams_table);
    intern_deinit(&encoder->hosts_table);
    intern_deinit(&encoder->apps_table);
    intern_deinit(&encoder->peers_table);
    intern_deinit(&encoder->places_table);
    intern_deinit(&encoder->rollup_table);
    rollup_deinit(&encoder->rollup);
    rollup_deinit(&encoder->rollup_scratch);
    rows_deinit(&encoder->rows);
    ZSTD_freeCCtx(encoder->zstd);
    free(encoder);
    return NULL;
}

/* Has the batch added last the same peers and places? Those of a refill have (refill.h). */
static bool shares_maps(const struct store_encoder *encoder, const struct batch *batch)
{
    size_t n = encoder->sources.len / sizeof(struct source);
    const struct source *sources = (const struct source *)encoder->sources.data;
    const struct batch *last = n > 0 ? sources[n - 1].batch : NULL;
    return last && last->peers == batch->peers && last->n_peers == batch->n_peers &&
           last->places == batch->places && last->n_places == batch->n_places;
}

/* A map of the batch's peers and places to entries of the dictionaries; an empty one, at first. */
static int set_maps(struct store_encoder *encoder, struct source *source)
{
    size_t n_bytes = (source->batch->n_peers + source->batch->n_places) * sizeof(uint32_t);
    if (!shares_maps(encoder, source->batch)) {
        encoder->maps.len = 0;
        if (buffer_reserve(&encoder->maps, n_bytes + 1) < 0)
            return -ENOMEM;
        memset(encoder->maps.data, 0, n_bytes);
    }
    source->peers = (uint32_t *)encoder->maps.data;
    source->places = source->peers + source->batch->n_peers;
    return 0;
}

static struct text text_of(const struct batch *batch, struct span span)
{
    return span.len ? batch_text(batch, span) : (struct text){NULL, 0};
}

static int add_streams(struct store_encoder *encoder, const struct chunk *chunk)
{
    const struct batch *batch = chunk->source->batch;
    uint32_t *stream = encoder->rows.stream + chunk->row;
    for (size_t i = 0; i < chunk->n; i++)
        if (encoder_stream(encoder, text_of(batch, chunk->records[i].host),
                           text_of(batch, chunk->records[i].app), &stream[i]) < 0)
            return -ENOMEM;
    return 0;
}

static int add_rows(struct store_encoder *encoder, const struct source *source)
{
    const struct batch *batch = source->batch;
    int r = 0;
    for (uint32_t at = 0; r == 0 && at < batch->n_records; at += CHUNK_ROWS) {
        uint32_t n_left = batch->n_records - at;
        const struct chunk chunk = {source, &batch->records[at], source->first_row + at,
                                    n_left < CHUNK_ROWS ? n_left : CHUNK_ROWS};
        r = encoder_add_numbers(encoder, &chunk);
        if (r == 0)
            r = add_streams(encoder, &chunk);
        if (r == 0)
            r = encoder_take_texts(encoder, &chunk);
    }
    return r;
}

static int add_batch(struct store_encoder *encoder, const struct batch *batch)
{
    size_t first = encoder->n_rows, end = first + batch->n_records;
    struct source source = {.batch = batch, .first_row = (uint32_t)first};
    if (end > STORE_MAX_ROWS)
        return -E2BIG;
    if (encoder_input(encoder, batch->input, &source.input) < 0 ||
        rows_reserve(&encoder->rows, first, end) < 0 || set_maps(encoder, &source) < 0 ||
        buffer_reserve(&encoder->sources, sizeof(source)) < 0)
        return -ENOMEM;
    buffer_put(&encoder->sources, &source, sizeof(source));
    encoder->n_rows = end;
    return add_rows(encoder, &source);
}

/* The rows in the order in which they are stored, by stream; and their streams' numbers on disk. */
static void order_rows(struct store_encoder *encoder)
{
    struct rows *rows = &encoder->rows;
    const struct stream *streams = (const struct stream *)encoder->streams.data;
    encoder_rank_streams(encoder);
    for (size_t row = 0; row < encoder->n_rows; row++) {
        uint32_t rank = streams[rows->stream[row]].rank;
        rows->stream[row] = rank;
        rows->order[rows->starts[rank]++] = (uint32_t)row;
    }
}

static int add_columns(struct store_encoder *encoder)
{
    const struct rows *rows = &encoder->rows;
    int r = encoder_finish_texts(encoder);
    if (r == 0)
        r = encoder_add_filter(encoder);
    if (r == 0)
        r = encoder_add_streams(encoder);
    if (r == 0)
        r = encoder_add_received(encoder);
    if (r == 0)
        r = encoder_add_time(encoder);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_TIME_DIGITS, rows->digits);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_FLAGS, rows->flags);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_PRI, rows->pri);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_FORMAT, rows->format);
    if (r == 0)
        r = encoder_add_inputs(encoder);
    if (r == 0)
        r = encoder_add_peers(encoder);
    if (r == 0)
        r = encoder_add_places(encoder);
    if (r == 0)
        r = encoder_add_rollup(encoder);
    return r < 0 ? r : encoder_add_texts(encoder);
}

int store_encode_begin(struct store_encoder *encoder)
{
    encoder->n_rows = 0;
    encoder->is_whole = false;
    encoder->n_sections = 0;
    encoder->sources.len = encoder->group.len = encoder->out.len = 0;
    encoder->max_digits = 0;
    memset(encoder->codes, 0, sizeof(encoder->codes));
    encoder->header = (struct block_header){
        .info =
            {
                .min_time_ns = INT64_MAX,
                .max_time_ns = INT64_MIN,
                .min_received_us = INT64_MAX,
                .max_received_us = INT64_MIN,
            },
    };
    encoder->failed = encoder_clear_dicts(encoder);
    if (encoder->failed == 0)
        encoder->failed = encoder_begin_rollup(encoder);
    if (encoder->failed == 0)
        encoder->failed = encoder_begin_texts(encoder);
    return encoder->failed;
}

int store_encode_add(struct store_encoder *encoder, const struct batch *batch)
{
    if (encoder->failed == 0 && batch->n_records > 0)
        encoder->failed = add_batch(encoder, batch);
    return encoder->failed;
}

int store_encode_end(struct store_encoder *encoder)
{
    int r = encoder->failed;
    if (r == 0 && encoder->n_rows > 0) {
        encoder_sum_up(encoder);
        order_rows(encoder);
        r = add_columns(encoder);
        if (r == 0)
            r = encoder_finish(encoder);
    }
    if (r < 0)
        encoder->n_rows = 0;
    encoder->is_whole = encoder->n_rows > 0;
    return r;
}

int store_encode(struct store_encoder *encoder, struct batch *const *batches, size_t n_batches)
{
    store_encode_begin(encoder);
    for (size_t i = 0; i < n_batches; i++)
        store_encode_add(encoder, batches[i]);
    return store_encode_end(encoder);
}
