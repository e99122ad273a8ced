/* SPDX-License-Identifier: MIT */
/*
 * The sink of a query: the stages of its pipes, and the parts of the first one where that groups.
 *
 * Memory: while rows come in, groups may take half of the budget. The other half is for merging the
 * parts, which doubles the largest of them for a moment at worst, and for what comes behind.
 */
#include "store/query/pipe_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_NS 60000000000ll

static struct pipe_sink *to_pipes(struct sink *sink)
{
    return (struct pipe_sink *)sink;
}

static int output_push(struct stage *stage, const struct tuple *tuple)
{
    struct pipe_sink *sink = stage->sink;
    const struct query_sink_options *options = &sink->options;
    int r = tuple->row != NULL
                ? options->on_row(options->arg, tuple->row)
                : options->on_result(options->arg, tuple->cells, sink->query->table->n_columns);
    if (r > 0)
        sink->stop = r;
    return r;
}

static const struct stage_ops output_ops = {.push = output_push};

static int limit_push(struct stage *stage, const struct tuple *tuple)
{
    if (stage->n_passed == stage->pipe->n)
        return STAGE_FULL;
    stage->n_passed++;
    int r = stage_push(stage->next, tuple);
    return r == 0 && stage->n_passed == stage->pipe->n ? STAGE_FULL : r;
}

static const struct stage_ops limit_ops = {.push = limit_push};

static int fields_push(struct stage *stage, const struct tuple *tuple)
{
    const struct pipe *pipe = stage->pipe;
    struct query_cell cells[PIPE_MAX_OPERANDS + 1];
    for (size_t i = 0; i < pipe->n_operands; i++) {
        int r = operand_cell(&pipe->operands[i], tuple, &stage->scratch[i], &cells[i]);
        if (r < 0)
            return r;
    }
    struct tuple projected = {.cells = cells, .n = tuple->n, .sequence = stage->n_passed++};
    return stage_push(stage->next, &projected);
}

static const struct stage_ops fields_ops = {.push = fields_push};

/* Unordered: the first stage groups, and each worker has groups of its own. */
static int part_new(struct sink *sink, void **ret_part)
{
    struct pipe_sink *pipes = to_pipes(sink);
    struct groups *part = NULL;
    if (!sink->is_ordered) {
        part = malloc(sizeof(*part));
        if (part == NULL)
            return -ENOMEM;
        groups_init(part, pipes->stages[0].pipe, &pipes->budget);
    }
    *ret_part = part;
    return 0;
}

static int add_to_part(struct sink *sink, void *part, const struct store_row *row)
{
    struct tuple tuple = {.row = row, .n = 1};
    return stage_group(&to_pipes(sink)->stages[0], part, &tuple);
}

static int add_cells(struct sink *sink, void *part, const struct rollup_cell *cells, size_t n)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct store_row row = {.severity =
                                    cells[i].severity < 8 ? cells[i].severity : RECORD_NO_SEVERITY,
                                .place.country = {cells[i].country[0], cells[i].country[1]},
                                .has_place = true};
        struct tuple tuple = {.row = &row, .n = cells[i].n_rows};
        if (__builtin_mul_overflow(cells[i].minute, MINUTE_NS, &row.time_ns))
            return -ERANGE;
        r = tuple.n == 0 ? 0 : stage_group(&to_pipes(sink)->stages[0], part, &tuple);
    }
    return r;
}

static int merge_part(struct sink *sink, void *part)
{
    struct pipe_sink *pipes = to_pipes(sink);
    if (part == NULL)
        return 0;
    pipes->budget.limit = pipes->options.memory_bytes;
    groups_merge(&pipes->stages[0].groups, part);
    free(part);
    return 0;
}

static int push_row(struct sink *sink, void *part, const struct store_row *row)
{
    struct tuple tuple = {.row = row, .n = 1};
    return stage_push(&to_pipes(sink)->stages[0], &tuple);
}

static const struct sink_ops row_ops = {part_new, push_row, NULL, merge_part};
static const struct sink_ops part_ops = {part_new, add_to_part, NULL, merge_part};
static const struct sink_ops cells_ops = {part_new, add_to_part, add_cells, merge_part};

static const struct stage_ops *ops_of(const struct pipe *pipe)
{
    if (pipe == NULL)
        return &output_ops;
    return pipe_groups(pipe)          ? &group_ops
           : pipe->kind == PIPE_SORT  ? &sort_ops
           : pipe->kind == PIPE_LIMIT ? &limit_ops
                                      : &fields_ops;
}

static void init_stage(struct pipe_sink *sink, size_t i, const struct pipe *pipe)
{
    struct stage *stage = &sink->stages[i];
    bool limited = pipe != NULL && pipe->next != NULL && pipe->next->kind == PIPE_LIMIT;
    *stage = (struct stage){.ops = ops_of(pipe),
                            .pipe = pipe,
                            .sink = sink,
                            .next = pipe == NULL ? NULL : stage + 1,
                            .sorter.most = limited ? pipe->next->n : SIZE_MAX};
    if (pipe == NULL || !pipe_groups(pipe))
        return;
    groups_init(&stage->groups, pipe, &sink->budget);
    if (pipe->kind == PIPE_HISTOGRAM)
        stage->step_ns = histogram_step(pipe, sink->options.since_ns, sink->options.until_ns);
}

/* What the stages look at of a row. What makes a table hides the row from those behind it. */
static uint32_t columns_of(const struct query *query, uint32_t of_on_row)
{
    uint32_t columns = 0;
    for (const struct pipe *pipe = query->pipes; pipe != NULL; pipe = pipe->next) {
        for (size_t i = 0; i < pipe->n_operands; i++)
            columns |= operand_columns(&pipe->operands[i]);
        for (size_t i = 0; i < pipe->n_aggs; i++) {
            columns |= agg_columns(&pipe->aggs[i]);
            if (pipe->aggs[i].has_operand)
                columns |= operand_columns(&pipe->aggs[i].operand);
        }
        if (pipe->columns != NULL)
            return columns;
    }
    return columns | of_on_row;
}

int query_sink_new(const struct query *query, const struct query_sink_options *options,
                   struct sink **ret_sink)
{
    const struct pipe *pipe = query->pipes;
    size_t n = 1;
    if (query->table == NULL ? options->on_row == NULL : options->on_result == NULL)
        return -EINVAL;
    for (; pipe != NULL; pipe = pipe->next)
        n++;
    struct pipe_sink *sink = calloc(1, sizeof(*sink) + n * sizeof(sink->stages[0]));
    if (sink == NULL)
        return -ENOMEM;
    sink->query = query;
    sink->options = *options;
    if (options->memory_bytes == 0)
        sink->options.memory_bytes = QUERY_SINK_MEMORY;
    sink->n_stages = n;
    pipe = query->pipes;
    for (size_t i = 0; i < n; i++) {
        init_stage(sink, i, pipe);
        pipe = pipe == NULL ? NULL : pipe->next;
    }
    bool groups = query->pipes != NULL && pipe_groups(query->pipes);
    sink->budget.limit = groups ? sink->options.memory_bytes / 2 : sink->options.memory_bytes;
    sink->sink = (struct sink){.ops = !groups                               ? &row_ops
                                      : stage_takes_cells(&sink->stages[0]) ? &cells_ops
                                                                            : &part_ops,
                               .columns = columns_of(query, options->columns),
                               .is_ordered = !groups};
    *ret_sink = &sink->sink;
    return 0;
}

/* A stage that has had enough does not end those behind it. */
static int end_stages(struct pipe_sink *sink)
{
    for (size_t i = 0; i < sink->n_stages; i++) {
        struct stage *stage = &sink->stages[i];
        int r = stage->ops->end == NULL ? 0 : stage->ops->end(stage);
        if (r < 0)
            return r;
        if (sink->stop > 0)
            return sink->stop;
    }
    return 0;
}

int query_sink_finish(struct sink *sink, struct query_notes *ret_notes)
{
    struct pipe_sink *pipes = to_pipes(sink);
    pipes->budget.limit = pipes->options.memory_bytes;
    int r = pipes->stop > 0 ? pipes->stop : end_stages(pipes);
    if (ret_notes != NULL)
        *ret_notes = pipes->notes;
    return r;
}

struct sink *query_sink_free(struct sink *sink)
{
    if (sink == NULL)
        return NULL;
    struct pipe_sink *pipes = to_pipes(sink);
    for (size_t i = 0; i < pipes->n_stages; i++) {
        struct stage *stage = &pipes->stages[i];
        if (stage->ops->deinit != NULL)
            stage->ops->deinit(stage);
        for (size_t j = 0; j < PIPE_MAX_OPERANDS + 1; j++)
            buffer_deinit(&stage->scratch[j]);
    }
    free(pipes);
    return NULL;
}

const struct query_table *query_result(const struct query *query)
{
    return query->table;
}
