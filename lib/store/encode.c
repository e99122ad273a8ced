/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * Encoding walks the rows twice. The first walk, in order of reception, finds the stream of each
 * row and what the header says of all. Then the places of the rows in stream order are known (a
 * stable counting sort), and the second walk, in that order, fills the columns.
 *
 * Memory: arrays by row and dictionaries grow to the largest block seen and stay.
 */

/* Bytes that a row takes in struct rows. */
#define ROW_BYTES (sizeof(struct grouped_row) + 3 * sizeof(int64_t) + 7 * sizeof(uint32_t) + 7)

static void *carve(char **at, size_t size, size_t n)
{
    void *array = *at;
    *at += size * n;
    return array;
}

static int rows_reserve(struct rows *rows, size_t n_rows)
{
    if (rows->capacity >= n_rows)
        return 0;
    size_t n = n_rows + 1; /* rows.order wants one more */
    char *at = malloc(n * ROW_BYTES);
    if (!at)
        return -ENOMEM;
    free(rows->memory);
    *rows = (struct rows){.memory = at, .capacity = n_rows};
    rows->grouped = carve(&at, sizeof(*rows->grouped), n);
    rows->time_ns = carve(&at, sizeof(int64_t), n);
    rows->received_us = carve(&at, sizeof(int64_t), n);
    rows->scratch = carve(&at, sizeof(int64_t), n);
    rows->stream = carve(&at, sizeof(uint32_t), n);
    rows->order = carve(&at, sizeof(uint32_t), n);
    rows->len = carve(&at, sizeof(uint32_t), n);
    rows->input = carve(&at, sizeof(uint32_t), n);
    rows->peer = carve(&at, sizeof(uint32_t), n);
    rows->place = carve(&at, sizeof(uint32_t), n);
    rows->geo_off = carve(&at, sizeof(uint32_t), n);
    rows->reception_flags = carve(&at, 1, n);
    rows->digits = carve(&at, 1, n);
    rows->flags = carve(&at, 1, n);
    rows->pri = carve(&at, 1, n);
    rows->format = carve(&at, 1, n);
    rows->geo_from = carve(&at, 1, n);
    rows->geo_len = carve(&at, 1, n);
    return 0;
}

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
    size_t growing = n_records * dicts + raw + ZSTD_compressBound(raw) + HEAD_ROOM;
    return sizeof(struct store_encoder) + ZSTD_BYTES + (n_records + 1) * ROW_BYTES +
           (N_TEXT_COLUMNS - 1) * text_encoder_bytes(TEXT_OTHER_TEMPLATES, n_records, 0) +
           text_encoder_bytes(TEXT_MESSAGE_TEMPLATES, n_records, n_bytes) +
           n_bytes / FILTERED_BYTES * sizeof(uint64_t) +
           6 * intern_slots(n_records) * sizeof(struct intern_slot) + growing + growing / 2;
}

int encoder_new(const struct store_options *options, struct store_encoder **ret_encoder)
{
    struct store_encoder *encoder = calloc(1, sizeof(*encoder));
    if (!encoder)
        return -ENOMEM;
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
    free(encoder->rows.memory);
    ZSTD_freeCCtx(encoder->zstd);
    free(encoder);
    return NULL;
}

/* One source for each batch, with empty maps of its peers and places. */
static int set_sources(struct store_encoder *encoder, struct batch *const *batches, size_t n)
{
    size_t n_maps = 0;
    for (size_t i = 0; i < n; i++)
        n_maps += batches[i]->n_peers + batches[i]->n_places;
    encoder->sources.len = encoder->maps.len = 0;
    if (buffer_reserve(&encoder->sources, n * sizeof(struct source)) < 0 ||
        buffer_reserve(&encoder->maps, (n_maps + 1) * sizeof(uint32_t)) < 0)
        return -ENOMEM;
    uint32_t *maps = (uint32_t *)encoder->maps.data;
    memset(maps, 0, n_maps * sizeof(*maps));
    for (size_t i = 0; i < n; i++) {
        struct source source = {batches[i], maps, maps + batches[i]->n_peers, 0, 0};
        if (batches[i]->n_records > 0 &&
            encoder_input(encoder, batches[i]->input, &source.input) < 0)
            return -ENOMEM;
        buffer_put(&encoder->sources, &source, sizeof(source));
        maps += batches[i]->n_peers + batches[i]->n_places;
    }
    return 0;
}

static struct text text_of(const struct batch *batch, struct span span)
{
    return span.len ? batch_text(batch, span) : (struct text){NULL, 0};
}

static void summarise(struct store_encoder *encoder, const struct record *record)
{
    struct block_header *header = &encoder->header;
    struct store_block_info *info = &header->info;
    info->min_time_ns = record->time_ns < info->min_time_ns ? record->time_ns : info->min_time_ns;
    info->max_time_ns = record->time_ns > info->max_time_ns ? record->time_ns : info->max_time_ns;
    info->min_received_us =
        record->received_us < info->min_received_us ? record->received_us : info->min_received_us;
    info->max_received_us =
        record->received_us > info->max_received_us ? record->received_us : info->max_received_us;
    info->severities |= (uint16_t)(1u << (record->severity < 8 ? record->severity : 8));
    info->facilities |= 1u << (record->facility < 24 ? record->facility : 24);
    header->raw_bytes += record->line.len;
    if (record->time_digits > encoder->max_digits && !(record->flags & RECORD_TIME_RECEIVED))
        encoder->max_digits = record->time_digits;
    encoder->text_bytes[TEXT_MESSAGE] += record->message.len;
    encoder->text_bytes[TEXT_PROCID] += record->procid.len;
    encoder->text_bytes[TEXT_MSGID] += record->msgid.len;
    encoder->text_bytes[TEXT_SD] += record->sd.len;
}

/* The first walk. */
static int survey(struct store_encoder *encoder, size_t n_sources)
{
    struct rows *rows = &encoder->rows;
    struct source *sources = (struct source *)encoder->sources.data;
    struct text host = {0}, app = {0};
    uint32_t stream = UINT32_MAX;
    size_t row = 0;
    for (size_t s = 0; s < n_sources; s++) {
        const struct batch *batch = sources[s].batch;
        for (uint32_t i = 0; i < batch->n_records; i++, row++) {
            const struct record *record = &batch->records[i];
            struct text new_host = text_of(batch, record->host);
            struct text new_app = text_of(batch, record->app);
            if (stream == UINT32_MAX || !same_text(host, new_host) || !same_text(app, new_app)) {
                if (encoder_stream(encoder, new_host, new_app, &stream) < 0)
                    return -ENOMEM;
                host = new_host;
                app = new_app;
            }
            ((struct stream *)encoder->streams.data)[stream].n_rows++;
            rows->stream[row] = stream;
            rows->time_ns[row] = record->time_ns;
            rows->received_us[row] = record->received_us;
            rows->reception_flags[row] = record->flags;
            summarise(encoder, record);
            uint32_t end = record->line.off + record->line.len;
            sources[s].n_bytes = end > sources[s].n_bytes ? end : sources[s].n_bytes;
        }
    }
    return 0;
}

/* Between the walks: the rows by stream. */
static void group_rows(struct store_encoder *encoder, size_t n_sources)
{
    struct rows *rows = &encoder->rows;
    const struct source *sources = (const struct source *)encoder->sources.data;
    const struct stream *streams = (const struct stream *)encoder->streams.data;
    encoder_rank_streams(encoder);
    size_t row = 0;
    for (size_t s = 0; s < n_sources; s++) {
        const struct record *records = sources[s].batch->records;
        for (uint32_t i = 0; i < sources[s].batch->n_records; i++, row++) {
            uint32_t rank = streams[rows->stream[row]].rank;
            rows->stream[row] = rank;
            rows->grouped[rows->order[rank]++] = (struct grouped_row){&records[i], &sources[s]};
        }
    }
}

static uint8_t pri_of(const struct record *record)
{
    unsigned facility = record->facility < 24 ? record->facility : PRI_NO_FACILITY;
    unsigned severity = record->severity < 8 ? record->severity : PRI_NO_SEVERITY;
    return (uint8_t)(facility * PRI_SEVERITIES + severity);
}

/*
 * Stream order leaps about in memory that another thread wrote. So the records and the texts of rows
 * to come are asked for while those before them are copied.
 */
#define RECORDS_AHEAD 16
#define TEXTS_AHEAD   8
#define CACHE_LINE    64

static inline void fetch_ahead(const struct rows *rows, size_t i, size_t n_rows)
{
    if (i + RECORDS_AHEAD < n_rows) {
        const char *record = (const char *)rows->grouped[i + RECORDS_AHEAD].record;
        __builtin_prefetch(record);
        __builtin_prefetch(record + CACHE_LINE);
    }
    if (i + TEXTS_AHEAD < n_rows) {
        const struct grouped_row *row = &rows->grouped[i + TEXTS_AHEAD];
        const char *line = row->source->batch->bytes + row->record->line.off;
        for (uint32_t at = 0; at < row->record->line.len + CACHE_LINE && at < 6 * CACHE_LINE;
             at += CACHE_LINE)
            __builtin_prefetch(line + at);
    }
}

/* The second walk. */
static int gather(struct store_encoder *encoder)
{
    struct rows *rows = &encoder->rows;
    if (encoder_begin_texts(encoder) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < encoder->n_rows; i++) {
        const struct record *record = rows->grouped[i].record;
        const struct source *source = rows->grouped[i].source;
        fetch_ahead(rows, i, encoder->n_rows);
        encoder_add_row_texts(encoder, source, record);
        rows->digits[i] = record->time_digits;
        rows->flags[i] = record->flags;
        rows->pri[i] = pri_of(record);
        rows->format[i] = record->format;
        rows->input[i] = source->input;
        if (encoder_peer(encoder, source, record->peer, &rows->peer[i]) < 0 ||
            encoder_place(encoder, source, record->place, &rows->place[i]) < 0)
            return -ENOMEM;
        bool in_message = rows->place[i] && record->geo_from == RECORD_GEO_MESSAGE;
        rows->geo_from[i] = rows->place[i] ? record->geo_from : RECORD_GEO_NONE;
        rows->geo_off[i] = in_message ? record->geo_off : 0;
        rows->geo_len[i] = in_message ? record->geo_len : 0;
    }
    return 0;
}

static int add_columns(struct store_encoder *encoder)
{
    const struct rows *rows = &encoder->rows;
    int r = encoder_add_filter(encoder);
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

static void start_block(struct store_encoder *encoder, size_t n_rows)
{
    encoder->n_rows = n_rows;
    encoder->n_sections = 0;
    encoder->group.len = encoder->out.len = 0;
    encoder->max_digits = 0;
    memset(encoder->text_bytes, 0, sizeof(encoder->text_bytes));
    encoder->header = (struct block_header){
        .info =
            {
                .n_rows = (uint32_t)n_rows,
                .min_time_ns = INT64_MAX,
                .max_time_ns = INT64_MIN,
                .min_received_us = INT64_MAX,
                .max_received_us = INT64_MIN,
            },
    };
}

static int encode(struct store_encoder *encoder, struct batch *const *batches, size_t n_batches)
{
    if (rows_reserve(&encoder->rows, encoder->n_rows) < 0 ||
        encoder_clear_dicts(encoder, encoder->n_rows) < 0 ||
        set_sources(encoder, batches, n_batches) < 0 || survey(encoder, n_batches) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        if (encoder->text_bytes[i] > MAX_SECTION_BYTES / 2)
            return -E2BIG;
    group_rows(encoder, n_batches);
    if (gather(encoder) < 0)
        return -ENOMEM;
    int r = add_columns(encoder);
    return r < 0 ? r : encoder_finish(encoder);
}

int store_encode(struct store_encoder *encoder, struct batch *const *batches, size_t n_batches)
{
    size_t n_rows = 0;
    for (size_t i = 0; i < n_batches; i++)
        n_rows += batches[i]->n_records;
    start_block(encoder, n_rows);
    if (n_rows == 0)
        return 0;
    int r = n_rows > STORE_MAX_ROWS ? -E2BIG : encode(encoder, batches, n_batches);
    if (r < 0)
        encoder->n_rows = 0;
    return r;
}
