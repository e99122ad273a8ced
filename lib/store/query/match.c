/* SPDX-License-Identifier: MIT */
#include "store/query/match.h"

#include <stdlib.h>
#include <string.h>

#include "store/query/extract.h"
#include "store/query/number.h"
#include "store/query/pattern.h"
#include "store/query/sd.h"

/* Values with escapes up to this size are unescaped without an allocation. */
#define VALUE_ON_STACK 1024

static bool decimal_fits(enum compare op, double number, const struct value *value)
{
    switch (op) {
    case CMP_LT:
        return number < value->decimal;
    case CMP_LE:
        return number <= value->decimal;
    case CMP_GT:
        return number > value->decimal;
    case CMP_GE:
        return number >= value->decimal;
    case CMP_EQ:
    case CMP_NE:
    case CMP_MATCH:
    case CMP_IN:
        break;
    }
    return number == value->decimal;
}

bool value_fits_text(enum compare op, const struct value *value, const char *text, size_t len)
{
    double number;
    bool ordering = op >= CMP_LT && op <= CMP_GE;
    if (value->regex != NULL)
        return regex_matches(value->regex, text, len);
    if (value->is_decimal && number_parse(text, len, &number) && decimal_fits(op, number, value))
        return true;
    return !ordering && pattern_matches(&value->pattern, text, len);
}

static bool any_fits(const struct node *node, const char *text, size_t len)
{
    for (size_t i = 0; i < node->n_values; i++)
        if (value_fits_text(node->op, &node->values[i], text, len))
            return true;
    return false;
}

static bool escaped_fits(const struct node *node, struct text value,
                         size_t (*unescape)(struct text value, char *out))
{
    if (value.len == 0 || memchr(value.data, '\\', value.len) == NULL)
        return any_fits(node, value.data, value.len);
    char on_stack[VALUE_ON_STACK];
    char *plain = value.len <= sizeof(on_stack) ? on_stack : malloc(value.len);
    if (plain == NULL)
        return false;
    bool fits = any_fits(node, plain, unescape(value, plain));
    if (plain != on_stack)
        free(plain);
    return fits;
}

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* A parameter given twice matches when one of its values does; one that is absent is like an empty
 * one. */
static bool sd_matches(const struct node *node, struct text sd)
{
    struct sd_walk walk = sd.len > 0 ? SD_WALK_INIT(sd) : (struct sd_walk){0};
    struct sd_param param;
    bool found = false;
    while (sd_next(&walk, &param) == 1)
        if (same_text(param.id, node->sd_id) && same_text(param.name, node->sd_param)) {
            if (escaped_fits(node, param.value, sd_unescape))
                return true;
            found = true;
        }
    return !found && any_fits(node, "", 0);
}

static bool key_matches(const struct node *node, struct text message)
{
    struct extract found;
    if (!extract_find(message, node->key, &found))
        return any_fits(node, "", 0);
    return found.is_escaped ? escaped_fits(node, found.value, extract_unescape)
                            : any_fits(node, found.value.data, found.value.len);
}

static bool text_matches(const struct node *node, const struct store_row *row)
{
    if (node->field->type == FIELD_SD)
        return sd_matches(node, row->sd);
    if (node->field->type == FIELD_KEY)
        return key_matches(node, row->message);
    if (node->field->type == FIELD_COUNTRY)
        return any_fits(node, row->place.country,
                        row->has_place ? strnlen(row->place.country, 2) : 0);
    const struct text *text =
        (const struct text *)(const void *)((const char *)row + node->field->offset);
    return any_fits(node, text->data, text->len);
}

static bool in_prefix(const uint8_t *address, const uint8_t *prefix, unsigned bits)
{
    unsigned bytes = bits / 8, rest = bits % 8;
    if (memcmp(address, prefix, bytes) != 0)
        return false;
    return rest == 0 || ((address[bytes] ^ prefix[bytes]) >> (8 - rest)) == 0;
}

static bool address_matches(const struct node *node, const struct store_row *row)
{
    const uint8_t *address = node->field->address(row);
    for (size_t i = 0; address != NULL && i < node->n_values; i++)
        if (node->values[i].any ||
            in_prefix(address, node->values[i].address, node->values[i].bits))
            return true;
    return false;
}

static bool number_fits(enum compare op, int64_t number, const struct value *value)
{
    switch (op) {
    case CMP_LT:
        return number < value->number;
    case CMP_LE:
        return number <= value->number;
    case CMP_GT:
        return number > value->number;
    case CMP_GE:
        return number >= value->number;
    case CMP_EQ:
    case CMP_NE:
    case CMP_MATCH:
    case CMP_IN:
        break;
    }
    return value->any || number == value->number;
}

static bool number_matches(const struct node *node, const struct store_row *row)
{
    int64_t number;
    if (!node->field->number(row, &number))
        return false;
    for (size_t i = 0; i < node->n_values; i++)
        if (number_fits(node->op, number, &node->values[i]))
            return true;
    return false;
}

static bool decimal_matches(const struct node *node, const struct store_row *row)
{
    double number;
    if (!node->field->decimal(row, &number))
        return false;
    for (size_t i = 0; i < node->n_values; i++)
        if (node->values[i].any || decimal_fits(node->op, number, &node->values[i]))
            return true;
    return false;
}

static bool compare_matches(const struct node *node, const struct store_row *row)
{
    bool matches;
    if (node->field->number != NULL)
        matches = number_matches(node, row);
    else if (node->field->decimal != NULL)
        matches = decimal_matches(node, row);
    else if (node->field->address != NULL)
        matches = address_matches(node, row);
    else
        matches = text_matches(node, row);
    return matches != (node->op == CMP_NE);
}

bool node_matches(const struct node *node, const struct store_row *row)
{
    const struct node *child;
    switch (node->kind) {
    case NODE_ALL:
        return true;
    case NODE_COMPARE:
        return compare_matches(node, row);
    case NODE_NOT:
        return !node_matches(node->child, row);
    case NODE_AND:
        for (child = node->child; child != NULL; child = child->next)
            if (!node_matches(child, row))
                return false;
        return true;
    case NODE_OR:
        for (child = node->child; child != NULL; child = child->next)
            if (node_matches(child, row))
                return true;
        return false;
    }
    return false;
}

bool query_matches(const struct query *query, const struct store_row *row)
{
    return node_matches(query->root, row);
}

uint32_t query_columns(const struct query *query)
{
    return query->root->columns;
}
