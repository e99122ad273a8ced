/* SPDX-License-Identifier: MIT */
#include "store/index.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "store/rollup.h"

/* A file's identity and its tail, read. What the tail does not say the block headers do. */

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

/*
 * The raw bytes of one section, out of the whole tail. Returns 1, 0 (it has none), -EBADMSG,
 * -ENOMEM.
 */
static int find_section(const struct buffer *tail, const struct trailer *trailer,
                        enum tail_section_id id, struct buffer *raw)
{
    struct section sections[MAX_SECTIONS];
    size_t table_bytes = trailer->n_sections * (size_t)SECTION_BYTES;
    if (XXH3_64bits(tail->data, table_bytes) != trailer->table_checksum ||
        sections_parse(tail->data, trailer->n_sections, table_bytes, tail->len - TRAILER_BYTES,
                       sections) < 0)
        return -EBADMSG;
    for (unsigned i = 0; i < trailer->n_sections; i++) {
        if (sections[i].id != id)
            continue;
        int r = unpack(tail->data + sections[i].at, &sections[i], raw);
        return r < 0 ? r : 1;
    }
    return 0;
}

static int load_tail(int fd, uint64_t file_bytes, const struct trailer *trailer,
                     struct buffer *tail)
{
    uint64_t tail_bytes = file_bytes - trailer->tail_at;
    if (tail_bytes > MAX_SECTION_BYTES)
        return -EBADMSG;
    if (buffer_reserve(tail, tail_bytes) < 0)
        return -ENOMEM;
    tail->len = tail_bytes;
    return read_fully(fd, tail->data, tail_bytes, trailer->tail_at);
}

static int read_blocks(struct file_index *index, int fd, uint64_t file_bytes,
                       const struct trailer *trailer)
{
    struct buffer tail = {0}, raw = {0};
    int r = load_tail(fd, file_bytes, trailer, &tail);
    if (r == 0)
        r = find_section(&tail, trailer, TAIL_BLOCKS, &raw);
    if (r == 0 || (r > 0 && raw.len != trailer->totals.n_blocks * (uint64_t)BLOCK_ENTRY_BYTES))
        r = -EBADMSG;
    if (r > 0)
        r = add_entries(index, raw.data, trailer->totals.n_blocks, trailer);
    buffer_deinit(&raw);
    buffer_deinit(&tail);
    index->sealed = r == 0;
    index->seen_bytes = file_bytes;
    index->level = trailer->level;
    index->flags = trailer->flags;
    return r;
}

int file_rollup(int fd, const struct file_index *index, struct rollup *rollup)
{
    struct buffer tail = {0}, raw = {0};
    struct trailer trailer;
    if (!index->sealed)
        return 0;
    int r = trailer_read(fd, index->seen_bytes, &trailer);
    if (r == 0)
        r = load_tail(fd, index->seen_bytes, &trailer, &tail);
    if (r == 0)
        r = find_section(&tail, &trailer, TAIL_ROLLUP, &raw);
    if (r > 0) {
        struct cursor bytes = {raw.data, raw.data + raw.len};
        r = rollup_parse(&bytes, index->totals.records, rollup);
        r = r < 0 ? r : 1;
    }
    buffer_deinit(&raw);
    buffer_deinit(&tail);
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
        r = read_blocks(index, fd, file_bytes, &trailer);
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
