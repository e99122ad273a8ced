/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_SINK_H
#define STORE_QUERY_SINK_H

/*
 * Where the matches of a run go: the seam between finding rows (scan) and what is made of them
 * (pipes).
 *
 *   scan worker 1 ─▶ part 1 ─┐
 *   scan worker 2 ─▶ part 2 ─┼─ merge ─▶ sink ─▶ result rows
 *
 * An unordered sink (count, top, histogram, stats) has a part for each worker, which no other
 * thread touches; merge folds the parts into the sink when all have ended. An ordered sink (rows for
 * a person, sort, limit) has no parts: it gets the rows one after another, in the order of the run,
 * in the thread that called query_run().
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/reader.h"
#include "store/rollup.h"

struct sink;

struct sink_ops {
    /* Memory for one worker, or 0 and NULL. Any thread, once a worker. Returns 0, -ENOMEM. */
    int (*part_new)(struct sink *sink, void **ret_part);
    /*
     * A match. Its texts live until the call returns; columns that sink->columns does not name are
     * zero. part: the calling worker's, NULL with an ordered sink. Returns 0, a positive number
     * (enough: the run stops and is a success), or a negative errno.
     */
    int (*row)(struct sink *sink, void *part, const struct store_row *row);
    /*
     * NULL: the sink cannot work from counts (a histogram of minutes can, one of ten seconds
     * cannot). Else rows that are known to match, by their counts alone; called in place of row()
     * for them. Returns as row().
     */
    int (*cells)(struct sink *sink, void *part, const struct rollup_cell *cells, size_t n);
    /* Folds a part in and frees it; NULL is allowed. The calling thread, when the workers have
     * ended. Returns 0 or a negative errno. */
    int (*merge)(struct sink *sink, void *part);
};

struct sink {
    const struct sink_ops *ops;
    uint32_t columns; /* enum store_column that row() looks at */
    bool is_ordered;
};

#endif
