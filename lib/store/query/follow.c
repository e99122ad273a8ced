/* SPDX-License-Identifier: MIT */
#include "store/query/scan.h"

#include <errno.h>

#include "store/reader_files.h"

/* Returns as on_row, or a negative errno. */
static int show_hits(struct scan *scan, const struct query_options *options)
{
    struct store_row row;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < scan->n_hits; i++) {
        scanner_row(scan->scanner, scan->hits[i], &row);
        scan->counts.matched++;
        r = options->on_row(options->arg, &row);
    }
    return r;
}

static int follow_block(struct scan *scan, const struct query_options *options)
{
    const struct store_block_info *info = &scan->info;
    uint64_t end_id = info->first_id + info->n_rows;
    scan->counts.blocks++;
    if (bounds_judge(&scan->bounds, info, end_id) == VERDICT_NEVER) {
        scan->counts.pruned[QUERY_BY_BOUNDS]++;
        return 0;
    }
    if (node_judge(scan->query->root, info) == VERDICT_NEVER) {
        scan->counts.pruned[QUERY_BY_HEADER]++;
        return 0;
    }
    int r = scan_filter(scan);
    if (r == 1)
        r = scan_run(scan, options->columns);
    scan_close(scan);
    return r == 0 ? show_hits(scan, options) : r;
}

int query_continue(struct query *query, struct store_reader *reader,
                   const struct query_options *options, struct query_counts *ret_counts)
{
    struct scan scan = {
        .query = query,
        .bounds = {options->since_ns, options->until_ns,
                   options->after_id > 0 ? options->after_id + 1 : 0, 0},
        .ctx = options->ctx,
        .scanner = reader_scanner(reader),
    };
    int r = 0;
    while (r == 0 && (r = store_reader_next(reader, false, &scan.info)) > 0)
        r = follow_block(&scan, options);
    scan.scanner = NULL; /* the reader's */
    scan_deinit(&scan);
    *ret_counts = scan.counts;
    for (unsigned i = 0; i < N_QUERY_PRUNINGS; i++)
        ret_counts->blocks_pruned += scan.counts.pruned[i];
    return r;
}
