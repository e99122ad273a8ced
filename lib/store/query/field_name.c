/* SPDX-License-Identifier: MIT */
/*
 * Names of fields in an expression, and what is behind the dot of those that have more than one word.
 */
#include <errno.h>
#include <string.h>

#include "store/query/ast.h"
#include "store/query/extract.h"
#include "store/query/word.h"

static int fail_unknown_field(struct parser *parser, const char *name, size_t len, size_t at)
{
    const char *nearest = field_nearest(name, len);
    int shown = (int)(len < 40 ? len : 40);
    if (nearest != NULL)
        return parser_fail(parser, at,
                           "no field \"%.*s\": did you mean \"%s\"? (text goes in \"quotes\")",
                           shown, name, nearest);
    return parser_fail(parser, at,
                       "no field \"%.*s\": expected host, app, message, ... or text in \"quotes\"",
                       shown, name);
}

/* sd.ID.PARAM: the id may hold dots (x@32473.1), the parameter's name is what follows the last one.
 */
static int split_sd_name(struct parser *parser, const char *name, size_t len, size_t at,
                         struct node *node)
{
    const char *id = name + 3, *dot = memrchr(id, '.', len - 3);
    const char *end = name + len;
    if (dot == NULL || dot == id || dot + 1 == end)
        return parser_fail(parser, at, "expected sd.ID.PARAM, as in sd.origin.ip");
    node->sd_id = (struct text){id, (uint32_t)(dot - id)};
    node->sd_param = (struct text){dot + 1, (uint32_t)(end - dot - 1)};
    return 0;
}

/* The names must outlive the caller's text. */
static int keep_text(struct parser *parser, struct text *text)
{
    char *copy = query_alloc(parser->query, text->len + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, text->data, text->len);
    text->data = copy;
    return 0;
}

/* fields.NAME */
static int take_key_name(struct parser *parser, const char *name, size_t len, size_t at,
                         struct node *node)
{
    static const size_t prefix = sizeof("fields.") - 1;
    if (len - prefix > EXTRACT_MAX_NAME)
        return parser_fail(parser, at, "this name is longer than %d bytes", EXTRACT_MAX_NAME);
    node->key = (struct text){name + prefix, (uint32_t)(len - prefix)};
    return keep_text(parser, &node->key);
}

int parser_read_field(struct parser *parser, const char *name, size_t len, size_t at,
                      struct node *node)
{
    node->field = field_find(name, len);
    if (node->field == NULL)
        return fail_unknown_field(parser, name, len, at);
    if (node->field->type == FIELD_KEY)
        return take_key_name(parser, name, len, at, node);
    if (node->field->type != FIELD_SD)
        return 0;
    int r = split_sd_name(parser, name, len, at, node);
    if (r == 0)
        r = keep_text(parser, &node->sd_id);
    return r < 0 ? r : keep_text(parser, &node->sd_param);
}
