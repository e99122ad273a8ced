/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_RUN_H
#define STORE_QUERY_RUN_H

/*
 * One pass over a snapshot by several threads.
 *
 *             pending (a heap by key)                            packs (a heap by key)
 *   files ──▶ [ file | block | file | … ] ──▶ worker ──▶ pack ──▶ [ rows | rows | … ] ──▶ emit
 *                  ▲                          worker                      caller's thread
 *                  └──── blocks of a file ◀── worker
 *
 *   run.c     what query_run() makes of its options: one pass, or two
 *   pass.c    threads, their start and end
 *   feed.c    what is done next: files are opened, blocks scanned, in the order of the run
 *   worker.c  opens and scans
 *   merge.c   rows in order, out of the packs
 *
 * The key of a file or block is the least that a row of it can have. A row may be emitted when its
 * key is less than every key that is pending or at work: nothing can come before it any more.
 *
 * Memory: a worker takes a block's cost from the semaphore before it decodes it, and gives back at
 * once what is not left of it in the pack; the merge gives back the rest when the pack is emitted.
 * Workers take in the order of the run (first come first served), and stop while packs hold a
 * quarter of the budget, unless the merge waits for more. No single request is for more than half
 * of the budget; so whatever is asked for can be given as soon as the packs hold no more than the
 * other half, and there the merge emits before its turn: nobody waits for ever.
 */

#include <pthread.h>
#include <boom/context.h>
#include <boom/group.h>
#include <boom/semaphore.h>

#include "store/query/heap.h"
#include "store/query/scan.h"
#include "store/query/sink.h"

#define QUERY_MAX_THREADS 64

enum pass_order { PASS_OLDEST_FIRST, PASS_NEWEST_FIRST, PASS_ANY };

/* What a pass is for; does not change while it runs. */
struct pass_plan {
    const struct query *query;
    struct snapshot *snapshot;
    struct bounds bounds;
    enum pass_order order;
    uint64_t limit;   /* the first `limit` rows in the order of the pass; 0: all */
    uint32_t columns; /* of the rows that come out */
    size_t memory_bytes;
    unsigned n_threads;
    struct boom_ctx *ctx; /* the caller's */
    struct sink *sink;    /* PASS_ANY */
    /* Else: a row, in the caller's thread. Returns as on_row. */
    int (*emit)(void *arg, const struct store_row *row);
    void *arg;
    void (*on_progress)(void *arg, const struct query_progress *progress);
    void *progress_arg;
};

/* What a worker is at. */
struct activity {
    bool is_active, is_file;
    struct key key;
};

struct pass {
    struct pass_plan plan;
    struct boom_group *group;
    struct boom_semaphore *memory;
    struct boom_after after; /* the end of the group's context */
    struct query_counts *counts;

    pthread_mutex_t lock;   /* guards all that follows; held shortly, never over I/O */
    pthread_cond_t room;    /* workers: there may be work, or the merge wants more */
    pthread_cond_t changed; /* the merge: something is done */
    bool is_over;           /* the group's context ended */
    struct heap pending;
    struct activity activities[QUERY_MAX_THREADS];
    unsigned n_started;   /* of the activities: those of threads that started */
    struct pack *arrived; /* not in the merge's heap yet */
    size_t held_bytes;    /* of packs, arrived or in the heap */
    uint64_t held_rows;
    uint64_t n_emitted;
    bool merge_waits;
    int stopped; /* the positive number with which a sink had enough */
    size_t peak_bytes;
    struct query_progress progress;

    struct heap packs;      /* the merge's own */
    struct key last;        /* that was emitted */
    int64_t progress_at_ns; /* when it was told last */
};

struct worker {
    struct pass *pass;
    struct activity *activity;
    struct scan scan;
    void *part;    /* of the sink */
    bool is_large; /* the current block takes more than a scanner may keep */
};

/* A file that was opened: closed with its last block. */
struct opened {
    struct segment *segment;
    uint32_t n_left;
};

/* run.c → pass.c. Adds to counts. Returns 0, the positive number of emit, or a negative errno. */
int pass_run(const struct pass_plan *plan, struct query_counts *counts);

/* feed.c */
struct work {
    struct heap_entry entry;
    struct opened *opened; /* NULL: entry.number is a file, else a block of this one */
};
/* Fills pending with the files. Returns 0 or a negative errno. */
int feed_start(struct pass *pass);
/* Returns 1, 0 (there is no more), or the error of the context. Waits. */
int feed_take(struct worker *worker, struct work *ret_work);
/* Puts the blocks of an opened file that may hold a match. Returns 0, -ENOMEM. */
int feed_blocks(struct worker *worker, struct segment *segment);
/* A block is done with. */
void feed_done(struct worker *worker, const struct work *work);
void feed_stop(struct pass *pass);
/* The least key that may still come. */
struct key feed_least_locked(const struct pass *pass);
bool feed_is_empty_locked(const struct pass *pass);

/* worker.c: the thread of a `struct worker`. */
int worker_run(void *arg);

/* merge.c: emits all rows, or waits for the end where there is a sink. Returns as pass_run(). */
int merge_run(struct pass *pass);

#endif
