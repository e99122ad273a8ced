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
#include <stdio.h>
#include "store/reader.h"

struct boom_ctx;
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

/* How far a run is. */
struct query_progress {
    uint64_t rows, blocks;       /* looked at, or known not to match */
    uint64_t bytes, bytes_total; /* on disk, of the files that are not ruled out as a whole */
};

#define QUERY_MEMORY_BYTES (256u << 20)

struct query_options {
    int64_t since_ns, until_ns; /* on time: [since, until); INT64_MIN / INT64_MAX: open */
    uint64_t limit; /* 0: none. The newest `limit` matches, whichever way they are printed */
    bool newest_first;
    uint64_t after_id; /* only rows with a greater id; 0: all */
    uint32_t columns;  /* what on_row needs, beside what the expression needs */
    /* A match. Returns 0, or a positive number to stop, or a negative errno. */
    int (*on_row)(void *arg, const struct store_row *row);
    void *arg;
    /*
     * For blocks that are decoded and rows that wait for their turn; 0: QUERY_MEMORY_BYTES, less
     * than 16 MiB: 16 MiB. A block that would take more than half of it is decoded nevertheless.
     */
    size_t memory_bytes;
    unsigned threads;     /* that scan; 0: one a processor. Fewer where the memory is small */
    struct boom_ctx *ctx; /* its end ends the run, with its error; NULL: nothing does */
    /* At most every 100 ms, with `arg`, in the thread that called query_run(). NULL: not wanted. */
    void (*on_progress)(void *arg, const struct query_progress *progress);
};

/* Why blocks were not scanned. */
enum query_pruning {
    QUERY_BY_BOUNDS, /* their times or ids are not asked for */
    QUERY_BY_HEADER, /* no row of theirs has such a severity, facility, time, ... */
    QUERY_BY_FILTER, /* they do not hold the words, hosts, ... that a match must have */
    QUERY_BY_ROLLUP, /* their counts were all that was needed */
    N_QUERY_PRUNINGS,
};

struct query_counts {
    uint64_t blocks;         /* of the files that were opened */
    uint64_t blocks_pruned;  /* of these, the sum of pruned[] */
    uint64_t blocks_damaged; /* left out: their rows are missing */
    uint64_t blocks_scanned; /* the others, but for those that a limit made needless */
    uint64_t rows;           /* of the blocks that were scanned */
    uint64_t matched;        /* handed on */
    uint64_t files, files_pruned;
    uint64_t pruned[N_QUERY_PRUNINGS];
    uint64_t blocks_narrow; /* of those scanned: by their small columns alone, which left no row */
    uint64_t bytes_read, bytes_decompressed;
    uint64_t unordered; /* rows that came too late for their place: see query_run() */
    size_t peak_bytes;  /* most of memory_bytes that was held at once */
    unsigned threads;
    int64_t wall_ns, cpu_ns;
};

/*
 * Runs over what the store of the reader has now; where the reader stands does not matter. Rows come
 * by their time, those of one time by id; oldest first, or with newest_first newest first. Blocks
 * are scanned by several threads, each file and block only when the order reaches it, and only while
 * the consumer keeps up: memory does not grow with the number of matches. A limit without
 * newest_first reads from the newest back to the first row to be shown; if its rows do not fit into
 * a quarter of the memory, they are looked for twice.
 *
 * Where the clocks of senders are so far apart that blocks overlap by more than half of the memory,
 * rows are handed on before their turn, rather than to hold more: counts.unordered says how many
 * came behind a later one. (With a limit, they may then not be exactly the newest.)
 *
 * on_row is called in the calling thread. Texts of a row live until it returns. Columns that nobody
 * named are zero, but for the time. ret_counts is filled whatever is returned. Damaged blocks are
 * skipped, counted, and reported to the reader's report, from any thread but one at a time. Files
 * that retention deletes meanwhile are missing, as if the query had come later. Blocks the caller;
 * any number of runs may share one query, and one reader may be shared by those of one thread.
 *
 * Returns 0, the positive number of on_row, or a negative errno: -ECANCELED, -ETIMEDOUT (ctx),
 * -ENOMEM, -EAGAIN (no thread could be made), …
 */
int query_run(struct query *query, struct store_reader *reader, const struct query_options *options,
              struct query_counts *ret_counts);

struct sink;
/*
 * The same into a sink (query/sink.h), in place of options.on_row. One without an order is fed by
 * the threads that scan; options.limit and newest_first are then not looked at. Where the sink can
 * work from counts, and the expression asks for nothing but severities, countries and time, blocks
 * and whole files that say how many such rows they have are not scanned.
 */
int query_run_sink(struct query *query, struct store_reader *reader,
                   const struct query_options *options, struct sink *sink,
                   struct query_counts *ret_counts);

/*
 * What a run did, for a person: the expression as it was understood, what blocks had to hold, what
 * was ruled out and why, what was read, and what it cost.
 */
void query_explain(const struct query *query, const struct query_counts *counts, FILE *out);

/*
 * Runs forwards from where the reader stands (store_reader_seek()) over what was appended since,
 * and stands behind it then: for following. Rows come in the order of reception, all in the calling
 * thread. limit, newest_first, and what rules memory, threads and progress are not looked at.
 * Returns as query_run().
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
