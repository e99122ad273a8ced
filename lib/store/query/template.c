/* SPDX-License-Identifier: MIT */
/*
 * A hit of a needle lies in static text, or it covers a byte of a slot at least. The second can be
 * ruled out for a needle without a digit:
 *
 *   - a slot of digits has nothing else, and an address only dots that digits enclose;
 *   - a slot that may hold letters is a whole token with a digit in it. A token of the needle that is
 *     whole in every hit is neither that token, for it has no digit, nor a part of it. So this holds
 *     for needles whose first and last token cannot go on beyond the needle.
 *
 *
 * And for one with a token that has a digit, if it is whole in every hit: that token is one of the
 * static text or of a slot's values, and the values can be asked for it.
 *
 * A hit in static text, on the other hand, is in every row. And a template without a slot is the
 * message itself: whatever looks at messages alone can be asked about it.
 */
#include "store/query/template.h"

#include <string.h>

#include "store/query/pattern.h"
#include "store/token.h"

static bool has_byte(const struct needle *needle, bool (*is)(char byte))
{
    for (size_t i = 0; i < needle->len; i++)
        if (is((char)needle->text[i]))
            return true;
    return false;
}

static bool is_slot_byte(char byte)
{
    return (uint8_t)byte == TEMPLATE_SLOT;
}

/* Can no hit of this needle cover a byte of a slot? */
static bool stays_static(const struct pattern *part, const struct template_text *template)
{
    const struct needle *needle = part->needles;
    if (has_byte(needle, token_digit) || (needle->len == 1 && *needle->text == '.'))
        return false;
    bool starts = part->bound_start || !token_byte((char)needle->text[0]);
    bool ends = part->bound_end || !token_byte((char)needle->text[needle->len - 1]);
    return !template->has_words || (starts && ends);
}

/* Is this, all of a token, one of the static text? It has no byte that stands for a slot. */
static bool is_static_token(const struct text *text, const uint8_t *token, const uint8_t *mask,
                            size_t len)
{
    struct needle needle = {.text = token, .mask = mask, .len = len, .probe_b = len - 1};
    const struct pattern part = {.needles = &needle,
                                 .n_needles = 1,
                                 .open_start = true,
                                 .open_end = true,
                                 .bound_start = true,
                                 .bound_end = true};
    return pattern_matches(&part, text->data, text->len);
}

/* Is every token of the needle that is whole in each hit one that a message may have? */
static bool may_have_tokens(const struct pattern *part, const struct template_text *template)
{
    const struct needle *needle = part->needles;
    const uint8_t *end = needle->text + needle->len;
    for (const uint8_t *at = needle->text, *token; at < end; at++) {
        bool has_digit = false;
        for (token = at; at < end && token_byte((char)*at); at++)
            has_digit |= token_digit((char)*at);
        bool is_whole = (token > needle->text || part->bound_start) && (at < end || part->bound_end);
        size_t len = (size_t)(at - token);
        if (has_digit && is_whole &&
            !is_static_token(&template->text, token, needle->mask + (token - needle->text), len) &&
            !template->may_hold(template->arg, (const char *)token, len))
            return false;
    }
    return true;
}

static enum verdict judge_pattern(const struct pattern *pattern,
                                  const struct template_text *template)
{
    if (pattern->n_needles == 0 || !pattern->open_start || !pattern->open_end)
        return VERDICT_MAYBE;
    for (size_t i = 0; i < pattern->n_needles; i++)
        if (has_byte(&pattern->needles[i], is_slot_byte))
            return VERDICT_MAYBE;
    if (pattern_matches(pattern, template->text.data, template->text.len))
        return VERDICT_ALWAYS;
    for (size_t i = 0; i < pattern->n_needles; i++) {
        const struct pattern part = {
            .needles = &pattern->needles[i],
            .n_needles = 1,
            .open_start = true,
            .open_end = true,
            .bound_start = pattern->bound_start && i == 0,
            .bound_end = pattern->bound_end && i == pattern->n_needles - 1,
        };
        if (stays_static(&part, template) &&
            !pattern_matches(&part, template->text.data, template->text.len))
            return VERDICT_NEVER;
        if (template->may_hold != NULL && !may_have_tokens(&part, template))
            return VERDICT_NEVER;
    }
    return VERDICT_MAYBE;
}

static bool is_search(const struct node *node)
{
    return node->field->column == STORE_MESSAGE && node->field->type == FIELD_TEXT &&
           node->op == CMP_MATCH;
}

/* Without a slot, it is each of its messages. */
static bool is_static(const struct template_text *template)
{
    const struct text *text = &template->text;
    return text->len > 0 && memchr(text->data, TEMPLATE_SLOT, text->len) == NULL;
}

/* One of the values is enough. */
static enum verdict judge_compare(const struct node *node, const void *arg)
{
    const struct template_text *template = arg;
    if (node->field->column == STORE_MESSAGE && is_static(template)) {
        const struct store_row row = {.message = template->text};
        return node_matches(node, &row) ? VERDICT_ALWAYS : VERDICT_NEVER;
    }
    enum verdict best = VERDICT_NEVER;
    if (!is_search(node))
        return VERDICT_MAYBE;
    for (size_t i = 0; i < node->n_values; i++) {
        const struct value *value = &node->values[i];
        enum verdict verdict = value->any || value->regex != NULL || value->is_decimal
                                   ? VERDICT_MAYBE
                                   : judge_pattern(&value->pattern, template);
        best = verdict > best ? verdict : best;
    }
    return best;
}

enum verdict template_judge(const struct node *node, const struct template_text *template)
{
    return node_fold(node, judge_compare, template);
}
