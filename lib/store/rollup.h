/* SPDX-License-Identifier: MIT */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

/*
 * Counts of rows by minute of their time, severity and country, so that histograms and maps need no
 * scan. A block has them as a section; a sealed file sums them up in its tail.
 *
 *   block  SECTION_ROLLUP ─┐
 *   block  SECTION_ROLLUP ─┼─ sealing ─▶ TAIL_ROLLUP       raw bytes are the same in both
 *   block  SECTION_ROLLUP ─┘
 *
 * On disk: varint n | ints: minutes | ints: severities | n first letters | n second letters of the
 * countries | ints: rows.
 */

#include <stddef.h>
#include <stdint.h>
#include "store/buffer.h"

struct block;
struct file_index;

struct rollup_cell {
    int64_t minute; /* of the row's time, rounded down: minutes since 1970 UTC */
    uint32_t n_rows;
    uint8_t severity; /* 0-7; 8: none */
    char country[2];  /* NUL NUL: not known */
};

/* Cells ordered by minute, then severity, then country; none is there twice, none is empty. */
struct rollup {
    struct rollup_cell *cells;
    size_t n, capacity;
};

#define ROLLUP_NULL ((struct rollup){0})
void rollup_deinit(struct rollup *rollup);

/* The minute of a time. */
int64_t rollup_minute(int64_t time_ns);

/*
 * Reading. All of them replace what `rollup` (ROLLUP_NULL at first, to be used again as often as
 * one likes) holds. Pure processor time but for the reading; one thread a rollup.
 */

/*
 * The raw bytes of a section, all of them; the rows must add up to n_rows. Returns 0, -EBADMSG,
 * -ENOMEM.
 */
int rollup_parse(struct cursor *bytes, uint64_t n_rows, struct rollup *rollup);
/*
 * That of the block which block_open() made the current one. Returns 1, 0 (it has none: count its
 * rows), -EBADMSG (damaged: likewise), -ENOMEM.
 */
int block_rollup(struct block *block, struct rollup *rollup);
/*
 * That of a sealed file, in which the blocks of `index` are summed up; index is as
 * file_index_read() left it. Returns 1, 0 (not sealed, or its cells were too many: ask the blocks),
 * -EBADMSG (damaged: likewise), -ENOMEM, or another errno of reading.
 */
int file_rollup(int fd, const struct file_index *index, struct rollup *rollup);

/* Writing. */

/* Puts the raw bytes behind the column. Returns 0, -ENOMEM. */
int rollup_put(const struct rollup *rollup, struct buffer *column);
/* Makes room for one more cell. Returns 0, -ENOMEM. */
int rollup_reserve(struct rollup *rollup);
/* Puts cells that came in any order, some of them twice, into order. Returns 0, -ENOMEM. */
int rollup_sort(struct rollup *rollup, struct rollup *scratch);

/* More cells than this are not kept for a file. */
#define ROLLUP_MAX_CELLS (1u << 20)

/* Adds up: at most some 24 MiB, whatever is added. */
struct rollup_sum {
    struct rollup sum, pending, scratch;
};

#define ROLLUP_SUM_NULL ((struct rollup_sum){0})
void rollup_sum_deinit(struct rollup_sum *sum);
/* Returns 0, -ENOMEM, -E2BIG (more than ROLLUP_MAX_CELLS). */
int rollup_sum_add(struct rollup_sum *sum, const struct rollup *part);
/* Brings all that was added into `sum->sum`. Returns as above. */
int rollup_sum_finish(struct rollup_sum *sum);

#endif
