/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/*
 * Retention: whole files, the oldest first. The names lock is held from the unlink until the file
 * has left the list, so that the rewriter puts nothing in the place of a file that is gone.
 */
bool has_retention(const struct store_options *options)
{
    return options->retain_bytes > 0 || options->retain_age_ns > 0 || options->min_free_bytes > 0;
}

static bool disk_is_short(const struct store *store)
{
    struct statvfs figures;
    return store->options.min_free_bytes > 0 && fstatvfs(store->root_fd, &figures) == 0 &&
           (uint64_t)figures.f_bavail * figures.f_frsize < store->options.min_free_bytes;
}

/* By how many bytes the store is larger than it should be. */
static uint64_t excess_locked(const struct store *store)
{
    uint64_t limit = store->options.retain_bytes;
    return limit > 0 && store->stats.bytes_disk > limit ? store->stats.bytes_disk - limit : 0;
}

/* Bytes of the oldest files, as far as they are too old. */
static uint64_t aged_locked(const struct store *store)
{
    uint64_t n_bytes = 0;
    int64_t now_us = realtime_ns() / 1000, age_us = store->options.retain_age_ns / 1000;
    for (size_t i = 0; age_us > 0 && i + 1 < store->n_files; i++) {
        if (now_us - store->files[i].max_received_us <= age_us)
            break;
        n_bytes += store->files[i].bytes_disk;
    }
    return n_bytes;
}

/*
 * Why the oldest file should go, or NULL. It must be sealed, and the newest file always stays: it
 * knows the last id.
 */
static const char *why_delete_locked(const struct store *store, bool is_short)
{
    if (store->n_files < 2 || !store->files[0].sealed)
        return NULL;
    bool is_held = holds_need_locked(store, store->files[1].first_id);
    uint64_t spared = is_held ? store->options.hold_bytes : 0;
    if (excess_locked(store) > spared)
        return "retain_size";
    if (aged_locked(store) > spared)
        return "retain_age";
    return is_short ? "min_free" : NULL;
}

static const char *why_delete(struct store *store, struct store_file *ret_file)
{
    bool is_short = disk_is_short(store);
    pthread_mutex_lock(&store->lock);
    const char *why = why_delete_locked(store, is_short);
    if (why) {
        *ret_file = store->files[0];
        holds_lose_locked(store, ret_file, store->files[1].first_id);
    }
    pthread_mutex_unlock(&store->lock);
    return why;
}

/* The names lock is held. Returns 0 or a negative errno. */
static int unlink_oldest(struct store *store, const struct store_file *file, const char *name)
{
    if (unlinkat(store->root_fd, name, 0) < 0 && errno != ENOENT)
        return -errno;
    unlinkat(store->root_fd, file->day, AT_REMOVEDIR); /* refused unless it is empty */
    pthread_mutex_lock(&store->lock);
    store->stats.deleted_segments++;
    store->stats.deleted_records += file->records;
    store_remove_file_locked(store, store->files); /* only the keeper removes, and from the front */
    pthread_mutex_unlock(&store->lock);
    return 0;
}

static int delete_oldest(struct store *store, const struct store_file *file, const char *why)
{
    char name[NAME_BYTES];
    catalog_name(name, file->day, file->first_id, true);
    pthread_mutex_lock(&store->names);
    int r = unlink_oldest(store, file, name);
    pthread_mutex_unlock(&store->names);
    if (r < 0)
        report(&store->reporter, LOG_ERR, "store: %s: cannot delete: %s", name, strerror(-r));
    else
        report(&store->reporter, LOG_INFO,
               "store: %s deleted (%s): %" PRIu64 " lines, %" PRIu64 " bytes", name, why,
               file->records, file->bytes_disk);
    return r;
}

void retain(struct store *store)
{
    struct store_file file;
    const char *why;
    while ((why = why_delete(store, &file))) {
        holds_write(store); /* a full disk may refuse it, and gets room by what follows */
        if (delete_oldest(store, &file, why) < 0)
            return;
    }
}
