/* SPDX-License-Identifier: MIT */
/*
 * The life of a query: its memory, a list of allocations that are never freed one by one, and what
 * is worked out once the tree stands.
 */
#include "store/query/ast.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

#include "store/query/need.h"

struct allocation {
    struct allocation *next;
    alignas(max_align_t) char bytes[];
};

void *query_alloc(struct query *query, size_t size)
{
    struct allocation *allocation = calloc(1, sizeof(*allocation) + size);
    if (allocation == NULL)
        return NULL;
    allocation->next = query->allocations;
    query->allocations = allocation;
    return allocation->bytes;
}

static uint32_t fill_columns(struct node *node)
{
    node->columns = node->kind == NODE_COMPARE ? node->field->column : 0;
    for (struct node *child = node->child; child != NULL; child = child->next)
        node->columns |= fill_columns(child);
    return node->columns;
}

/* Terms by what their columns cost: those of one kind keep the order in which they were written. */
static int order_terms(struct query *query)
{
    struct node *root = query->root;
    const struct node *first = root->kind == NODE_AND ? root->child : root;
    size_t n = 0;
    for (const struct node *node = first; node != NULL; node = node->next)
        n++;
    query->terms = query_alloc(query, n * sizeof(struct node *));
    if (query->terms == NULL)
        return -ENOMEM;
    for (int is_big = 0; is_big < 2; is_big++)
        for (const struct node *node = first; node != NULL; node = node->next)
            if (node_is_big(node) == is_big)
                query->terms[query->n_terms++] = node;
    return 0;
}

static bool is_of_cells(const struct node *node)
{
    if (node->kind == NODE_COMPARE)
        return node->field->type == FIELD_SEVERITY || node->field->type == FIELD_COUNTRY;
    for (const struct node *child = node->child; child != NULL; child = child->next)
        if (!is_of_cells(child))
            return false;
    return true;
}

static int plan(struct query *query)
{
    fill_columns(query->root);
    query->is_of_cells = is_of_cells(query->root);
    int r = order_terms(query);
    return r < 0 ? r : need_derive(query, query->root, &query->need);
}

struct query *query_free(struct query *query)
{
    if (query == NULL)
        return NULL;
    regex_free_all(query);
    for (struct allocation *next, *at = query->allocations; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(query);
    return NULL;
}

int query_parse(const char *text, struct query **ret_query, struct query_error *ret_error)
{
    struct query *query = calloc(1, sizeof(*query));
    if (query == NULL)
        return -ENOMEM;
    int r = query_parse_tree(query, text, ret_error);
    if (r == 0)
        r = plan(query);
    if (r < 0) {
        query_free(query);
        return r;
    }
    *ret_query = query;
    return 0;
}
