/* SPDX-License-Identifier: MIT */
#include "store/block.h"

#include "store/ints.h"

#define MAX_TIME_DIGITS 9

/*
 * Rows are stored grouped by stream, each stream's in order of reception. The stream of each row,
 * in order of reception, is enough to find the way back: row i lies behind all rows of lower
 * streams and behind the earlier ones of its own.
 */
static int decode_u8(struct block *block, enum section_id id, uint8_t *values, uint8_t limit)
{
    struct cursor bytes;
    size_t n_rows = block->header.info.n_rows;
    int r = block_section(block, id, &block->scratch, &bytes);
    if (r == 0)
        memset(values, 0, n_rows);
    return r <= 0 ? r : ints_get_u8(&bytes, values, n_rows, limit);
}

static int decode_u32(struct block *block, enum section_id id, uint32_t *values, uint32_t limit)
{
    struct cursor bytes;
    size_t n_rows = block->header.info.n_rows;
    int r = block_section(block, id, &block->scratch, &bytes);
    if (r == 0)
        memset(values, 0, n_rows * sizeof(*values));
    return r <= 0 ? r : ints_get_u32(&bytes, values, n_rows, limit);
}

static int decode_streams(struct block *block)
{
    struct cursor bytes;
    uint64_t n;
    int r = block_section(block, SECTION_STREAMS, &block->scratch, &bytes);
    if (r < 0)
        return r;
    if (r == 0 || cursor_varint(&bytes, &n) < 0 || n == 0 || n > block->header.info.n_rows)
        return -EBADMSG;
    block->stream_parts.len = 0;
    if (buffer_reserve(&block->stream_parts, 2 * n * sizeof(uint32_t)) < 0)
        return -ENOMEM;
    uint32_t *parts = (uint32_t *)block->stream_parts.data;
    block->n_streams = (uint32_t)n;
    r = ints_get_u32(&bytes, parts, n, block->header.info.n_rows - 1);
    return r < 0 ? r : ints_get_u32(&bytes, parts + n, n, block->header.info.n_rows - 1);
}

static int decode_order(struct block *block)
{
    uint32_t n_rows = block->header.info.n_rows;
    int r = decode_streams(block);
    if (r == 0)
        r = decode_u32(block, SECTION_STREAM, block->stream, block->n_streams - 1);
    if (r < 0)
        return r;
    block->scratch.len = 0;
    if (buffer_reserve(&block->scratch, (block->n_streams + 1) * sizeof(uint32_t)) < 0)
        return -ENOMEM;
    uint32_t *next = (uint32_t *)block->scratch.data;
    memset(next, 0, (block->n_streams + 1) * sizeof(*next));
    for (uint32_t i = 0; i < n_rows; i++)
        next[block->stream[i] + 1]++;
    for (uint32_t i = 1; i < block->n_streams; i++)
        next[i] += next[i - 1];
    for (uint32_t i = 0; i < n_rows; i++)
        block->position[i] = next[block->stream[i]]++;
    return 0;
}

static int all_below(const uint32_t *values, uint32_t n, uint32_t limit)
{
    for (uint32_t i = 0; i < n; i++)
        if (values[i] >= limit)
            return -EBADMSG;
    return 0;
}

static int decode_hosts(struct block *block)
{
    int r = block_decode_dict(block, SECTION_HOSTS, &block->hosts);
    const uint32_t *hosts = (const uint32_t *)block->stream_parts.data;
    return r < 0 ? r : all_below(hosts, block->n_streams, block->hosts.n);
}

static int decode_apps(struct block *block)
{
    int r = block_decode_dict(block, SECTION_APPS, &block->apps);
    const uint32_t *apps = (const uint32_t *)block->stream_parts.data + block->n_streams;
    return r < 0 ? r : all_below(apps, block->n_streams, block->apps.n);
}

/* The rows that no template holds: lengths, then the bytes of all, which must add up. */
static int decode_whole(struct block *block, enum text_column column)
{
    struct text_rows *text = &block->text[column];
    struct cursor lens = {0}, bytes = {0};
    uint32_t n_rows = block->header.info.n_rows, n_whole = 0;
    for (uint32_t i = 0; i < n_rows; i++)
        n_whole += text->index[i] == 0;
    int r = n_whole == 0 ? 0 : block_section(block, SECTION_LENGTHS(column), &block->scratch, &lens);
    if (r < 0)
        return r;
    /* Not needed before count_rows() has set those of the other rows. */
    uint32_t *len = text->ordinal + n_rows - n_whole;
    if (r == 0)
        memset(len, 0, n_whole * sizeof(*len));
    else if (ints_get_u32(&lens, len, n_whole, MAX_SECTION_BYTES) < 0)
        return -EBADMSG;
    r = n_whole == 0 ? 0 : block_section(block, SECTION_TEXT(column), &text->whole, &bytes);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < n_rows; i++) {
        text->texts[i] = (struct text){NULL, 0};
        if (text->index[i] > 0)
            continue;
        const uint8_t *at = cursor_take(&bytes, *len);
        if (!at && *len > 0)
            return -EBADMSG;
        text->texts[i] = (struct text){*len > 0 ? (const char *)at : "", *len};
        len++;
    }
    return cursor_left(&bytes) == 0 ? 0 : -EBADMSG;
}

static int find_part(struct block *block, enum text_column column, enum template_section part,
                     struct buffer *raw, struct cursor *ret_bytes)
{
    int r = block_section(block, SECTION_TEMPLATE(column, part), raw, ret_bytes);
    return r < 0 ? r : 0;
}

static int decode_text(struct block *block, enum text_column column)
{
    struct text_rows *text = &block->text[column];
    struct text_sections parts = {0};
    int r = decode_u32(block, SECTION_TEMPLATE(column, TEMPLATE_INDEX), text->index, UINT32_MAX);
    if (r == 0)
        r = decode_whole(block, column);
    if (r == 0)
        r = find_part(block, column, TEMPLATE_DICT, &text->dict, &parts.dict);
    text->n_templates = 0;
    if (r < 0 || cursor_left(&parts.dict) == 0)
        return r < 0 ? r : all_below(text->index, block->header.info.n_rows, 1);
    r = find_part(block, column, TEMPLATE_PLAIN, &text->plain, &parts.plain);
    if (r == 0)
        r = find_part(block, column, TEMPLATE_DENSE, &text->dense, &parts.dense);
    return r < 0 ? r : text_rows_parse(text, &parts, block->header.info.n_rows);
}

static int decode_message(struct block *block)
{
    return decode_text(block, TEXT_MESSAGE);
}

static int decode_procid(struct block *block)
{
    return decode_text(block, TEXT_PROCID);
}

static int decode_msgid(struct block *block)
{
    return decode_text(block, TEXT_MSGID);
}

static int decode_sd(struct block *block)
{
    return decode_text(block, TEXT_SD);
}

static int decode_time(struct block *block)
{
    int r = decode_u8(block, SECTION_TIME_DIGITS, block->digits, MAX_TIME_DIGITS);
    if (r == 0)
        r = decode_u8(block, SECTION_FLAGS, block->flags, UINT8_MAX);
    return r < 0 ? r : block_decode_time(block);
}

static int decode_pri(struct block *block)
{
    return decode_u8(block, SECTION_PRI, block->pri, PRI_CODES - 1);
}

static int decode_format(struct block *block)
{
    return decode_u8(block, SECTION_FORMAT, block->format, UINT8_MAX);
}

static int decode_input(struct block *block)
{
    int r = block_decode_dict(block, SECTION_INPUTS, &block->inputs);
    if (r < 0)
        return r;
    return block->inputs.n == 0
               ? -EBADMSG
               : decode_u32(block, SECTION_INPUT, block->input, block->inputs.n - 1);
}

static int decode_peer(struct block *block)
{
    int r = block_decode_peers(block);
    return r < 0 ? r : decode_u32(block, SECTION_PEER, block->peer, block->n_peers - 1);
}

static int decode_place(struct block *block)
{
    int r = block_decode_places(block);
    return r < 0 ? r : decode_u32(block, SECTION_PLACE, block->place, block->n_places);
}

/* Where the address stands; message and peers are only read if some row's address stands there. */
static int decode_geo(struct block *block)
{
    bool in_message = false, in_peer = false;
    int r = decode_u8(block, SECTION_GEO_FROM, block->geo_from, UINT8_MAX);
    if (r == 0)
        r = decode_u32(block, SECTION_GEO_OFF, block->geo_off, UINT32_MAX);
    if (r == 0)
        r = decode_u8(block, SECTION_GEO_LEN, block->geo_len, UINT8_MAX);
    for (uint32_t i = 0; r == 0 && i < block->header.info.n_rows; i++) {
        in_message |= block->geo_from[i] == RECORD_GEO_MESSAGE;
        in_peer |= block->geo_from[i] == RECORD_GEO_PEER;
    }
    if (r == 0 && in_peer && !(block->decoded & STORE_PEER))
        r = decode_peer(block);
    if (r == 0 && in_message && !(block->decoded & STORE_MESSAGE))
        r = decode_message(block);
    return r;
}

int block_load(struct block *block, uint32_t columns)
{
    static const struct {
        uint32_t column;
        int (*decode)(struct block *block); /* 0, -EBADMSG, -ENOMEM */
    } steps[] = {
        {BLOCK_ORDER, decode_order},     {STORE_RECEIVED, block_decode_received},
        {STORE_TIME, decode_time},       {STORE_HOST, decode_hosts},
        {STORE_APP, decode_apps},        {STORE_PROCID, decode_procid},
        {STORE_MSGID, decode_msgid},     {STORE_SD, decode_sd},
        {STORE_MESSAGE, decode_message}, {STORE_PRI, decode_pri},
        {STORE_FORMAT, decode_format},   {STORE_INPUT, decode_input},
        {STORE_PEER, decode_peer},       {STORE_PLACE, decode_place},
        {STORE_GEO, decode_geo},
    };
    uint32_t needed = columns;
    if (columns & STORE_TIME)
        needed |= STORE_RECEIVED;
    if (columns & STORE_GEO)
        needed |= STORE_PLACE;
    if (columns & ~(uint32_t)STORE_RECEIVED)
        needed |= BLOCK_ORDER;
    block->wanted = 0;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (!(needed & ~block->decoded & steps[i].column))
            continue;
        int r = steps[i].decode(block);
        if (r < 0)
            return r;
        block->decoded |= steps[i].column;
    }
    block->wanted = columns;
    return 0;
}
