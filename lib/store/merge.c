/* SPDX-License-Identifier: MIT */
#include "store/merge.h"

static bool is_small(const struct block_header *header, uint64_t full_bytes)
{
    return header->raw_bytes < full_bytes / 4 && header->info.n_rows < MERGE_ROWS / 4;
}

uint32_t merge_count(const struct file_index *index, uint32_t at, uint64_t full_bytes)
{
    uint64_t n_bytes = 0, n_rows = 0, next_id = index->blocks[at].header.info.first_id;
    uint32_t n = 0;
    for (; at + n < index->n_blocks; n++) {
        const struct block_header *header = &index->blocks[at + n].header;
        n_bytes += header->raw_bytes;
        n_rows += header->info.n_rows;
        if (!is_small(header, full_bytes) || header->info.first_id != next_id ||
            n_bytes > full_bytes || n_rows > MERGE_ROWS)
            break;
        next_id += header->info.n_rows;
    }
    return n > 0 ? n : 1;
}

bool merge_is_worth_it(const struct file_index *index, uint64_t full_bytes)
{
    uint32_t n_after = 0;
    for (uint32_t at = 0; at < index->n_blocks; at += merge_count(index, at, full_bytes))
        n_after++;
    return index->n_blocks - n_after >= index->n_blocks / 4 && n_after < index->n_blocks;
}
