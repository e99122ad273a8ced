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

/* Why the oldest file should go, or NULL. It must be sealed, and the newest file always stays: it
 * knows the last id. */
static const char *why_delete(struct store *store, struct store_file *ret_file)
{
    const struct store_options *options = &store->options;
    bool is_short = disk_is_short(store);
    const char *why = NULL;
    pthread_mutex_lock(&store->lock);
    if (store->n_files > 1 && store->files[0].sealed) {
        *ret_file = store->files[0];
        if (options->retain_bytes > 0 && store->stats.bytes_disk > options->retain_bytes)
            why = "retain_size";
        else if (options->retain_age_ns > 0 &&
                 realtime_ns() / 1000 - ret_file->max_received_us > options->retain_age_ns / 1000)
            why = "retain_age";
        else if (is_short)
            why = "min_free";
    }
    pthread_mutex_unlock(&store->lock);
    return why;
}

static int delete_oldest(struct store *store, const struct store_file *file, const char *why)
{
    char name[NAME_BYTES];
    catalog_name(name, file->day, file->first_id, true);
    pthread_mutex_lock(&store->names);
    if (unlinkat(store->root_fd, name, 0) < 0 && errno != ENOENT) {
        int r = -errno;
        pthread_mutex_unlock(&store->names);
        report(&store->reporter, LOG_ERR, "store: %s: cannot delete: %s", name, strerror(-r));
        return r;
    }
    unlinkat(store->root_fd, file->day, AT_REMOVEDIR); /* refused unless it is empty */
    pthread_mutex_lock(&store->lock);
    store->stats.deleted_segments++;
    store->stats.deleted_records += file->records;
    store_remove_file_locked(store, store->files); /* only the keeper removes, and from the front */
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->names);
    report(&store->reporter, LOG_INFO,
           "store: %s deleted (%s): %" PRIu64 " lines, %" PRIu64 " bytes", name, why, file->records,
           file->bytes_disk);
    return 0;
}

void retain(struct store *store)
{
    struct store_file file;
    const char *why;
    while ((why = why_delete(store, &file)))
        if (delete_oldest(store, &file, why) < 0)
            return;
}
