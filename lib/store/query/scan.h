/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_SCAN_H
#define STORE_QUERY_SCAN_H

/* One thread's search through one block at a time. */

#include "store/query/ast.h"
#include "store/query/heap.h"
#include "store/query/pack.h"
#include "store/snapshot.h"

/* Which rows are asked for, beside what the expression says. */
struct bounds {
    int64_t since_ns, until_ns; /* as query_options has them */
    uint64_t first_id;
    uint64_t tie_id; /* of the rows whose time is since_ns: the first */
};

/* end_id: greater than every id of the block or file. */
enum verdict bounds_judge(const struct bounds *bounds, const struct store_block_info *info,
                          uint64_t end_id);

struct scan {
    const struct query *query;
    struct bounds bounds;
    struct boom_ctx *ctx; /* looked at between the steps */
    struct scanner *scanner;
    struct query_counts counts;
    struct store_block_info info; /* of the current block */
    uint32_t loaded;
    uint32_t *hits; /* rows that match, ascending */
    uint32_t n_hits, n_room;
    uint8_t *verdicts; /* enum verdict, of a term and each message template */
    uint32_t n_verdicts;
};

/* Returns 0, -ENOMEM. */
int scan_init(struct scan *scan, const struct query *query, const struct bounds *bounds,
              struct boom_ctx *ctx);
void scan_deinit(struct scan *scan);

/* Makes a block the current one. Returns 1, 0 (it is gone), -ENOMEM. */
int scan_open(struct scan *scan, const struct segment *segment, uint32_t block);
/*
 * Asks the filter of the block on which the scanner stands, and which `info` describes. Returns 1, 0
 * (it holds no match, or is damaged: counted), or a negative errno.
 */
int scan_filter(struct scan *scan);
/* What it takes to decode and to copy it. Returns 1, 0 (damaged), or a negative errno. */
int scan_cost(struct scan *scan, size_t *ret_bytes);
/*
 * Fills hits, and loads the columns where there are any. Damage leaves none. Returns 0, a negative
 * errno, or the error of ctx.
 */
int scan_run(struct scan *scan, uint32_t columns);
/* Adds up what was read. Every block that was opened is closed. */
void scan_close(struct scan *scan);

/*
 * The hits, at most `limit` (0: all) of them, in the order of the run. Needs STORE_TIME. Returns 0,
 * -ENOMEM.
 */
int scan_pack(struct scan *scan, bool newest_first, uint64_t limit, struct pack **ret_pack);

#endif
