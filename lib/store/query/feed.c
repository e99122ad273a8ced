/* SPDX-License-Identifier: MIT */
/*
 * What is done next. Files come first into the heap, by what they say of themselves; a file that is
 * reached is opened, and its blocks take its place. So at any time only those files are open that
 * the order of the run has reached.
 */
#include "store/query/run.h"

#include <errno.h>
#include <stdlib.h>

static struct key info_key(const struct pass *pass, const struct store_block_info *info,
                           uint64_t end_id)
{
    switch (pass->plan.order) {
    case PASS_OLDEST_FIRST:
        return key_make(info->min_time_ns, info->first_id, false);
    case PASS_NEWEST_FIRST:
        return key_make(info->max_time_ns, end_id - 1, true);
    case PASS_ANY:
        break;
    }
    return (struct key){0, info->first_id};
}

/* Returns true and why, when no row of it is asked for. */
static bool is_pruned(const struct pass *pass, const struct store_block_info *info, uint64_t end_id,
                      enum query_pruning *ret_why)
{
    *ret_why = QUERY_BY_BOUNDS;
    if (bounds_judge(&pass->plan.bounds, info, end_id) == VERDICT_NEVER)
        return true;
    *ret_why = QUERY_BY_HEADER;
    return node_judge(pass->plan.query->root, info) == VERDICT_NEVER;
}

static int add_file(struct pass *pass, size_t number, const struct snapshot_file *file)
{
    enum query_pruning why;
    pass->counts->files++;
    if (is_pruned(pass, &file->info, file->end_id, &why)) {
        pass->counts->files_pruned++;
        return 0;
    }
    pass->progress.bytes_total += file->bytes;
    struct heap_entry entry = {.key = info_key(pass, &file->info, file->end_id),
                               .number = (uint32_t)number};
    return heap_push(&pass->pending, &entry);
}

int feed_start(struct pass *pass)
{
    struct snapshot *snapshot = pass->plan.snapshot;
    int r = 0;
    for (size_t i = 0; r >= 0 && i < snapshot_n_files(snapshot); i++) {
        struct snapshot_file file;
        r = boom_ctx_err(pass->plan.ctx);
        if (r == 0)
            r = snapshot_look(snapshot, i, &file);
        if (r == 1)
            r = add_file(pass, i, &file);
    }
    return r < 0 ? r : 0;
}

struct key feed_least_locked(const struct pass *pass)
{
    struct key least = heap_least(&pass->pending);
    for (unsigned i = 0; i < pass->n_started; i++) {
        const struct activity *activity = &pass->activities[i];
        if (activity->is_active && key_before(activity->key, least))
            least = activity->key;
    }
    return least;
}

bool feed_is_empty_locked(const struct pass *pass)
{
    for (unsigned i = 0; i < pass->n_started; i++)
        if (pass->activities[i].is_active)
            return false;
    return pass->pending.n == 0;
}

/* Is a file being opened, so that more work may come of it? */
static bool is_opening_locked(const struct pass *pass)
{
    for (unsigned i = 0; i < pass->n_started; i++)
        if (pass->activities[i].is_active && pass->activities[i].is_file)
            return true;
    return false;
}

/* Is so much ready that the consumer should come first? */
static bool is_ahead_locked(const struct pass *pass)
{
    const struct pass_plan *plan = &pass->plan;
    if (plan->order == PASS_ANY || pass->merge_waits)
        return false;
    return pass->held_bytes > plan->memory_bytes / 4 ||
           (plan->limit > 0 && pass->held_rows >= plan->limit - pass->n_emitted);
}

int feed_take(struct worker *worker, struct work *ret_work)
{
    struct pass *pass = worker->pass;
    pthread_mutex_lock(&pass->lock);
    while (!pass->is_over &&
           (pass->pending.n > 0 ? is_ahead_locked(pass) : is_opening_locked(pass)))
        pthread_cond_wait(&pass->room, &pass->lock);
    int r = pass->is_over ? boom_ctx_err(boom_group_ctx(pass->group)) : pass->pending.n > 0;
    if (r == 1) {
        struct heap_entry entry = heap_pop(&pass->pending);
        *ret_work = (struct work){.entry = entry, .opened = entry.item};
        *worker->activity = (struct activity){true, entry.item == NULL, entry.key};
    }
    pthread_mutex_unlock(&pass->lock);
    return r;
}

/* Keeps the blocks that may hold a match; the others are done with. Returns 0, -ENOMEM. */
static int choose_blocks(struct worker *worker, struct opened *opened, struct heap *chosen,
                         struct query_progress *ret_done)
{
    struct query_counts *counts = &worker->scan.counts;
    uint32_t n_blocks = segment_n_blocks(opened->segment);
    int r = 0;
    *ret_done = (struct query_progress){0};
    for (uint32_t i = 0; r == 0 && i < n_blocks; i++) {
        struct store_block_info info;
        enum query_pruning why;
        uint32_t on_disk;
        segment_block(opened->segment, i, &info, &on_disk);
        counts->blocks++;
        uint64_t end_id = info.first_id + info.n_rows;
        if (is_pruned(worker->pass, &info, end_id, &why)) {
            counts->pruned[why]++;
            ret_done->blocks++;
            ret_done->bytes += on_disk;
            ret_done->rows += info.n_rows;
            continue;
        }
        struct heap_entry entry = {
            .key = info_key(worker->pass, &info, end_id), .item = opened, .number = i};
        r = heap_push(chosen, &entry);
    }
    return r;
}

static int put_locked(struct pass *pass, const struct heap *chosen, struct opened *opened)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < chosen->n; i++) {
        r = heap_push(&pass->pending, &chosen->entries[i]);
        opened->n_left += r == 0;
    }
    return r;
}

static void add_progress_locked(struct pass *pass, const struct query_progress *done)
{
    pass->progress.rows += done->rows;
    pass->progress.blocks += done->blocks;
    pass->progress.bytes += done->bytes;
}

static struct opened *close_opened(struct opened *opened)
{
    segment_close(opened->segment);
    free(opened);
    return NULL;
}

int feed_blocks(struct worker *worker, struct segment *segment)
{
    struct pass *pass = worker->pass;
    struct heap chosen = HEAP_NULL;
    struct query_progress done;
    struct opened *opened = malloc(sizeof(*opened));
    if (opened == NULL) {
        segment_close(segment);
        return -ENOMEM;
    }
    *opened = (struct opened){.segment = segment};
    int r = choose_blocks(worker, opened, &chosen, &done);
    pthread_mutex_lock(&pass->lock);
    if (r == 0)
        r = put_locked(pass, &chosen, opened);
    add_progress_locked(pass, &done);
    bool is_used = opened->n_left > 0;
    pthread_mutex_unlock(&pass->lock);
    if (!is_used)
        close_opened(opened);
    heap_deinit(&chosen);
    return r;
}

void feed_done(struct worker *worker, const struct work *work)
{
    struct pass *pass = worker->pass;
    struct opened *opened = work->opened;
    pthread_mutex_lock(&pass->lock);
    *worker->activity = (struct activity){0};
    if (opened != NULL) {
        struct store_block_info info;
        uint32_t on_disk;
        segment_block(opened->segment, work->entry.number, &info, &on_disk);
        struct query_progress done = {info.n_rows, 1, on_disk, 0};
        add_progress_locked(pass, &done);
    }
    bool is_last = opened != NULL && --opened->n_left == 0;
    if (opened == NULL || pass->pending.n == 0)
        pthread_cond_broadcast(&pass->room);
    pass->merge_waits = false; /* until it has seen what is new */
    pthread_cond_signal(&pass->changed);
    pthread_mutex_unlock(&pass->lock);
    if (is_last)
        close_opened(opened);
}

void feed_stop(struct pass *pass)
{
    while (pass->pending.n > 0) {
        struct opened *opened = heap_pop(&pass->pending).item;
        if (opened != NULL && --opened->n_left == 0)
            close_opened(opened);
    }
    heap_deinit(&pass->pending);
}
