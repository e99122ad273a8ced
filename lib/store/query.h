/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

/*
 * Queries over a reader.
 *
 *   expression   host=web01 app:ssh* severity<=warning "failed password" not geo.country=DE
 *      │ query_parse: an error says what was expected, and at which column
 *      ▼
 *   tree ──▶ which blocks can hold a hit (header) ──▶ which columns are needed ──▶ rows that match
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/reader.h"

struct query;

struct query_error {
    size_t at;          /* byte offset into the expression */
    char message[160];  /* one line: what is wrong, what was expected */
};

/* text: the expression, "" matches everything. Returns 0, -ENOMEM, -EINVAL (ret_error is filled). */
int query_parse(const char *text, struct query **ret_query, struct query_error *ret_error);
struct query *query_free(struct query *query);

struct query_options {
    int64_t since_ns, until_ns; /* on time: [since, until); INT64_MIN / INT64_MAX: open */
    uint64_t limit;             /* 0: none. The newest `limit` matches, whichever way they are printed */
    bool newest_first;
    uint64_t after_id;          /* only rows with a greater id; 0: all */
    uint32_t columns;           /* what on_row needs, beside what the expression needs */
    /* A match. Returns 0, or a positive number to stop, or a negative errno. */
    int (*on_row)(void *arg, const struct store_row *row);
    void *arg;
};

struct query_counts {
    uint64_t blocks, blocks_pruned, blocks_damaged, rows, matched;
};

/* Runs over what the reader has now, in order of reception. Returns 0, the positive number of on_row, or a negative errno. */
int query_run(struct query *query, struct store_reader *reader, const struct query_options *options,
              struct query_counts *ret_counts);

/* Does this row match? The row must have query_columns(query) decoded. Pure. */
bool query_matches(const struct query *query, const struct store_row *row);
uint32_t query_columns(const struct query *query);

#endif
