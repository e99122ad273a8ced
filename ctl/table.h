/* SPDX-License-Identifier: MIT */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

/*
 * Results of pipes, printed:
 *
 *   short            aligned columns; bars for `top` and `histogram` on a terminal
 *   long             a line for each cell
 *   json, csv        for programs
 *   raw, cat         cells with tabs between them
 */

#include "ctl/format.h"
#include "ctl/terminal.h"
#include "store/query/result.h"

struct table_options {
    const struct format *format;
    const struct query_table *shape; /* borrowed */
    struct terminal terminal;
    bool color, utc;
};

struct table;

/* The buffer is borrowed. Returns 0, -ENOMEM. */
int table_new(const struct table_options *options, struct out *out, struct table **ret_table);
struct table *table_free(struct table *table);
/* query_answer()'s on_result. Returns 0, 1 (the output takes no more: out->error says why), -ENOMEM. */
int table_row(void *table, const struct query_cell *cells, size_t n);
/* Prints what was held back for its width. Returns as table_row(). */
int table_end(struct table *table);

/* table_cell.c: a cell for a person; null as -. digits: of times, behind the seconds. */
void table_print_cell(struct out *out, struct out_clock *clock, const struct query_cell *cell,
                      unsigned digits);
bool table_is_number(enum query_type type);

#endif
