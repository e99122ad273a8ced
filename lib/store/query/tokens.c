/* SPDX-License-Identifier: MIT */
/*
 * Which tokens a message must hold for a value to fit it.
 *
 *   message:"login from 192.0.2.7*"     login, from (192.0.2.7 may go on: 192.0.2.77)
 *   message:/ user (root|admin) /       user
 *   fields.http.status>=500             http, status
 *
 * A token of a literal text is one of the message when both its ends are inside that text, or the
 * text is bound there.
 */
#include "store/query/tokens.h"

#include <errno.h>
#include <string.h>

#include "store/query/match.h"

struct collection {
    struct query *query;
    struct text *tokens;
    size_t n, room;
};

static int add(struct collection *collection, struct text token)
{
    if (collection->n == collection->room) {
        size_t room = collection->room * 2 + 4;
        struct text *grown = query_alloc(collection->query, room * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        if (collection->n > 0)
            memcpy(grown, collection->tokens, collection->n * sizeof(*grown));
        collection->tokens = grown;
        collection->room = room;
    }
    collection->tokens[collection->n++] = token;
    return 0;
}

static int add_tokens(struct collection *collection, const struct regex_literal *literal)
{
    struct token_walk walk = TOKEN_WALK_INIT(literal->text, literal->len);
    struct token token;
    int r = 0;
    while (r == 0 && token_next(&walk, &token)) {
        bool whole = (literal->bound_start || token.data > literal->text) &&
                     (literal->bound_end || token.data + token.len < literal->text + literal->len);
        if (whole && token_is_filtered(&token))
            r = add(collection, (struct text){token.data, (uint32_t)token.len});
    }
    return r;
}

static int add_pattern(struct collection *collection, const struct pattern *pattern)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < pattern->n_needles; i++) {
        const struct needle *needle = &pattern->needles[i];
        struct regex_literal literal = {
            .text = (const char *)needle->text,
            .len = needle->len,
            .bound_start = i == 0 && (!pattern->open_start || pattern->bound_start),
            .bound_end = i == pattern->n_needles - 1 && (!pattern->open_end || pattern->bound_end)};
        r = add_tokens(collection, &literal);
    }
    return r;
}

static int add_regex(struct collection *collection, const struct regex *regex)
{
    struct regex_options options;
    struct regex_literal *literals;
    size_t len, n;
    const char *pattern = regex_pattern(regex, &len, &options);
    int r = regex_literals(collection->query, pattern, len, &options, &literals, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        r = add_tokens(collection, &literals[i]);
    return r;
}

/* Each part of the name is a key, or stands beside a dot. */
static int add_name(struct collection *collection, struct text name)
{
    const char *at = name.data, *end = name.data + name.len;
    int r = 0;
    while (r == 0 && at < end) {
        const char *dot = memchr(at, '.', (size_t)(end - at));
        size_t len = (size_t)((dot == NULL ? end : dot) - at);
        struct regex_literal part = {at, len, .bound_start = true, .bound_end = true};
        r = add_tokens(collection, &part);
        at += len + 1;
    }
    return r;
}

int tokens_of_value(struct query *query, const struct node *node, struct value *value)
{
    struct collection collection = {.query = query};
    int r = 0;
    if (node->field->type == FIELD_KEY) {
        /* What fits an empty text fits a message without the name. */
        if (!value_fits_text(node->op, value, "", 0))
            r = add_name(&collection, node->key);
    } else if (node->field->column == STORE_MESSAGE) {
        r = value->regex != NULL ? add_regex(&collection, value->regex)
                                 : add_pattern(&collection, &value->pattern);
    }
    value->tokens = collection.tokens;
    value->n_tokens = collection.n;
    return r;
}
