/* SPDX-License-Identifier: MIT */
#include "record/pool.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/*
 * The arrays of a batch lie behind one another in one allocation. Pages that were never touched
 * cost nothing, so a pool that has seen only quiet hours is far smaller than its budget.
 */
struct batch_pool {
    struct batch_pool_options options;
    size_t batch_bytes;
    uint32_t n_max;

    pthread_mutex_t lock; /* everything below */
    struct batch *free;   /* last in, first out */
    uint32_t n_batches, n_free, n_high_water;
    uint64_t serial;
    struct boom_watch *watches;
    uint32_t firing; /* watches taken off the list whose fn has not returned */
    pthread_cond_t fired;
};

static struct batch *batch_new(uint32_t capacity, uint32_t max_records)
{
    char *memory = malloc(batch_bytes(capacity, max_records));
    if (!memory)
        return NULL;
    struct batch *batch = (struct batch *)memory;
    *batch = (struct batch){
        .capacity = capacity,
        .max_records = max_records,
        .max_peers = max_records,
        .max_places = max_records,
    };
    char *at = memory + sizeof(*batch);
    batch->places = (struct place *)at;
    at += sizeof(struct place) * max_records;
    batch->records = (struct record *)at;
    at += sizeof(struct record) * max_records;
    batch->peers = (struct peer *)at;
    at += sizeof(struct peer) * max_records;
    batch->bytes = at;
    return batch;
}

int batch_pool_new(const struct batch_pool_options *options, struct batch_pool **ret_pool)
{
    size_t bytes = batch_bytes(options->capacity, options->max_records);
    /* Indices of peers and places are 16 bits wide, and 0 means "no place". */
    if (options->max_records == 0 || options->max_records >= UINT16_MAX ||
        options->budget_bytes / bytes < 2)
        return -EINVAL;
    struct batch_pool *pool = calloc(1, sizeof(*pool));
    if (!pool)
        return -ENOMEM;
    pool->options = *options;
    pool->batch_bytes = bytes;
    size_t n_max = options->budget_bytes / bytes;
    pool->n_max = n_max < UINT32_MAX ? (uint32_t)n_max : UINT32_MAX;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->fired, NULL);
    *ret_pool = pool;
    return 0;
}

struct batch_pool *batch_pool_free(struct batch_pool *pool)
{
    if (!pool)
        return NULL;
    assert(pool->n_free == pool->n_batches);
    while (pool->free) {
        struct batch *batch = pool->free;
        pool->free = batch->next;
        free(batch);
    }
    pthread_cond_destroy(&pool->fired);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    return NULL;
}

static void clear(struct batch *batch, struct batch_quota *quota, uint64_t serial)
{
    batch->used = batch->n_records = batch->n_peers = batch->n_places = 0;
    batch->n_stored = batch->n_dropped = 0;
    batch->input = 0;
    batch->blocks = false;
    batch->geo_owner = NULL;
    batch->geo_release = NULL;
    batch->quota = quota;
    batch->next = NULL;
    batch->serial = serial;
}

static bool has_memory_locked(const struct batch_pool *pool)
{
    return pool->free || pool->n_batches < pool->n_max;
}

static bool has_room_locked(const struct batch_pool *pool, const struct batch_quota *quota)
{
    return has_memory_locked(pool) && !(quota && quota->is_used_up);
}

/* There must be room. NULL: malloc() has none. */
static struct batch *take_locked(struct batch_pool *pool, struct batch_quota *quota)
{
    struct batch *batch = pool->free;
    if (batch) {
        pool->free = batch->next;
        pool->n_free--;
    } else {
        batch = batch_new(pool->options.capacity, pool->options.max_records);
        if (!batch)
            return NULL;
        pool->n_batches++;
    }
    uint32_t n_used = pool->n_batches - pool->n_free;
    if (n_used > pool->n_high_water)
        pool->n_high_water = n_used;
    if (quota && ++quota->n_held >= quota->max)
        quota->is_used_up = true;
    return batch;
}

struct batch *batch_pool_take_within(struct batch_pool *pool, struct batch_quota *quota)
{
    pthread_mutex_lock(&pool->lock);
    struct batch *batch = has_room_locked(pool, quota) ? take_locked(pool, quota) : NULL;
    uint64_t serial = ++pool->serial;
    pthread_mutex_unlock(&pool->lock);
    if (batch)
        clear(batch, quota, serial);
    return batch;
}

/*
 * Calls each watch outside the lock, so that it may call back. The lock is held on entry and on
 * return.
 */
static void fire_locked(struct batch_pool *pool)
{
    struct boom_watch *watch;
    while ((watch = pool->watches)) {
        pool->watches = watch->next;
        watch->armed = false;
        pool->firing++;
        pthread_mutex_unlock(&pool->lock);
        watch->fn(watch->arg);
        pthread_mutex_lock(&pool->lock);
        pool->firing--;
        pthread_cond_broadcast(&pool->fired);
    }
}

/* True: it was used up, and is open again. */
static bool give_back_locked(struct batch_quota *quota)
{
    if (--quota->n_held > quota->max / 2 || !quota->is_used_up)
        return false;
    quota->is_used_up = false;
    return true;
}

/*
 * Who waits does so because there was no memory at all, or because its quota was used up: only the
 * put that ends one of these wakes anybody.
 */
struct batch *batch_pool_put(struct batch_pool *pool, struct batch *batch)
{
    if (pool->options.settle)
        pool->options.settle(pool->options.arg, batch);
    if (batch->geo_release)
        batch->geo_release(batch->geo_owner);
    pthread_mutex_lock(&pool->lock);
    bool is_news = !has_memory_locked(pool);
    if (batch->quota && give_back_locked(batch->quota))
        is_news = true;
    batch->next = pool->free;
    pool->free = batch;
    pool->n_free++;
    if (is_news)
        fire_locked(pool);
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int batch_pool_watch_within(struct batch_pool *pool, const struct batch_quota *quota,
                            struct boom_watch *watch)
{
    pthread_mutex_lock(&pool->lock);
    int r = has_room_locked(pool, quota) ? 1 : 0;
    if (r == 0 && !watch->armed) {
        watch->armed = true;
        watch->next = pool->watches;
        pool->watches = watch;
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}

void batch_pool_unwatch(struct batch_pool *pool, struct boom_watch *watch)
{
    pthread_mutex_lock(&pool->lock);
    for (struct boom_watch **at = &pool->watches; *at; at = &(*at)->next) {
        if (*at == watch) {
            *at = watch->next;
            watch->armed = false;
            break;
        }
    }
    while (pool->firing > 0)
        pthread_cond_wait(&pool->fired, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

void batch_pool_get_stats(struct batch_pool *pool, struct batch_pool_stats *ret_stats)
{
    pthread_mutex_lock(&pool->lock);
    *ret_stats = (struct batch_pool_stats){
        .budget_bytes = pool->options.budget_bytes,
        .used_bytes = (size_t)(pool->n_batches - pool->n_free) * pool->batch_bytes,
        .high_water_bytes = (size_t)pool->n_high_water * pool->batch_bytes,
        .n_batches = pool->n_batches,
        .n_free = pool->n_free,
        .n_max = pool->n_max,
    };
    pthread_mutex_unlock(&pool->lock);
}
