/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_ANSWER_H
#define STORE_SHOW_ANSWER_H

/*
 * A query and its pipes, run to their end: what logboomctl and the daemon do with an expression.
 * Either records come (run.on_row) or rows of a table (on_result); query_result() says which.
 */

#include "store/query.h"
#include "store/query/pipe.h"
#include "store/query/result.h"

struct answer_options {
    struct query_options run; /* on_row and on_progress are called with its arg, as all below */
    int (*on_result)(void *arg, const struct query_cell *cells, size_t n);
    /*
     * Asked as often as on_progress would be called, in the calling thread; true ends the run with
     * -ECANCELED. NULL: only run.ctx ends it.
     */
    bool (*is_stopped)(void *arg);
};

struct answer {
    struct query_counts counts;
    struct query_notes notes;
};

/*
 * ret_answer is filled whatever is returned. A run that is_stopped or run.ctx ended still hands on
 * what its pipes have gathered until then. Returns 0, the positive number of a callback, or a
 * negative errno as query_run() and query_sink_finish().
 */
int query_answer(struct query *query, struct store_reader *reader,
                 const struct answer_options *options, struct answer *ret_answer);

#endif
