/* SPDX-License-Identifier: MIT */
/*
 * A row is shown once, where it was matched a million times: so a term is looked for again, from its
 * pattern's needles, or by a regular expression compiled anew without what makes scans fast. Matches
 * of one term do not overlap; those of several are merged.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "store/query/highlight.h"

#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/ast.h"
#include "store/query/pattern.h"
#include "store/token.h"

#define MAX_TERMS   32
#define MATCH_LIMIT 100000

struct term {
    const struct pattern *pattern;
    pcre2_code *code; /* in its place */
};

struct highlighter {
    struct term terms[MAX_TERMS];
    size_t n_terms;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static void add_value(struct highlighter *highlighter, const struct value *value)
{
    struct term *term = &highlighter->terms[highlighter->n_terms];
    struct regex_options options;
    size_t len, at;
    int error;
    if (highlighter->n_terms == MAX_TERMS || value->any)
        return;
    if (value->regex != NULL) {
        const char *pattern = regex_pattern(value->regex, &len, &options);
        uint32_t flags = (options.caseless ? PCRE2_CASELESS : 0) |
                         (options.utf ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0);
        term->code = pcre2_compile((PCRE2_SPTR)pattern, len, flags | PCRE2_NEVER_BACKSLASH_C,
                                   &error, &at, NULL);
        highlighter->n_terms += term->code != NULL;
    } else if (value->pattern.n_needles > 0) {
        term->pattern = &value->pattern;
        highlighter->n_terms++;
    }
}

static void add_node(struct highlighter *highlighter, const struct node *node)
{
    if (node->kind == NODE_NOT)
        return;
    for (const struct node *child = node->child; child != NULL; child = child->next)
        add_node(highlighter, child);
    if (node->kind != NODE_COMPARE || node->op == CMP_NE ||
        strcmp(node->field->name, "message") != 0)
        return;
    for (size_t i = 0; i < node->n_values; i++)
        add_value(highlighter, &node->values[i]);
}

int highlighter_new(const struct query *query, struct highlighter **ret_highlighter)
{
    struct highlighter *highlighter = calloc(1, sizeof(*highlighter));
    if (highlighter == NULL)
        return -ENOMEM;
    highlighter->data = pcre2_match_data_create(1, NULL);
    highlighter->limits = pcre2_match_context_create(NULL);
    if (highlighter->data == NULL || highlighter->limits == NULL) {
        highlighter_free(highlighter);
        return -ENOMEM;
    }
    pcre2_set_match_limit(highlighter->limits, MATCH_LIMIT);
    add_node(highlighter, query->root);
    *ret_highlighter = highlighter;
    return 0;
}

struct highlighter *highlighter_free(struct highlighter *highlighter)
{
    if (highlighter == NULL)
        return NULL;
    for (size_t i = 0; i < highlighter->n_terms; i++)
        pcre2_code_free(highlighter->terms[i].code);
    pcre2_match_data_free(highlighter->data);
    pcre2_match_context_free(highlighter->limits);
    free(highlighter);
    return NULL;
}

/* A needle from `from` on, at whose bound ends no token goes on. */
static size_t find(const struct needle *needle, const char *text, size_t len, size_t from,
                   bool bound_start, bool bound_end)
{
    for (size_t at; from < len; from = at + 1) {
        at = needle_find(needle, text + from, len - from);
        if (at == SIZE_MAX)
            break;
        at += from;
        size_t end = at + needle->len;
        if (!(bound_start && at > 0 && token_byte(text[at - 1])) &&
            !(bound_end && end < len && token_byte(text[end])))
            return at;
    }
    return SIZE_MAX;
}

/* All needles, one behind the other, from `from` on. Returns where they end, or SIZE_MAX. */
static size_t find_needles(const struct pattern *pattern, const char *text, size_t len, size_t from,
                           struct span *spans, size_t *n, size_t max)
{
    size_t n_found = *n;
    for (size_t i = 0; i < pattern->n_needles; i++) {
        const struct needle *needle = &pattern->needles[i];
        size_t at = find(needle, text, len, from, i == 0 && pattern->bound_start,
                         i + 1 == pattern->n_needles && pattern->bound_end);
        if (at == SIZE_MAX || n_found == max)
            return SIZE_MAX;
        spans[n_found++] = (struct span){(uint32_t)at, (uint32_t)needle->len};
        from = at + needle->len;
    }
    *n = n_found;
    return from;
}

static void find_pattern(const struct pattern *pattern, const char *text, size_t len,
                         struct span *spans, size_t *n, size_t max)
{
    size_t from = 0;
    while (from != SIZE_MAX && from < len)
        from = find_needles(pattern, text, len, from, spans, n, max);
}

static void find_regex(const struct highlighter *highlighter, const pcre2_code *code,
                       const char *text, size_t len, struct span *spans, size_t *n, size_t max)
{
    const size_t *ends = pcre2_get_ovector_pointer(highlighter->data);
    size_t from = 0;
    while (*n < max && from < len &&
           pcre2_match(code, (PCRE2_SPTR)text, len, from, PCRE2_NOTEMPTY, highlighter->data,
                       highlighter->limits) >= 0) {
        size_t start = ends[0] < from ? from : ends[0]; /* \K may put it anywhere */
        if (ends[1] <= start)
            break;
        spans[(*n)++] = (struct span){(uint32_t)start, (uint32_t)(ends[1] - start)};
        from = ends[1];
    }
}

static int by_start(const void *a, const void *b)
{
    const struct span *left = a, *right = b;
    return left->off < right->off ? -1 : left->off > right->off;
}

/* In order, and those that touch or overlap as one. */
static size_t merge(struct span *spans, size_t n)
{
    size_t n_merged = 0;
    qsort(spans, n, sizeof(*spans), by_start);
    for (size_t i = 0; i < n; i++) {
        struct span *last = n_merged > 0 ? &spans[n_merged - 1] : NULL;
        uint32_t end = spans[i].off + spans[i].len;
        if (last == NULL || spans[i].off > last->off + last->len)
            spans[n_merged++] = spans[i];
        else if (end > last->off + last->len)
            last->len = end - last->off;
    }
    return n_merged;
}

size_t highlight(struct highlighter *highlighter, const char *text, size_t len, struct span *spans,
                 size_t max)
{
    size_t n = 0;
    for (size_t i = 0; i < highlighter->n_terms; i++) {
        const struct term *term = &highlighter->terms[i];
        if (term->pattern != NULL)
            find_pattern(term->pattern, text, len, spans, &n, max);
        else
            find_regex(highlighter, term->code, text, len, spans, &n, max);
    }
    return n > 0 ? merge(spans, n) : 0;
}
