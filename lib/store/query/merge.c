/* SPDX-License-Identifier: MIT */
/*
 * Rows in order. From the pack whose next row is the least, rows are emitted up to the least key of
 * everything else: of the other packs, and of what is pending or at work. In between the lock is
 * free, and workers go on.
 */
#include "store/query/run.h"

#include <errno.h>
#include <time.h>

#define PROGRESS_NS INT64_C(100000000)
/* Rows between two looks at the clock. */
#define PROGRESS_ROWS 1024

static struct key row_key(const struct pass *pass, const struct store_row *row)
{
    return key_make(row->time_ns, row->id, pass->plan.order == PASS_NEWEST_FIRST);
}

static struct key pack_key(const struct pass *pass, const struct pack *pack)
{
    return row_key(pass, &pack->rows[pack->at]);
}

static int take_arrived_locked(struct pass *pass)
{
    for (struct pack *next, *pack = pass->arrived; pack != NULL; pack = next) {
        struct heap_entry entry = {.key = pack_key(pass, pack), .item = pack};
        next = pack->next;
        int r = heap_push(&pass->packs, &entry);
        if (r < 0)
            return r;
        pass->arrived = next;
    }
    return 0;
}

/* Is more held than may be while workers ask for memory? */
static bool is_crowded_locked(const struct pass *pass)
{
    return pass->held_bytes > pass->plan.memory_bytes / 2;
}

static bool can_emit_locked(const struct pass *pass)
{
    return pass->packs.n > 0 && (key_before(heap_least(&pass->packs), feed_least_locked(pass)) ||
                                 is_crowded_locked(pass));
}

/* CLOCK_MONOTONIC; when a wait must end of itself. */
static int64_t wake_ns(const struct pass *pass)
{
    int64_t deadline_ns = boom_ctx_deadline(pass->plan.ctx);
    if (pass->plan.on_progress != NULL && pass->progress_at_ns + PROGRESS_NS < deadline_ns)
        return pass->progress_at_ns + PROGRESS_NS;
    return deadline_ns;
}

static void wait_locked(struct pass *pass)
{
    int64_t until_ns = wake_ns(pass);
    pass->merge_waits = true;
    pthread_cond_broadcast(&pass->room);
    if (until_ns == BOOM_NEVER) {
        pthread_cond_wait(&pass->changed, &pass->lock);
    } else {
        struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
        pthread_cond_timedwait(&pass->changed, &pass->lock, &until);
    }
    pass->merge_waits = false;
}

static void tell_progress_locked(struct pass *pass)
{
    int64_t now_ns = boom_now_ns();
    if (pass->plan.on_progress == NULL || now_ns < pass->progress_at_ns + PROGRESS_NS)
        return;
    struct query_progress progress = pass->progress;
    pass->progress_at_ns = now_ns;
    pthread_mutex_unlock(&pass->lock);
    pass->plan.on_progress(pass->plan.progress_arg, &progress);
    pthread_mutex_lock(&pass->lock);
}

static int emit(struct pass *pass, const struct store_row *row)
{
    struct key key = row_key(pass, row);
    if (key_before(key, pass->last))
        pass->counts->unordered++;
    else
        pass->last = key;
    pass->counts->matched++;
    return pass->plan.emit(pass->plan.arg, row);
}

static bool has_enough(const struct pass *pass)
{
    return pass->plan.limit > 0 && pass->counts->matched == pass->plan.limit;
}

/* Emits rows of the pack before `end`, at least one. Without the lock. */
static int emit_rows(struct pass *pass, struct pack *pack, struct key end)
{
    int r = 0;
    unsigned n = 0;
    do
        r = emit(pass, &pack->rows[pack->at++]);
    while (r == 0 && !has_enough(pass) && pack->at < pack->n_rows && ++n < PROGRESS_ROWS &&
           key_before(pack_key(pass, pack), end));
    return r;
}

static void release(struct pass *pass, struct pack *pack)
{
    boom_semaphore_release(pass->memory, pack->charge);
    pack_free(pack);
}

/* Emits from the pack whose turn it is. Leaves the lock meanwhile. */
static int emit_next_locked(struct pass *pass)
{
    struct pack *pack = heap_pop(&pass->packs).item;
    struct key end = heap_least(&pass->packs), least = feed_least_locked(pass);
    if (!is_crowded_locked(pass) && key_before(least, end))
        end = least;
    size_t before = pack->at;
    pthread_mutex_unlock(&pass->lock);
    int r = emit_rows(pass, pack, end);
    pthread_mutex_lock(&pass->lock);
    pass->held_rows -= pack->at - before;
    pass->n_emitted += pack->at - before;
    if (pack->at < pack->n_rows) {
        struct heap_entry entry = {.key = pack_key(pass, pack), .item = pack};
        heap_push(&pass->packs, &entry); /* into the place that it left */
        return r;
    }
    pass->held_bytes -= pack->charge;
    release(pass, pack);
    pthread_cond_broadcast(&pass->room);
    return r;
}

static int run_locked(struct pass *pass)
{
    int r = 0;
    while (r == 0 && !has_enough(pass)) {
        tell_progress_locked(pass);
        r = take_arrived_locked(pass);
        if (r == 0)
            r = boom_ctx_err(boom_group_ctx(pass->group));
        if (r < 0)
            return r;
        if (can_emit_locked(pass))
            r = emit_next_locked(pass);
        else if (feed_is_empty_locked(pass))
            return 0;
        else
            wait_locked(pass);
    }
    return r;
}

int merge_run(struct pass *pass)
{
    pass->last = (struct key){INT64_MIN, 0};
    pass->progress_at_ns = boom_now_ns();
    pthread_mutex_lock(&pass->lock);
    int r = run_locked(pass);
    pthread_mutex_unlock(&pass->lock);
    while (pass->packs.n > 0)
        release(pass, heap_pop(&pass->packs).item);
    heap_deinit(&pass->packs);
    return r;
}
