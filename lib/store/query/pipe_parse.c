/* SPDX-License-Identifier: MIT */
/*
 *   pipes     = { "|" pipe }
 *   pipe      = "count" [ by ] | "top" [ N ] names | "histogram" [ SPAN ] [ by ]
 *             | "stats" agg { "," agg } [ by ] | "fields" names | "sort" key { "," key } | "limit" N
 *   by        = "by" names
 *   names     = name { "," name }
 *   key       = name [ "asc" | "desc" ]
 *   agg       = func [ "(" name ")" ] [ "as" word ]      count() is count
 *   func      = "count" | "sum" | "min" | "max" | "avg" | "uniq" | "first" | "last" | "p" NUMBER
 *
 * A name is a field; behind a pipe that makes a table it is a column.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "store/query/pipes.h"
#include "store/when.h"

static bool at_end(struct parser *parser)
{
    parser_skip_space(parser);
    return parser->at == parser->len || parser_peek(parser, 0) == '|';
}

static bool take_comma(struct parser *parser)
{
    parser_skip_space(parser);
    bool comma = parser_peek(parser, 0) == ',';
    parser->at += comma;
    return comma;
}

static int take_number(struct parser *parser, uint64_t *ret_number)
{
    uint64_t number = 0;
    size_t start = parser->at;
    for (char byte; (byte = parser_peek(parser, 0)) >= '0' && byte <= '9'; parser->at++)
        if (number <= PIPE_MAX_ROWS)
            number = number * 10 + (unsigned)(byte - '0');
    size_t digits = parser->at - start;
    parser->at = start;
    if (digits == 0 || digits != parser_name_len(parser) || number == 0 || number > PIPE_MAX_ROWS)
        return parser_fail(parser, start, "expected a number from 1 to %d", PIPE_MAX_ROWS);
    parser->at += digits;
    *ret_number = number;
    return 0;
}

static int reserve_operands(struct parser *parser, struct pipe *pipe)
{
    if (pipe->operands == NULL)
        pipe->operands =
            query_alloc(parser->query, (PIPE_MAX_OPERANDS + 1) * sizeof(*pipe->operands));
    return pipe->operands == NULL ? -ENOMEM : 0;
}

/* asc or desc, also with a comma right behind it. */
static bool take_order(struct parser *parser, const char *order)
{
    size_t len = strlen(order);
    parser_skip_space(parser);
    if (parser_name_len(parser) != len || strncasecmp(parser->text + parser->at, order, len) != 0)
        return false;
    parser->at += len;
    return true;
}

static int take_names(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    int r = reserve_operands(parser, pipe);
    do {
        if (r == 0 && pipe->n_operands == PIPE_MAX_OPERANDS)
            r = parser_fail(parser, parser->at, "more than %d names", PIPE_MAX_OPERANDS);
        if (r == 0)
            r = parser_take_operand(parser, table, &pipe->operands[pipe->n_operands]);
        if (r < 0)
            return r;
        pipe->n_operands++;
        if (pipe->kind == PIPE_SORT && take_order(parser, "desc"))
            pipe->operands[pipe->n_operands - 1].descending = true;
        else if (pipe->kind == PIPE_SORT)
            take_order(parser, "asc");
    } while (take_comma(parser));
    return 0;
}

static int take_by(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    parser_skip_space(parser);
    return parser_take_keyword(parser, "by") ? take_names(parser, table, pipe) : 0;
}

static int add_count(struct parser *parser, struct pipe *pipe)
{
    pipe->aggs = query_alloc(parser->query, sizeof(*pipe->aggs));
    if (pipe->aggs == NULL)
        return -ENOMEM;
    *pipe->aggs = (struct agg){
        .func = AGG_COUNT, .func_name = "count", .name = "count", .type = QUERY_INTEGER};
    pipe->n_aggs = 1;
    return 0;
}

static int parse_count(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    int r = add_count(parser, pipe);
    return r < 0 ? r : take_by(parser, table, pipe);
}

static int parse_top(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    int r = add_count(parser, pipe);
    parser_skip_space(parser);
    char byte = parser_peek(parser, 0);
    pipe->n = PIPE_TOP_DEFAULT;
    if (r == 0 && byte >= '0' && byte <= '9')
        r = take_number(parser, &pipe->n);
    return r < 0 ? r : take_names(parser, table, pipe);
}

/* The column of time, which each histogram is over. */
static int add_time(struct parser *parser, const struct pipe *table, struct pipe *pipe, size_t at)
{
    struct parser name = {.query = parser->query, .text = "time", .len = 4, .error = parser->error};
    int r = reserve_operands(parser, pipe);
    if (r == 0)
        r = parser_take_operand(&name, table, &pipe->operands[0]);
    pipe->n_operands = 1;
    if (r == -EINVAL || (r == 0 && pipe->operands[0].type != QUERY_TIME))
        return parser_fail(parser, at, "histogram needs a column \"time\", which this table lacks");
    return r;
}

static int parse_histogram(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    int r = add_count(parser, pipe);
    if (r == 0)
        r = add_time(parser, table, pipe, parser->at);
    if (r == 0 && !at_end(parser) && !parser_at_keyword(parser, "by")) {
        size_t len = parser_name_len(parser);
        if (when_parse_span(parser->text + parser->at, len, &pipe->step_ns) < 0 ||
            pipe->step_ns <= 0)
            return parser_fail(parser, parser->at,
                               "expected a step, such as 30s, 5m or 1h, or \"by\"");
        parser->at += len;
    }
    return r < 0 ? r : take_by(parser, table, pipe);
}

static int parse_stats(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    pipe->aggs = query_alloc(parser->query, PIPE_MAX_OPERANDS * sizeof(*pipe->aggs));
    if (pipe->aggs == NULL)
        return -ENOMEM;
    do {
        if (pipe->n_aggs == PIPE_MAX_OPERANDS)
            return parser_fail(parser, parser->at, "more than %d functions", PIPE_MAX_OPERANDS);
        int r = parser_take_agg(parser, table, &pipe->aggs[pipe->n_aggs]);
        if (r < 0)
            return r;
        pipe->n_aggs++;
    } while (take_comma(parser));
    return take_by(parser, table, pipe);
}

static int parse_limit(struct parser *parser, const struct pipe *table, struct pipe *pipe)
{
    parser_skip_space(parser);
    return take_number(parser, &pipe->n);
}

static int (*const parse_kind[N_PIPE_KINDS])(struct parser *parser, const struct pipe *table,
                                             struct pipe *pipe) = {
    [PIPE_COUNT] = parse_count, [PIPE_TOP] = parse_top,     [PIPE_HISTOGRAM] = parse_histogram,
    [PIPE_STATS] = parse_stats, [PIPE_FIELDS] = take_names, [PIPE_SORT] = take_names,
    [PIPE_LIMIT] = parse_limit,
};

static int add_column(struct parser *parser, struct pipe *pipe, size_t at, const char *name,
                      enum query_type type)
{
    for (size_t i = 0; i < pipe->n_columns; i++)
        if (strcmp(pipe->columns[i].name, name) == 0)
            return parser_fail(parser, at, "two columns would be named \"%.40s\"", name);
    pipe->columns[pipe->n_columns++] = (struct query_column){name, type};
    return 0;
}

/* What comes out. sort and limit let through what comes in. */
static int make_columns(struct parser *parser, const struct pipe *table, struct pipe *pipe,
                        size_t at)
{
    int r = 0;
    if (pipe->kind == PIPE_SORT || pipe->kind == PIPE_LIMIT) {
        pipe->columns = table == NULL ? NULL : table->columns;
        pipe->n_columns = table == NULL ? 0 : table->n_columns;
        return 0;
    }
    pipe->columns =
        query_alloc(parser->query, (pipe->n_operands + pipe->n_aggs + 1) * sizeof(*pipe->columns));
    if (pipe->columns == NULL)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < pipe->n_operands; i++)
        r = add_column(parser, pipe, at, pipe->operands[i].name, pipe->operands[i].type);
    for (size_t i = 0; r == 0 && i < pipe->n_aggs; i++)
        r = add_column(parser, pipe, at, pipe->aggs[i].name, pipe->aggs[i].type);
    if (r == 0 && pipe->kind == PIPE_TOP)
        r = add_column(parser, pipe, at, "percent", QUERY_DOUBLE);
    return r;
}

static int find_kind(struct parser *parser, enum pipe_kind *ret_kind)
{
    const char *names[N_PIPE_KINDS];
    for (unsigned kind = 0; kind < N_PIPE_KINDS; kind++) {
        names[kind] = pipe_name((enum pipe_kind)kind);
        if (parser_take_keyword(parser, names[kind])) {
            *ret_kind = (enum pipe_kind)kind;
            return 0;
        }
    }
    return parser_fail_name(parser, parser->at, parser_name_len(parser), "pipe", names,
                            N_PIPE_KINDS);
}

static int parse_pipe(struct parser *parser, const struct pipe *table, struct pipe **ret_pipe)
{
    struct pipe *pipe = query_alloc(parser->query, sizeof(*pipe));
    if (pipe == NULL)
        return -ENOMEM;
    parser->at++;
    parser_skip_space(parser);
    size_t at = parser->at;
    int r = find_kind(parser, &pipe->kind);
    if (r == 0)
        r = parse_kind[pipe->kind](parser, table, pipe);
    if (r == 0)
        r = make_columns(parser, table, pipe, at);
    if (r == 0 && !at_end(parser))
        r = parser_fail(parser, parser->at, "expected a | or the end behind %s",
                        pipe_name(pipe->kind));
    *ret_pipe = pipe;
    return r;
}

static int make_table(struct query *query, const struct pipe *last)
{
    static const enum query_kind kinds[] = {[PIPE_COUNT] = QUERY_COUNT,
                                            [PIPE_TOP] = QUERY_TOP,
                                            [PIPE_HISTOGRAM] = QUERY_HISTOGRAM,
                                            [PIPE_STATS] = QUERY_STATS};
    struct query_table *table = query_alloc(query, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    *table = (struct query_table){QUERY_ROWS, last->columns, last->n_columns};
    for (const struct pipe *pipe = query->pipes; pipe != NULL; pipe = pipe->next)
        table->kind = pipe_groups(pipe) ? kinds[pipe->kind] : table->kind;
    query->table = table;
    return 0;
}

int pipes_parse(struct parser *parser)
{
    struct pipe **next = &parser->query->pipes;
    const struct pipe *last = NULL;
    while (parser_peek(parser, 0) == '|') {
        const struct pipe *table = last != NULL && last->columns != NULL ? last : NULL;
        int r = parse_pipe(parser, table, next);
        if (r < 0)
            return r;
        last = *next;
        next = &(*next)->next;
    }
    return last != NULL && last->columns != NULL ? make_table(parser->query, last) : 0;
}
