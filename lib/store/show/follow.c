/* SPDX-License-Identifier: MIT */
#include "store/show/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/*
 * How far behind: every CHECK_NS of a run, a second reader looks at the newest block. It costs one
 * read of a file's index, and a consumer that keeps up ends its runs before it is due: one burst of
 * lines alone makes nobody slow. When it is too far, rows below an id near the end are counted instead of shown; the scan goes on as it is,
 * and it is much faster than any consumer.
 */
#define CHECK_NS INT64_C(250000000)

/* After a skip, this part of max_behind is shown. */
#define KEPT_PART 10

struct follow {
    struct follow_options options;
    struct store_reader *peek;
    uint64_t end_id;    /* while the last ones are shown: what is below it */
    uint64_t resume_id; /* rows below it are skipped */
    uint64_t n_skipped; /* and not yet told */
    int64_t next_check_ns;
    bool was_slow; /* the consumer, at the end of the last run */
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int follow_new(const struct follow_options *options, struct follow **ret_follow)
{
    struct store_reader_options quiet = {.path = options->path};
    struct follow *follow = calloc(1, sizeof(*follow));
    if (!follow)
        return -ENOMEM;
    follow->options = *options;
    int r = store_reader_open(&quiet, &follow->peek);
    if (r < 0) {
        free(follow);
        return r;
    }
    *ret_follow = follow;
    return 0;
}

struct follow *follow_free(struct follow *follow)
{
    if (!follow)
        return NULL;
    store_reader_close(follow->peek);
    free(follow);
    return NULL;
}

/* The id behind the newest row. */
static int find_end(struct follow *follow, uint64_t *ret_id)
{
    struct store_block_info newest;
    int r = store_reader_seek(follow->peek, 0);
    if (r == 0)
        r = store_reader_next(follow->peek, true, &newest);
    if (r < 0)
        return r;
    *ret_id = r == 0 ? 0 : newest.first_id + newest.n_rows;
    return 0;
}

static int show_old(void *arg, const struct store_row *row)
{
    struct follow *follow = arg;
    const struct query_options *run = &follow->options.run;
    return row->id < follow->end_id ? run->on_row(run->arg, row) : 0;
}

int follow_last(struct follow *follow, uint64_t n)
{
    struct query_options run = follow->options.run;
    struct query_counts counts;
    int r = find_end(follow, &follow->end_id);
    run.on_row = show_old;
    run.arg = follow;
    run.limit = n;
    if (r == 0 && n > 0)
        r = query_run(follow->options.query, follow->options.reader, &run, &counts);
    return r != 0 ? r : store_reader_seek(follow->options.reader, follow->end_id);
}

static int check(struct follow *follow, uint64_t id)
{
    uint64_t end = 0, max_behind = follow->options.max_behind;
    int64_t now = now_ns();
    if (max_behind == 0 || now < follow->next_check_ns)
        return 0;
    follow->next_check_ns = now + CHECK_NS;
    int r = find_end(follow, &end);
    if (r == 0 && end > id && end - id > max_behind)
        follow->resume_id = end - max_behind / KEPT_PART;
    return r;
}

static int tell_skipped(struct follow *follow)
{
    uint64_t n = follow->n_skipped;
    follow->n_skipped = 0;
    return n > 0 ? follow->options.on_skipped(follow->options.run.arg, n) : 0;
}

static int show_new(void *arg, const struct store_row *row)
{
    struct follow *follow = arg;
    const struct query_options *run = &follow->options.run;
    int r = check(follow, row->id);
    if (r < 0)
        return r;
    if (row->id < follow->resume_id) {
        follow->n_skipped++;
        return 0;
    }
    r = tell_skipped(follow);
    return r != 0 ? r : run->on_row(run->arg, row);
}

static int end(struct follow *follow)
{
    int64_t start_ns = now_ns();
    int r = tell_skipped(follow);
    if (r == 0)
        r = follow->options.on_end(follow->options.run.arg);
    follow->was_slow = now_ns() - start_ns >= CHECK_NS;
    return r;
}

int follow_next(struct follow *follow)
{
    struct query_options run = follow->options.run;
    struct query_counts counts;
    run.on_row = show_new;
    run.arg = follow;
    follow->next_check_ns = follow->was_slow ? 0 : now_ns() + CHECK_NS;
    int r = query_continue(follow->options.query, follow->options.reader, &run, &counts);
    return r != 0 ? r : end(follow);
}
