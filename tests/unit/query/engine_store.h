/* SPDX-License-Identifier: MIT */
#ifndef TESTS_ENGINE_STORE_H
#define TESTS_ENGINE_STORE_H

/* Random stores on the disk, random expressions, and the naive evaluation of a query over them. */

#include "unit/store/fixture.h"
#include "store/query.h"
#include "store/query/pack.h"

struct store_shape {
    unsigned n_files, n_blocks; /* blocks: of a file, at most */
    unsigned n_rows;            /* of a block, at most */
    bool is_open;               /* the last file stays a log */
    int64_t skew_ns;            /* of the senders' clocks, up to this much either way */
};

/* Rows of few hosts, words, seconds, ... so that expressions meet and times are equal. */
struct batch *random_batch(struct fixture *fixture, uint32_t n, int64_t received_us,
                           int64_t skew_ns);
void make_store(struct fixture *fixture, const struct store_shape *shape);

/* An expression of up to `depth` levels; ret_text has room for EXPRESSION_BYTES. */
#define EXPRESSION_BYTES 4096
void random_expression(struct fixture *fixture, unsigned depth, char *ret_text);

struct query *parse(const char *text);
struct store_reader *open_reader(struct fixture *fixture);

/* All rows of the store that match within the bounds, ordered by time and id. */
struct pack *naive_run(struct fixture *fixture, const struct query *query,
                       const struct query_options *options);

/* Rows that came, as ids. */
struct ids {
    uint64_t *ids;
    size_t n, capacity;
};
int collect_id(void *arg, const struct store_row *row);

#endif
