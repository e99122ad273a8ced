/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_PIPE_STAGE_H
#define STORE_QUERY_PIPE_STAGE_H

/*
 * Pipes at work: a chain of stages, each of which hands tuples to the next one.
 *
 *   row() ──▶ sort ──▶ limit ──▶ output ──▶ on_row
 *   row() ──▶ part ─┐
 *   row() ──▶ part ─┴merge─▶ group ──end──▶ sort ──end──▶ output ──▶ on_result
 *
 * A stage that gathers hands on when it is ended, from left to right. All but parts is the thread's
 * that runs the query.
 */

#include "store/query/groups.h"
#include "store/query/pipe.h"

/* What a push returns when no more tuples are wanted. */
#define STAGE_FULL 1

struct stage;

struct stage_ops {
    /* A tuple; it lives until the call returns. Returns 0, a positive number (enough), or a
     * negative errno. */
    int (*push)(struct stage *stage, const struct tuple *tuple);
    /* No more will come: hands on what was gathered. NULL: nothing is. Returns as push. */
    int (*end)(struct stage *stage);
    void (*deinit)(struct stage *stage); /* NULL: holds nothing */
};

/* What sort keeps: the first ones of all that came, the last of them on top of a heap. */
struct sorter {
    struct sorted **heap;
    size_t n, room, most;
    uint64_t n_pushed;
};

struct stage {
    const struct stage_ops *ops;
    const struct pipe *pipe; /* NULL: output */
    struct pipe_sink *sink;
    struct stage *next;
    struct buffer scratch[PIPE_MAX_OPERANDS + 1];
    struct groups groups; /* COUNT to STATS */
    int64_t step_ns;      /* HISTOGRAM */
    struct sorter sorter; /* SORT */
    uint64_t n_passed;    /* LIMIT */
};

struct pipe_sink {
    struct sink sink; /* first, as it is cast back */
    const struct query *query;
    struct query_sink_options options;
    struct budget budget;
    struct query_notes notes;
    int stop; /* what on_row or on_result returned, if it was positive */
    size_t n_stages;
    struct stage stages[];
};

extern const struct stage_ops group_ops, sort_ops;

static inline int stage_push(struct stage *stage, const struct tuple *tuple)
{
    return stage->ops->push(stage, tuple);
}

/* pipe_group.c. Adds a tuple to groups of the stage's kind: its own, or a part's. */
int stage_group(const struct stage *stage, struct groups *groups, const struct tuple *tuple);
/* Can it work from counts by minute, severity and country? */
bool stage_takes_cells(const struct stage *stage);

/* pipe_histogram.c. The step to gather by, from what the run is known to look at. */
int64_t histogram_step(const struct pipe *pipe, int64_t since_ns, int64_t until_ns);
/* Where the step begins in which this time is. */
int64_t histogram_floor(int64_t time_ns, int64_t step_ns);
/* When all rows are in: a coarser step, if it was to be chosen, and the empty steps. */
void histogram_finish(struct stage *stage);

#endif
