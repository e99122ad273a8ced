/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_PIPES_H
#define STORE_QUERY_PIPES_H

/*
 * The pipes of a query as they were parsed. Private to lib/store/query and its tests.
 *
 *   ... | stats max(fields.ms) as worst by app | sort worst desc
 *         └ STATS operands [app], aggs [max]   └ SORT operands [column 1, descending]
 *
 * A pipe that makes a table (all but sort and limit) says which columns come out of it; behind it,
 * names are those of the columns. Types are checked when the query is parsed.
 */

#include "store/query/ast.h"
#include "store/query/word.h"

#define PIPE_MAX_OPERANDS 32
#define PIPE_MAX_ROWS     10000000 /* of limit and top */
#define PIPE_TOP_DEFAULT  10

enum pipe_kind {
    PIPE_COUNT,
    PIPE_TOP,
    PIPE_HISTOGRAM,
    PIPE_STATS,
    PIPE_FIELDS,
    PIPE_SORT,
    PIPE_LIMIT,
    N_PIPE_KINDS,
};

/* Where a value comes from: a field of a record, or a column of the table before. */
struct operand {
    const struct node *node; /* its field and what is behind the dot; NULL: a column */
    size_t column;
    const char *name; /* as it is written */
    enum query_type type;
    bool numeric;    /* QUERY_TEXT that may hold a number */
    bool descending; /* sort */
};

enum agg_func {
    AGG_COUNT,
    AGG_SUM,
    AGG_MIN,
    AGG_MAX,
    AGG_AVG,
    AGG_UNIQ,
    AGG_FIRST,
    AGG_LAST,
    AGG_QUANTILE,
    N_AGG_FUNCS,
};

struct agg {
    enum agg_func func;
    double quantile; /* 0 to 1 */
    bool has_operand;
    struct operand operand;
    const char *func_name; /* as it is written: p99.9 */
    const char *name;      /* of the column */
    enum query_type type;  /* of the result */
};

struct pipe {
    struct pipe *next;
    enum pipe_kind kind;
    struct operand *operands; /* keys; what is sorted by; what is kept. HISTOGRAM: time first */
    size_t n_operands;
    struct agg *aggs;
    size_t n_aggs;
    uint64_t n;                   /* LIMIT, TOP */
    int64_t step_ns;              /* HISTOGRAM; 0: to be chosen */
    struct query_column *columns; /* what comes out; NULL: records */
    size_t n_columns;
};

/* Is it one of those that group rows? */
static inline bool pipe_groups(const struct pipe *pipe)
{
    return pipe->kind <= PIPE_STATS;
}

/* pipe_parse.c. From a "|", or the end, on. Returns 0, -ENOMEM, -EINVAL. */
int pipes_parse(struct parser *parser);
/* pipe_name.c. What stands for a value in a pipe: a field or, behind a table, a column. */
int parser_take_operand(struct parser *parser, const struct pipe *table, struct operand *ret);
/* A function with what it computes from. */
int parser_take_agg(struct parser *parser, const struct pipe *table, struct agg *ret_agg);
/* An error that tells the nearest of these names. */
int parser_fail_name(struct parser *parser, size_t at, size_t len, const char *what,
                     const char *const *names, size_t n_names);

/* pipe_print.c */
void pipes_print(const struct query *query, FILE *out);
const char *pipe_name(enum pipe_kind kind);

#endif
