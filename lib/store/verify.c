/* SPDX-License-Identifier: MIT */
#include "store/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boom/group.h>

#include "store/verify_file.h"

/*
 * Workers take one block at a time from the file whose turn it is, so that a store of a single file
 * is checked by all of them, too. Who finds no block left opens the next file, under the lock (that
 * reads its index, a few pages). A file is closed by the last worker that is in one of its blocks.
 * Damage is gathered, and put in order at the end.
 */

#define MAX_THREADS 16

struct verify {
    const struct verify_options *options;
    int root_fd;
    struct catalog catalog;
    pthread_mutex_t lock;     /* of all below, and of the callback */
    struct verify_file *file; /* whose blocks are handed out; NULL: the next one is to be opened */
    size_t next_file;
    struct verify_result result;
    int stopped; /* positive: by on_progress */
};

const char *verify_what_name(enum verify_what what)
{
    static const char *const names[N_VERIFY_WHATS] = {
        "unreadable", "header", "index", "gap", "torn", "block", "rows", "aid",
    };
    return what < N_VERIFY_WHATS ? names[what] : "damage";
}

void verify_result_deinit(struct verify_result *result)
{
    free(result->damages);
    *result = (struct verify_result){0};
}

static int tell_locked(struct verify *verify)
{
    const struct verify_options *options = verify->options;
    if (verify->stopped == 0 && options->on_progress)
        verify->stopped = options->on_progress(options->arg, &verify->result.progress);
    return verify->stopped;
}

/* Its blocks are handed out, and the last worker has left it. */
static int close_file_locked(struct verify *verify, struct verify_file *file)
{
    int r = verify->stopped == 0 ? verify_file_end(file, &verify->result) : 0;
    verify_file_close(file);
    free(file);
    verify->result.progress.n_files++;
    return r;
}

/* Returns 1 (verify->file has blocks), 0 (no file is left), -ENOMEM. */
static int open_file_locked(struct verify *verify)
{
    const struct catalog *catalog = &verify->catalog;
    while (verify->next_file < catalog->n_files) {
        size_t at = verify->next_file++;
        struct verify_file *file = calloc(1, sizeof(*file));
        if (!file)
            return -ENOMEM;
        file->file = &catalog->files[at];
        file->end_id = at + 1 < catalog->n_files ? catalog->files[at + 1].first_id : UINT64_MAX;
        int r = verify_file_open(file, verify->root_fd, &verify->result);
        if (r == 1 && file->index.n_blocks > 0) {
            verify->file = file;
            return 1;
        }
        int ended = close_file_locked(verify, file);
        if (r < 0 || ended < 0)
            return -ENOMEM;
    }
    return 0;
}

/* The next block to check. Returns 1, 0 (there is none), -ENOMEM. */
static int take_block_locked(struct verify *verify, struct verify_file **ret_file,
                             uint32_t *ret_index)
{
    int r = verify->file ? 1 : open_file_locked(verify);
    if (r <= 0)
        return r;
    struct verify_file *file = verify->file;
    *ret_file = file;
    *ret_index = file->next_block++;
    file->n_users++;
    if (file->next_block == file->index.n_blocks)
        verify->file = NULL;
    return 1;
}

static int finish_block_locked(struct verify *verify, struct verify_file *file, uint32_t index,
                               int outcome, const struct verify_damage *damage)
{
    struct verify_progress *progress = &verify->result.progress;
    const struct block_header *header = &file->index.blocks[index].header;
    int r = outcome == 0 ? verify_add(&verify->result, damage) : outcome < 0 ? outcome : 0;
    progress->bytes += header->total_bytes;
    bool is_whole = outcome == 1 || (outcome == 0 && damage->what == VERIFY_AID);
    progress->n_blocks += outcome == 1;
    progress->n_rows += is_whole ? header->info.n_rows : 0;
    file->n_users--;
    if (file->n_users == 0 && file != verify->file) {
        int ended = close_file_locked(verify, file);
        r = r < 0 ? r : ended;
    }
    return r;
}

static int check_blocks(struct verify *verify, struct block *scratch)
{
    struct verify_file *file;
    struct verify_damage damage;
    uint32_t index;
    pthread_mutex_lock(&verify->lock);
    int r = 1;
    while (verify->stopped == 0 && (r = take_block_locked(verify, &file, &index)) == 1) {
        pthread_mutex_unlock(&verify->lock);
        int outcome = verify_block(file, index, scratch, verify->options->checksums_alone, &damage);
        pthread_mutex_lock(&verify->lock);
        r = finish_block_locked(verify, file, index, outcome, &damage);
        if (r < 0 || tell_locked(verify) != 0)
            break;
    }
    if (r < 0 && verify->stopped == 0)
        verify->stopped = r; /* the others need not go on */
    pthread_mutex_unlock(&verify->lock);
    return r < 0 ? r : 0;
}

static int work(void *arg)
{
    struct block scratch;
    int r = block_init(&scratch);
    if (r == 0)
        r = check_blocks(arg, &scratch);
    block_deinit(&scratch);
    return r;
}

static unsigned n_workers(const struct verify_options *options)
{
    long n = options->n_threads > 0 ? (long)options->n_threads : sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : (unsigned)n;
}

static int run_workers(struct verify *verify)
{
    struct boom_group *group;
    int r = boom_group_new(boom_ctx_background(), &group);
    if (r < 0)
        return r;
    unsigned n = n_workers(verify->options), n_started = 0;
    while (n_started < n && (r = boom_group_go(group, "verify", work, verify)) == 0)
        n_started++;
    int waited = boom_group_wait(group);
    boom_group_free(group);
    return n_started == 0 ? r : waited; /* fewer of them than wished for are enough */
}

/* What the listing holds, for the progress. */
static void sum_bytes(struct verify *verify)
{
    struct verify_progress *progress = &verify->result.progress;
    char name[NAME_BYTES];
    struct stat status;
    progress->n_files_total = verify->catalog.n_files;
    for (size_t i = 0; i < verify->catalog.n_files; i++) {
        const struct catalog_file *file = &verify->catalog.files[i];
        catalog_name(name, file->day, file->first_id, file->sealed);
        if (fstatat(verify->root_fd, name, &status, 0) == 0)
            progress->bytes_total += (uint64_t)status.st_size;
    }
}

/* The ids in the files' names order them. */
static int by_place(const void *a, const void *b)
{
    const struct verify_damage *left = a, *right = b;
    int order = strcmp(strchrnul(left->name, '/'), strchrnul(right->name, '/'));
    if (order != 0)
        return order;
    return left->at < right->at ? -1 : left->at > right->at;
}

/* What a stop left open. */
static void verify_deinit(struct verify *verify)
{
    if (verify->file) {
        verify_file_close(verify->file);
        free(verify->file);
    }
    catalog_deinit(&verify->catalog);
    if (verify->root_fd >= 0)
        close(verify->root_fd);
    pthread_mutex_destroy(&verify->lock);
    verify_result_deinit(&verify->result);
}

int store_verify(const struct verify_options *options, struct verify_result *ret_result)
{
    const struct reporter silent = {0};
    struct verify verify = {.options = options, .catalog = CATALOG_NULL};
    pthread_mutex_init(&verify.lock, NULL);
    verify.root_fd = open(options->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = verify.root_fd < 0 ? -errno : catalog_read(&verify.catalog, verify.root_fd, &silent);
    if (r == 0) {
        sum_bytes(&verify);
        r = run_workers(&verify);
    }
    if (r == 0)
        r = verify.stopped;
    *ret_result = (struct verify_result){0};
    if (r == 0) {
        struct verify_result *result = &verify.result;
        if (result->n_damages > 1)
            qsort(result->damages, result->n_damages, sizeof(*result->damages), by_place);
        *ret_result = *result;
        verify.result = (struct verify_result){0};
    }
    verify_deinit(&verify);
    return r;
}
