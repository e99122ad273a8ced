/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "store/query/need.h"

static void print_pruned(const struct query_counts *counts, FILE *out)
{
    static const char *const reasons[N_QUERY_PRUNINGS] = {
        [QUERY_BY_BOUNDS] = "ruled out by their times or ids",
        [QUERY_BY_HEADER] = "ruled out by their severities, facilities or times",
        [QUERY_BY_FILTER] = "ruled out by their filters",
        [QUERY_BY_ROLLUP] = "answered by their counts",
    };
    for (unsigned i = 0; i < N_QUERY_PRUNINGS; i++)
        if (counts->pruned[i] > 0)
            fprintf(out, "              %" PRIu64 " %s\n", counts->pruned[i], reasons[i]);
}

void query_explain(const struct query *query, const struct query_counts *counts, FILE *out)
{
    fputs("expression  ", out);
    query_print(query, out);
    fputs("\nlooked for  ", out);
    need_print(query->need, out);
    fprintf(out, "\nfiles       %" PRIu64 ", %" PRIu64 " ruled out as a whole\n", counts->files,
            counts->files_pruned);
    fprintf(out, "blocks      %" PRIu64 ", %" PRIu64 " scanned\n", counts->blocks,
            counts->blocks_scanned);
    print_pruned(counts, out);
    if (counts->blocks_narrow > 0)
        fprintf(out, "              %" PRIu64 " of those scanned by small columns alone\n",
                counts->blocks_narrow);
    if (counts->blocks_damaged > 0)
        fprintf(out, "              %" PRIu64 " damaged, left out\n", counts->blocks_damaged);
    fprintf(out, "rows        %" PRIu64 " looked at, %" PRIu64 " matched\n", counts->rows,
            counts->matched);
    if (counts->unordered > 0)
        fprintf(out, "              %" PRIu64 " came too late for their place\n",
                counts->unordered);
    fprintf(out, "bytes       %" PRIu64 " read, %" PRIu64 " decompressed\n", counts->bytes_read,
            counts->bytes_decompressed);
    fprintf(out, "memory      %zu bytes at most\n", counts->peak_bytes);
    fprintf(out, "time        %.3f ms, %.3f ms of processors, %u threads\n",
            (double)counts->wall_ns / 1e6, (double)counts->cpu_ns / 1e6, counts->threads);
}
