/* SPDX-License-Identifier: MIT */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

/* The inside of a snapshot: what snapshot.c, segment.c and scanner.c share. */

#include <pthread.h>
#include <stdatomic.h>
#include "store/catalog.h"
#include "store/index.h"
#include "store/report.h"
#include "store/snapshot.h"

/*
 * Beyond so many open files at once a segment keeps its index only, and each scanner opens the file
 * for itself: where clocks are insane, all files of a store can cover the same time.
 */
#define MAX_OPEN_SEGMENTS 256

struct snapshot_root {
    int fd;                          /* the reader's */
    const struct reporter *reporter; /* the reader's; called under report_lock */
    struct reporter serial;          /* does that */
    pthread_mutex_t report_lock;
    atomic_uint n_open;
};

struct segment {
    struct snapshot_root *root;
    struct catalog_file file;
    int fd; /* -1: scanners open it */
    char name[NAME_BYTES];
    struct file_index index;
    atomic_uint n_refs;
};

/* Returns 1, 0 (it cannot be read: reported; or is just being made), -ENOENT, -ENOMEM, … */
int segment_read(struct snapshot_root *root, const struct catalog_file *file,
                 struct segment **ret_segment);
struct segment *segment_ref(struct segment *segment);
void totals_describe(const struct totals *totals, uint64_t first_id, uint64_t bytes,
                     struct snapshot_file *ret_file);
/* NULL is allowed. */
void segment_unref(struct segment *segment);

/*
 * scanner_open() for a block of a file that the caller holds open; name and reporter are borrowed
 * until the next block. Returns 0, -ENOMEM.
 */
int scanner_open_at(struct scanner *scanner, int fd, const struct block_entry *entry,
                    const char *name, const struct reporter *reporter);
/* Was the current block found to be damaged? */
bool scanner_is_damaged(const struct scanner *scanner);

#endif
