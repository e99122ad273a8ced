/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/merge.h"

/*
 * The store's thread. It sleeps until the earliest of: the sync of what was appended, the age of
 * the open log, a retry of what could not be sealed, the next look at the room that is left; or
 * until somebody wakes it.
 *
 * Retired logs and sealed files are its own: nobody else closes, renames or deletes them. It works
 * on them without a lock.
 */
#define RETENTION_NS (5 * NS_PER_S)
#define RETRY_NS     (5 * NS_PER_S)

struct keeper {
    struct store *store;
    int64_t retain_at_ns, retry_at_ns;
    int64_t holds_retry_at_ns; /* after they could not be written; 0: they could */
};

static void sync_failed(struct store *store, const char *what, int r)
{
    report(&store->reporter, LOG_ERR, "store: %s: %s failed: %s", store->path, what, strerror(-r));
    pthread_mutex_lock(&store->lock);
    store->stats.append_errors++;
    pthread_mutex_unlock(&store->lock);
}

/* Only the keeper closes a log, so its descriptor outlives the lock. */
static void sync_open_log(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct log *log = store->log;
    int fd = log && log->is_dirty ? log->fd : -1;
    if (log)
        log->is_dirty = false;
    store->dirty_since_ns = 0;
    pthread_mutex_unlock(&store->lock);
    if (fd >= 0 && fdatasync(fd) < 0)
        sync_failed(store, "sync", -errno);
}

static void settle_sealed_locked(struct store *store, struct log *log)
{
    struct store_file *file = store_find_file_locked(store, log->index.header.first_id);
    store->stats.bytes_disk += log->index.seen_bytes - file->bytes_disk;
    file->bytes_disk = log->index.seen_bytes;
    file->sealed = true;
    file->flags = log->index.flags;
    store->retired = log->next;
    pthread_cond_signal(&store->rewrite);
}

/* Tail, sync, name: in this order, so that a file called .seg is whole. What is named so already only
 * wants its name to be safe: it must not be written again, as others may have opened it. */
static int seal(struct store *store, struct log *log)
{
    char from[NAME_BYTES], to[NAME_BYTES];
    uint64_t first_id = log->index.header.first_id;
    bool syncs = store->options.sync != STORE_SYNC_NONE;
    int r = 0;
    catalog_name(from, log->day, first_id, false);
    catalog_name(to, log->day, first_id, true);
    if (!log->is_named) {
        if (merge_is_worth_it(&log->index, store->options.merge_bytes))
            log->index.flags |= TRAILER_FRAGMENTED;
        r = tail_write(&log->index, log->fd);
        if (r == 0 && syncs && fdatasync(log->fd) < 0)
            r = -errno;
        if (r == 0 && renameat(store->root_fd, from, store->root_fd, to) < 0)
            r = -errno;
        log->is_named = r == 0;
    }
    return r < 0 || !syncs ? r : fsync_dir(store->root_fd, log->day);
}

static struct log *first_retired(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    struct log *log = store->retired;
    pthread_mutex_unlock(&store->lock);
    return log;
}

static int seal_retired(struct store *store)
{
    struct log *log;
    while ((log = first_retired(store))) {
        int r = seal(store, log);
        if (r < 0) {
            report(&store->reporter, LOG_ERR, "store: %s/%016" PRIx64 ": cannot seal: %s", log->day,
                   log->index.header.first_id, strerror(-r));
            return r;
        }
        pthread_mutex_lock(&store->lock);
        settle_sealed_locked(store, log);
        pthread_mutex_unlock(&store->lock);
        log_free(log);
    }
    return 0;
}

/* Ranks: the append lock comes first, so the lock is let go in between and the question asked
 * again. */
static void retire_old(struct store *store)
{
    pthread_mutex_lock(&store->append_lock);
    pthread_mutex_lock(&store->lock);
    if (store_log_is_old_locked(store, monotonic_ns()))
        store_retire_locked(store);
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->append_lock);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* When the holds, which are dirty, should be written. */
static int64_t holds_at_ns(const struct keeper *keeper)
{
    const struct store *store = keeper->store;
    int64_t at_ns = store->holds.dirty_since_ns + store->options.sync_interval_ns;
    return at_ns > keeper->holds_retry_at_ns ? at_ns : keeper->holds_retry_at_ns;
}

/* When there is something to do next without being woken. */
static int64_t next_deadline_locked(const struct keeper *keeper)
{
    const struct store *store = keeper->store;
    int64_t at = INT64_MAX;
    if (store->rounds_wanted > store->rounds_done)
        return 0;
    if (store->dirty_since_ns > 0)
        at = earlier(at, store->dirty_since_ns + store->options.sync_interval_ns);
    if (store->log && store->log->index.n_blocks > 0)
        at = earlier(at, store->log->old_at_ns);
    if (store->retired)
        at = earlier(at, keeper->retry_at_ns);
    if (store->holds.dirty_since_ns > 0)
        at = earlier(at, holds_at_ns(keeper));
    if (has_retention(&store->options))
        at = earlier(at, keeper->retain_at_ns);
    return at;
}

static void wait_locked(struct store *store, int64_t at_ns)
{
    struct timespec until = {at_ns / NS_PER_S, at_ns % NS_PER_S};
    if (at_ns == INT64_MAX)
        pthread_cond_wait(&store->wake, &store->lock);
    else
        pthread_cond_timedwait(&store->wake, &store->lock, &until);
}

/* One round of everything that is due. The lock is not held. */
static int work(struct keeper *keeper)
{
    struct store *store = keeper->store;
    int64_t now_ns = monotonic_ns();
    pthread_mutex_lock(&store->lock);
    bool is_old = store_log_is_old_locked(store, now_ns);
    bool is_dirty = store->dirty_since_ns > 0 &&
                    now_ns >= store->dirty_since_ns + store->options.sync_interval_ns;
    bool is_asked = store->retired || store->rounds_wanted > store->rounds_done;
    bool has_holds = store->holds.dirty_since_ns > 0 && now_ns >= holds_at_ns(keeper);
    pthread_mutex_unlock(&store->lock);
    if (is_dirty)
        sync_open_log(store);
    if (has_holds)
        keeper->holds_retry_at_ns = holds_write(store) < 0 ? monotonic_ns() + RETRY_NS : 0;
    if (is_old)
        retire_old(store);
    int r = seal_retired(store);
    keeper->retry_at_ns = monotonic_ns() + RETRY_NS;
    if (has_retention(&store->options) && (is_asked || is_old || now_ns >= keeper->retain_at_ns)) {
        retain(store);
        keeper->retain_at_ns = monotonic_ns() + RETENTION_NS;
    }
    return r;
}

void *keeper_run(void *arg)
{
    struct store *store = arg;
    struct keeper keeper = {.store = store};
    pthread_mutex_lock(&store->lock);
    while (!store->is_closing || store->rounds_wanted > store->rounds_done) {
        int64_t at_ns = next_deadline_locked(&keeper);
        if (at_ns > monotonic_ns()) {
            wait_locked(store, at_ns);
            continue;
        }
        uint64_t round = store->rounds_wanted;
        pthread_mutex_unlock(&store->lock);
        int r = work(&keeper);
        pthread_mutex_lock(&store->lock);
        store->rounds_done = round;
        store->round_error = r;
        pthread_cond_broadcast(&store->rested);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

int keeper_round(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    uint64_t round = ++store->rounds_wanted;
    pthread_cond_signal(&store->wake);
    while (store->rounds_done < round)
        pthread_cond_wait(&store->rested, &store->lock);
    int r = store->round_error;
    pthread_mutex_unlock(&store->lock);
    return r;
}
