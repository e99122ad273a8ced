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
    size_t at;         /* byte offset into the expression */
    char message[160]; /* one line: what is wrong, what was expected */
};

/*
 * The language, in short (docs/query-language.md has it all):
 *
 *   any    = all { "or" all }          all = unary { [ "and" ] unary }
 *   unary  = "not" unary | "(" any ")" | term
 *   term   = field op value | field [ "not" ] "in" "(" value { "," value } ")" | text | /regex/
 *   query  = [ any ] { "|" pipe }
 *   pipe   = count | top | histogram | stats | fields | sort | limit (query/pipe.h runs them)
 *
 * Text, a bare word or a "phrase", is searched in the message, ASCII letters in either case, where
 * no token (token.h) goes on beside it; an unquoted * at an end lifts that. `=` compares texts byte
 * by byte, `:` without ASCII case; in both an unquoted * stands for any run of bytes, and alone for
 * "is present". On message, `:` searches as bare text does. Numbers, severities, facilities, times
 * and ids have an order; a field that a row does not have is in no order with anything, and is equal
 * to "" (texts) or to nothing (others). Times that are relative (1h, today) are relative to the time
 * of parsing.
 *
 * text: the expression, "" matches everything; it need not outlive the call. Returns 0, -ENOMEM,
 * -EINVAL (ret_error is filled).
 */
int query_parse(const char *text, struct query **ret_query, struct query_error *ret_error);
/* Returns NULL. NULL is allowed. */
struct query *query_free(struct query *query);

struct query_options {
    int64_t since_ns, until_ns; /* on time: [since, until); INT64_MIN / INT64_MAX: open */
    uint64_t limit; /* 0: none. The newest `limit` matches, whichever way they are printed */
    bool newest_first;
    uint64_t after_id; /* only rows with a greater id; 0: all */
    uint32_t columns;  /* what on_row needs, beside what the expression needs */
    /* A match. Returns 0, or a positive number to stop, or a negative errno. */
    int (*on_row)(void *arg, const struct store_row *row);
    void *arg;
};

struct query_counts {
    uint64_t blocks, blocks_pruned, blocks_damaged, rows, matched;
};

/*
 * Runs over what the reader has now, in order of reception, or against it with newest_first. Memory
 * does not grow with the number of matches: a limit without newest_first reads backwards to the
 * first row to be shown, keeping 8 bytes for a block with a match, and then forwards. Texts of a
 * row live until on_row returns. ret_counts is filled whatever is returned; with a limit, blocks
 * that are read twice count once. Damaged blocks are skipped and counted. Blocks; not thread-safe
 * for one reader; any number of runs may share one query.
 *
 * Returns 0, the positive number of on_row, or a negative errno.
 */
int query_run(struct query *query, struct store_reader *reader, const struct query_options *options,
              struct query_counts *ret_counts);

/*
 * Runs forwards from where the reader stands (store_reader_seek()) over what was appended since,
 * and stands behind it then: for following. limit and newest_first are not looked at. Returns as
 * query_run().
 */
int query_continue(struct query *query, struct store_reader *reader,
                   const struct query_options *options, struct query_counts *ret_counts);

/* Does this row match? The row must have query_columns(query) decoded. Pure; allocates only for
 * a value of structured data with escapes that is longer than 1 KiB (and does not match it when
 * there is no memory). */
bool query_matches(const struct query *query, const struct store_row *row);
uint32_t query_columns(const struct query *query);

/* On how many rows a regular expression reached its limit (query/regex.h), and so did not match: of
 * all runs so far. Any thread. */
uint64_t query_gave_up(const struct query *query);

#endif
