/* SPDX-License-Identifier: MIT */
#include "store/index.h"

#include <errno.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "store/block.h"
#include "store/rollup.h"

/*
 * The tail of a sealed file: what a reader needs to know of all blocks, from one read at the end.
 * It repeats what the blocks say and nothing else, so a damaged tail costs a walk over the headers
 * and no row. The roll-up is left out where a block has none that can be read, or where the blocks'
 * cells are too many.
 */

/* The sections of a tail at work. */
struct draft {
    struct buffer bytes;
    struct section sections[2];
    unsigned n_sections;
};

static int append_section(struct draft *draft, enum tail_section_id id, const struct buffer *raw)
{
    struct buffer *bytes = &draft->bytes;
    if (buffer_reserve(bytes, ZSTD_compressBound(raw->len)) < 0)
        return -ENOMEM;
    uint8_t *at = bytes->data + bytes->len;
    size_t stored = ZSTD_compress(at, bytes->capacity - bytes->len, raw->data, raw->len, 1);
    if (ZSTD_isError(stored))
        return -ENOMEM;
    bytes->len += stored;
    draft->sections[draft->n_sections++] = (struct section){
        .id = (uint16_t)id,
        .codec = CODEC_ZSTD,
        .raw_bytes = (uint32_t)raw->len,
        .stored_bytes = (uint32_t)stored,
        .checksum = XXH3_64bits(at, stored),
    };
    return 0;
}

static int append_blocks(struct draft *draft, const struct file_index *index)
{
    struct buffer raw = {0};
    if (buffer_reserve(&raw, index->n_blocks * (size_t)BLOCK_ENTRY_BYTES + 1) < 0)
        return -ENOMEM;
    for (uint32_t i = 0; i < index->n_blocks; i++) {
        put_u64(raw.data + raw.len, index->blocks[i].at);
        block_fields_put(raw.data + raw.len + 8, &index->blocks[i].header);
        raw.len += BLOCK_ENTRY_BYTES;
    }
    int r = append_section(draft, TAIL_BLOCKS, &raw);
    buffer_deinit(&raw);
    return r;
}

/* Returns 1, 0 (there is no telling), -ENOMEM. */
static int sum_blocks(const struct file_index *index, int fd, struct rollup_sum *sum)
{
    struct block block;
    struct rollup rollup = ROLLUP_NULL;
    int r = block_init(&block);
    for (uint32_t i = 0; r >= 0 && i < index->n_blocks; i++) {
        r = block_open(&block, fd, index->blocks[i].at, &index->blocks[i].header);
        if (r == 0)
            r = block_rollup(&block, &rollup);
        if (r > 0)
            r = rollup_sum_add(sum, &rollup);
        else if (r == 0)
            r = -EBADMSG;
    }
    if (r >= 0)
        r = rollup_sum_finish(sum);
    rollup_deinit(&rollup);
    block_deinit(&block);
    return r == 0 ? 1 : r == -ENOMEM ? r : 0;
}

static int append_rollup(struct draft *draft, const struct file_index *index, int fd)
{
    struct rollup_sum sum = ROLLUP_SUM_NULL;
    struct buffer raw = {0};
    int r = sum_blocks(index, fd, &sum);
    if (r > 0)
        r = rollup_put(&sum.sum, &raw);
    if (r == 0 && raw.len > 0)
        r = append_section(draft, TAIL_ROLLUP, &raw);
    buffer_deinit(&raw);
    rollup_sum_deinit(&sum);
    return r;
}

/* Table, sections, trailer. */
static int assemble(const struct draft *draft, const struct file_index *index, struct buffer *tail)
{
    size_t table_bytes = draft->n_sections * (size_t)SECTION_BYTES;
    if (buffer_reserve(tail, table_bytes + draft->bytes.len + TRAILER_BYTES) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < draft->n_sections; i++)
        section_put(tail->data + i * SECTION_BYTES, &draft->sections[i]);
    tail->len = table_bytes;
    buffer_put(tail, draft->bytes.data, draft->bytes.len);
    struct trailer trailer = {
        .file_id = index->header.file_id,
        .first_id = index->header.first_id,
        .tail_at = index->end,
        .n_sections = (uint16_t)draft->n_sections,
        .level = index->level,
        .flags = index->flags,
        .table_checksum = XXH3_64bits(tail->data, table_bytes),
        .totals = index->totals,
    };
    trailer_put(tail->data + tail->len, &trailer);
    tail->len += TRAILER_BYTES;
    return 0;
}

static int build_tail(const struct file_index *index, int fd, struct buffer *tail)
{
    struct draft draft = {0};
    int r = append_blocks(&draft, index);
    if (r == 0)
        r = append_rollup(&draft, index, fd);
    if (r == 0)
        r = assemble(&draft, index, tail);
    buffer_deinit(&draft.bytes);
    return r;
}

int tail_write(struct file_index *index, int fd)
{
    struct buffer tail = {0};
    int r = build_tail(index, fd, &tail);
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
