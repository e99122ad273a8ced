/* SPDX-License-Identifier: MIT */
#include "store/query/run.h"

#include <errno.h>
#include <time.h>

/* Whoever ends the context wakes everybody who waits for the pass. */
static void on_end(void *arg)
{
    struct pass *pass = arg;
    pthread_mutex_lock(&pass->lock);
    pass->is_over = true;
    pthread_cond_broadcast(&pass->room);
    pthread_cond_broadcast(&pass->changed);
    pthread_mutex_unlock(&pass->lock);
}

static void init_locks(struct pass *pass)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&pass->lock, NULL);
    pthread_cond_init(&pass->room, NULL);
    pthread_cond_init(&pass->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

static int init(struct pass *pass, const struct pass_plan *plan, struct query_counts *counts)
{
    *pass = (struct pass){.plan = *plan, .counts = counts};
    pass->n_started = plan->n_threads;
    init_locks(pass);
    int r = boom_semaphore_new(plan->memory_bytes, &pass->memory);
    if (r == 0)
        r = boom_group_new(plan->ctx, &pass->group);
    return r;
}

static void deinit(struct pass *pass)
{
    for (struct pack *next, *pack = pass->arrived; pack != NULL; pack = next) {
        next = pack->next;
        pack_free(pack);
    }
    feed_stop(pass);
    pass->group = boom_group_free(pass->group);
    pass->memory = boom_semaphore_free(pass->memory);
    pthread_cond_destroy(&pass->changed);
    pthread_cond_destroy(&pass->room);
    pthread_mutex_destroy(&pass->lock);
}

/* Fewer threads than wanted will do. Returns 0, -EAGAIN, -ENOMEM. */
static int start(struct pass *pass, struct worker *workers)
{
    int r = 0;
    unsigned n = 0;
    for (; r == 0 && n < pass->plan.n_threads; n++) {
        workers[n] = (struct worker){.pass = pass, .activity = &pass->activities[n]};
        r = boom_group_go(pass->group, "query", worker_run, &workers[n]);
    }
    pass->counts->threads = r == 0 ? n : n - 1;
    return pass->counts->threads > 0 ? 0 : r;
}

static void add_counts(struct query_counts *to, const struct query_counts *from)
{
    to->blocks += from->blocks;
    to->blocks_damaged += from->blocks_damaged;
    to->blocks_scanned += from->blocks_scanned;
    to->rows += from->rows;
    to->matched += from->matched;
    to->blocks_narrow += from->blocks_narrow;
    to->bytes_read += from->bytes_read;
    to->bytes_decompressed += from->bytes_decompressed;
    to->cpu_ns += from->cpu_ns;
    for (unsigned i = 0; i < N_QUERY_PRUNINGS; i++) {
        to->pruned[i] += from->pruned[i];
        to->blocks_pruned += from->pruned[i];
    }
}

/* Every part is merged, which frees it. */
static int collect(struct pass *pass, const struct worker *workers)
{
    struct sink *sink = pass->plan.sink;
    int r = 0;
    for (unsigned i = 0; i < pass->plan.n_threads; i++) {
        add_counts(pass->counts, &workers[i].scan.counts);
        int merged = workers[i].part != NULL ? sink->ops->merge(sink, workers[i].part) : 0;
        r = r < 0 ? r : merged;
    }
    if (pass->peak_bytes > pass->counts->peak_bytes)
        pass->counts->peak_bytes = pass->peak_bytes;
    return r;
}

/* Waits for the threads, and for whoever is just ending the context. Returns their first error. */
static int stop(struct pass *pass, bool is_done)
{
    if (!is_done)
        boom_ctx_cancel(boom_group_ctx(pass->group), 0);
    int r = boom_group_wait(pass->group);
    pthread_mutex_lock(&pass->lock);
    while (!pass->is_over)
        pthread_cond_wait(&pass->changed, &pass->lock);
    pthread_mutex_unlock(&pass->lock);
    return r;
}

/* What the whole pass comes to, out of what the merge and the workers came to. */
static int outcome(const struct pass *pass, int merged, int worked)
{
    int over = boom_ctx_err(pass->plan.ctx);
    if (pass->stopped > 0)
        return pass->stopped;
    if (merged == -ECANCELED || merged == -ETIMEDOUT)
        return over < 0 ? over : worked;
    if (merged != 0)
        return merged;
    return worked == -ECANCELED && over == 0 ? 0 : worked;
}

static int run(struct pass *pass)
{
    struct worker workers[QUERY_MAX_THREADS] = {0};
    pass->after = (struct boom_after){.fn = on_end, .arg = pass};
    boom_ctx_after_func(boom_group_ctx(pass->group), &pass->after);
    int merged = start(pass, workers);
    if (merged == 0)
        merged = merge_run(pass);
    int worked = stop(
        pass, merged == 0 && (pass->plan.limit == 0 || pass->counts->matched < pass->plan.limit));
    int r = outcome(pass, merged, worked);
    int collected = collect(pass, workers);
    return r == 0 ? collected : r;
}

int pass_run(const struct pass_plan *plan, struct query_counts *counts)
{
    struct pass pass;
    int r = init(&pass, plan, counts);
    if (r == 0)
        r = feed_start(&pass);
    if (r == 0 && pass.pending.n > 0)
        r = run(&pass);
    deinit(&pass);
    return r;
}
