/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_RESULT_H
#define STORE_SHOW_RESULT_H

#include "store/query/result.h"
#include "store/show/out.h"

/* A row of a table as one JSON object, and a line feed. */
void print_json_result(struct out *out, const struct query_column *columns,
                       const struct query_cell *cells, size_t n);

/* How many digits a time has behind its seconds: none, when they are whole. */
unsigned result_digits(int64_t time_ns);

#endif
