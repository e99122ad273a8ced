/* SPDX-License-Identifier: MIT */
/*
 * The life of a query: its memory, a list of allocations that are never freed one by one, and what
 * is worked out once the tree stands.
 */
#include "store/query/ast.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>

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

static void plan_stage(struct query *query, const struct node *node)
{
    enum match_stage stage = node_stage(node);
    query->stages[stage].used = true;
    query->stages[stage].columns |= node->columns;
}

static void plan(struct query *query)
{
    fill_columns(query->root);
    if (query->root->kind != NODE_AND)
        plan_stage(query, query->root);
    else
        for (const struct node *child = query->root->child; child != NULL; child = child->next)
            plan_stage(query, child);
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
    if (r < 0) {
        query_free(query);
        return r;
    }
    plan(query);
    *ret_query = query;
    return 0;
}
