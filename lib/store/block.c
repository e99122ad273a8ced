/* SPDX-License-Identifier: MIT */
#include "store/block.h"

#include <unistd.h>
#include <xxhash.h>

#include "store/filter.h"
#include "store/store.h"

/* A first read of this much brings the head, and the whole of a small block. */
#define FIRST_READ_BYTES 4096

int block_init(struct block *block)
{
    *block = (struct block){.fd = -1, .zstd = ZSTD_createDCtx()};
    return block->zstd ? 0 : -ENOMEM;
}

void block_deinit(struct block *block)
{
    struct dict *dicts[] = {&block->hosts,  &block->apps,    &block->inputs,
                            &block->cities, &block->regions, &block->orgs};
    struct buffer *buffers[] = {&block->head,         &block->stored,    &block->group,
                                &block->scratch,      &block->peers,     &block->places,
                                &block->stream_parts, &block->places_raw};
    for (size_t i = 0; i < sizeof(dicts) / sizeof(dicts[0]); i++) {
        buffer_deinit(&dicts[i]->raw);
        buffer_deinit(&dicts[i]->texts);
    }
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        buffer_deinit(buffers[i]);
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        text_rows_deinit(&block->text[i]);
    free(block->memory);
    ZSTD_freeDCtx(block->zstd);
    *block = (struct block){.fd = -1};
}

static int rows_reserve(struct block *block, size_t n_rows)
{
    uint32_t **columns[] = {
        &block->stream,          &block->position,          &block->input,
        &block->peer,            &block->place,             &block->geo_off,
        &block->text[0].index,   &block->text[1].index,     &block->text[2].index,
        &block->text[3].index,   &block->text[0].ordinal,   &block->text[1].ordinal,
        &block->text[2].ordinal, &block->text[3].ordinal,
    };
    uint8_t **bytes[] = {&block->digits, &block->flags,    &block->pri,
                         &block->format, &block->geo_from, &block->geo_len};
    enum { N_U32 = sizeof(columns) / sizeof(columns[0]), N_U8 = sizeof(bytes) / sizeof(bytes[0]) };
    size_t n = n_rows + 1;
    if (block->capacity >= n_rows)
        return 0;
    int64_t *wide = calloc(n, 2 * sizeof(*wide) + N_TEXT_COLUMNS * sizeof(struct text) +
                                  N_U32 * sizeof(uint32_t) + N_U8);
    if (!wide)
        return -ENOMEM;
    free(block->memory);
    block->memory = wide;
    block->capacity = n_rows;
    block->time_ns = wide;
    block->received_us = wide + n;
    struct text *texts = (struct text *)(wide + 2 * n);
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        block->text[i].texts = texts + i * n;
    uint32_t *middle = (uint32_t *)(texts + N_TEXT_COLUMNS * n);
    for (size_t i = 0; i < N_U32; i++)
        *columns[i] = middle + i * n;
    uint8_t *narrow = (uint8_t *)(middle + N_U32 * n);
    for (size_t i = 0; i < N_U8; i++)
        *bytes[i] = narrow + i * n;
    return 0;
}

int block_open(struct block *block, int fd, uint64_t at, const struct block_header *header)
{
    block->fd = -1;
    if (rows_reserve(block, header->info.n_rows) < 0)
        return -ENOMEM;
    block->fd = fd;
    block->at = at;
    block->header = *header;
    block->decoded = block->wanted = 0;
    block->has_group = false;
    block->head.len = 0;
    return 0;
}

static int read_at(const struct block *block, uint64_t at, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = pread(block->fd, bytes, len, (off_t)(block->at + at));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -EBADMSG;
        bytes += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

/* Reads the head and makes sure that it is the one that the index spoke of. */
static int read_head(struct block *block)
{
    struct block_header found;
    uint8_t expected_fields[BLOCK_HEADER_BYTES], fields[BLOCK_HEADER_BYTES];
    const struct block_header *header = &block->header;
    size_t len = header->header_bytes + header->n_sections * (size_t)SECTION_BYTES;
    if (len < FIRST_READ_BYTES)
        len = header->total_bytes < FIRST_READ_BYTES ? header->total_bytes : FIRST_READ_BYTES;
    block->head.len = 0;
    if (buffer_reserve(&block->head, len) < 0)
        return -ENOMEM;
    if (read_at(block, 0, block->head.data, len) < 0 ||
        block_header_parse(block->head.data, len, &found) < 0)
        return -EBADMSG;
    block_fields_put(expected_fields, header);
    block_fields_put(fields, &found);
    size_t start = found.header_bytes + found.n_sections * (uint64_t)SECTION_BYTES;
    if (memcmp(expected_fields, fields, BLOCK_HEADER_BYTES - 16) != 0 ||
        sections_parse(block->head.data + found.header_bytes, found.n_sections, start,
                       found.total_bytes, block->sections) < 0)
        return -EBADMSG;
    block->head.len = len;
    return 0;
}

/* The stored bytes of a section, checked: where they are in memory already, or in `buffer`. */
static int read_stored(struct block *block, const struct section *section, struct buffer *buffer,
                       const uint8_t **ret_bytes)
{
    const uint8_t *bytes = block->head.data + section->at;
    if (section->at + section->stored_bytes > block->head.len) {
        buffer->len = 0;
        if (buffer_reserve(buffer, section->stored_bytes) < 0)
            return -ENOMEM;
        if (read_at(block, section->at, buffer->data, section->stored_bytes) < 0)
            return -EBADMSG;
        bytes = buffer->data;
    }
    *ret_bytes = bytes;
    return XXH3_64bits(bytes, section->stored_bytes) == section->checksum ? 0 : -EBADMSG;
}

/* Never at NULL, so that nothing can be taken from an empty section, too. */
static struct cursor cursor_of(const uint8_t *bytes, size_t len)
{
    static const uint8_t nothing[1];
    const uint8_t *at = len > 0 ? bytes : nothing;
    return (struct cursor){at, at + len};
}

static int read_section(struct block *block, const struct section *section, struct buffer *raw,
                        struct cursor *ret_bytes)
{
    const uint8_t *stored;
    if (section->codec == CODEC_PLAIN) {
        int r = read_stored(block, section, raw, &stored);
        if (r < 0)
            return r;
        if (section->stored_bytes != section->raw_bytes)
            return -EBADMSG;
        *ret_bytes = cursor_of(stored, section->raw_bytes);
        return 1;
    }
    int r = read_stored(block, section, &block->stored, &stored);
    if (r < 0)
        return r;
    raw->len = 0;
    if (section->codec != CODEC_ZSTD ||
        ZSTD_getFrameContentSize(stored, section->stored_bytes) != section->raw_bytes)
        return -EBADMSG;
    if (buffer_reserve(raw, section->raw_bytes) < 0)
        return -ENOMEM;
    if (ZSTD_decompressDCtx(block->zstd, raw->data, section->raw_bytes, stored,
                            section->stored_bytes) != section->raw_bytes)
        return -EBADMSG;
    *ret_bytes = cursor_of(raw->data, section->raw_bytes);
    return 1;
}

static int find_section(struct block *block, enum section_id id, struct buffer *raw,
                        struct cursor *ret_bytes)
{
    for (unsigned i = 0; i < block->header.n_sections; i++)
        if (block->sections[i].id == id && block->sections[i].encoding == 0)
            return read_section(block, &block->sections[i], raw, ret_bytes);
    return 0;
}

static int load_group(struct block *block)
{
    struct cursor bytes = cursor_of(NULL, 0);
    int r = find_section(block, SECTION_GROUP, &block->scratch, &bytes);
    if (r < 0)
        return r;
    size_t len = cursor_left(&bytes);
    block->group.len = 0;
    if (buffer_reserve(&block->group, len) < 0)
        return -ENOMEM;
    buffer_put(&block->group, bytes.at, len);
    block->has_group = true;
    return 0;
}

static int find_in_group(const struct block *block, enum section_id id, struct cursor *ret_bytes)
{
    struct cursor group = cursor_of(block->group.data, block->group.len);
    while (cursor_left(&group) > 0) {
        uint64_t len;
        const uint8_t *head = cursor_take(&group, 2);
        if (!head || cursor_varint(&group, &len) < 0)
            return -EBADMSG;
        const uint8_t *bytes = cursor_take(&group, len);
        if (!bytes)
            return -EBADMSG;
        if (head[0] == id && head[1] == 0) {
            *ret_bytes = (struct cursor){bytes, bytes + len};
            return 1;
        }
    }
    return 0;
}

int block_section(struct block *block, enum section_id id, struct buffer *raw,
                  struct cursor *ret_bytes)
{
    int r = block->head.len == 0 ? read_head(block) : 0;
    *ret_bytes = cursor_of(NULL, 0);
    if (r < 0)
        return r;
    r = find_section(block, id, raw, ret_bytes);
    if (r != 0)
        return r;
    r = block->has_group ? 0 : load_group(block);
    return r < 0 ? r : find_in_group(block, id, ret_bytes);
}

int block_filter(struct block *block, const uint8_t **ret_lines, size_t *ret_bytes)
{
    struct cursor bytes;
    int r = block_section(block, SECTION_FILTER, &block->scratch, &bytes);
    if (r <= 0)
        return r;
    *ret_lines = bytes.at;
    *ret_bytes = cursor_left(&bytes);
    return *ret_bytes % FILTER_LINE_BYTES == 0 ? 1 : -EBADMSG;
}

int block_verify(struct block *block)
{
    const uint8_t *bytes;
    int r = read_head(block);
    for (unsigned i = 0; r == 0 && i < block->header.n_sections; i++)
        r = read_stored(block, &block->sections[i], &block->stored, &bytes);
    return r;
}
