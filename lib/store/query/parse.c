/* SPDX-License-Identifier: MIT */
/*
 * Recursive descent over the grammar
 *
 *   any    = all { "or" all }
 *   all    = unary { [ "and" ] unary }
 *   unary  = "not" unary | "(" any ")" | term
 *   term   = field op value | field [ "not" ] "in" "(" word { "," word } ")" | value
 *   value  = word | "/" regex "/" { "i" | "u" }
 *   op     = "=" | "!=" | ":" | "<" | "<=" | ">" | ">="
 *
 * A name in front of an operator must be a field: a misspelt one is an error, not a search for
 * text. What follows a "|" is pipe_parse.c's.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "store/query/ast.h"
#include "store/query/pipes.h"
#include "store/query/value.h"
#include "store/query/word.h"

static int parse_any(struct parser *parser, struct node **ret_node);

static struct node *new_node(struct parser *parser, enum node_kind kind)
{
    struct node *node = query_alloc(parser->query, sizeof(*node));
    if (node != NULL)
        node->kind = kind;
    return node;
}

const char *compare_text(enum compare op)
{
    static const char *const texts[] = {
        [CMP_EQ] = "=", [CMP_NE] = "!=", [CMP_LT] = "<",    [CMP_LE] = "<=",
        [CMP_GT] = ">", [CMP_GE] = ">=", [CMP_MATCH] = ":", [CMP_IN] = "in",
    };
    return texts[op];
}

/* Returns the operator's length, 0 when none stands here. */
static size_t peek_op(const struct parser *parser, enum compare *ret_op)
{
    static const enum compare longest_first[] = {CMP_NE, CMP_LE, CMP_GE,   CMP_EQ,
                                                 CMP_LT, CMP_GT, CMP_MATCH};
    for (size_t i = 0; i < sizeof(longest_first) / sizeof(longest_first[0]); i++) {
        const char *text = compare_text(longest_first[i]);
        if (parser_peek(parser, 0) == text[0] &&
            (text[1] == '\0' || parser_peek(parser, 1) == text[1])) {
            *ret_op = longest_first[i];
            return strlen(text);
        }
    }
    return 0;
}

/* The values of severity or facility that fit, as a set, so that a whole block is judged with one
 * AND. */
static void fill_set(struct node *node)
{
    unsigned size = field_set_size(node->field);
    node->set = 0;
    for (unsigned i = 0; size > 0 && i <= size; i++) {
        uint8_t code = i < size ? (uint8_t)i : RECORD_NO_SEVERITY;
        struct store_row row = {.severity = code, .facility = code};
        node->set |= (uint32_t)node_matches(node, &row) << i;
    }
}

static int parse_compare(struct parser *parser, struct node *node)
{
    size_t at = parser->at;
    parser->at += peek_op(parser, &node->op);
    if (!field_allows(node->field, node->op))
        return parser_fail(parser, at, "%s has no \"%s\": expected one of %s", node->field->name,
                           compare_text(node->op), field_operators(node->field));
    node->values = query_alloc(parser->query, sizeof(struct value));
    if (node->values == NULL)
        return -ENOMEM;
    node->n_values = 1;
    int r = value_take(parser, node, false, &node->values[0]);
    if (r == 0)
        fill_set(node);
    return r;
}

/* From behind "(". */
static int parse_list(struct parser *parser, struct node *node)
{
    size_t room = 0;
    node->op = CMP_IN;
    do {
        if (node->n_values == room) {
            room = room * 2 + 4;
            struct value *grown = query_alloc(parser->query, room * sizeof(*grown));
            if (grown == NULL)
                return -ENOMEM;
            if (node->n_values > 0)
                memcpy(grown, node->values, node->n_values * sizeof(*grown));
            node->values = grown;
        }
        int r = value_take(parser, node, true, &node->values[node->n_values]);
        if (r < 0)
            return r;
        node->n_values++;
        parser_skip_space(parser);
    } while (parser_peek(parser, 0) == ',' && parser->at++ < parser->len);
    if (parser_peek(parser, 0) != ')')
        return parser_fail(parser, parser->at, "expected , or ) in the list of values for %s",
                           node->field->name);
    parser->at++;
    fill_set(node);
    return 0;
}

/* `in (` or `not in (`: takes it. */
static bool take_in(struct parser *parser, bool *ret_negated)
{
    struct parser ahead = *parser;
    *ret_negated = parser_take_keyword(&ahead, "not");
    parser_skip_space(&ahead);
    if (!parser_take_keyword(&ahead, "in"))
        return false;
    parser_skip_space(&ahead);
    if (parser_peek(&ahead, 0) != '(')
        return false;
    parser->at = ahead.at + 1;
    return true;
}

static int negate(struct parser *parser, struct node *child, struct node **ret_node)
{
    struct node *node = new_node(parser, NODE_NOT);
    if (node == NULL)
        return -ENOMEM;
    node->child = child;
    *ret_node = node;
    return 0;
}

/* Text to be found in the message, in either case. */
static int parse_text(struct parser *parser, struct node *node)
{
    node->field = field_find("message", strlen("message"));
    node->op = CMP_MATCH;
    node->values = query_alloc(parser->query, sizeof(struct value));
    if (node->values == NULL)
        return -ENOMEM;
    node->n_values = 1;
    return value_take(parser, node, false, &node->values[0]);
}

static int parse_term(struct parser *parser, struct node **ret_node)
{
    size_t at = parser->at, name_len = parser_name_len(parser);
    const char *name = parser->text + at;
    enum compare op;
    bool negated;
    int r;
    struct node *node = new_node(parser, NODE_COMPARE);
    if (node == NULL)
        return -ENOMEM;
    *ret_node = node;
    parser->at += name_len;
    parser_skip_space(parser);
    if (name_len > 0 && peek_op(parser, &op) > 0) {
        r = parser_read_field(parser, name, name_len, at, node);
        return r < 0 ? r : parse_compare(parser, node);
    }
    if (name_len > 0 && take_in(parser, &negated)) {
        r = parser_read_field(parser, name, name_len, at, node);
        r = r < 0 ? r : parse_list(parser, node);
        return r == 0 && negated ? negate(parser, node, ret_node) : r;
    }
    parser->at = at;
    if (peek_op(parser, &op) > 0)
        return parser_fail(parser, at, "expected a field in front of \"%s\"", compare_text(op));
    return parse_text(parser, node);
}

static int parse_group(struct parser *parser, struct node **ret_node)
{
    size_t open = parser->at++;
    int r = parse_any(parser, ret_node);
    if (r < 0)
        return r;
    if (parser_peek(parser, 0) != ')')
        return parser_fail(parser, open, "this parenthesis is never closed: expected a )");
    parser->at++;
    return 0;
}

static bool at_unary(struct parser *parser)
{
    parser_skip_space(parser);
    return parser->at < parser->len && parser_peek(parser, 0) != ')' &&
           parser_peek(parser, 0) != '|' && !parser_at_keyword(parser, "or");
}

static int parse_unary(struct parser *parser, struct node **ret_node)
{
    struct node *child;
    parser_skip_space(parser);
    if (parser->at == parser->len)
        return parser_fail(parser, parser->at, "expected a field, text or ( here, at the end");
    if (parser_peek(parser, 0) == ')' || parser_peek(parser, 0) == '|' ||
        parser_at_keyword(parser, "and") || parser_at_keyword(parser, "or"))
        return parser_fail(parser, parser->at, "expected a field, text or ( before this");
    if (parser->depth == QUERY_MAX_DEPTH)
        return parser_fail(parser, parser->at, "nested too deeply: at most %d levels",
                           QUERY_MAX_DEPTH);
    int r;
    parser->depth++;
    if (parser_peek(parser, 0) == '(')
        r = parse_group(parser, ret_node);
    else if (!parser_take_keyword(parser, "not"))
        r = parse_term(parser, ret_node);
    else if ((r = parse_unary(parser, &child)) == 0)
        r = negate(parser, child, ret_node);
    parser->depth--;
    return r;
}

/* The first operand stays alone until a second one comes. */
static int add_operand(struct parser *parser, enum node_kind kind, struct node *operand,
                       struct node **group, struct node **last)
{
    if (*group == NULL) {
        *group = *last = operand;
        return 0;
    }
    if (*group == *last) {
        struct node *node = new_node(parser, kind);
        if (node == NULL)
            return -ENOMEM;
        node->child = *last;
        *group = node;
    }
    (*last)->next = operand;
    *last = operand;
    return 0;
}

static int parse_all(struct parser *parser, struct node **ret_node)
{
    struct node *group = NULL, *last = NULL, *operand;
    do {
        int r = parse_unary(parser, &operand);
        if (r == 0)
            r = add_operand(parser, NODE_AND, operand, &group, &last);
        if (r < 0)
            return r;
        parser_skip_space(parser);
    } while (parser_take_keyword(parser, "and") || at_unary(parser));
    *ret_node = group;
    return 0;
}

static int parse_any(struct parser *parser, struct node **ret_node)
{
    struct node *group = NULL, *last = NULL, *operand;
    do {
        int r = parse_all(parser, &operand);
        if (r == 0)
            r = add_operand(parser, NODE_OR, operand, &group, &last);
        if (r < 0)
            return r;
    } while (parser_take_keyword(parser, "or"));
    *ret_node = group;
    return 0;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What stands in front of the first pipe. */
static int parse_filter(struct parser *parser)
{
    struct query *query = parser->query;
    parser_skip_space(parser);
    if (parser->at < parser->len && parser_peek(parser, 0) != '|')
        return parse_any(parser, &query->root);
    query->root = new_node(parser, NODE_ALL);
    return query->root == NULL ? -ENOMEM : 0;
}

int query_parse_tree(struct query *query, const char *text, struct query_error *error)
{
    struct parser parser = {
        .query = query, .text = text, .len = strlen(text), .now_ns = now_ns(), .error = error};
    if (parser.len > QUERY_MAX_BYTES)
        return parser_fail(&parser, QUERY_MAX_BYTES, "the expression is longer than %d bytes",
                           QUERY_MAX_BYTES);
    int r = parse_filter(&parser);
    if (r == 0 && parser_peek(&parser, 0) == ')')
        return parser_fail(&parser, parser.at, "this parenthesis closes nothing");
    return r < 0 ? r : pipes_parse(&parser);
}
