/* SPDX-License-Identifier: MIT */
/*
 * Running a query.
 *
 *   block header ──judge──▶ never: next block
 *        │ maybe                 always: every row is a hit ──────────┐
 *        ▼                                                            ▼
 *   all rows ──time──▶ hits ──small terms──▶ hits ──big terms──▶ hits ──▶ on_row
 *
 * Each arrow loads the columns that it needs, if a hit is left: the messages of a block are not
 * decoded when its hosts have ruled it out, and what only on_row needs is not decoded for a block
 * without a hit.
 *
 * The newest `limit` matches in the order of reception are found in two passes. The first goes
 * backwards and only looks for hits, until it has seen `limit` of them; it remembers the id of the
 * oldest hit, and the first id of each block that has one. The second seeks there and goes forwards
 * through the remembered blocks alone. A block that retention deletes between the passes is missing
 * from the result, as if the query had come later; one that was merged with its neighbours is found
 * by the ids that it holds; nothing that was appended between the passes is shown.
 */
#include "store/query/ast.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct run {
    const struct query *query;
    struct store_reader *reader;
    const struct query_options *options;
    struct query_counts *counts;
    struct store_block_info block;
    uint32_t *hits; /* rows of the current block that match, ascending */
    uint32_t n_hits, n_room;
    uint32_t loaded; /* columns of the current block; valid with is_loaded */
    bool is_loaded;
    uint64_t first_id, last_id; /* ids that are taken, both inclusive */
    uint64_t *hit_blocks;       /* first ids of blocks with hits, newest first */
    size_t n_hit_blocks, n_hit_room;
};

static void run_deinit(struct run *run)
{
    free(run->hits);
    free(run->hit_blocks);
}

static int reserve_hits(struct run *run)
{
    if (run->block.n_rows <= run->n_room)
        return 0;
    uint32_t *grown = realloc(run->hits, run->block.n_rows * sizeof(*grown));
    if (grown == NULL)
        return -ENOMEM;
    run->hits = grown;
    run->n_room = run->block.n_rows;
    return 0;
}

/* Time bounds and id bounds, judged as the expression is. */
static enum verdict judge_bounds(const struct run *run)
{
    const struct store_block_info *block = &run->block;
    const struct query_options *options = run->options;
    if (block->max_time_ns < options->since_ns || block->first_id > run->last_id ||
        (options->until_ns != INT64_MAX && block->min_time_ns >= options->until_ns))
        return VERDICT_NEVER;
    bool inside = block->min_time_ns >= options->since_ns &&
                  (options->until_ns == INT64_MAX || block->max_time_ns < options->until_ns) &&
                  block->first_id >= run->first_id && run->last_id == UINT64_MAX;
    return inside ? VERDICT_ALWAYS : VERDICT_MAYBE;
}

static bool has_time_bounds(const struct run *run)
{
    return run->options->since_ns != INT64_MIN || run->options->until_ns != INT64_MAX;
}

static bool in_bounds(const struct run *run, const struct store_row *row)
{
    const struct query_options *options = run->options;
    return row->id >= run->first_id && row->id <= run->last_id &&
           row->time_ns >= options->since_ns &&
           (options->until_ns == INT64_MAX || row->time_ns < options->until_ns);
}

/* Loads columns beside those that are loaded. A damaged block has no hits. Returns 0 or a negative
 * errno. */
static int load(struct run *run, uint32_t columns)
{
    if (run->is_loaded && (columns & ~run->loaded) == 0)
        return 0;
    int r = store_reader_load(run->reader, run->loaded | columns);
    if (r == -EBADMSG) {
        run->counts->blocks_damaged++;
        run->n_hits = 0;
        return 0;
    }
    run->is_loaded = r == 0;
    run->loaded |= columns;
    return r;
}

static bool passes_small(const struct run *run, const struct store_row *row)
{
    return query_stage_matches(run->query, MATCH_SMALL, row);
}

static bool passes_big(const struct run *run, const struct store_row *row)
{
    return query_stage_matches(run->query, MATCH_BIG, row);
}

/* Keeps the hits that pass a test, for which the columns are needed. Returns 0 or a negative errno.
 */
static int filter(struct run *run, uint32_t columns,
                  bool (*passes)(const struct run *run, const struct store_row *row))
{
    struct store_row row;
    uint32_t n = 0;
    int r = run->n_hits > 0 ? load(run, columns) : 0;
    for (uint32_t i = 0; r == 0 && i < run->n_hits; i++) {
        store_reader_row(run->reader, run->hits[i], &row);
        if (passes(run, &row))
            run->hits[n++] = run->hits[i];
    }
    run->n_hits = n;
    return r;
}

static int filter_hits(struct run *run, enum verdict bounds, enum verdict expression)
{
    const struct query *query = run->query;
    int r = 0;
    if (bounds == VERDICT_MAYBE)
        r = filter(run, has_time_bounds(run) ? STORE_TIME : 0, in_bounds);
    if (r == 0 && expression == VERDICT_MAYBE && query->stages[MATCH_SMALL].used)
        r = filter(run, query->stages[MATCH_SMALL].columns, passes_small);
    if (r == 0 && expression == VERDICT_MAYBE && query->stages[MATCH_BIG].used)
        r = filter(run, query->stages[MATCH_BIG].columns, passes_big);
    return r;
}

static int take_all_rows(struct run *run)
{
    int r = reserve_hits(run);
    if (r < 0)
        return r;
    for (uint32_t i = 0; i < run->block.n_rows; i++)
        run->hits[i] = i;
    run->n_hits = run->block.n_rows;
    run->counts->rows += run->block.n_rows;
    return 0;
}

/*
 * Fills hits for the current block, and loads the columns that are needed to show them. Returns 0
 * or a negative errno.
 */
static int find_hits(struct run *run, uint32_t columns)
{
    enum verdict bounds = judge_bounds(run);
    enum verdict expression =
        bounds == VERDICT_NEVER ? VERDICT_NEVER : node_judge(run->query->root, &run->block);
    run->is_loaded = false;
    run->loaded = 0;
    run->n_hits = 0;
    run->counts->blocks++;
    if (expression == VERDICT_NEVER) {
        run->counts->blocks_pruned++;
        return 0;
    }
    int r = take_all_rows(run);
    if (r == 0)
        r = filter_hits(run, bounds, expression);
    return r == 0 && run->n_hits > 0 ? load(run, columns) : r;
}

static int show(struct run *run, uint32_t hit)
{
    struct store_row row;
    store_reader_row(run->reader, hit, &row);
    run->counts->matched++;
    return run->options->on_row(run->options->arg, &row);
}

static int show_hits(struct run *run)
{
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < run->n_hits; i++)
        r = show(run, run->hits[i]);
    return r;
}

static int run_forwards(struct run *run)
{
    int r;
    while ((r = store_reader_next(run->reader, false, &run->block)) > 0) {
        r = find_hits(run, run->options->columns);
        if (r == 0)
            r = show_hits(run);
        if (r != 0)
            return r;
    }
    return r;
}

/* Blocks behind the cursor of --after need not be read. */
static bool is_before_range(const struct run *run)
{
    return run->block.first_id <= run->first_id;
}

static int run_newest_first(struct run *run)
{
    uint64_t limit = run->options->limit;
    int r;
    while ((r = store_reader_next(run->reader, true, &run->block)) > 0) {
        r = find_hits(run, run->options->columns);
        for (uint32_t i = run->n_hits; r == 0 && i > 0; i--) {
            r = show(run, run->hits[i - 1]);
            if (r == 0 && run->counts->matched == limit)
                return 0;
        }
        if (r != 0 || is_before_range(run))
            return r;
    }
    return r;
}

static int remember_block(struct run *run)
{
    if (run->n_hit_blocks == run->n_hit_room) {
        size_t room = run->n_hit_room * 2 + 64;
        uint64_t *grown = realloc(run->hit_blocks, room * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        run->hit_blocks = grown;
        run->n_hit_room = room;
    }
    run->hit_blocks[run->n_hit_blocks++] = run->block.first_id;
    return 0;
}

static uint64_t row_id(struct run *run, uint32_t index)
{
    struct store_row row;
    store_reader_row(run->reader, index, &row);
    return row.id;
}

/* The first pass: narrows the range of ids to the newest `limit` matches, and remembers their
 * blocks. */
static int find_newest(struct run *run)
{
    uint64_t missing = run->options->limit, first_id = run->first_id, last_id = 0;
    int r = 0;
    while (missing > 0 && (r = store_reader_next(run->reader, true, &run->block)) > 0) {
        r = find_hits(run, 0);
        if (r < 0)
            return r;
        if (run->n_hits > 0) {
            if (run->n_hit_blocks == 0)
                last_id = row_id(run, run->hits[run->n_hits - 1]);
            uint32_t taken = run->n_hits < missing ? run->n_hits : (uint32_t)missing;
            first_id = row_id(run, run->hits[run->n_hits - taken]);
            missing -= taken;
            r = remember_block(run);
            if (r < 0)
                return r;
        }
        if (is_before_range(run))
            break;
    }
    run->first_id = first_id;
    run->last_id = last_id;
    return r < 0 ? r : 0;
}

/* The second pass: shows what the first one found, oldest first. */
static int show_found(struct run *run)
{
    size_t n = run->n_hit_blocks;
    int r = n == 0 ? 0 : store_reader_seek(run->reader, run->hit_blocks[n - 1]);
    while (r == 0 && n > 0) {
        r = store_reader_next(run->reader, false, &run->block);
        if (r <= 0)
            return r;
        r = 0;
        uint64_t end_id = run->block.first_id + run->block.n_rows;
        if (run->hit_blocks[n - 1] >= end_id)
            continue;
        while (n > 0 && run->hit_blocks[n - 1] < end_id)
            n--;
        r = find_hits(run, run->options->columns);
        if (r == 0)
            r = show_hits(run);
    }
    return r;
}

static int run_newest_in_order(struct run *run)
{
    int r = find_newest(run);
    if (r < 0)
        return r;
    struct query_counts again = {0}, *counts = run->counts;
    run->counts = &again;
    r = show_found(run);
    run->counts = counts;
    counts->matched = again.matched;
    return r;
}

static void run_init(struct run *run, const struct query *query, struct store_reader *reader,
                     const struct query_options *options, struct query_counts *counts)
{
    *counts = (struct query_counts){0};
    *run = (struct run){.query = query,
                        .reader = reader,
                        .options = options,
                        .counts = counts,
                        .first_id = options->after_id > 0 ? options->after_id + 1 : 0,
                        .last_id = UINT64_MAX};
}

/* A seek, to wherever, so that the reader may turn round: backwards then starts from the newest. */
static int run_backwards(struct run *run)
{
    int r = store_reader_seek(run->reader, 0);
    if (r < 0)
        return r;
    return run->options->newest_first ? run_newest_first(run) : run_newest_in_order(run);
}

int query_run(struct query *query, struct store_reader *reader, const struct query_options *options,
              struct query_counts *ret_counts)
{
    struct run run;
    int r;
    run_init(&run, query, reader, options, ret_counts);
    if (options->after_id == UINT64_MAX)
        return 0;
    if (options->newest_first || options->limit > 0)
        r = run_backwards(&run);
    else if ((r = store_reader_seek(reader, run.first_id)) == 0)
        r = run_forwards(&run);
    run_deinit(&run);
    return r;
}

int query_continue(struct query *query, struct store_reader *reader,
                   const struct query_options *options, struct query_counts *ret_counts)
{
    struct run run;
    run_init(&run, query, reader, options, ret_counts);
    int r = run_forwards(&run);
    run_deinit(&run);
    return r;
}
