/* SPDX-License-Identifier: MIT */
#include "store/query/cells.h"
#include "store/query/run.h"

#include <errno.h>
#include <time.h>

/* What a scanner may keep from block to block: a block of the daemon's takes a third of it. */
#define WARM_BYTES (8u << 20)

/* Waits for the memory. No request is for more than half of the budget. */
static int take_memory(struct pass *pass, size_t want, size_t *ret_charge)
{
    struct boom_semaphore_stats stats;
    size_t half = pass->plan.memory_bytes / 2, charge = want < half ? want : half;
    int r = boom_semaphore_acquire(pass->memory, boom_group_ctx(pass->group), charge);
    if (r < 0)
        return r;
    boom_semaphore_get_stats(pass->memory, &stats);
    pthread_mutex_lock(&pass->lock);
    if (stats.held > pass->peak_bytes)
        pass->peak_bytes = stats.held;
    pthread_mutex_unlock(&pass->lock);
    *ret_charge = charge;
    return 0;
}

/* Hands the hits over as a pack, which keeps what it needs of the charge. */
static int deliver_pack(struct worker *worker, size_t *charge)
{
    struct pass *pass = worker->pass;
    struct pack *pack;
    bool newest_first = pass->plan.order == PASS_NEWEST_FIRST;
    int r = scan_pack(&worker->scan, newest_first, pass->plan.limit, &pack);
    if (r < 0)
        return r;
    pack->charge = pack->bytes < *charge ? pack->bytes : *charge;
    *charge -= pack->charge;
    pthread_mutex_lock(&pass->lock);
    pack->next = pass->arrived;
    pass->arrived = pack;
    pass->held_bytes += pack->charge;
    pass->held_rows += pack->n_rows;
    pthread_mutex_unlock(&pass->lock);
    return 0;
}

/* A sink that has enough ends the pass. */
static int note_enough(struct pass *pass, int r)
{
    if (r <= 0)
        return r;
    pthread_mutex_lock(&pass->lock);
    pass->stopped = r;
    pthread_mutex_unlock(&pass->lock);
    return -ECANCELED;
}

static int deliver_rows(struct worker *worker)
{
    struct sink *sink = worker->pass->plan.sink;
    struct scan *scan = &worker->scan;
    struct store_row row;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < scan->n_hits; i++) {
        scanner_row(scan->scanner, scan->hits[i], &row);
        scan->counts.matched++;
        r = sink->ops->row(sink, worker->part, &row);
    }
    return note_enough(worker->pass, r);
}

/* How a block's or file's counts may answer for its rows. */
static enum verdict judge_cells(const struct pass *pass, const struct store_block_info *info,
                                uint64_t end_id)
{
    const struct pass_plan *plan = &pass->plan;
    if (plan->sink == NULL || plan->sink->ops->cells == NULL)
        return VERDICT_NEVER;
    return cells_judge(plan->query, &plan->bounds, info, end_id);
}

static int deliver_cells(struct worker *worker, enum verdict verdict, struct rollup_cell *cells,
                         size_t n)
{
    const struct pass_plan *plan = &worker->pass->plan;
    const struct bounds *bounds = verdict == VERDICT_ALWAYS ? NULL : &plan->bounds;
    uint64_t n_rows;
    n = cells_select(plan->query, bounds, cells, n, &n_rows);
    worker->scan.counts.matched += n_rows;
    int r = n > 0 ? plan->sink->ops->cells(plan->sink, worker->part, cells, n) : 0;
    return note_enough(worker->pass, r);
}

/* Returns 1 (its counts answered), 0 (scan it), or a negative errno. */
static int ask_block(struct worker *worker)
{
    const struct store_block_info *info = &worker->scan.info;
    enum verdict verdict = judge_cells(worker->pass, info, info->first_id + info->n_rows);
    struct rollup_cell *cells;
    size_t n;
    int r = verdict == VERDICT_NEVER ? 0 : scanner_rollup(worker->scan.scanner, &cells, &n);
    if (r <= 0)
        return r;
    worker->scan.counts.pruned[QUERY_BY_ROLLUP]++;
    r = deliver_cells(worker, verdict, cells, n);
    return r < 0 ? r : 1;
}

/* The same for a whole file. */
static int ask_file(struct worker *worker, const struct snapshot_file *file,
                    const struct segment *segment)
{
    enum verdict verdict = judge_cells(worker->pass, &file->info, file->end_id);
    struct rollup_cell *cells;
    size_t n;
    int r = verdict == VERDICT_NEVER
                ? 0
                : scanner_file_rollup(worker->scan.scanner, segment, &cells, &n);
    if (r <= 0)
        return r;
    worker->scan.counts.blocks += file->n_blocks;
    worker->scan.counts.pruned[QUERY_BY_ROLLUP] += file->n_blocks;
    r = deliver_cells(worker, verdict, cells, n);
    return r < 0 ? r : 1;
}

static int scan_and_deliver(struct worker *worker, size_t *charge)
{
    const struct pass_plan *plan = &worker->pass->plan;
    int r = scan_run(&worker->scan, plan->columns);
    if (r < 0 || worker->scan.n_hits == 0)
        return r;
    return plan->order == PASS_ANY ? deliver_rows(worker) : deliver_pack(worker, charge);
}

/* The memory is taken before anything is decoded. */
static int scan_with_memory(struct worker *worker)
{
    struct pass *pass = worker->pass;
    size_t want, charge;
    int r = scan_cost(&worker->scan, &want);
    if (r <= 0)
        return r;
    r = take_memory(pass, want, &charge);
    if (r < 0)
        return r;
    worker->is_large = want > WARM_BYTES;
    r = scan_and_deliver(worker, &charge);
    boom_semaphore_release(pass->memory, charge);
    return r;
}

/* What a large block left behind is nobody's. */
static int leave_block(struct worker *worker)
{
    bool is_large = worker->is_large;
    scan_close(&worker->scan);
    worker->is_large = false;
    return is_large ? scanner_trim(worker->scan.scanner) : 0;
}

static int scan_block(struct worker *worker, const struct work *work)
{
    struct scan *scan = &worker->scan;
    int r = scan_open(scan, work->opened->segment, work->entry.number);
    if (r <= 0)
        return r;
    r = ask_block(worker);
    if (r == 0)
        r = scan_filter(scan);
    else if (r == 1)
        r = 0;
    if (r == 1)
        r = scan_with_memory(worker);
    int left = leave_block(worker);
    return r < 0 ? r : left;
}

static int open_file(struct worker *worker, const struct work *work)
{
    struct snapshot *snapshot = worker->pass->plan.snapshot;
    struct snapshot_file file;
    struct segment *segment;
    int r = segment_open(snapshot, work->entry.number, &segment);
    if (r <= 0)
        return r;
    segment_describe(segment, &file);
    r = ask_file(worker, &file, segment);
    if (r == 0)
        return feed_blocks(worker, segment);
    segment_close(segment);
    return r < 0 ? r : 0;
}

static int work_on(struct worker *worker)
{
    struct work work;
    int r;
    while ((r = feed_take(worker, &work)) == 1) {
        r = work.opened == NULL ? open_file(worker, &work) : scan_block(worker, &work);
        feed_done(worker, &work);
        if (r < 0)
            return r;
    }
    return r;
}

static int64_t thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

int worker_run(void *arg)
{
    struct worker *worker = arg;
    struct pass *pass = worker->pass;
    struct sink *sink = pass->plan.sink;
    int r =
        scan_init(&worker->scan, pass->plan.query, &pass->plan.bounds, boom_group_ctx(pass->group));
    if (r == 0 && sink != NULL)
        r = sink->ops->part_new(sink, &worker->part);
    if (r == 0)
        r = work_on(worker);
    scan_deinit(&worker->scan);
    worker->scan.counts.cpu_ns = thread_ns();
    return r;
}
