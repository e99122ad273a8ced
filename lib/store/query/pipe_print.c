/* SPDX-License-Identifier: MIT */
#include "store/query/pipes.h"

#include <inttypes.h>
#include <string.h>

#define NS_PER_S 1000000000

const char *pipe_name(enum pipe_kind kind)
{
    static const char *const names[N_PIPE_KINDS] = {
        [PIPE_COUNT] = "count", [PIPE_TOP] = "top",       [PIPE_HISTOGRAM] = "histogram",
        [PIPE_STATS] = "stats", [PIPE_FIELDS] = "fields", [PIPE_SORT] = "sort",
        [PIPE_LIMIT] = "limit",
    };
    return names[kind];
}

static void print_agg(const struct agg *agg, FILE *out)
{
    fputs(agg->func_name, out);
    if (agg->has_operand)
        fprintf(out, "(%s)", agg->operand.name);
    /* Only a name that was not given has a parenthesis, as its function has. */
    bool is_given =
        agg->has_operand ? strchr(agg->name, '(') == NULL : strcmp(agg->name, agg->func_name) != 0;
    if (is_given)
        fprintf(out, " as %s", agg->name);
}

static void print_operands(const struct pipe *pipe, size_t first, const char *before, FILE *out)
{
    for (size_t i = first; i < pipe->n_operands; i++) {
        fprintf(out, "%s%s", i == first ? before : ", ", pipe->operands[i].name);
        if (pipe->operands[i].descending)
            fputs(" desc", out);
    }
}

static void print_pipe(const struct pipe *pipe, FILE *out)
{
    bool by = pipe->kind == PIPE_COUNT || pipe->kind == PIPE_HISTOGRAM || pipe->kind == PIPE_STATS;
    fputs(pipe_name(pipe->kind), out);
    if (pipe->n > 0)
        fprintf(out, " %" PRIu64, pipe->n);
    if (pipe->step_ns > 0)
        fprintf(out, " %" PRId64 "s", pipe->step_ns / NS_PER_S);
    for (size_t i = 0; pipe->kind == PIPE_STATS && i < pipe->n_aggs; i++) {
        fputs(i > 0 ? ", " : " ", out);
        print_agg(&pipe->aggs[i], out);
    }
    print_operands(pipe, pipe->kind == PIPE_HISTOGRAM, by ? " by " : " ", out);
}

void pipes_print(const struct query *query, FILE *out)
{
    const char *before = query->root->kind == NODE_ALL ? "| " : " | ";
    for (const struct pipe *pipe = query->pipes; pipe != NULL; pipe = pipe->next) {
        fputs(before, out);
        print_pipe(pipe, out);
        before = " | ";
    }
}
