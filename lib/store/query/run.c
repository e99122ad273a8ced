/* SPDX-License-Identifier: MIT */
/*
 * What a run is made of:
 *
 *   oldest first, newest first            one pass in that order, with or without a limit
 *   the newest n, oldest first            a pass from the newest that keeps its n rows, which are
 *                                         then shown from the last to the first; where they do not
 *                                         fit, they are let go, and a second pass shows all from
 *                                         the last of them on
 *   a sink without an order               one pass in whatever order
 *
 * Both passes look at one snapshot: what is appended between them is not seen.
 */
#include "store/query/run.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MIN_MEMORY_BYTES (16u << 20)
/* Of the budget, for what a thread keeps from block to block. */
#define THREAD_BYTES (8u << 20)

static unsigned count_threads(const struct query_options *options, size_t memory_bytes)
{
    long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = options->threads > 0 ? options->threads
               : n_processors > 0   ? (size_t)n_processors
                                    : 1;
    n = n > QUERY_MAX_THREADS ? QUERY_MAX_THREADS : n;
    size_t most = memory_bytes / 2 / THREAD_BYTES;
    return (unsigned)(n < most ? n : most);
}

static void make_plan(struct pass_plan *plan, const struct query *query,
                      const struct query_options *options, struct sink *sink)
{
    size_t memory_bytes = options->memory_bytes > 0 ? options->memory_bytes : QUERY_MEMORY_BYTES;
    if (memory_bytes < MIN_MEMORY_BYTES)
        memory_bytes = MIN_MEMORY_BYTES;
    unsigned n_threads = count_threads(options, memory_bytes);
    *plan = (struct pass_plan){
        .query = query,
        .bounds = {options->since_ns, options->until_ns,
                   options->after_id > 0 ? options->after_id + 1 : 0, 0},
        .columns = sink->columns,
        .memory_bytes = memory_bytes - n_threads * (size_t)THREAD_BYTES,
        .n_threads = n_threads,
        .ctx = options->ctx != NULL ? options->ctx : boom_ctx_background(),
        .on_progress = options->on_progress,
        .progress_arg = options->arg,
    };
}

static int emit_to_sink(void *arg, const struct store_row *row)
{
    struct sink *sink = arg;
    return sink->ops->row(sink, NULL, row);
}

static int run_unordered(struct pass_plan *plan, struct sink *sink, struct query_counts *counts)
{
    plan->order = PASS_ANY;
    plan->sink = sink;
    return pass_run(plan, counts);
}

static int run_ordered(struct pass_plan *plan, struct sink *sink, enum pass_order order,
                       uint64_t limit, struct query_counts *counts)
{
    plan->order = order;
    plan->limit = limit;
    plan->columns |= STORE_TIME;
    plan->emit = emit_to_sink;
    plan->arg = sink;
    return pass_run(plan, counts);
}

/* Rows that are kept until the last of them is known. */
struct kept {
    struct pack *pack; /* NULL: they did not fit */
    size_t max_bytes;
    struct key last;
};

static int keep(void *arg, const struct store_row *row)
{
    struct kept *kept = arg;
    kept->last = (struct key){row->time_ns, row->id};
    if (kept->pack == NULL)
        return 0;
    if (pack_add(kept->pack, row) < 0)
        return -ENOMEM;
    if (kept->pack->bytes > kept->max_bytes)
        kept->pack = pack_free(kept->pack);
    return 0;
}

static int show_kept(const struct pack *pack, struct sink *sink, struct query_counts *counts)
{
    int r = 0;
    for (size_t i = pack->n_rows; r == 0 && i > 0; i--) {
        counts->matched++;
        r = sink->ops->row(sink, NULL, &pack->rows[i - 1]);
    }
    return r;
}

static int find_again(struct pass_plan *plan, const struct kept *kept, struct sink *sink,
                      struct query_counts *counts)
{
    struct query_counts again = {0};
    plan->bounds.since_ns = kept->last.time;
    plan->bounds.tie_id = kept->last.id;
    int r = run_ordered(plan, sink, PASS_OLDEST_FIRST, 0, &again);
    counts->matched = again.matched;
    counts->unordered += again.unordered;
    counts->bytes_read += again.bytes_read;
    counts->bytes_decompressed += again.bytes_decompressed;
    counts->cpu_ns += again.cpu_ns;
    if (again.peak_bytes > counts->peak_bytes)
        counts->peak_bytes = again.peak_bytes;
    return r;
}

static int run_newest_in_order(struct pass_plan *plan, struct sink *sink, uint64_t limit,
                               struct query_counts *counts)
{
    struct kept kept = {.max_bytes = plan->memory_bytes / 4};
    struct pass_plan first = *plan;
    int r = pack_new(64, &kept.pack);
    if (r < 0)
        return r;
    first.memory_bytes -= kept.max_bytes;
    first.order = PASS_NEWEST_FIRST;
    first.limit = limit;
    first.columns |= STORE_TIME;
    first.emit = keep;
    first.arg = &kept;
    r = pass_run(&first, counts);
    uint64_t n_found = counts->matched;
    counts->matched = 0;
    if (r == 0 && kept.pack != NULL)
        r = show_kept(kept.pack, sink, counts);
    else if (r == 0 && n_found > 0)
        r = find_again(plan, &kept, sink, counts);
    pack_free(kept.pack);
    return r;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int run_over(struct pass_plan *plan, const struct query_options *options, struct sink *sink,
                    struct query_counts *counts)
{
    if (!sink->is_ordered)
        return run_unordered(plan, sink, counts);
    if (options->newest_first)
        return run_ordered(plan, sink, PASS_NEWEST_FIRST, options->limit, counts);
    if (options->limit > 0)
        return run_newest_in_order(plan, sink, options->limit, counts);
    return run_ordered(plan, sink, PASS_OLDEST_FIRST, 0, counts);
}

int query_run_sink(struct query *query, struct store_reader *reader,
                   const struct query_options *options, struct sink *sink,
                   struct query_counts *ret_counts)
{
    int64_t wall_ns = clock_ns(CLOCK_MONOTONIC), cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    struct pass_plan plan;
    *ret_counts = (struct query_counts){0};
    if (options->after_id == UINT64_MAX)
        return 0;
    make_plan(&plan, query, options, sink);
    int r = snapshot_new(reader, &plan.snapshot);
    if (r == 0)
        r = run_over(&plan, options, sink, ret_counts);
    snapshot_free(plan.snapshot);
    ret_counts->wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
    ret_counts->cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
    return r;
}

struct row_sink {
    struct sink sink;
    const struct query_options *options;
};

static int give_row(struct sink *sink, void *part, const struct store_row *row)
{
    const struct query_options *options = ((struct row_sink *)sink)->options;
    return options->on_row(options->arg, row);
}

int query_run(struct query *query, struct store_reader *reader, const struct query_options *options,
              struct query_counts *ret_counts)
{
    static const struct sink_ops ops = {.row = give_row};
    struct row_sink rows = {{&ops, options->columns, true}, options};
    return query_run_sink(query, reader, options, &rows.sink, ret_counts);
}
