/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

#include <xxhash.h>
#include "store/ints.h"

static int reserve_out(struct store_encoder *encoder, size_t n_bytes)
{
    if (encoder->out.len == 0) {
        if (buffer_reserve(&encoder->out, HEAD_ROOM + n_bytes) < 0)
            return -ENOMEM;
        encoder->out.len = HEAD_ROOM;
        return 0;
    }
    return buffer_reserve(&encoder->out, n_bytes);
}

/*
 * At the fast levels: zstd's hash table as it would be for a MiB of text takes all of the nearest
 * cache, and columns find as much in a small one. Texts that are kept whole do not.
 */
#define COLUMN_HASH_LOG 12

static void choose_table(const struct store_encoder *encoder, enum section_id id)
{
    bool is_text = id >= SECTION_TEXTS && id < SECTION_TEXTS + 2 * N_TEXT_COLUMNS;
    if (encoder->is_fast)
        ZSTD_CCtx_setParameter(encoder->zstd, ZSTD_c_hashLog, is_text ? 0 : COLUMN_HASH_LOG);
}

/* Compresses into `out`, or copies where that is no longer. */
static int write_section(struct store_encoder *encoder, enum section_id id, const void *data,
                         size_t len, bool compress)
{
    if (reserve_out(encoder, ZSTD_compressBound(len)) < 0)
        return -ENOMEM;
    struct buffer *out = &encoder->out;
    uint8_t *at = out->data + out->len;
    uint8_t codec = CODEC_ZSTD;
    choose_table(encoder, id);
    size_t stored = compress && len > PLAIN_BYTES
                        ? ZSTD_compress2(encoder->zstd, at, out->capacity - out->len, data, len)
                        : len;
    if (ZSTD_isError(stored))
        return -ENOMEM;
    if (stored >= len) {
        codec = CODEC_PLAIN;
        stored = len;
        memcpy(at, data, len);
    }
    out->len += stored;
    encoder->sections[encoder->n_sections++] = (struct section){
        .id = (uint16_t)id,
        .codec = codec,
        .raw_bytes = (uint32_t)len,
        .stored_bytes = (uint32_t)stored,
        .checksum = XXH3_64bits(at, stored),
    };
    return 0;
}

int encoder_add_section(struct store_encoder *encoder, enum section_id id, const void *data,
                        size_t len)
{
    if (len > GROUPED_BYTES)
        return write_section(encoder, id, data, len, true);
    if (buffer_reserve(&encoder->group, 2 + VARINT_BYTES + len) < 0)
        return -ENOMEM;
    buffer_put_byte(&encoder->group, (uint8_t)id);
    buffer_put_byte(&encoder->group, 0);
    buffer_put_varint(&encoder->group, len);
    buffer_put(&encoder->group, data, len);
    return 0;
}

int encoder_add_plain_section(struct store_encoder *encoder, enum section_id id, const void *data,
                              size_t len)
{
    return write_section(encoder, id, data, len, false);
}

int encoder_add_column(struct store_encoder *encoder, enum section_id id)
{
    return encoder_add_section(encoder, id, encoder->column.data, encoder->column.len);
}

/* A column that is 0 in all rows is left out. */
static bool is_zero(const struct buffer *column)
{
    return column->len == 2 && column->data[0] == 0 && column->data[1] == 0;
}

/* Are all the same? Then their order does not matter. */
static bool is_constant(const void *values, size_t size, size_t n)
{
    return memcmp(values, (const char *)values + size, (n - 1) * size) == 0;
}

int encoder_add_u8(struct store_encoder *encoder, enum section_id id, const uint8_t *values)
{
    struct buffer *column = &encoder->column;
    size_t n = encoder->n_rows;
    column->len = 0;
    if (buffer_reserve(column, ints_bound(n, sizeof(*values))) < 0)
        return -ENOMEM;
    if (!is_constant(values, sizeof(*values), n)) {
        uint8_t *stored = (uint8_t *)encoder->rows.scratch;
        for (size_t i = 0; i < n; i++)
            stored[i] = values[encoder->rows.order[i]];
        values = stored;
    }
    ints_put_u8(column, values, n);
    return is_zero(column) ? 0 : encoder_add_column(encoder, id);
}

int encoder_add_ints(struct store_encoder *encoder, enum section_id id, const uint32_t *values,
                     size_t n)
{
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (buffer_reserve(column, ints_bound(n, sizeof(*values))) < 0)
        return -ENOMEM;
    ints_put_u32(column, values, n);
    return is_zero(column) ? 0 : encoder_add_column(encoder, id);
}

int encoder_add_u32(struct store_encoder *encoder, enum section_id id, const uint32_t *values)
{
    size_t n = encoder->n_rows;
    if (!is_constant(values, sizeof(*values), n)) {
        uint32_t *stored = (uint32_t *)encoder->rows.scratch;
        for (size_t i = 0; i < n; i++)
            stored[i] = values[encoder->rows.order[i]];
        values = stored;
    }
    return encoder_add_ints(encoder, id, values, n);
}

/* The group goes last; then the table and the header's lengths are known. */
int encoder_finish(struct store_encoder *encoder)
{
    if (encoder->group.len > 0) {
        int r = write_section(encoder, SECTION_GROUP, encoder->group.data, encoder->group.len,
                              true);
        if (r < 0)
            return r;
    }
    uint8_t *block = encoder_block(encoder);
    uint8_t *end = encoder->out.data + encoder->out.len;
    if ((size_t)(end - block) > MAX_BLOCK_BYTES)
        return -E2BIG;
    for (unsigned i = 0; i < encoder->n_sections; i++)
        section_put(block + BLOCK_HEADER_BYTES + i * SECTION_BYTES, &encoder->sections[i]);
    encoder->header.header_bytes = BLOCK_HEADER_BYTES;
    encoder->header.n_sections = (uint16_t)encoder->n_sections;
    encoder->header.total_bytes = (uint32_t)(end - block);
    return 0;
}
