/* SPDX-License-Identifier: MIT */
#include "store/query/cells.h"

#include <string.h>

#define MINUTE_NS INT64_C(60000000000)

static bool is_minute(int64_t time_ns, int64_t open)
{
    return time_ns == open || time_ns % MINUTE_NS == 0;
}

enum verdict cells_judge(const struct query *query, const struct bounds *bounds,
                         const struct store_block_info *info, uint64_t end_id)
{
    if (!query->is_of_cells)
        return VERDICT_NEVER;
    if (bounds_judge(bounds, info, end_id) == VERDICT_ALWAYS)
        return VERDICT_ALWAYS;
    return info->first_id >= bounds->first_id && bounds->tie_id == 0 &&
                   is_minute(bounds->since_ns, INT64_MIN) && is_minute(bounds->until_ns, INT64_MAX)
               ? VERDICT_MAYBE
               : VERDICT_NEVER;
}

/* The minute of a bound that is one; beyond all minutes where it is open. */
static int64_t minute_of(int64_t time_ns)
{
    return time_ns == INT64_MIN || time_ns == INT64_MAX ? time_ns : time_ns / MINUTE_NS;
}

static bool matches(const struct query *query, const struct rollup_cell *cell)
{
    struct store_row row = {
        .severity = cell->severity < 8 ? cell->severity : RECORD_NO_SEVERITY,
        .has_place = true,
    };
    memcpy(row.place.country, cell->country, sizeof(row.place.country));
    return query_matches(query, &row);
}

size_t cells_select(const struct query *query, const struct bounds *bounds,
                    struct rollup_cell *cells, size_t n, uint64_t *ret_rows)
{
    int64_t since = bounds != NULL ? minute_of(bounds->since_ns) : INT64_MIN;
    int64_t until = bounds != NULL ? minute_of(bounds->until_ns) : INT64_MAX;
    size_t n_selected = 0;
    *ret_rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (cells[i].minute < since || cells[i].minute >= until || !matches(query, &cells[i]))
            continue;
        *ret_rows += cells[i].n_rows;
        cells[n_selected++] = cells[i];
    }
    return n_selected;
}
