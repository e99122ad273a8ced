/* SPDX-License-Identifier: MIT */
#include "store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "store/buffer.h"

/*
 * The tail of a sealed file: what a reader needs to know of all blocks, from one read at the end.
 * It repeats what the block headers say and nothing else, so a damaged tail costs a walk over the
 * headers and no row.
 */

static int append_section(struct buffer *tail, const struct buffer *raw, struct section *section)
{
    if (buffer_reserve(tail, ZSTD_compressBound(raw->len)) < 0)
        return -ENOMEM;
    uint8_t *at = tail->data + tail->len;
    size_t stored = ZSTD_compress(at, tail->capacity - tail->len, raw->data, raw->len, 1);
    if (ZSTD_isError(stored))
        return -ENOMEM;
    tail->len += stored;
    *section = (struct section){
        .id = TAIL_BLOCKS,
        .codec = CODEC_ZSTD,
        .raw_bytes = (uint32_t)raw->len,
        .stored_bytes = (uint32_t)stored,
        .checksum = XXH3_64bits(at, stored),
    };
    return 0;
}

static int list_blocks(const struct file_index *index, struct buffer *raw)
{
    if (buffer_reserve(raw, index->n_blocks * (size_t)BLOCK_ENTRY_BYTES + 1) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < index->n_blocks; i++) {
        put_u64(raw->data + raw->len, index->blocks[i].at);
        block_fields_put(raw->data + raw->len + 8, &index->blocks[i].header);
        raw->len += BLOCK_ENTRY_BYTES;
    }
    return 0;
}

static int build_tail(const struct file_index *index, struct buffer *tail)
{
    struct buffer raw = {0};
    struct section section;
    int r = list_blocks(index, &raw);
    if (r == 0)
        r = buffer_reserve(tail, SECTION_BYTES);
    if (r == 0) {
        tail->len = SECTION_BYTES;
        r = append_section(tail, &raw, &section);
    }
    if (r == 0)
        r = buffer_reserve(tail, TRAILER_BYTES);
    buffer_deinit(&raw);
    if (r < 0)
        return r;
    section_put(tail->data, &section);
    struct trailer trailer = {
        .file_id = index->header.file_id,
        .first_id = index->header.first_id,
        .tail_at = index->end,
        .n_sections = 1,
        .table_checksum = XXH3_64bits(tail->data, SECTION_BYTES),
        .totals = index->totals,
    };
    trailer_put(tail->data + tail->len, &trailer);
    tail->len += TRAILER_BYTES;
    return 0;
}

int tail_write(struct file_index *index, int fd)
{
    struct buffer tail = {0};
    int r = build_tail(index, &tail);
    if (r == 0 && ftruncate(fd, (off_t)index->end) < 0)
        r = -errno;
    if (r == 0) {
        r = write_fully(fd, tail.data, tail.len, index->end);
        if (r < 0 && ftruncate(fd, (off_t)index->end) < 0)
            r = -errno;
    }
    if (r == 0) {
        index->sealed = true;
        index->seen_bytes = index->end + tail.len;
    }
    buffer_deinit(&tail);
    return r;
}

static int add_entries(struct file_index *index, const uint8_t *raw, uint32_t n,
                       const struct trailer *trailer)
{
    struct block_header header;
    for (uint32_t i = 0; i < n; i++, raw += BLOCK_ENTRY_BYTES) {
        uint64_t at = get_u64(raw);
        if (at < index->end || block_fields_parse(raw + 8, &header) < 0 ||
            header.file_id != trailer->file_id || at > trailer->tail_at ||
            header.total_bytes > trailer->tail_at - at ||
            header.info.first_id < index->totals.next_id)
            return -EBADMSG;
        if (file_index_reserve(index) < 0)
            return -ENOMEM;
        index->end = at;
        file_index_add(index, &header);
    }
    index->end = trailer->tail_at;
    index->totals.n_quarantined = trailer->totals.n_quarantined;
    return 0;
}

/* The section's raw bytes, in `raw`. */
static int unpack(const uint8_t *stored, const struct section *section, struct buffer *raw)
{
    if (XXH3_64bits(stored, section->stored_bytes) != section->checksum ||
        section->codec != CODEC_ZSTD || section->encoding != 0 ||
        ZSTD_getFrameContentSize(stored, section->stored_bytes) != section->raw_bytes)
        return -EBADMSG;
    if (buffer_reserve(raw, section->raw_bytes) < 0)
        return -ENOMEM;
    raw->len = section->raw_bytes;
    return ZSTD_decompress(raw->data, raw->len, stored, section->stored_bytes) == raw->len
               ? 0
               : -EBADMSG;
}

static int read_entries(struct file_index *index, const uint8_t *tail, size_t tail_bytes,
                        const struct trailer *trailer)
{
    struct section sections[MAX_SECTIONS];
    struct buffer raw = {0};
    size_t table_bytes = trailer->n_sections * (size_t)SECTION_BYTES;
    if (XXH3_64bits(tail, table_bytes) != trailer->table_checksum ||
        sections_parse(tail, trailer->n_sections, table_bytes, tail_bytes - TRAILER_BYTES,
                       sections) < 0)
        return -EBADMSG;
    for (unsigned i = 0; i < trailer->n_sections; i++) {
        const struct section *section = &sections[i];
        if (section->id != TAIL_BLOCKS ||
            section->raw_bytes != trailer->totals.n_blocks * (uint64_t)BLOCK_ENTRY_BYTES)
            continue;
        int r = unpack(tail + section->at, section, &raw);
        if (r == 0)
            r = add_entries(index, raw.data, trailer->totals.n_blocks, trailer);
        buffer_deinit(&raw);
        return r;
    }
    return -EBADMSG;
}

static int read_tail(struct file_index *index, int fd, uint64_t file_bytes,
                     const struct trailer *trailer)
{
    uint64_t tail_bytes = file_bytes - trailer->tail_at;
    if (tail_bytes > MAX_SECTION_BYTES)
        return -EBADMSG;
    uint8_t *tail = malloc(tail_bytes);
    if (!tail)
        return -ENOMEM;
    int r = read_fully(fd, tail, tail_bytes, trailer->tail_at);
    if (r == 0)
        r = read_entries(index, tail, tail_bytes, trailer);
    free(tail);
    index->sealed = r == 0;
    index->seen_bytes = file_bytes;
    return r;
}

/*
 * The file's identity: from its header, or if that is damaged from the trailer or the first block,
 * which repeat it. Returns 0, 1 (found, but not where it should be), -EBADMSG.
 */
static int identify(int fd, const struct trailer *trailer, struct file_header *ret_header)
{
    uint8_t bytes[BLOCK_HEADER_BYTES + MAX_SECTIONS * SECTION_BYTES] = {0};
    struct block_header block;
    int r = read_fully(fd, bytes, FILE_HEADER_BYTES, 0);
    if (r < 0)
        return r;
    if (file_header_parse(bytes, ret_header) == 0)
        return 0;
    if (trailer) {
        *ret_header = (struct file_header){trailer->file_id, trailer->first_id,
                                           trailer->totals.min_received_us};
        return 1;
    }
    ssize_t n = pread(fd, bytes, sizeof(bytes), FILE_HEADER_BYTES);
    if (n < 0)
        return -errno;
    if (block_header_parse(bytes, (size_t)n, &block) < 0)
        return -EBADMSG;
    *ret_header =
        (struct file_header){block.file_id, block.info.first_id, block.info.min_received_us};
    return 1;
}

static void restart(struct file_index *index, uint32_t n_quarantined)
{
    index->n_blocks = 0;
    index->end = FILE_HEADER_BYTES;
    index->seen_bytes = 0;
    index->sealed = false;
    index->totals =
        (struct totals){.next_id = index->header.first_id, .n_quarantined = n_quarantined};
}

int file_index_read(struct file_index *index, int fd, const char *name,
                    const struct reporter *reporter)
{
    struct stat status;
    struct trailer trailer;
    if (fstat(fd, &status) < 0)
        return -errno;
    uint64_t file_bytes = (uint64_t)status.st_size;
    int sealed = trailer_read(fd, file_bytes, &trailer);
    int r = identify(fd, sealed == 0 ? &trailer : NULL, &index->header);
    if (r < 0)
        return r;
    uint32_t n_quarantined = (uint32_t)r;
    if (n_quarantined > 0)
        report(reporter, LOG_WARNING,
               "store: %s: the file's header is damaged, its blocks are read", name);
    restart(index, n_quarantined);
    if (sealed == 0 && trailer.file_id == index->header.file_id) {
        r = read_tail(index, fd, file_bytes, &trailer);
        if (r != -EBADMSG) {
            index->totals.n_quarantined += n_quarantined;
            return r;
        }
        report(reporter, LOG_WARNING, "store: %s: the index is damaged, the blocks are walked",
               name);
        restart(index, n_quarantined + 1);
    }
    r = file_index_extend(index, fd);
    return r < 0 ? r : 0;
}
