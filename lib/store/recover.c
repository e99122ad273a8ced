/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/block.h"

/*
 * What is found at open. Sealed files say themselves what they hold; logs are walked by their
 * headers. The newest log is gone on with; others were left by a crash while they were sealed, and
 * are sealed now.
 *
 * Where bytes are lost, the ids that may have stood there are skipped: a reader may know them. For
 * a torn newest log that means: a new log is begun first, whose name keeps the skip, and then the
 * torn one is cut (by sealing it). A file that cannot be read is not touched, so that it has the
 * same effect at every open. What was being written to replace a sealed file is deleted.
 */

/* More ids than so many lost bytes can have held. */
static uint64_t ids_lost(uint64_t n_bytes)
{
    return (n_bytes / BLOCK_HEADER_BYTES + 1) * (STORE_MAX_ROWS + 1ull);
}

static void pass_id(struct store *store, uint64_t id)
{
    if (id > store->next_id)
        store->next_id = id;
}

static int open_file(const struct store *store, const char *name, int flags,
                     struct stat *ret_status)
{
    int fd = openat(store->root_fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return -errno;
    if (fstat(fd, ret_status) == 0 && S_ISREG(ret_status->st_mode))
        return fd;
    close(fd);
    return -EBADMSG;
}

/* Not to be read, not to be touched; its ids are not given again. */
static void set_aside(struct store *store, const struct catalog_file *file, const char *name, int r)
{
    store->stats.quarantined++;
    if (file->first_id < UINT64_MAX >> 2) /* an absurd name must not use up the ids */
        pass_id(store, file->first_id + ids_lost(0));
    report(&store->reporter, LOG_ERR, "store: %s cannot be read and is left alone: %s", name,
           strerror(-r));
}

static int recover_sealed(struct store *store, const struct catalog_file *file, const char *name)
{
    struct file_index index = FILE_INDEX_NULL;
    struct trailer trailer;
    struct stat status;
    int fd = open_file(store, name, O_RDONLY, &status);
    int r = fd < 0 ? fd : trailer_read(fd, (uint64_t)status.st_size, &trailer);
    if (r == 0) {
        index.header.first_id = file->first_id;
        index.totals = trailer.totals;
        index.level = trailer.level;
        index.flags = trailer.flags;
    } else if (fd >= 0) {
        r = file_index_read(&index, fd, name, &store->reporter);
        if (r == 0)
            index.totals.n_quarantined++; /* its trailer */
        if (r == 0)
            pass_id(store, index.totals.next_id + ids_lost((uint64_t)status.st_size - index.end));
    }
    if (fd >= 0)
        close(fd);
    if (r < 0 && r != -ENOMEM) {
        set_aside(store, file, name, r);
        r = 0;
    } else if (r == 0) {
        index.header.first_id = file->first_id;
        pass_id(store, index.totals.next_id);
        store->stats.quarantined += index.totals.n_quarantined;
        r = store_add_file_locked(store, file->day, &index, (uint64_t)status.st_size, true);
    }
    file_index_deinit(&index);
    return r;
}

/* The last block counts only if all of it reached the disk. */
static int check_last_block(struct log *log)
{
    struct block block;
    const struct block_entry *last = &log->index.blocks[log->index.n_blocks - 1];
    int r = block_init(&block);
    if (r == 0)
        r = block_open(&block, log->fd, last->at, &last->header);
    if (r == 0)
        r = block_verify(&block);
    block_deinit(&block);
    if (r != -EBADMSG)
        return r;
    file_index_drop_last(&log->index);
    return 0;
}

/* Sees what is behind the last whole block, and leaves it there for now. */
static int find_tail(struct store *store, struct log *log, const char *name)
{
    uint64_t next_id = log->index.totals.next_id;
    int r = log->index.n_blocks > 0 ? check_last_block(log) : 0;
    uint64_t n_bytes = log->index.seen_bytes - log->index.end;
    if (r < 0 || n_bytes == 0)
        return r;
    pass_id(store, next_id + ids_lost(n_bytes));
    report(&store->reporter, LOG_WARNING,
           "store: %s: cut %" PRIu64 " bytes behind the last whole block", name, n_bytes);
    return 0;
}

static int read_log(struct store *store, struct log *log, const struct catalog_file *file,
                    const char *name, uint64_t file_bytes)
{
    if (file_bytes < FILE_HEADER_BYTES) /* not even begun */
        return log_begin(log, file->first_id);
    int r = file_index_read(&log->index, log->fd, name, &store->reporter);
    if (r < 0)
        return r;
    log->index.header.first_id = file->first_id;
    return log->index.sealed ? 0 : find_tail(store, log, name);
}

static void set_age(const struct store *store, struct log *log)
{
    int64_t age_ns = realtime_ns() - log->index.header.created_us * 1000;
    log->old_at_ns = monotonic_ns() + store->options.segment_age_ns - (age_ns > 0 ? age_ns : 0);
}

/* The log that was thought the newest is not. */
static void put_behind(struct store *store)
{
    if (store->log && store->log->index.n_blocks == 0)
        store_discard_locked(store);
    else
        store_retire_locked(store);
}

static int recover_log(struct store *store, const struct catalog_file *file, const char *name)
{
    struct stat status;
    struct log *log = calloc(1, sizeof(*log));
    if (!log)
        return -ENOMEM;
    log->fd = open_file(store, name, O_RDWR, &status);
    int r = log->fd < 0 ? log->fd : read_log(store, log, file, name, (uint64_t)status.st_size);
    if (r < 0) {
        if (log->fd >= 0)
            log_free(log);
        else
            free(log);
        if (r != -EBADMSG)
            return r;
        set_aside(store, file, name, r);
        return 0;
    }
    memcpy(log->day, file->day, DAY_BYTES);
    set_age(store, log);
    pass_id(store, log->index.totals.next_id);
    store->stats.quarantined += log->index.totals.n_quarantined;
    put_behind(store);
    r = store_add_file_locked(store, file->day, &log->index, log->index.end, false);
    if (r < 0) {
        log_free(log);
        return r;
    }
    store->log = log;
    if (log->index.sealed) /* but for its name */
        store_retire_locked(store);
    return 0;
}

/* The newest log is torn if ids were skipped behind it. */
static int replace_torn(struct store *store)
{
    struct log *torn = store->log;
    if (!torn || store->next_id == torn->index.totals.next_id)
        return 0;
    store->log = NULL;
    int r = store_begin_log(store, realtime_ns() / 1000);
    struct log *fresh = store->log;
    store->log = torn;
    if (r < 0) { /* a full disk: go on with the torn one */
        report(&store->reporter, LOG_WARNING, "store: %s: cannot begin a log: %s", store->path,
               strerror(-r));
        return ftruncate(torn->fd, (off_t)torn->index.end) < 0 ? -errno : 0;
    }
    put_behind(store);
    store->log = fresh;
    return 0;
}

/* A crash, or the end of the last run, came in between; the file that it was to replace is there. */
static void delete_unfinished(struct store *store, const struct catalog *catalog)
{
    char name[NAME_BYTES];
    for (size_t i = 0; i < catalog->n_unfinished; i++) {
        catalog_new_name(name, catalog->unfinished[i].day, catalog->unfinished[i].first_id);
        unlinkat(store->root_fd, name, 0);
        unlinkat(store->root_fd, catalog->unfinished[i].day, AT_REMOVEDIR);
    }
}

int store_recover(struct store *store)
{
    struct catalog catalog = CATALOG_NULL;
    char name[NAME_BYTES];
    store->next_id = 1;
    int r = catalog_read(&catalog, store->root_fd, &store->reporter);
    store->stats.quarantined += catalog.n_foreign;
    if (r == 0)
        delete_unfinished(store, &catalog);
    for (size_t i = 0; r == 0 && i < catalog.n_files; i++) {
        const struct catalog_file *file = &catalog.files[i];
        catalog_name(name, file->day, file->first_id, file->sealed);
        if (file->sealed)
            put_behind(store);
        r = file->sealed ? recover_sealed(store, file, name) : recover_log(store, file, name);
    }
    catalog_deinit(&catalog);
    if (r == 0)
        r = holds_read(store);
    return r < 0 ? r : replace_torn(store);
}
