/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Appending. A block is written with one pwrite behind the last; what the index says is the truth
 * about where that is, so a write that failed half-way leaves nothing but bytes to cut off. If even
 * cutting fails the log is retired: sealing cuts it, and a fresh one is begun.
 *
 * An id is never given twice: a block that was written whole and then refused (its sync failed) may
 * have been read.
 */

struct log *log_free(struct log *log)
{
    if (!log)
        return NULL;
    close(log->fd);
    file_index_deinit(&log->index);
    free(log);
    return NULL;
}

int fsync_dir(int root_fd, const char *name)
{
    int fd = openat(root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

/* The keeper may remove the day's directory between the two calls, if it was empty. */
static int create_file(const struct store *store, const char *day, const char *name)
{
    for (unsigned attempt = 0;; attempt++) {
        if (mkdirat(store->root_fd, day, 0750) < 0 && errno != EEXIST)
            return -errno;
        int fd = openat(store->root_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (fd >= 0)
            return fd;
        if (errno != ENOENT || attempt == 3)
            return -errno;
    }
}

int log_begin(struct log *log, uint64_t first_id)
{
    uint8_t bytes[FILE_HEADER_BYTES];
    log->index.header = (struct file_header){
        .first_id = first_id,
        .created_us = realtime_ns() / 1000,
    };
    log->index.totals.next_id = first_id;
    log->index.end = FILE_HEADER_BYTES;
    if (getrandom(&log->index.header.file_id, sizeof(uint64_t), 0) < 0 || ftruncate(log->fd, 0) < 0)
        return -errno;
    file_header_put(bytes, &log->index.header);
    return write_fully(log->fd, bytes, sizeof(bytes), 0);
}

static int sync_names(const struct store *store, const struct log *log)
{
    if (store->options.sync == STORE_SYNC_NONE)
        return 0;
    int r = fsync_dir(store->root_fd, log->day);
    return r < 0 ? r : fsync_dir(store->root_fd, ".");
}

/* A log for a block received at this time. */
static int log_new(struct store *store, int64_t received_us, struct log **ret_log)
{
    char name[NAME_BYTES];
    struct log *log = calloc(1, sizeof(*log));
    if (!log)
        return -ENOMEM;
    catalog_day(log->day, received_us);
    catalog_name(name, log->day, store->next_id, false);
    log->fd = create_file(store, log->day, name);
    if (log->fd < 0) {
        int r = log->fd;
        free(log);
        return r;
    }
    log->old_at_ns = monotonic_ns() + store->options.segment_age_ns;
    int r = log_begin(log, store->next_id);
    if (r == 0)
        r = sync_names(store, log);
    if (r < 0) {
        unlinkat(store->root_fd, name, 0);
        log_free(log);
        return r;
    }
    *ret_log = log;
    return 0;
}

bool store_log_is_old_locked(const struct store *store, int64_t now_ns)
{
    return store->log && store->log->index.n_blocks > 0 && now_ns >= store->log->old_at_ns;
}

void store_discard_locked(struct store *store)
{
    char name[NAME_BYTES];
    struct log *log = store->log;
    catalog_name(name, log->day, log->index.header.first_id, false);
    unlinkat(store->root_fd, name, 0);
    store_remove_file_locked(store, store_find_file_locked(store, log->index.header.first_id));
    log_free(log);
    store->log = NULL;
}

void store_retire_locked(struct store *store)
{
    struct log *log = store->log;
    if (!log || log->index.n_blocks == 0)
        return;
    struct log **last = &store->retired;
    while (*last)
        last = &(*last)->next;
    *last = log;
    store->log = NULL;
    store->rounds_wanted++;
    pthread_cond_signal(&store->wake);
}

static void retire(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store_retire_locked(store);
    pthread_mutex_unlock(&store->lock);
}

/* May a block be put behind what the open log has? The append lock is held. */
static bool log_takes(const struct store *store, const struct block_header *header)
{
    const struct log *log = store->log;
    char day[DAY_BYTES];
    if (log->index.n_blocks == 0)
        return true;
    catalog_day(day, header->info.max_received_us);
    return strcmp(day, log->day) <= 0 && log->index.n_blocks < MAX_FILE_BLOCKS &&
           monotonic_ns() < log->old_at_ns;
}

int store_begin_log(struct store *store, int64_t received_us)
{
    struct log *log;
    int r = log_new(store, received_us, &log);
    if (r < 0)
        return r;
    pthread_mutex_lock(&store->lock);
    r = store_add_file_locked(store, log->day, &log->index, FILE_HEADER_BYTES, false);
    if (r == 0)
        store->log = log;
    pthread_mutex_unlock(&store->lock);
    return r < 0 ? (log_free(log), r) : 0;
}

/* Makes sure of a log for the block. The append lock is held. */
static int ready_log(struct store *store, const struct block_header *header)
{
    if (store->log && !log_takes(store, header))
        retire(store);
    return store->log ? 0 : store_begin_log(store, header->info.max_received_us);
}

/* Nothing of what was written behind the last block may stay. */
static void cut_back(struct store *store)
{
    if (ftruncate(store->log->fd, (off_t)store->log->index.end) < 0)
        retire(store);
}

/* The append lock is held. */
static int write_block(struct store *store, struct store_encoder *encoder)
{
    struct log *log = store->log;
    struct block_header *header = &encoder->header;
    uint8_t *block = encoder_block(encoder);
    if (file_index_reserve(&log->index) < 0)
        return -ENOMEM;
    header->file_id = log->index.header.file_id;
    header->info.first_id = store->next_id;
    block_header_put(block, header);
    int r = write_fully(log->fd, block, header->total_bytes, log->index.end);
    if (r == 0 && store->options.sync == STORE_SYNC_BATCH && fdatasync(log->fd) < 0) {
        r = -errno;
        store->next_id += header->info.n_rows;
    }
    if (r < 0)
        cut_back(store);
    return r;
}

static void account_locked(struct store *store, const struct block_header *header)
{
    struct store_file *file = &store->files[store->n_files - 1];
    const struct store_block_info *info = &header->info;
    if (file->records == 0 || info->min_received_us < file->min_received_us)
        file->min_received_us = info->min_received_us;
    if (file->records == 0 || info->max_received_us > file->max_received_us)
        file->max_received_us = info->max_received_us;
    file->records += info->n_rows;
    file->bytes_raw += header->raw_bytes;
    file->bytes_disk += header->total_bytes;
    store->stats.records += info->n_rows;
    store->stats.bytes_raw += header->raw_bytes;
    store->stats.bytes_disk += header->total_bytes;
}

/* The append lock is held. */
static void take_block(struct store *store, const struct block_header *header)
{
    struct log *log = store->log;
    store->next_id += header->info.n_rows;
    pthread_mutex_lock(&store->lock);
    file_index_add(&log->index, header);
    account_locked(store, header);
    if (store->options.sync == STORE_SYNC_INTERVAL) {
        log->is_dirty = true;
        if (store->dirty_since_ns == 0) {
            store->dirty_since_ns = monotonic_ns();
            pthread_cond_signal(&store->wake);
        }
    }
    if (log->index.n_blocks == 1) /* from now on its age counts */
        pthread_cond_signal(&store->wake);
    if (log->index.end >= store->options.segment_bytes || log->index.n_blocks == MAX_FILE_BLOCKS)
        store_retire_locked(store);
    pthread_mutex_unlock(&store->lock);
}

/* A disk that stays full is reported once, and once when it is not any more. */
static void note_outcome(struct store *store, int r)
{
    pthread_mutex_lock(&store->lock);
    int before = store->stats.last_error;
    store->stats.last_error = r;
    store->stats.append_errors += r < 0;
    pthread_mutex_unlock(&store->lock);
    if (r < 0 && r != before)
        report(&store->reporter, LOG_ERR, "store: %s: cannot append: %s; the next lines try again",
               store->path, strerror(-r));
    else if (r == 0 && before < 0)
        report(&store->reporter, LOG_NOTICE, "store: %s: lines are stored again", store->path);
}

int store_append(struct store *store, struct store_encoder *encoder)
{
    if (!encoder->is_whole)
        return 0;
    pthread_mutex_lock(&store->append_lock);
    int r = ready_log(store, &encoder->header);
    if (r == 0)
        r = write_block(store, encoder);
    if (r == 0)
        take_block(store, &encoder->header);
    pthread_mutex_unlock(&store->append_lock);
    note_outcome(store, r);
    if (r == 0) {
        encoder->n_rows = 0;
        encoder->is_whole = false;
    }
    return r;
}
