/* SPDX-License-Identifier: MIT */
/*
 * The names in pipes: fields, columns and functions, and the types that go with them.
 */
#include <errno.h>
#include <string.h>

#include "store/query/nearest.h"
#include "store/query/number.h"
#include "store/query/pipes.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char *const func_names[N_AGG_FUNCS] = {
    [AGG_COUNT] = "count", [AGG_SUM] = "sum",   [AGG_MIN] = "min",
    [AGG_MAX] = "max",     [AGG_AVG] = "avg",   [AGG_UNIQ] = "uniq",
    [AGG_FIRST] = "first", [AGG_LAST] = "last", [AGG_QUANTILE] = "p50",
};

int parser_fail_name(struct parser *parser, size_t at, size_t len, const char *what,
                     const char *const *names, size_t n_names)
{
    const char *name = parser->text + at, *nearest = NULL;
    unsigned best = nearest_limit(len) + 1;
    char list[100] = "";
    size_t n = 0;
    for (size_t i = 0; i < n_names; i++) {
        unsigned distance = nearest_distance(name, len, names[i], strlen(names[i]));
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
        int written = snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? " " : "", names[i]);
        n = n + (size_t)written < sizeof(list) ? n + (size_t)written : n;
        list[n] = '\0';
    }
    int shown = (int)(len < 30 ? len : 30);
    if (len == 0)
        return parser_fail(parser, at, "expected a %s: %s", what, list);
    if (nearest != NULL)
        return parser_fail(parser, at, "no %s \"%.*s\": did you mean \"%s\"?", what, shown, name,
                           nearest);
    return parser_fail(parser, at, "no %s \"%.*s\": expected %s", what, shown, name, list);
}

static enum query_type type_of_field(const struct field *field)
{
    static const enum query_type types[] = {
        [FIELD_TEXT] = QUERY_TEXT,         [FIELD_COUNTRY] = QUERY_TEXT,
        [FIELD_NUMBER] = QUERY_INTEGER,    [FIELD_ID] = QUERY_ID,
        [FIELD_TIME] = QUERY_TIME,         [FIELD_SEVERITY] = QUERY_SEVERITY,
        [FIELD_FACILITY] = QUERY_FACILITY, [FIELD_FORMAT] = QUERY_FORMAT,
        [FIELD_ADDRESS] = QUERY_ADDRESS,   [FIELD_SD] = QUERY_TEXT,
        [FIELD_DOUBLE] = QUERY_DOUBLE,     [FIELD_KEY] = QUERY_TEXT,
    };
    return types[field->type];
}

static char *keep_name(struct parser *parser, size_t at, size_t len)
{
    char *name = query_alloc(parser->query, len + 1);
    if (name != NULL)
        memcpy(name, parser->text + at, len);
    return name;
}

/* Columns may be named as functions are written: max(fields.ms). */
static size_t column_name_len(const struct parser *parser)
{
    size_t len = parser_name_len(parser);
    if (parser_peek(parser, len) != '(')
        return len;
    const char *open = parser->text + parser->at + len;
    const char *close = memchr(open, ')', parser->len - parser->at - len);
    return close == NULL ? len : len + (size_t)(close - open) + 1;
}

static int take_column(struct parser *parser, const struct pipe *table, struct operand *ret)
{
    const char *names[PIPE_MAX_OPERANDS * 2 + 2];
    size_t at = parser->at, len = column_name_len(parser);
    for (size_t i = 0; i < table->n_columns; i++) {
        const struct query_column *column = &table->columns[i];
        names[i] = column->name;
        if (strlen(column->name) != len || memcmp(column->name, parser->text + at, len) != 0)
            continue;
        *ret = (struct operand){.column = i,
                                .name = column->name,
                                .type = column->type,
                                .numeric = column->type == QUERY_TEXT};
        parser->at += len;
        return 0;
    }
    return parser_fail_name(parser, at, len, "column", names, table->n_columns);
}

static int take_field(struct parser *parser, struct operand *ret)
{
    size_t at = parser->at, len = parser_name_len(parser);
    struct node *node = query_alloc(parser->query, sizeof(*node));
    char *name = keep_name(parser, at, len);
    if (node == NULL || name == NULL)
        return -ENOMEM;
    if (len == 0)
        return parser_fail(parser, at, "expected a field, such as host or severity");
    int r = parser_read_field(parser, name, len, at, node);
    if (r < 0)
        return r;
    parser->at += len;
    *ret = (struct operand){.node = node,
                            .name = name,
                            .type = type_of_field(node->field),
                            .numeric = node->field->numeric};
    return 0;
}

int parser_take_operand(struct parser *parser, const struct pipe *table, struct operand *ret)
{
    parser_skip_space(parser);
    return table != NULL ? take_column(parser, table, ret) : take_field(parser, ret);
}

static bool is_percentile(const char *name, size_t len, double *ret_quantile)
{
    double percent;
    bool digits = len > 1 && len < 8 && name[0] == 'p' && name[1] >= '0' && name[1] <= '9';
    if (!digits || !number_parse(name + 1, len - 1, &percent) || percent > 100)
        return false;
    *ret_quantile = percent / 100;
    return true;
}

static int take_func(struct parser *parser, struct agg *agg)
{
    size_t at = parser->at, len = parser_name_len(parser);
    const char *name = parser->text + at;
    agg->func = AGG_QUANTILE;
    if (!is_percentile(name, len, &agg->quantile)) {
        size_t i = 0;
        while (i < N_AGG_FUNCS &&
               (strlen(func_names[i]) != len || memcmp(func_names[i], name, len) != 0))
            i++;
        if (i == N_AGG_FUNCS)
            return parser_fail_name(parser, at, len, "function", func_names, N_OF(func_names));
        agg->func = (enum agg_func)i;
    }
    agg->func_name = keep_name(parser, at, len);
    parser->at += len;
    return agg->func_name == NULL ? -ENOMEM : 0;
}

/* What the function makes of its operand. */
static int check_types(struct parser *parser, size_t at, struct agg *agg)
{
    const struct operand *operand = &agg->operand;
    enum query_type type = operand->type;
    bool number = type == QUERY_INTEGER || type == QUERY_DOUBLE || operand->numeric;
    bool ordered = number || type == QUERY_TIME || type == QUERY_SEVERITY || type == QUERY_FACILITY;
    switch (agg->func) {
    case AGG_COUNT:
    case AGG_UNIQ:
        agg->type = QUERY_INTEGER;
        return 0;
    case AGG_FIRST:
    case AGG_LAST:
        agg->type = type;
        return 0;
    case AGG_MIN:
    case AGG_MAX:
        agg->type = operand->numeric ? QUERY_DOUBLE : type;
        return ordered ? 0
                       : parser_fail(parser, at, "%s is no number and no time: %s takes one",
                                     operand->name, agg->func_name);
    default:
        agg->type = QUERY_DOUBLE;
        return number
                   ? 0
                   : parser_fail(parser, at, "%s is no number: %s takes one, such as fields.NAME",
                                 operand->name, agg->func_name);
    }
}

static int take_argument(struct parser *parser, const struct pipe *table, struct agg *agg)
{
    parser->at++;
    parser_skip_space(parser);
    size_t at = parser->at;
    if (agg->func == AGG_COUNT && parser_peek(parser, 0) == ')') { /* count() is count */
        parser->at++;
        return 0;
    }
    int r = parser_take_operand(parser, table, &agg->operand);
    if (r == 0)
        r = check_types(parser, at, agg);
    if (r < 0)
        return r;
    parser_skip_space(parser);
    if (parser_peek(parser, 0) != ')')
        return parser_fail(parser, parser->at, "expected a ) behind %s(%s", agg->func_name,
                           agg->operand.name);
    parser->at++;
    agg->has_operand = true;
    return 0;
}

/* The column's name: what follows `as`, or else as the function is written. */
static int take_agg_name(struct parser *parser, struct agg *agg)
{
    size_t room = strlen(agg->func_name) + 3;
    if (agg->has_operand)
        room += strlen(agg->operand.name);
    parser_skip_space(parser);
    if (parser_take_keyword(parser, "as")) {
        parser_skip_space(parser);
        size_t len = parser_name_len(parser);
        if (len == 0)
            return parser_fail(parser, parser->at, "expected a name behind \"as\"");
        agg->name = keep_name(parser, parser->at, len);
        parser->at += len;
        return agg->name == NULL ? -ENOMEM : 0;
    }
    char *name = query_alloc(parser->query, room);
    if (name == NULL)
        return -ENOMEM;
    snprintf(name, room, agg->has_operand ? "%s(%s)" : "%s", agg->func_name, agg->operand.name);
    agg->name = name;
    return 0;
}

int parser_take_agg(struct parser *parser, const struct pipe *table, struct agg *ret_agg)
{
    struct agg agg = {.type = QUERY_INTEGER};
    parser_skip_space(parser);
    int r = take_func(parser, &agg);
    if (r < 0)
        return r;
    if (parser_peek(parser, 0) == '(')
        r = take_argument(parser, table, &agg);
    else if (agg.func != AGG_COUNT)
        return parser_fail(parser, parser->at, "expected a ( behind %s, as in %s(fields.NAME)",
                           agg.func_name, agg.func_name);
    if (r == 0)
        r = take_agg_name(parser, &agg);
    if (r == 0)
        *ret_agg = agg;
    return r;
}
