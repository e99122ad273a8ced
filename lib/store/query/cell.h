/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_CELL_H
#define STORE_QUERY_CELL_H

/*
 * Values as pipes see them: read out of a record or a row of a table, compared, hashed, copied.
 */

#include "store/buffer.h"
#include "store/query/pipes.h"

/* What goes from pipe to pipe: a record, or a row of a table. */
struct tuple {
    const struct store_row *row;    /* NULL: cells */
    const struct query_cell *cells; /* NULL: row */
    uint64_t n;                     /* how often; 1 but for roll-ups */
    uint64_t sequence;              /* of a row of a table: its place in it */
};

/*
 * What the operand is in this tuple. A text that had escapes is in scratch, which is the operand's
 * own; others lie in the tuple. Returns 0, -ENOMEM.
 */
int operand_cell(const struct operand *operand, const struct tuple *tuple, struct buffer *scratch,
                 struct query_cell *ret_cell);
/* The columns that operand_cell() looks at. */
uint32_t operand_columns(const struct operand *operand);

/* A total order. Texts that are numbers come first, by their value; the others by their bytes; null
 * is last. Both of one type. */
int cell_compare(const struct query_cell *a, const struct query_cell *b);
bool cell_same(const struct query_cell *a, const struct query_cell *b);
uint64_t cell_hash(const struct query_cell *cell, uint64_t seed);
/* What it counts as in a sum; false: it is no number. */
bool cell_number(const struct query_cell *cell, double *ret_number);

/* Bytes that its text has; 0 without one. */
static inline size_t cell_text_len(const struct query_cell *cell)
{
    return cell->type == QUERY_TEXT && !cell->is_null ? cell->text.len : 0;
}

/* A copy whose text is at `at`, for which there must be room. Returns behind it. */
char *cell_copy(const struct query_cell *from, struct query_cell *to, char *at);

#endif
