/* SPDX-License-Identifier: MIT */
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
static int deliver_rows(struct worker *worker)
{
    struct pass *pass = worker->pass;
    struct sink *sink = pass->plan.sink;
    struct scan *scan = &worker->scan;
    struct store_row row;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < scan->n_hits; i++) {
        scanner_row(scan->scanner, scan->hits[i], &row);
        scan->counts.matched++;
        r = sink->ops->row(sink, worker->part, &row);
    }
    if (r <= 0)
        return r;
    pthread_mutex_lock(&pass->lock);
    pass->stopped = r;
    pthread_mutex_unlock(&pass->lock);
    return -ECANCELED;
}

static int scan_and_deliver(struct worker *worker, size_t *charge)
{
    const struct pass_plan *plan = &worker->pass->plan;
    int r = scan_run(&worker->scan, plan->columns);
    if (r < 0 || worker->scan.n_hits == 0)
        return r;
    return plan->order == PASS_ANY ? deliver_rows(worker) : deliver_pack(worker, charge);
}

static int scan_block(struct worker *worker, const struct work *work)
{
    struct pass *pass = worker->pass;
    size_t want, charge = 0;
    int r = scan_open(&worker->scan, work->opened->segment, work->entry.number);
    if (r == 1)
        r = scan_cost(&worker->scan, &want);
    if (r == 1) {
        r = take_memory(pass, want, &charge);
        if (r == 0)
            r = scan_and_deliver(worker, &charge);
        scan_close(&worker->scan);
        if (want > WARM_BYTES && r == 0)
            r = scanner_trim(worker->scan.scanner);
        boom_semaphore_release(pass->memory, charge);
    } else {
        scan_close(&worker->scan);
    }
    return r;
}

static int open_file(struct worker *worker, const struct work *work)
{
    struct segment *segment;
    int r = segment_open(worker->pass->plan.snapshot, work->entry.number, &segment);
    return r == 1 ? feed_blocks(worker, segment) : r;
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
