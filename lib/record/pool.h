/* SPDX-License-Identifier: MIT */
#ifndef RECORD_POOL_H
#define RECORD_POOL_H

/*
 * The budget: as many batches as fit into the configured bytes, made when first needed, never more.
 * Last in, first out, so that under light load the same few stay warm. Thread-safe.
 *
 * Who would use up all that there is, and can wait, takes its batches within a quota:
 *
 *   pool    [ b b b b b b b b b b b b b b b b b b b b b b b b b b b b ]   n_max
 *   quota   [ b b b b b b ]                                               max, n_held of them taken
 *
 * Quotas reserve nothing: their sum may be more than the pool has. One that was used up opens again
 * when half of it came back, so that its user is woken once for many batches.
 */

#include <boom/chan.h>
#include "record/batch.h"

/*
 * Called by batch_pool_put() before the batch is reused, with its outcome filled in. Any thread.
 */
typedef void (*batch_settle_fn)(void *arg, const struct batch *batch);

struct batch_pool_options {
    size_t budget_bytes; /* at least two batches, else -EINVAL */
    uint32_t capacity;   /* bytes of a batch */
    uint32_t max_records;
    batch_settle_fn settle; /* may be NULL */
    void *arg;
};

struct batch_pool_stats {
    size_t budget_bytes, used_bytes, high_water_bytes; /* used: batches taken at the moment */
    uint32_t n_batches, n_free, n_max;
};

/* Returns 0, -EINVAL, -ENOMEM. */
int batch_pool_new(const struct batch_pool_options *options, struct batch_pool **ret_pool);
/* All batches must be back (asserted). Returns NULL. NULL is allowed. */
struct batch_pool *batch_pool_free(struct batch_pool *pool);

/*
 * How many batches one user may hold at a time: max is set before the first take, and at least 1.
 * It must live until all batches that were taken within it are back.
 */
struct batch_quota {
    uint32_t max;
    uint32_t n_held; /* private, as below: the pool's lock */
    bool is_used_up;
};

/*
 * An empty batch, or NULL when the budget or the quota is used up. quota may be NULL: only the
 * budget counts. Never waits.
 */
struct batch *batch_pool_take_within(struct batch_pool *pool, struct batch_quota *quota);
static inline struct batch *batch_pool_take(struct batch_pool *pool)
{
    return batch_pool_take_within(pool, NULL);
}
/*
 * Settles the outcome, releases what the places point into, and gives the batch back. Returns NULL.
 */
struct batch *batch_pool_put(struct batch_pool *pool, struct batch *batch);

/*
 * One-shot: fn is called, by whoever puts a batch, when one may be had again; but it may be one of
 * another quota, so the caller tries, and arms the watch again. Returns 0 (armed), 1 (there is one
 * to take within the quota now, fn will not be called). Rules as in boom_chan_watch_room().
 */
int batch_pool_watch_within(struct batch_pool *pool, const struct batch_quota *quota,
                            struct boom_watch *watch);
static inline int batch_pool_watch(struct batch_pool *pool, struct boom_watch *watch)
{
    return batch_pool_watch_within(pool, NULL, watch);
}
void batch_pool_unwatch(struct batch_pool *pool, struct boom_watch *watch);

void batch_pool_get_stats(struct batch_pool *pool, struct batch_pool_stats *ret_stats);

#endif
