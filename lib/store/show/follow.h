/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_FOLLOW_H
#define STORE_SHOW_FOLLOW_H

/*
 * Following the store: the last matches, and then each one that is appended, exactly once.
 *
 *   end of the store ──▶ query: last N below the end ──▶ seek the end ──▶ ┌ follow_next ┐
 *                                                                         └─ wait ◀─────┘
 *
 * It reads files and nothing else, so that however slow its consumer is, the pipeline does not
 * notice. A consumer that falls more than max_behind lines behind loses matches from its view: they
 * are counted and not shown, until it is near the end again.
 */

#include "store/query.h"

#define FOLLOW_MAX_BEHIND 10000

struct follow_options {
    const char *path;            /* of the store; the reader's */
    struct query *query;         /* of records: no table (query_result()) */
    struct store_reader *reader; /* borrowed */
    struct query_options run;    /* on_row, arg, columns, since_ns …; not its limit */
    uint64_t max_behind;         /* lines of the store, matches or not; 0: never skip */
    /* Matches that were not shown, in front of the next row or at the end; returns as on_row. */
    int (*on_skipped)(void *arg, uint64_t n_rows); /* with run.arg */
    /* At the end of each follow_next(): the place to flush, and to wait for a slow consumer, whose
     * slowness would not be seen elsewhere. With run.arg; returns as on_row. */
    int (*on_end)(void *arg);
};

struct follow;

/* Returns 0, -ENOMEM, or a negative errno of opening the store a second time. */
int follow_new(const struct follow_options *options, struct follow **ret_follow);
struct follow *follow_free(struct follow *follow);

/* Shows the newest n of what is there (0: none), and stands behind it. Once, before follow_next().
 * Returns 0, the positive number of on_row, or a negative errno. */
int follow_last(struct follow *follow, uint64_t n);
/* Shows what was appended since. Returns as follow_last(). */
int follow_next(struct follow *follow);

#endif
