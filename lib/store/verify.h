/* SPDX-License-Identifier: MIT */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

/*
 * Is what the disk holds what was written? Reads all of a store, in parallel, changing nothing; a
 * writer may be at work meanwhile.
 *
 *   file header · every block: header against index, checksum of each section, all columns decoded,
 *   what the header says of its rows against the rows · bytes that belong to no block · tail
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VERIFY_NAME_BYTES 40

enum verify_what {
    VERIFY_UNREADABLE, /* no file of the store any more, or not allowed to be read: all its lines */
    VERIFY_HEADER,     /* the file's header; no line is lost, since each block repeats it */
    VERIFY_INDEX,      /* a sealed file's tail; no line is lost, the blocks are walked instead */
    VERIFY_GAP,        /* bytes between blocks, which belong to none */
    VERIFY_TORN,       /* bytes behind the last whole block of a log, which no append is writing */
    VERIFY_BLOCK,      /* a block whose bytes are not those that were written */
    VERIFY_ROWS,       /* a block whose rows are not what its header says of them */
    VERIFY_AID,        /* what a block has for searching (filter, roll-up); no line is lost */
    N_VERIFY_WHATS,
};
/* "block", "gap", … */
const char *verify_what_name(enum verify_what what);

struct verify_damage {
    enum verify_what what;
    char name[VERIFY_NAME_BYTES]; /* 2026-11-24/0000000000000001.seg */
    uint64_t at, n_bytes;         /* where in the file */
    /* Lines that cannot be read any more. */
    uint64_t n_rows;            /* 0: none, or it is not known how many (rows_known tells) */
    bool rows_known;            /* else they are among first_id … last_id */
    uint64_t first_id, last_id; /* UINT64_MAX: up to the newest; first > last: none is lost */
    /* Their reception lies between; INT64_MIN, INT64_MAX: not known. */
    int64_t min_received_us, max_received_us;
};

struct verify_progress {
    uint64_t n_files, n_files_total;
    uint64_t bytes, bytes_total; /* as listed at the start */
    uint64_t n_blocks, n_rows;   /* that were found to be whole */
    uint64_t n_damages;
};

struct verify_options {
    const char *path;
    unsigned n_threads;   /* 0: as many as there are processors, at most 16 */
    bool checksums_alone; /* decode nothing: a third of the time, finds what a disk does */
    /*
     * After each block; from any of the threads, one call at a time. May be NULL. Returns 0, or a
     * positive number to stop.
     */
    int (*on_progress)(void *arg, const struct verify_progress *progress);
    void *arg;
};

struct verify_result {
    struct verify_damage *damages; /* in the order of files and bytes */
    size_t n_damages, capacity;
    struct verify_progress progress; /* at the end */
};

/*
 * Blocks until all is read. Returns 0 (ret_result is filled; damage is no error), the positive
 * number of on_progress, or a negative errno of opening the store or of memory; ret_result is then
 * empty. What cannot be read for another reason than damage (EIO, EACCES) counts as damage.
 */
int store_verify(const struct verify_options *options, struct verify_result *ret_result);
void verify_result_deinit(struct verify_result *result);

#endif
