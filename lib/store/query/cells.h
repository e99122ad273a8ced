/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_CELLS_H
#define STORE_QUERY_CELLS_H

/* Answers from roll-ups (rollup.h): counts by minute, severity and country, in place of rows. */

#include "store/query/scan.h"

/*
 * Can the counts of this block or file say how many of its rows match? They can where the expression
 * looks at nothing else, and the bounds begin and end with a minute (MAYBE: some of the cells lie
 * within them) or outside of it (ALWAYS: all do).
 */
enum verdict cells_judge(const struct query *query, const struct bounds *bounds,
                         const struct store_block_info *info, uint64_t end_id);
/*
 * Moves the cells that match to the front. bounds: NULL where all lie within them. Returns how many;
 * ret_rows: how many rows they count.
 */
size_t cells_select(const struct query *query, const struct bounds *bounds,
                    struct rollup_cell *cells, size_t n, uint64_t *ret_rows);

#endif
