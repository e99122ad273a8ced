/* SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct segment *segment_ref(struct segment *segment)
{
    atomic_fetch_add_explicit(&segment->n_refs, 1, memory_order_relaxed);
    return segment;
}

static void close_file(struct segment *segment)
{
    if (segment->fd < 0)
        return;
    close(segment->fd);
    segment->fd = -1;
    atomic_fetch_sub_explicit(&segment->root->n_open, 1, memory_order_relaxed);
}

void segment_unref(struct segment *segment)
{
    if (!segment || atomic_fetch_sub_explicit(&segment->n_refs, 1, memory_order_acq_rel) > 1)
        return;
    close_file(segment);
    file_index_deinit(&segment->index);
    free(segment);
}

struct segment *segment_close(struct segment *segment)
{
    segment_unref(segment);
    return NULL;
}

/* A log whose header is not written yet. */
static bool is_being_made(const struct segment *segment)
{
    struct stat status;
    return !segment->file.sealed && fstat(segment->fd, &status) == 0 &&
           status.st_size < FILE_HEADER_BYTES;
}

/* Returns 1, 0 (reported), -ENOMEM. */
static int read_index(struct segment *segment)
{
    const struct reporter *reporter = &segment->root->serial;
    int r = file_index_read(&segment->index, segment->fd, segment->name, reporter);
    if (r < 0 && r != -ENOMEM) {
        if (!is_being_made(segment))
            report(reporter, LOG_WARNING, "store: %s cannot be read and is left alone: %s",
                   segment->name, strerror(-r));
        return 0;
    }
    uint32_t n_damaged = segment->index.totals.n_quarantined;
    if (r == 0 && n_damaged > 0)
        report(reporter, LOG_WARNING, "store: %s: %u damaged place(s) skipped", segment->name,
               n_damaged);
    return r < 0 ? r : 1;
}

int segment_read(struct snapshot_root *root, const struct catalog_file *file,
                 struct segment **ret_segment)
{
    struct segment *segment = malloc(sizeof(*segment));
    if (!segment)
        return -ENOMEM;
    *segment = (struct segment){.root = root, .file = *file, .n_refs = 1};
    segment->fd = catalog_open(root->fd, file, segment->name);
    if (segment->fd < 0) {
        int r = segment->fd;
        free(segment);
        return r;
    }
    unsigned n_open = atomic_fetch_add_explicit(&root->n_open, 1, memory_order_relaxed);
    int r = read_index(segment);
    if (r == 1 && n_open >= MAX_OPEN_SEGMENTS)
        close_file(segment);
    if (r == 1)
        *ret_segment = segment;
    else
        segment_unref(segment);
    return r;
}

void totals_describe(const struct totals *totals, uint64_t first_id, uint64_t bytes,
                     struct snapshot_file *ret_file)
{
    *ret_file = (struct snapshot_file){
        .info = {.first_id = first_id,
                 .n_rows = (uint32_t)totals->records,
                 .min_time_ns = totals->min_time_ns,
                 .max_time_ns = totals->max_time_ns,
                 .min_received_us = totals->min_received_us,
                 .max_received_us = totals->max_received_us,
                 .severities = totals->severities,
                 .facilities = totals->facilities},
        .end_id = totals->next_id,
        .bytes = bytes,
        .n_blocks = totals->n_blocks,
    };
}

void segment_describe(const struct segment *segment, struct snapshot_file *ret_file)
{
    const struct file_index *index = &segment->index;
    totals_describe(&index->totals, index->header.first_id, index->end, ret_file);
    ret_file->n_blocks = index->n_blocks;
}

uint32_t segment_n_blocks(const struct segment *segment)
{
    return segment->index.n_blocks;
}

void segment_block(const struct segment *segment, uint32_t block, struct store_block_info *ret_info,
                   uint32_t *ret_bytes)
{
    const struct block_header *header = &segment->index.blocks[block].header;
    *ret_info = header->info;
    *ret_bytes = header->total_bytes;
}
