/* SPDX-License-Identifier: MIT */
#include "store/show/answer.h"

#include <errno.h>
#include <stdbool.h>

#include <boom/context.h>

struct run {
    const struct answer_options *options;
    struct boom_ctx *ctx;
    bool is_enough_for_caller; /* its callback said so; else a `limit` may have */
};

static int note(struct run *run, int r)
{
    run->is_enough_for_caller |= r > 0;
    return r;
}

static int on_row(void *arg, const struct store_row *row)
{
    struct run *run = arg;
    return note(run, run->options->run.on_row(run->options->run.arg, row));
}

static int on_result(void *arg, const struct query_cell *cells, size_t n)
{
    struct run *run = arg;
    return note(run, run->options->on_result(run->options->run.arg, cells, n));
}

static void on_progress(void *arg, const struct query_progress *progress)
{
    struct run *run = arg;
    const struct answer_options *options = run->options;
    if (options->is_stopped && options->is_stopped(options->run.arg))
        boom_ctx_cancel(run->ctx, -ECANCELED);
    if (options->run.on_progress)
        options->run.on_progress(options->run.arg, progress);
}

static int run_sink(struct query *query, struct store_reader *reader, struct run *run,
                    struct answer *answer)
{
    const struct answer_options *options = run->options;
    struct query_options inner = options->run;
    struct query_sink_options sink_options = {
        .since_ns = inner.since_ns,
        .until_ns = inner.until_ns,
        .columns = inner.columns,
        .on_row = inner.on_row ? on_row : NULL,
        .on_result = options->on_result ? on_result : NULL,
        .arg = run,
    };
    struct sink *sink;
    int r = query_sink_new(query, &sink_options, &sink);
    if (r < 0)
        return r;
    inner.on_progress = on_progress;
    inner.arg = run;
    inner.ctx = run->ctx;
    r = query_run_sink(query, reader, &inner, sink, &answer->counts);
    if (r > 0 && !run->is_enough_for_caller) /* a `limit` has all that it wants */
        r = 0;
    if (r == 0 || r == -ECANCELED) {
        int finished = query_sink_finish(sink, &answer->notes);
        r = r < 0 ? r : finished;
    }
    query_sink_free(sink);
    return r;
}

int query_answer(struct query *query, struct store_reader *reader,
                 const struct answer_options *options, struct answer *ret_answer)
{
    struct run run = {.options = options};
    *ret_answer = (struct answer){0};
    int r = boom_ctx_with_cancel(options->run.ctx, &run.ctx);
    if (r < 0)
        return r;
    r = run_sink(query, reader, &run, ret_answer);
    boom_ctx_cancel(run.ctx, 0);
    boom_ctx_unref(run.ctx);
    return r;
}
