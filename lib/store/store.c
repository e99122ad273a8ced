/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/files.h"
#include "store/merge.h"
#include "store/rewrite.h"
#include "store/rollup.h"

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t monotonic_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t realtime_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

int store_add_file_locked(struct store *store, const char *day, const struct file_index *index,
                          uint64_t bytes_disk, bool sealed)
{
    if (store->n_files == store->files_capacity) {
        size_t capacity = store->files_capacity ? store->files_capacity * 2 : 64;
        struct store_file *files = realloc(store->files, capacity * sizeof(*files));
        if (!files)
            return -ENOMEM;
        store->files = files;
        store->files_capacity = capacity;
    }
    struct store_file *file = &store->files[store->n_files++];
    *file = (struct store_file){
        .first_id = index->header.first_id,
        .records = index->totals.records,
        .bytes_raw = index->totals.raw_bytes,
        .bytes_disk = bytes_disk,
        .min_received_us = index->totals.min_received_us,
        .max_received_us = index->totals.max_received_us,
        .sealed = sealed,
        .level = index->level,
        .flags = index->flags,
    };
    memcpy(file->day, day, DAY_BYTES);
    store->stats.records += file->records;
    store->stats.bytes_raw += file->bytes_raw;
    store->stats.bytes_disk += file->bytes_disk;
    return 0;
}

/* Backwards: who asks has a log in mind, and those are the newest. */
struct store_file *store_find_file_locked(struct store *store, uint64_t first_id)
{
    for (size_t i = store->n_files; i > 0; i--)
        if (store->files[i - 1].first_id == first_id)
            return &store->files[i - 1];
    assert(!"a file of the store is in its list");
    return NULL;
}

void store_remove_file_locked(struct store *store, struct store_file *file)
{
    store->stats.records -= file->records;
    store->stats.bytes_raw -= file->bytes_raw;
    store->stats.bytes_disk -= file->bytes_disk;
    if (file->first_id == store->rewritten_id)
        atomic_store(&store->rewrite_cancelled, true);
    size_t n_behind = (size_t)(store->files + --store->n_files - file);
    memmove(file, file + 1, n_behind * sizeof(*file));
}

/* Every directory on the way that is not there yet. */
static int make_path(const char *path)
{
    char *part = strdup(path);
    int r = 0;
    if (!part)
        return -ENOMEM;
    for (char *at = part + 1; r == 0; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(part, 0750) < 0 && errno != EEXIST)
            r = -errno;
        *at = end;
        if (end == '\0')
            break;
    }
    free(part);
    return r;
}

static int take_lock(struct store *store)
{
    store->lock_fd = openat(store->root_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (store->lock_fd < 0)
        return -errno;
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return 0;
}

static int open_path(struct store *store)
{
    struct stat status;
    int r = *store->path ? 0 : -EINVAL;
    if (r == 0 && stat(store->path, &status) < 0)
        r = make_path(store->path);
    if (r < 0)
        return r;
    store->root_fd = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return store->root_fd < 0 ? -errno : take_lock(store);
}

static struct store *store_new(const struct store_options *options)
{
    pthread_condattr_t monotonic;
    struct store *store = calloc(1, sizeof(*store));
    if (!store)
        return NULL;
    store->path = strdup(options->path);
    if (!store->path) {
        free(store);
        return NULL;
    }
    store->options = *options;
    store->options.path = store->path;
    store->reporter = (struct reporter){options->report, options->arg};
    store->root_fd = store->lock_fd = -1;
    pthread_mutex_init(&store->append_lock, NULL);
    pthread_mutex_init(&store->names, NULL);
    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->wake, &monotonic);
    pthread_cond_init(&store->rewrite, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&store->rested, NULL);
    return store;
}

int store_open(const struct store_options *options, struct store **ret_store)
{
    struct store *store = store_new(options);
    if (!store)
        return -ENOMEM;
    int r = open_path(store);
    if (r == 0)
        r = store_recover(store);
    if (r == 0)
        r = -pthread_create(&store->keeper, NULL, keeper_run, store);
    store->has_keeper = r == 0;
    if (r == 0)
        r = -pthread_create(&store->rewriter, NULL, rewriter_run, store);
    store->has_rewriter = store->has_keeper && r == 0;
    if (r < 0) {
        store_close(store);
        return r;
    }
    *ret_store = store;
    return 0;
}

static void stop_threads(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->is_closing = true;
    atomic_store(&store->rewrite_cancelled, true);
    pthread_cond_signal(&store->wake);
    pthread_cond_signal(&store->rewrite);
    pthread_mutex_unlock(&store->lock);
    if (store->has_rewriter)
        pthread_join(store->rewriter, NULL);
    if (store->has_keeper)
        pthread_join(store->keeper, NULL);
}

struct store *store_close(struct store *store)
{
    if (!store)
        return NULL;
    stop_threads(store);
    if (store->has_keeper && store->log && store->options.sync != STORE_SYNC_NONE &&
        fdatasync(store->log->fd) < 0)
        report(&store->reporter, LOG_ERR, "store: %s: sync failed: %s", store->path,
               strerror(errno));
    if (store->has_keeper)
        holds_write(store);
    log_free(store->log);
    while (store->retired) {
        struct log *log = store->retired;
        store->retired = log->next;
        log_free(log);
    }
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    if (store->root_fd >= 0)
        close(store->root_fd);
    pthread_cond_destroy(&store->rewrite);
    pthread_cond_destroy(&store->rested);
    pthread_cond_destroy(&store->wake);
    pthread_mutex_destroy(&store->lock);
    pthread_mutex_destroy(&store->names);
    pthread_mutex_destroy(&store->append_lock);
    free(store->files);
    free(store->path);
    free(store);
    return NULL;
}

int store_encoder_new(struct store *store, struct store_encoder **ret_encoder)
{
    return encoder_new(&store->options, ret_encoder);
}

/* zstd's own tables for blocks of a MiB, above those of the low levels that an encoder counts. */
static size_t table_bytes(int level)
{
    return level <= 3 ? 0 : level <= 12 ? 8u << 20 : 24u << 20;
}

/* What sealing needs for a roll-up, and what one file at a time needs to be written anew. */
size_t store_keeper_bytes(const struct store_options *options, size_t n_bytes, size_t n_records)
{
    bool merges = options->merge_bytes > 0, recompresses = options->recompress_after_ns > 0;
    size_t most_bytes =
        options->merge_bytes > n_bytes || !recompresses ? options->merge_bytes : n_bytes;
    size_t most_records = n_records > MERGE_ROWS && recompresses ? n_records : MERGE_ROWS;
    size_t rewriting = rewrite_bytes(most_records, most_bytes);
    if (recompresses)
        rewriting += table_bytes(options->recompress_level);
    return ROLLUP_SUM_BYTES + (merges || recompresses ? rewriting : 0);
}

int store_seal(struct store *store)
{
    pthread_mutex_lock(&store->append_lock);
    pthread_mutex_lock(&store->lock);
    store_retire_locked(store);
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->append_lock);
    return keeper_round(store);
}

/* Appends wait meanwhile, so the log stays open; a retired one is safe when it is sealed. */
int store_sync(struct store *store)
{
    pthread_mutex_lock(&store->append_lock);
    int r = store->log && fdatasync(store->log->fd) < 0 ? -errno : 0;
    pthread_mutex_lock(&store->lock);
    bool has_retired = store->retired != NULL;
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->append_lock);
    if (has_retired) {
        int sealed = keeper_round(store);
        r = r < 0 ? r : sealed;
    }
    return r;
}

void store_get_stats(struct store *store, struct store_stats *ret_stats)
{
    int64_t oldest_us = INT64_MAX, newest_us = INT64_MIN;
    pthread_mutex_lock(&store->lock);
    struct store_stats stats = store->stats;
    for (size_t i = 0; i < store->n_files; i++) {
        const struct store_file *file = &store->files[i];
        if (file->records == 0)
            continue;
        oldest_us = file->min_received_us < oldest_us ? file->min_received_us : oldest_us;
        newest_us = file->max_received_us > newest_us ? file->max_received_us : newest_us;
    }
    stats.segments = store->n_files;
    pthread_mutex_unlock(&store->lock);
    if (stats.records > 0) {
        stats.oldest_ns = oldest_us * 1000;
        stats.newest_ns = newest_us * 1000;
    }
    *ret_stats = stats;
}
