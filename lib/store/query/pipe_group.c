/* SPDX-License-Identifier: MIT */
/*
 * count, top, histogram and stats: groups, and what they look like as a table.
 */
#include "store/query/pipe_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS 60000000000ll

/* Is there a place for this tuple? */
static bool is_counted(const struct pipe *pipe, const struct query_cell *keys)
{
    if (pipe->kind == PIPE_HISTOGRAM)
        return !keys[0].is_null;
    for (size_t i = 0; pipe->kind == PIPE_TOP && i < pipe->n_operands; i++)
        if (keys[i].is_null)
            return false;
    return true;
}

int stage_group(const struct stage *stage, struct groups *groups, const struct tuple *tuple)
{
    const struct pipe *pipe = stage->pipe;
    struct query_cell keys[PIPE_MAX_OPERANDS + 1];
    for (size_t i = 0; i < pipe->n_operands; i++) {
        int r = operand_cell(&pipe->operands[i], tuple, &groups->scratch[i], &keys[i]);
        if (r < 0)
            return r;
    }
    if (!is_counted(pipe, keys))
        return 0;
    if (pipe->kind == PIPE_HISTOGRAM)
        keys[0].integer = histogram_floor(keys[0].integer, stage->step_ns);
    return groups_add(groups, keys, tuple);
}

static int group_push(struct stage *stage, const struct tuple *tuple)
{
    return stage_group(stage, &stage->groups, tuple);
}

bool stage_takes_cells(const struct stage *stage)
{
    const struct pipe *pipe = stage->pipe;
    for (size_t i = 0; i < pipe->n_aggs; i++)
        if (pipe->aggs[i].func != AGG_COUNT || pipe->aggs[i].has_operand)
            return false;
    for (size_t i = 0; i < pipe->n_operands; i++) {
        const struct node *node = pipe->operands[i].node;
        bool is_step = pipe->kind == PIPE_HISTOGRAM && i == 0 && stage->step_ns % MINUTE_NS == 0;
        if (node == NULL ||
            (!is_step && node->field->type != FIELD_SEVERITY && node->field->type != FIELD_COUNTRY))
            return false;
    }
    return true;
}

static int compare_keys(const struct group *a, const struct group *b, const struct pipe *pipe)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < pipe->n_operands; i++)
        r = cell_compare(&a->keys[i], &b->keys[i]);
    return r;
}

static int compare_groups(const void *a, const void *b, void *arg)
{
    const struct group *x = *(struct group *const *)a, *y = *(struct group *const *)b;
    const struct pipe *pipe = arg;
    if (pipe->kind == PIPE_TOP && x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return compare_keys(x, y, pipe);
}

/* All groups, in the order in which they are shown. */
static struct group **sort_groups(const struct groups *groups)
{
    struct group **sorted = malloc((groups->n + 1) * sizeof(*sorted));
    size_t n = 0;
    for (size_t i = 0; sorted != NULL && i < groups->room; i++)
        if (groups->slots[i] != NULL)
            sorted[n++] = groups->slots[i];
    if (sorted != NULL)
        qsort_r(sorted, n, sizeof(*sorted), compare_groups, (void *)groups->pipe);
    return sorted;
}

static int hand_on(struct stage *stage, const struct group *group, uint64_t sequence)
{
    const struct pipe *pipe = stage->pipe;
    struct query_cell cells[2 * PIPE_MAX_OPERANDS + 2];
    size_t n = 0;
    for (size_t i = 0; i < pipe->n_operands; i++)
        cells[n++] = group->keys[i];
    for (size_t i = 0; i < pipe->n_aggs; i++)
        cells[n++] =
            agg_result(&pipe->aggs[i], &group->states[i], &stage->sink->notes.is_estimated);
    if (pipe->kind == PIPE_TOP) {
        uint64_t total = stage->groups.n_rows + stage->groups.n_ungrouped;
        cells[n++] = (struct query_cell){.type = QUERY_DOUBLE,
                                         .number = 100.0 * (double)group->n / (double)total};
    }
    struct tuple tuple = {.cells = cells, .n = 1, .sequence = sequence};
    return stage_push(stage->next, &tuple);
}

/* Without keys there is one group, also of no rows. */
static int group_end(struct stage *stage)
{
    struct groups *groups = &stage->groups;
    if (stage->pipe->kind == PIPE_HISTOGRAM)
        histogram_finish(stage);
    if (stage->pipe->n_operands == 0 && groups_find(groups, NULL) == NULL)
        return -ENOMEM;
    struct group **sorted = sort_groups(groups);
    if (sorted == NULL)
        return -ENOMEM;
    uint64_t n = groups->n;
    if (stage->pipe->kind == PIPE_TOP && n > stage->pipe->n)
        n = stage->pipe->n;
    int r = 0;
    for (uint64_t i = 0; r == 0 && i < n; i++)
        r = hand_on(stage, sorted[i], i);
    free(sorted);
    stage->sink->notes.rows_ungrouped += groups->n_ungrouped;
    stage->sink->notes.values_missed += groups->n_missed;
    return r;
}

static void group_deinit(struct stage *stage)
{
    groups_deinit(&stage->groups);
}

const struct stage_ops group_ops = {group_push, group_end, group_deinit};
