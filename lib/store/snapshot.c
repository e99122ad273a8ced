/* SPDX-License-Identifier: MIT */
#include "store/snapshot.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/index.h"
#include "store/reader_files.h"
#include "store/segment.h"

/*
 * A log is opened when it is first looked at, for only a walk over its blocks says what is in it;
 * it then stays open, so that all looks see the same rows. A sealed file is opened for its trailer
 * and closed again: a store has thousands of them.
 */

struct look {
    struct segment *log; /* opened by snapshot_look(), owned by the snapshot */
};

struct snapshot {
    struct snapshot_root root;
    struct catalog catalog;
    struct look *looks; /* one a file */
};

static void report_one(void *arg, int priority, const char *message)
{
    struct snapshot_root *root = arg;
    pthread_mutex_lock(&root->report_lock);
    report(root->reporter, priority, "%s", message);
    pthread_mutex_unlock(&root->report_lock);
}

int snapshot_new(struct store_reader *reader, struct snapshot **ret_snapshot)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (!snapshot)
        return -ENOMEM;
    struct snapshot_root *root = &snapshot->root;
    pthread_mutex_init(&root->report_lock, NULL);
    root->serial = (struct reporter){report_one, root};
    int r = reader_files(reader, &root->fd, &root->reporter, &snapshot->catalog);
    if (r == 0) {
        snapshot->looks = calloc(snapshot->catalog.n_files + 1, sizeof(*snapshot->looks));
        r = snapshot->looks ? 0 : -ENOMEM;
    }
    if (r < 0) {
        snapshot_free(snapshot);
        return r;
    }
    *ret_snapshot = snapshot;
    return 0;
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
    if (!snapshot)
        return NULL;
    for (size_t i = 0; snapshot->looks && i < snapshot->catalog.n_files; i++)
        segment_unref(snapshot->looks[i].log);
    free(snapshot->looks);
    catalog_deinit(&snapshot->catalog);
    pthread_mutex_destroy(&snapshot->root.report_lock);
    free(snapshot);
    return NULL;
}

size_t snapshot_n_files(const struct snapshot *snapshot)
{
    return snapshot->catalog.n_files;
}

/* Returns 1, 0 (no whole trailer: the index must be read), -ENOENT, or another errno of opening. */
static int look_at_trailer(struct snapshot *snapshot, size_t file, struct snapshot_file *ret_file)
{
    const struct catalog_file *at = &snapshot->catalog.files[file];
    char name[NAME_BYTES];
    struct trailer trailer;
    struct stat status;
    int fd = catalog_open(snapshot->root.fd, at, name);
    if (fd < 0)
        return fd;
    bool found = fstat(fd, &status) == 0 &&
                 trailer_read(fd, (uint64_t)status.st_size, &trailer) == 0 &&
                 trailer.first_id == at->first_id;
    close(fd);
    if (found)
        totals_describe(&trailer.totals, trailer.first_id, (uint64_t)status.st_size, ret_file);
    return found;
}

/* Opens it and keeps it. Returns as snapshot_look(). */
static int look_at_blocks(struct snapshot *snapshot, size_t file, struct snapshot_file *ret_file)
{
    struct segment *segment = snapshot->looks[file].log;
    int r = segment ? 1 : segment_read(&snapshot->root, &snapshot->catalog.files[file], &segment);
    if (r <= 0)
        return r;
    snapshot->looks[file].log = segment;
    segment_describe(segment, ret_file);
    return ret_file->n_blocks > 0;
}

int snapshot_look(struct snapshot *snapshot, size_t file, struct snapshot_file *ret_file)
{
    int r = 0;
    if (snapshot->catalog.files[file].sealed)
        r = look_at_trailer(snapshot, file, ret_file);
    if (r == 1)
        return ret_file->n_blocks > 0;
    if (r == 0)
        r = look_at_blocks(snapshot, file, ret_file);
    return r == -ENOENT ? 0 : r;
}

int segment_open(struct snapshot *snapshot, size_t file, struct segment **ret_segment)
{
    struct segment *log = snapshot->looks[file].log;
    if (log) {
        *ret_segment = segment_ref(log);
        return 1;
    }
    int r = segment_read(&snapshot->root, &snapshot->catalog.files[file], ret_segment);
    return r == -ENOENT ? 0 : r;
}
