/* SPDX-License-Identifier: MIT */
#ifndef STORE_FILES_H
#define STORE_FILES_H

/*
 * The inside of a store, as its writer holds it.
 *
 *   store.c     open, close, figures
 *   recover.c   what open finds on the disk
 *   log.c       the log that is appended to: begin, append, retire
 *   keeper.c    the store's thread: sync, sealing
 *   retain.c    what the keeper deletes
 *   hold.c      what retention must spare
 *   rewriter.c  the idle thread: merging, compressing again
 *
 * Three locks, taken in this order:
 *   append_lock   who appends: next_id, and the content of the open log; held while writing
 *   names         who deletes a sealed file, or puts another in its place
 *   lock          everything else; never held while the disk works
 * `log` is changed under both, so either is enough to look at it. A retired log belongs to the
 * keeper.
 */

#include <pthread.h>
#include <stdatomic.h>
#include "store/catalog.h"
#include "store/encoder.h"
#include "store/hold.h"
#include "store/index.h"
#include "store/report.h"
#include "store/store.h"

#define NS_PER_S INT64_C(1000000000)

/* A log: being appended to, or retired and waiting to be sealed. */
struct log {
    struct log *next; /* of the retired ones, oldest first */
    int fd;
    char day[DAY_BYTES];
    struct file_index index;
    int64_t old_at_ns; /* CLOCK_MONOTONIC when segment_age is reached */
    bool is_dirty;     /* store.lock: appended to since the last sync */
    bool is_named;     /* the keeper's: sealed, and called .seg */
};

/* What retention and the figures need of each file; the open log's is the last. */
struct store_file {
    uint64_t first_id, records, bytes_raw, bytes_disk;
    int64_t min_received_us, max_received_us;
    char day[DAY_BYTES];
    bool sealed;
    bool is_stuck;        /* damage kept it from being written anew */
    uint8_t level, flags; /* of its trailer */
};

struct store {
    struct store_options options;
    char *path;
    struct reporter reporter;
    int root_fd, lock_fd;

    pthread_mutex_t append_lock, names;
    uint64_t next_id;

    pthread_mutex_t lock;
    pthread_cond_t wake;   /* the keeper has something to do */
    pthread_cond_t rested; /* a round of the keeper is over */
    pthread_cond_t rewrite; /* the rewriter has something to do */
    struct log *log;       /* NULL: the next append makes one */
    struct log *retired;
    struct store_file *files;
    size_t n_files, files_capacity;
    struct store_stats stats;
    struct holds holds;
    int64_t dirty_since_ns; /* CLOCK_MONOTONIC; 0: nothing to sync */
    uint64_t rounds_wanted, rounds_done;
    int round_error; /* of sealing, in the last round */
    uint64_t rewritten_id; /* first id of the file that is at work, or was the last */
    atomic_bool rewrite_cancelled; /* set under the lock */
    bool is_closing;

    pthread_t keeper, rewriter;
    bool has_keeper, has_rewriter;
};

int64_t monotonic_ns(void);
int64_t realtime_ns(void);

/* files[]: returns 0, -ENOMEM. The lock is held (or nobody else is there yet). */
int store_add_file_locked(struct store *store, const char *day, const struct file_index *index,
                          uint64_t bytes_disk, bool sealed);
struct store_file *store_find_file_locked(struct store *store, uint64_t first_id);
void store_remove_file_locked(struct store *store, struct store_file *file);

struct log *log_free(struct log *log);
/* Writes the header of a new or emptied log, with an identity of its own. Returns 0 or a negative
 * errno. */
int log_begin(struct log *log, uint64_t first_id);
/* Makes a log that starts with next_id. The append lock is held, and there is no open log. Returns
 * 0 or a negative errno. */
int store_begin_log(struct store *store, int64_t received_us);
/* Hands the open log to the keeper; one without a block stays open. Both locks are held. */
void store_retire_locked(struct store *store);
/* Deletes the open log, which has no block, and behind which there is another file. Both locks are
 * held. */
void store_discard_locked(struct store *store);
/* Is the open log so old that it should be sealed? The lock is held. */
bool store_log_is_old_locked(const struct store *store, int64_t now_ns);

/* Reads what is there: files, next_id, and the log to go on with. Returns 0, -ENOMEM, or an errno.
 */
int store_recover(struct store *store);

void *keeper_run(void *store);
/* Has the keeper seal what is retired and waits for it. Returns 0 or a negative errno of sealing.
 */
int keeper_round(struct store *store);
int fsync_dir(int root_fd, const char *name);

/* Deletes what retention says. Only the keeper calls it. */
bool has_retention(const struct store_options *options);
void retain(struct store *store);

void *rewriter_run(void *store);

#endif
