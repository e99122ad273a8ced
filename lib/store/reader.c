/* SPDX-License-Identifier: MIT */
#include "store/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/catalog.h"
#include "store/index.h"
#include "store/reader_files.h"
#include "store/segment.h"
#include "store/sum.h"
#include "store/watch.h"

/*
 * A reader stands in one file at a time and holds that file's index: `at` is the block that comes
 * next. Files are known by first id, so a file that was sealed (renamed) or deleted meanwhile is
 * found again, or skipped, by its id.
 *
 * Forwards, at the end of a file: the writer begins a new file only after the last append to the
 * one before. So if a newer file exists, one more look at the old one sees all of it, and what is
 * left over there is damage, not an append at work.
 *
 * The listing is read anew when a directory's time of change moved; a change within the clock's
 * grain of the listing would not move it, so a listing that is that fresh is not trusted.
 */
#define GRAIN_NS 1000000000

enum direction { DIRECTION_UNSET, DIRECTION_FORWARDS, DIRECTION_BACKWARDS };

struct store_reader {
    int root_fd;
    struct reporter reporter, silent;
    struct catalog catalog;
    uint64_t
        listed; /* the directories' times of change, mixed, when they were listed; 0: list again */

    enum direction direction;
    uint64_t seek_id;
    int fd; /* of the file it stands in; -1: in none */
    struct file_index index;
    char name[NAME_BYTES];
    uint32_t n_reported; /* damaged places of this file that were reported */
    uint32_t at;
    uint64_t
        passed_id; /* files of this first id and lower ones are done; valid in a direction only */
    bool passed_any;

    struct scanner *scanner; /* on the current block */
    bool has_block;
    uint64_t n_quarantined;
    struct watch watch;
};

int store_reader_open(const struct store_reader_options *options, struct store_reader **ret_reader)
{
    struct store_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->fd = -1;
    reader->watch = WATCH_NULL;
    reader->reporter = (struct reporter){options->report, options->arg};
    reader->root_fd = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = reader->root_fd < 0 ? -errno : scanner_new(&reader->scanner);
    if (r == 0)
        r = catalog_read(&reader->catalog, reader->root_fd, &reader->reporter);
    if (r < 0) {
        store_reader_close(reader);
        return r;
    }
    *ret_reader = reader;
    return 0;
}

static void leave_file(struct store_reader *reader)
{
    if (reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
    reader->has_block = false;
    file_index_deinit(&reader->index);
}

struct store_reader *store_reader_close(struct store_reader *reader)
{
    if (!reader)
        return NULL;
    leave_file(reader);
    watch_deinit(&reader->watch);
    scanner_free(reader->scanner);
    catalog_deinit(&reader->catalog);
    if (reader->root_fd >= 0)
        close(reader->root_fd);
    free(reader);
    return NULL;
}

static int64_t change_ns(int root_fd, const char *name)
{
    struct stat status;
    if (fstatat(root_fd, name, &status, 0) < 0)
        return 0;
    return status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
}

/* A number that differs when any directory has changed; the newest of their times for how long ago
 * that was. */
static uint64_t changes(const struct store_reader *reader, int64_t *ret_newest_ns)
{
    *ret_newest_ns = change_ns(reader->root_fd, ".");
    uint64_t mixed = (uint64_t)*ret_newest_ns | 1;
    for (size_t i = 0; i < reader->catalog.n_days; i++) {
        int64_t change = change_ns(reader->root_fd, reader->catalog.days[i]);
        mixed = mixed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)change;
        *ret_newest_ns = change > *ret_newest_ns ? change : *ret_newest_ns;
    }
    return mixed;
}

/* Watches come before the listing that is kept, so that no file falls between the two. */
static int list(struct store_reader *reader)
{
    int r = catalog_read(&reader->catalog, reader->root_fd, &reader->silent);
    if (r < 0 || reader->watch.fd < 0)
        return r;
    watch_days(&reader->watch, &reader->catalog);
    return catalog_read(&reader->catalog, reader->root_fd, &reader->silent);
}

static int refresh(struct store_reader *reader)
{
    struct timespec now;
    int64_t newest_ns;
    if (reader->listed && changes(reader, &newest_ns) == reader->listed)
        return 0;
    int r = list(reader);
    if (r < 0)
        return r;
    uint64_t mixed = changes(reader, &newest_ns);
    clock_gettime(CLOCK_REALTIME, &now);
    bool is_fresh = now.tv_sec * INT64_C(1000000000) + now.tv_nsec - newest_ns < GRAIN_NS;
    reader->listed = is_fresh ? 0 : mixed;
    return 0;
}

static void report_damage(struct store_reader *reader)
{
    uint32_t n = reader->index.totals.n_quarantined;
    if (n > reader->n_reported) {
        report(&reader->reporter, LOG_WARNING, "store: %s: %u damaged place(s) skipped",
               reader->name, n - reader->n_reported);
        reader->n_quarantined += n - reader->n_reported;
        reader->n_reported = n;
    }
}

/* A log whose header is not written yet. */
static bool is_being_made(const struct store_reader *reader, const struct catalog_file *file)
{
    struct stat status;
    return !file->sealed && fstat(reader->fd, &status) == 0 && status.st_size < FILE_HEADER_BYTES;
}

/*
 * Returns 1 (the reader stands in it), 0 (it is gone, or no file of the store), -EAGAIN (it is
 * being made), or another negative errno.
 */
static int enter_file(struct store_reader *reader, const struct catalog_file *file)
{
    leave_file(reader);
    int fd = catalog_open(reader->root_fd, file, reader->name);
    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    reader->fd = fd;
    reader->n_reported = 0;
    int r = file_index_read(&reader->index, fd, reader->name, &reader->reporter);
    if (r == 0) {
        report_damage(reader);
        return 1;
    }
    bool is_new = is_being_made(reader, file);
    leave_file(reader);
    if (is_new || r == -ENOMEM)
        return is_new ? -EAGAIN : r;
    reader->n_quarantined++;
    report(&reader->reporter, LOG_WARNING, "store: %s cannot be read and is left alone: %s",
           reader->name, strerror(-r));
    return 0;
}

static void pass(struct store_reader *reader, uint64_t first_id)
{
    reader->passed_any = true;
    reader->passed_id = first_id;
}

/* How many files have a first id below this one. */
static size_t count_below(const struct catalog *catalog, uint64_t id)
{
    size_t low = 0, high = catalog->n_files;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (catalog->files[middle].first_id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct catalog_file *newer_file(const struct store_reader *reader)
{
    const struct catalog *catalog = &reader->catalog;
    size_t at = reader->passed_any ? count_below(catalog, reader->passed_id + 1) : 0;
    return at < catalog->n_files ? &catalog->files[at] : NULL;
}

static const struct catalog_file *older_file(const struct store_reader *reader)
{
    const struct catalog *catalog = &reader->catalog;
    size_t at = reader->passed_any ? count_below(catalog, reader->passed_id) : catalog->n_files;
    return at > 0 ? &catalog->files[at - 1] : NULL;
}

/* Makes block `at` of the index the current one. */
static int take_block(struct store_reader *reader, uint32_t at, struct store_block_info *ret_info)
{
    const struct block_entry *entry = &reader->index.blocks[at];
    int r = scanner_open_at(reader->scanner, reader->fd, entry, reader->name, &reader->reporter);
    reader->has_block = r == 0;
    if (r < 0)
        return r;
    *ret_info = entry->header.info;
    return 1;
}

/* Leaves out what lies before the id that was sought. */
static bool is_before(const struct store_reader *reader, const struct store_block_info *info)
{
    return info->first_id + info->n_rows <= reader->seek_id;
}

/* The next block of this file, looking for appended ones too. Returns 1, 0, or a negative errno. */
static int next_in_file(struct store_reader *reader, struct store_block_info *ret_info)
{
    for (;;) {
        if (reader->at == reader->index.n_blocks) {
            int r = file_index_extend(&reader->index, reader->fd);
            report_damage(reader);
            if (r <= 0)
                return r;
        }
        uint32_t at = reader->at++;
        if (!is_before(reader, &reader->index.blocks[at].header.info))
            return take_block(reader, at, ret_info);
    }
}

/*
 * What follows the last whole block of a log that nobody appends to any more is damage if ids are
 * missing there; else the log is just being sealed.
 */
static void finish_file(struct store_reader *reader, uint64_t newer_id)
{
    struct file_index *index = &reader->index;
    if (!index->sealed && index->seen_bytes > index->end && index->totals.next_id < newer_id)
        index->totals.n_quarantined++;
    report_damage(reader);
}

static int next_forwards(struct store_reader *reader, struct store_block_info *ret_info)
{
    for (;;) {
        int r = reader->fd >= 0 ? next_in_file(reader, ret_info) : 0;
        if (r != 0)
            return r;
        const struct catalog_file *file = newer_file(reader);
        if (!file) {
            r = refresh(reader);
            file = newer_file(reader);
            if (r < 0 || !file)
                return r;
        }
        if (reader->fd >= 0) { /* only now it is certain that this file is complete */
            r = next_in_file(reader, ret_info);
            if (r != 0)
                return r;
            finish_file(reader, file->first_id);
        }
        r = enter_file(reader, file);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
        pass(reader, file->first_id);
        reader->at = 0;
    }
}

static int next_backwards(struct store_reader *reader, struct store_block_info *ret_info)
{
    for (;;) {
        if (reader->fd >= 0 && reader->at > 0)
            return take_block(reader, --reader->at, ret_info);
        const struct catalog_file *file = older_file(reader);
        if (!file)
            return 0;
        int r = enter_file(reader, file);
        if (r < 0 && r != -EAGAIN)
            return r;
        pass(reader, file->first_id);
        reader->at = r == 1 ? reader->index.n_blocks : 0;
    }
}

/* The last file whose first id is not greater than the id that is sought holds it, if any does. */
static void start_forwards(struct store_reader *reader)
{
    const struct catalog *catalog = &reader->catalog;
    size_t n_below = count_below(catalog, reader->seek_id + 1);
    reader->passed_any = n_below > 1;
    if (n_below > 1)
        reader->passed_id = catalog->files[n_below - 2].first_id;
}

int store_reader_next(struct store_reader *reader, bool backwards,
                      struct store_block_info *ret_info)
{
    enum direction direction = backwards ? DIRECTION_BACKWARDS : DIRECTION_FORWARDS;
    reader->has_block = false;
    if (reader->direction == DIRECTION_UNSET) {
        int r = refresh(reader);
        if (r < 0)
            return r;
        reader->direction = direction;
        reader->passed_any = false;
        if (!backwards)
            start_forwards(reader);
    }
    if (reader->direction != direction)
        return -EINVAL;
    return backwards ? next_backwards(reader, ret_info) : next_forwards(reader, ret_info);
}

/* The id that the next append gets, as far as can be seen: behind every block there is. */
static int end_id(struct store_reader *reader, uint64_t *ret_id)
{
    struct store_block_info info;
    int r = store_reader_next(reader, true, &info);
    *ret_id = r > 0 ? info.first_id + info.n_rows : 0;
    leave_file(reader);
    reader->direction = DIRECTION_UNSET;
    return r < 0 ? r : 0;
}

int store_reader_seek(struct store_reader *reader, uint64_t id)
{
    leave_file(reader);
    reader->direction = DIRECTION_UNSET;
    reader->seek_id = id;
    return id == UINT64_MAX ? end_id(reader, &reader->seek_id) : 0;
}

int store_reader_load(struct store_reader *reader, uint32_t columns)
{
    if (!reader->has_block)
        return -EINVAL;
    bool was_damaged = scanner_is_damaged(reader->scanner);
    int r = scanner_load(reader->scanner, columns);
    reader->n_quarantined += !was_damaged && scanner_is_damaged(reader->scanner);
    return r;
}

void store_reader_row(struct store_reader *reader, uint32_t index, struct store_row *ret_row)
{
    scanner_row(reader->scanner, index, ret_row);
}

struct scanner *reader_scanner(struct store_reader *reader)
{
    return reader->scanner;
}

int store_reader_fd(struct store_reader *reader)
{
    int r = refresh(reader);
    return r < 0 ? r : watch_open(&reader->watch, reader->root_fd, &reader->catalog);
}

void store_reader_ack(struct store_reader *reader)
{
    watch_drain(&reader->watch);
}

int reader_files(struct store_reader *reader, int *ret_root_fd,
                 const struct reporter **ret_reporter, struct catalog *ret_catalog)
{
    struct catalog catalog = CATALOG_NULL;
    int r = catalog_read(&catalog, reader->root_fd, &reader->silent);
    if (r < 0) {
        catalog_deinit(&catalog);
        return r;
    }
    *ret_root_fd = reader->root_fd;
    *ret_reporter = &reader->reporter;
    *ret_catalog = catalog;
    return 0;
}

int store_reader_info(struct store_reader *reader, struct store_info *ret_info)
{
    int r = refresh(reader);
    return r < 0 ? r : catalog_sum(&reader->catalog, reader->root_fd, ret_info);
}
