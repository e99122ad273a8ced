/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * The text columns of a block, and its filter. What no template holds is kept whole: its lengths
 * and bytes, in the order of the rows.
 */
static inline const struct span *span_of(const struct record *record, enum text_column column)
{
    static const uint16_t at[N_TEXT_COLUMNS] = {
        [TEXT_MESSAGE] = offsetof(struct record, message),
        [TEXT_PROCID] = offsetof(struct record, procid),
        [TEXT_MSGID] = offsetof(struct record, msgid),
        [TEXT_SD] = offsetof(struct record, sd),
    };
    return (const struct span *)((const char *)record + at[column]);
}

int encoder_begin_texts(struct store_encoder *encoder)
{
    memset(encoder->text_bytes, 0, sizeof(encoder->text_bytes));
    filter_builder_begin(&encoder->filter);
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        if (text_encoder_begin(&encoder->texts[i]) < 0)
            return -ENOMEM;
    return 0;
}

/* Rows without text, so that a column of which no row had any so far has all that were before. */
static int catch_up(struct text_encoder *texts, size_t n_rows)
{
    static const struct span nothing = {0, 0};
    const struct text_spans spans = {"", 0, &nothing, 0, n_rows - texts->n_rows};
    if (spans.n == 0)
        return 0;
    if (text_encoder_reserve(texts, spans.n, 0) < 0)
        return -ENOMEM;
    text_encoder_add(texts, &spans);
    return 0;
}

static size_t count_bytes(const struct text_spans *spans)
{
    const char *at = (const char *)spans->first;
    size_t n_bytes = 0;
    for (size_t i = 0; i < spans->n; i++, at += spans->stride)
        n_bytes += ((const struct span *)(const void *)at)->len;
    return n_bytes;
}

static int take_column(struct store_encoder *encoder, const struct chunk *chunk,
                       enum text_column column)
{
    struct text_encoder *texts = &encoder->texts[column];
    const struct span *last = &chunk->records[chunk->n - 1].line;
    const struct text_spans spans = {chunk->source->batch->bytes, last->off + last->len,
                                     span_of(chunk->records, column), sizeof(struct record),
                                     chunk->n};
    size_t n_bytes = count_bytes(&spans);
    encoder->text_bytes[column] += n_bytes;
    if (encoder->text_bytes[column] > MAX_SECTION_BYTES / 2)
        return -E2BIG;
    if (encoder->text_bytes[column] == 0)
        return 0;
    if (catch_up(texts, chunk->row) < 0 || text_encoder_reserve(texts, chunk->n, n_bytes) < 0)
        return -ENOMEM;
    if (column == TEXT_MESSAGE &&
        filter_builder_reserve(&encoder->filter,
                               encoder->text_bytes[TEXT_MESSAGE] / FILTERED_BYTES + 64) < 0)
        return -ENOMEM;
    text_encoder_add(texts, &spans);
    return 0;
}

int encoder_take_texts(struct store_encoder *encoder, const struct chunk *chunk)
{
    int r = 0;
    for (unsigned i = 0; r == 0 && i < N_TEXT_COLUMNS; i++)
        r = take_column(encoder, chunk, i);
    return r;
}

/* The batch that a row came in. */
static const struct source *source_of(const struct store_encoder *encoder, uint32_t row)
{
    const struct source *sources = (const struct source *)encoder->sources.data;
    size_t from = 0, n = encoder->sources.len / sizeof(*sources);
    while (n > 1) {
        size_t half = n / 2;
        from += row >= sources[from + half].first_row ? half : 0;
        n -= half;
    }
    return &sources[from];
}

static struct text text_of_row(const struct store_encoder *encoder, enum text_column column,
                               uint32_t row)
{
    const struct source *source = source_of(encoder, row);
    return batch_text(source->batch,
                      *span_of(&source->batch->records[row - source->first_row], column));
}

/* The rows that no template holds. */
static int add_whole(struct store_encoder *encoder, enum text_column column)
{
    const uint32_t *index = text_encoder_index(&encoder->texts[column]);
    uint32_t *lens = encoder->rows.len;
    struct buffer *whole = &encoder->whole;
    size_t n = 0;
    whole->len = 0;
    for (size_t i = 0; i < encoder->n_rows; i++) {
        if (index[i] > 0)
            continue;
        struct text text = text_of_row(encoder, column, encoder->rows.order[i]);
        lens[n++] = text.len;
        if (buffer_reserve(whole, text.len) < 0)
            return -ENOMEM;
        buffer_put(whole, text.data, text.len);
    }
    if (whole->len == 0)
        return 0;
    int r = encoder_add_ints(encoder, SECTION_LENGTHS(column), lens, n);
    return r < 0 ? r : encoder_add_section(encoder, SECTION_TEXT(column), whole->data, whole->len);
}

static int add_templates(struct store_encoder *encoder, enum text_column column)
{
    const struct text_encoder *texts = &encoder->texts[column];
    const struct buffer *const parts[N_TEMPLATE_SECTIONS] = {
        [TEMPLATE_DICT] = &texts->dict,
        [TEMPLATE_PLAIN] = &texts->plain,
        [TEMPLATE_DENSE] = &texts->dense,
    };
    int r = encoder_add_ints(encoder, SECTION_TEMPLATE(column, TEMPLATE_INDEX),
                             text_encoder_index(texts), encoder->n_rows);
    for (unsigned i = 0; r == 0 && i < N_TEMPLATE_SECTIONS; i++) {
        if (!parts[i] || parts[i]->len == 0)
            continue;
        enum section_id id = SECTION_TEMPLATE(column, i);
        r = i == TEMPLATE_PLAIN
                ? encoder_add_plain_section(encoder, id, parts[i]->data, parts[i]->len)
                : encoder_add_section(encoder, id, parts[i]->data, parts[i]->len);
    }
    return r;
}

/* The messages that are kept whole although a template was found, as too few were of it. */
static void filter_given_up(struct store_encoder *encoder)
{
    const struct text_encoder *texts = &encoder->texts[TEXT_MESSAGE];
    const struct text_row *rows = (const struct text_row *)texts->rows.data;
    const uint32_t *order = encoder->rows.order;
    for (size_t i = 0; texts->n_whole > 0 && i < encoder->n_rows; i++) {
        if (text_encoder_index(texts)[i] > 0 || rows[order[i]].template == 0)
            continue;
        struct text text = text_of_row(encoder, TEXT_MESSAGE, order[i]);
        filter_builder_add_text(&encoder->filter, text.data, text.len);
    }
}

int encoder_finish_texts(struct store_encoder *encoder)
{
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++) {
        encoder->has_templates[i] = false;
        if (encoder->text_bytes[i] == 0)
            continue;
        int r = catch_up(&encoder->texts[i], encoder->n_rows);
        if (r == 0)
            r = text_encoder_finish(&encoder->texts[i], encoder->rows.order);
        if (r < 0)
            return r;
        encoder->has_templates[i] = r > 0;
    }
    if (encoder->text_bytes[TEXT_MESSAGE] > 0)
        filter_given_up(encoder);
    return 0;
}

int encoder_add_texts(struct store_encoder *encoder)
{
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++) {
        if (encoder->text_bytes[i] == 0)
            continue;
        int r = encoder->has_templates[i] ? add_templates(encoder, i) : 0;
        if (r == 0)
            r = add_whole(encoder, i);
        if (r < 0)
            return r;
    }
    return 0;
}

static void add_names(struct filter_builder *filter, enum filter_kind kind,
                      const struct buffer *names, size_t n)
{
    const struct text *texts = (const struct text *)names->data;
    for (size_t i = 0; i < n; i++)
        filter_builder_add(filter, filter_hash(kind, texts[i].data, texts[i].len));
}

/* The first section of the block: a query that it rules out reads nothing else. */
int encoder_add_filter(struct store_encoder *encoder)
{
    struct filter_builder *filter = &encoder->filter;
    const struct peer *peers = (const struct peer *)encoder->peers.data;
    const struct place *places = (const struct place *)encoder->places.data;
    if (encoder->n_rows < FILTER_LEAST_ROWS)
        return 0;
    add_names(filter, FILTER_HOST, &encoder->hosts, encoder->n_hosts);
    add_names(filter, FILTER_APP, &encoder->apps, encoder->n_apps);
    for (size_t i = 0; i < encoder->n_peers; i++)
        filter_builder_add(filter, filter_hash(FILTER_PEER, peers[i].address, 16));
    for (size_t i = 0; i < encoder->n_places; i++)
        if (places[i].country[0])
            filter_builder_add(filter, filter_hash(FILTER_COUNTRY, places[i].country, 2));
    encoder->column.len = 0;
    if (filter_builder_finish(filter, &encoder->column) < 0)
        return -ENOMEM;
    return encoder->column.len == 0
               ? 0
               : encoder_add_plain_section(encoder, SECTION_FILTER, encoder->column.data,
                                           encoder->column.len);
}
