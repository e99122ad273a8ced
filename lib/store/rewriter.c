/* SPDX-License-Identifier: MIT */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/rewrite.h"

/*
 * The thread that improves sealed files: it merges the small blocks of quiet hours, and has old
 * files compressed at a higher level, when nobody else needs the processor. Sync, sealing and
 * retention never wait for it.
 *
 *   <id>.seg ──▶ <id>.new ──fdatasync──▶ rename over <id>.seg
 *
 * So at every moment one whole file bears the name, and a crash leaves at most a .new, which is
 * deleted at the next open. Readers that hold the old file go on with it. The keeper may delete the
 * file meanwhile; store.names orders that and the rename, so that nothing comes back.
 *
 * A thread of idle priority may wait for the processor for seconds, and must not hold a lock
 * meanwhile that an append wants. So each file is written by a thread of its own, which takes no
 * lock of the store's; it is cancelled by a flag.
 *
 * What was compressed again and did not become smaller is kept as it was, but for the level in its
 * trailer, so that it is tried once.
 */
#define RETRY_NS (60 * NS_PER_S)
#define DAY_US   INT64_C(86400000000)
/* A file compressed again is kept if it saves at least one part of so many. */
#define WORTH_PART 20

/* Of this thread alone, as Linux has it. Where a sandbox does not allow it the work is done at the
 * usual priority. */
static void become_idle(void)
{
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), 19);
    syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
}

static bool is_fragmented(const struct store *store, const struct store_file *file)
{
    return store->options.merge_bytes > 0 && (file->flags & TRAILER_FRAGMENTED) != 0;
}

/* When it is old enough to be compressed again, by the clock; INT64_MAX: never. */
static int64_t cold_at_us(const struct store *store, const struct store_file *file)
{
    const struct store_options *options = &store->options;
    int64_t at_us;
    if (options->recompress_after_ns <= 0 || file->level >= options->recompress_level ||
        __builtin_add_overflow(file->max_received_us, options->recompress_after_ns / 1000, &at_us))
        return INT64_MAX;
    return at_us;
}

/* The first that is due; else when the next one will be. */
static struct store_file *find_due_locked(struct store *store, int64_t *ret_at_us)
{
    int64_t now_us = realtime_ns() / 1000, next_us = INT64_MAX;
    for (size_t i = 0; i < store->n_files; i++) {
        struct store_file *file = &store->files[i];
        if (!file->sealed || file->is_stuck)
            continue;
        int64_t at_us = is_fragmented(store, file) ? INT64_MIN : cold_at_us(store, file);
        if (at_us <= now_us)
            return file;
        next_us = at_us < next_us ? at_us : next_us;
    }
    *ret_at_us = next_us;
    return NULL;
}

static struct store_file *look_up_locked(struct store *store, uint64_t first_id)
{
    for (size_t i = 0; i < store->n_files; i++)
        if (store->files[i].first_id == first_id)
            return &store->files[i];
    return NULL;
}

/* A copy must not be what makes retention delete old files. */
static bool has_room(const struct store *store, uint64_t n_bytes)
{
    struct statvfs figures;
    return fstatvfs(store->root_fd, &figures) == 0 &&
           (uint64_t)figures.f_bavail * figures.f_frsize >= store->options.min_free_bytes &&
           (uint64_t)figures.f_bavail * figures.f_frsize - store->options.min_free_bytes >= n_bytes;
}

/* The new file in the place of the old. Returns 0, -ENOENT (that was deleted), or another errno. */
static int replace(struct store *store, const struct store_file *old, const struct file_index *new)
{
    char from[NAME_BYTES], to[NAME_BYTES];
    catalog_new_name(from, old->day, old->first_id);
    catalog_name(to, old->day, old->first_id, true);
    pthread_mutex_lock(&store->names);
    pthread_mutex_lock(&store->lock);
    bool is_there = look_up_locked(store, old->first_id) != NULL;
    pthread_mutex_unlock(&store->lock);
    int r = is_there ? 0 : -ENOENT;
    if (r == 0 && renameat(store->root_fd, from, store->root_fd, to) < 0)
        r = -errno;
    if (r == 0) {
        pthread_mutex_lock(&store->lock);
        struct store_file *file = look_up_locked(store, old->first_id);
        store->stats.bytes_disk += new->seen_bytes - file->bytes_disk;
        store->stats.rewritten_segments++;
        file->bytes_disk = new->seen_bytes;
        file->level = new->level;
        file->flags = new->flags;
        pthread_mutex_unlock(&store->lock);
    }
    pthread_mutex_unlock(&store->names);
    return r;
}

/* What is done to one file. */
struct job {
    struct store *store;
    struct store_file file;
    struct file_index index;
    int from, to;
    bool recompresses;
    /* what became of it */
    int result;
    struct file_index new;
};

/* Not when the store is closed, or the file was deleted. */
static bool goes_on(void *arg)
{
    const struct job *job = arg;
    return !atomic_load_explicit(&job->store->rewrite_cancelled, memory_order_relaxed);
}

/* Returns 0: the new file is whole and safe. */
static int write_new(struct job *job, bool encodes_all, struct file_index *ret_index)
{
    const struct store_options *options = &job->store->options;
    int usual = job->file.level > 0 ? job->file.level : options->compression;
    const struct rewrite rewrite = {
        .from = job->from,
        .to = job->to,
        .index = &job->index,
        .full_bytes = options->merge_bytes,
        .compression = encodes_all ? options->recompress_level : usual,
        .encodes_all = encodes_all,
        .level = job->recompresses ? (uint8_t)options->recompress_level : job->file.level,
        .goes_on = goes_on,
        .arg = job,
    };
    if (ftruncate(job->to, 0) < 0)
        return -errno;
    int r = rewrite_file(&rewrite, ret_index);
    if (r == 0 && fdatasync(job->to) < 0) {
        r = -errno;
        file_index_deinit(ret_index);
    }
    return r;
}

static int write_best(struct job *job)
{
    uint64_t old_bytes = job->file.bytes_disk;
    int r = write_new(job, job->recompresses, &job->new);
    if (r < 0 || !job->recompresses || job->new.seen_bytes <= old_bytes - old_bytes / WORTH_PART)
        return r;
    file_index_deinit(&job->new);
    return write_new(job, false, &job->new);
}

static void *write_apart(void *arg)
{
    struct job *job = arg;
    if (job->recompresses)
        become_idle();
    job->result = write_best(job);
    return NULL;
}

static int rewrite(struct job *job)
{
    pthread_t thread;
    int r = -pthread_create(&thread, NULL, write_apart, job);
    if (r < 0)
        return r;
    pthread_join(thread, NULL);
    r = job->result < 0 ? job->result : replace(job->store, &job->file, &job->new);
    if (r == 0)
        report(&job->store->reporter, LOG_INFO,
               "store: %s/%016" PRIx64 " %s: %" PRIu64 " to %" PRIu64 " bytes, %u to %u blocks",
               job->file.day, job->file.first_id, job->recompresses ? "compressed again" : "merged",
               job->file.bytes_disk, job->new.seen_bytes, job->index.n_blocks, job->new.n_blocks);
    return r;
}

static int open_job(struct job *job)
{
    const struct reporter silent = {0};
    char from[NAME_BYTES], to[NAME_BYTES];
    int root_fd = job->store->root_fd;
    catalog_name(from, job->file.day, job->file.first_id, true);
    catalog_new_name(to, job->file.day, job->file.first_id);
    job->from = openat(root_fd, from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (job->from < 0)
        return -errno;
    int r = file_index_read(&job->index, job->from, from, &silent);
    if (r < 0)
        return r;
    job->to = openat(root_fd, to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0640);
    return job->to < 0 ? -errno : 0;
}

/* A .new that did not become the file goes, and with it perhaps the last of its day. */
static void close_job(struct job *job, int r)
{
    char name[NAME_BYTES];
    catalog_new_name(name, job->file.day, job->file.first_id);
    if (job->to >= 0 && r < 0) {
        unlinkat(job->store->root_fd, name, 0);
        unlinkat(job->store->root_fd, job->file.day, AT_REMOVEDIR);
    }
    if (job->to >= 0)
        close(job->to);
    if (job->from >= 0)
        close(job->from);
    file_index_deinit(&job->index);
    file_index_deinit(&job->new);
}

/* A file that the keeper deleted meanwhile is nobody's failure. What is damaged, or gone, is not
 * tried again before the next open. */
static void note_failure(struct store *store, const struct store_file *old, int r)
{
    pthread_mutex_lock(&store->names);
    pthread_mutex_lock(&store->lock);
    struct store_file *file = look_up_locked(store, old->first_id);
    if (file) {
        file->is_stuck = r == -EBADMSG || r == -ENOENT;
        store->stats.rewrite_errors++;
    }
    pthread_mutex_unlock(&store->lock);
    pthread_mutex_unlock(&store->names);
    if (!file)
        return;
    report(&store->reporter, LOG_WARNING, "store: %s/%016" PRIx64 " stays as it is: %s", old->day,
           old->first_id, strerror(-r));
}

/* Returns 0, or a negative errno after which a pause is due. */
static int work_on(struct store *store, const struct store_file *file)
{
    struct job job = {
        .store = store,
        .file = *file,
        .from = -1,
        .to = -1,
        .recompresses = cold_at_us(store, file) <= realtime_ns() / 1000,
    };
    int r = has_room(store, file->bytes_disk) ? open_job(&job) : -ENOSPC;
    if (r == 0)
        r = rewrite(&job);
    close_job(&job, r);
    if (r == 0 || r == -ECANCELED)
        return 0;
    note_failure(store, file, r);
    return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

/* Until the clock shows at_us, or somebody has something; but a day at most, as clocks are set. */
static void wait_locked(struct store *store, int64_t at_us)
{
    int64_t now_us = realtime_ns() / 1000;
    int64_t left_us = at_us < now_us + DAY_US ? at_us - now_us : DAY_US;
    int64_t until_ns = monotonic_ns() + left_us * 1000;
    const struct timespec until = {until_ns / NS_PER_S, until_ns % NS_PER_S};
    pthread_cond_timedwait(&store->rewrite, &store->lock, &until);
}

void *rewriter_run(void *arg)
{
    struct store *store = arg;
    int64_t resume_us = INT64_MIN, next_us;
    pthread_mutex_lock(&store->lock);
    while (!store->is_closing) {
        const struct store_file *due = find_due_locked(store, &next_us);
        if (realtime_ns() / 1000 < resume_us) {
            wait_locked(store, resume_us);
            continue;
        }
        if (!due) {
            wait_locked(store, next_us);
            continue;
        }
        const struct store_file file = *due;
        store->rewritten_id = file.first_id;
        atomic_store(&store->rewrite_cancelled, false);
        pthread_mutex_unlock(&store->lock);
        int r = work_on(store, &file);
        resume_us = r < 0 ? (realtime_ns() + RETRY_NS) / 1000 : INT64_MIN;
        pthread_mutex_lock(&store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}
