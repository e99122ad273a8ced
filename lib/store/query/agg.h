/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_AGG_H
#define STORE_QUERY_AGG_H

/*
 * The functions of `stats`: what each keeps for a group of rows, and what it makes of it.
 */

#include "store/query/agg_sketch.h"
#include "store/query/agg_uniq.h"
#include "store/query/cell.h"

union agg_state {
    uint64_t n; /* count */
    struct {
        double sum, lost; /* sum + lost is the sum: what rounding took is kept apart */
        uint64_t n;
    } total; /* sum, avg */
    struct {
        struct query_cell cell;
        bool is_set;
    } extreme; /* min, max */
    struct {
        struct query_cell cell; /* its text is text_memory */
        char *text_memory;
        int64_t time_ns; /* where it stands among the rows: */
        uint64_t sequence;
        bool is_set;
    } pick; /* first, last */
    struct uniq *uniq;
    struct sketch *sketch;
};

/* All zero is the state of no rows. cell: of the operand; NULL when the function has none. Returns
 * false when there is no memory: the value is not in it then. */
bool agg_add(const struct agg *agg, union agg_state *state, const struct tuple *tuple,
             const struct query_cell *cell, struct budget *budget);
/* Takes over what is in the other state, which is all zero then. Returns false when there is no
 * memory: some values are missing then. */
bool agg_merge(const struct agg *agg, union agg_state *state, union agg_state *other,
               struct budget *budget);
/* Its text lives as long as the state. */
struct query_cell agg_result(const struct agg *agg, const union agg_state *state,
                             bool *ret_is_estimate);
void agg_deinit(const struct agg *agg, union agg_state *state, struct budget *budget);

/* The columns that a function looks at beside its operand's. */
uint32_t agg_columns(const struct agg *agg);

#endif
