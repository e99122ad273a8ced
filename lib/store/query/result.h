/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_RESULT_H
#define STORE_QUERY_RESULT_H

/*
 * What comes out of a query with pipes: a table. Its columns are known before the run.
 *
 *   severity<=err | count by host, severity | sort count desc | limit 2
 *
 *   ┌ host TEXT ┬ severity SEVERITY ┬ count INTEGER ┐
 *   │ web01     │ err               │           211 │
 *   │ (null)    │ crit              │             7 │
 *   └───────────┴───────────────────┴───────────────┘
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

enum query_type {
    QUERY_TEXT,     /* text: the bytes as they came, perhaps no UTF-8 */
    QUERY_INTEGER,  /* integer */
    QUERY_DOUBLE,   /* number, finite */
    QUERY_TIME,     /* integer: nanoseconds since 1970 UTC */
    QUERY_ID,       /* integer: the bits of an id */
    QUERY_SEVERITY, /* integer: 0-7 */
    QUERY_FACILITY, /* integer: 0-23 */
    QUERY_FORMAT,   /* integer: enum record_format */
    QUERY_ADDRESS,  /* address: 16 bytes, IPv4 as ::ffff:a.b.c.d */
};

struct query_cell {
    enum query_type type; /* its column's */
    bool is_null;         /* the field is absent, or there was nothing to compute from */
    union {
        struct text text;
        int64_t integer;
        double number;
        uint8_t address[16];
    };
};

struct query_column {
    const char *name;
    enum query_type type;
};

/* Which aggregation made the rows, so that a terminal can draw them. */
enum query_kind {
    QUERY_ROWS,      /* none: records, projected by `fields` */
    QUERY_COUNT,     /* keys…, count */
    QUERY_TOP,       /* keys…, count, percent */
    QUERY_HISTOGRAM, /* time, perhaps keys…, count: in order of time */
    QUERY_STATS,     /* keys…, one for each function */
};

struct query_table {
    enum query_kind kind; /* of the last aggregation; what came after it may have reordered rows */
    const struct query_column *columns;
    size_t n_columns;
};

struct query;

/* The table that the query makes, or NULL: it has plain records, as it has without pipes (and with
 * only `sort` and `limit`). The query's own. */
const struct query_table *query_result(const struct query *query);

#endif
