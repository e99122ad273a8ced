/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_PIPE_H
#define STORE_QUERY_PIPE_H

/*
 * The pipes of a query as a sink (sink.h), for whoever runs it.
 *
 *   query_sink_new ─▶ part_new, row, cells, …, merge ─▶ query_sink_finish ─▶ query_sink_free
 *
 * A query without pipes has a sink, too: it hands each row to on_row.
 */

#include "store/query/result.h"
#include "store/query/sink.h"

/* What memory_bytes is taken for when it is 0. */
#define QUERY_SINK_MEMORY ((size_t)64 << 20)

struct query_sink_options {
    size_t memory_bytes;        /* for groups and for rows that are sorted, all parts together */
    int64_t since_ns, until_ns; /* as the run has them (INT64_MIN, INT64_MAX: open): from them
                                   `histogram` chooses its step */
    uint32_t columns;           /* enum store_column: what on_row looks at */
    /*
     * One of the two is called: on_row when query_result() is NULL, on_result with its n_columns
     * cells else. From row() in an ordered sink, from query_sink_finish() where rows had to be
     * gathered first; always in the thread of that call. Texts live until they return. They return
     * 0, a positive number (stop: it is handed on), or a negative errno.
     */
    int (*on_row)(void *arg, const struct store_row *row);
    int (*on_result)(void *arg, const struct query_cell *cells, size_t n);
    void *arg;
};

/* What has to be said beside the result; all zero: the result is whole and exact. */
struct query_notes {
    /* Rows whose group found no room in memory_bytes: each count may be too small, and all of them
     * together are too small by this many. */
    uint64_t rows_ungrouped;
    uint64_t rows_unsorted; /* rows that sort had no room for: the last ones are missing */
    uint64_t values_missed; /* values that first, last, uniq and percentiles had no memory for */
    bool is_estimated;      /* a percentile (1 % off at most) or uniq (0.8 % off, typically) is an
                               estimate */
    bool has_gaps;          /* a histogram has too many empty steps: they are left out */
    int64_t step_ns;        /* of the histogram; 0: there is none */
};

/*
 * sink->columns and sink->is_ordered are set. The query must outlive the sink. Returns 0, -ENOMEM,
 * -EINVAL (on_row or on_result, whichever is needed, is missing).
 */
int query_sink_new(const struct query *query, const struct query_sink_options *options,
                   struct sink **ret_sink);

/*
 * When all rows are in and all parts are merged: runs what is left of the pipes. ret_notes is filled
 * whatever is returned; NULL is allowed. At most once a sink. Returns 0, the positive number of
 * on_row or on_result, or a negative errno.
 */
int query_sink_finish(struct sink *sink, struct query_notes *ret_notes);

/* Parts that were not merged are lost: merge or give them up with merge() first. Returns NULL. NULL
 * is allowed. */
struct sink *query_sink_free(struct sink *sink);

#endif
