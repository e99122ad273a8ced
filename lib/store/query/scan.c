/* SPDX-License-Identifier: MIT */
/*
 *   header ──judge──▶ never: not scanned
 *      │ maybe
 *      ▼                         always: every row is a hit ───────────────┐
 *   filter ──▶ all rows ──bounds──▶ hits ──term──▶ hits ──term──▶ hits ────┴─▶ columns that are shown
 *
 * Each arrow loads the columns that it needs, if a hit is left. The terms of a conjunction come in
 * the order of what their columns cost (query.c): the messages of a block are not decoded when its
 * hosts have ruled it out, and what only the consumer needs is not decoded for a block without a hit.
 */
#include "store/query/scan.h"

#include <errno.h>
#include <stdlib.h>

#include <boom/context.h>

#include "store/query/need.h"
#include "store/query/template.h"

int scan_init(struct scan *scan, const struct query *query, const struct bounds *bounds,
              struct boom_ctx *ctx)
{
    *scan = (struct scan){.query = query, .bounds = *bounds, .ctx = ctx};
    return scanner_new(&scan->scanner);
}

void scan_deinit(struct scan *scan)
{
    scan->scanner = scanner_free(scan->scanner);
    free(scan->hits);
    free(scan->verdicts);
    scan->hits = NULL;
    scan->verdicts = NULL;
}

enum verdict bounds_judge(const struct bounds *bounds, const struct store_block_info *info,
                          uint64_t end_id)
{
    bool is_open = bounds->until_ns == INT64_MAX;
    if (info->max_time_ns < bounds->since_ns || end_id <= bounds->first_id ||
        (!is_open && info->min_time_ns >= bounds->until_ns))
        return VERDICT_NEVER;
    bool is_inside = (bounds->tie_id == 0 ? info->min_time_ns >= bounds->since_ns
                                          : info->min_time_ns > bounds->since_ns) &&
                     (is_open || info->max_time_ns < bounds->until_ns) &&
                     info->first_id >= bounds->first_id;
    return is_inside ? VERDICT_ALWAYS : VERDICT_MAYBE;
}

static bool in_bounds(const struct scan *scan, const struct store_row *row)
{
    const struct bounds *bounds = &scan->bounds;
    return row->id >= bounds->first_id && row->time_ns >= bounds->since_ns &&
           (bounds->until_ns == INT64_MAX || row->time_ns < bounds->until_ns) &&
           (row->time_ns > bounds->since_ns || row->id >= bounds->tie_id);
}

/* Damage and absence are outcomes that are counted, and no errors. Returns 0 or a negative errno. */
static int note(struct scan *scan, int r)
{
    scan->counts.blocks_damaged += r == -EBADMSG;
    return r == -EBADMSG || r == -ENOENT ? 0 : r;
}

int scan_filter(struct scan *scan)
{
    const struct need *need = scan->query->need;
    const uint8_t *lines;
    size_t n_bytes;
    scan->n_hits = 0;
    scan->loaded = 0;
    int r = need != NULL ? scanner_filter(scan->scanner, &lines, &n_bytes) : 0;
    if (r < 0)
        return note(scan, r);
    if (r == 0 || need_may_hold(need, lines, n_bytes))
        return 1;
    scan->counts.pruned[QUERY_BY_FILTER]++;
    return 0;
}

int scan_open(struct scan *scan, const struct segment *segment, uint32_t block)
{
    uint32_t on_disk;
    segment_block(segment, block, &scan->info, &on_disk);
    int r = scanner_open(scan->scanner, segment, block);
    return r < 0 ? note(scan, r) : 1;
}

int scan_cost(struct scan *scan, size_t *ret_bytes)
{
    int r = scanner_cost(scan->scanner, ret_bytes);
    if (r < 0)
        return note(scan, r);
    *ret_bytes += scan->info.n_rows * sizeof(struct store_row);
    return 1;
}

/* Loads columns beside those that are loaded. A damaged block has no hits. */
static int load(struct scan *scan, uint32_t columns)
{
    int r = boom_ctx_err(scan->ctx);
    if (r < 0 || (scan->loaded != 0 && (columns & ~scan->loaded) == 0))
        return r;
    r = scanner_load(scan->scanner, scan->loaded | columns);
    if (r < 0)
        scan->n_hits = 0;
    else
        scan->loaded |= columns;
    return note(scan, r);
}

static bool passes(const struct scan *scan, const struct node *term, const struct store_row *row)
{
    return term != NULL ? node_matches(term, row) : in_bounds(scan, row);
}

/* What may_hold() of a template is asked about. */
struct asked {
    const struct scanner *scanner;
    uint32_t number;
};

static bool may_hold(const void *arg, const char *token, size_t len)
{
    const struct asked *asked = arg;
    return scanner_template_may_hold(asked->scanner, asked->number, token, len);
}

/* What a term says of each message template of the block: verdicts[0] is for rows of none. */
static int judge_templates(struct scan *scan, const struct node *term)
{
    uint32_t n = scanner_n_templates(scan->scanner);
    if (n + 1 > scan->n_verdicts) {
        uint8_t *grown = realloc(scan->verdicts, n + 1);
        if (grown == NULL)
            return -ENOMEM;
        scan->verdicts = grown;
        scan->n_verdicts = n + 1;
    }
    scan->verdicts[0] = VERDICT_MAYBE;
    for (uint32_t i = 0; i < n; i++) {
        const struct asked asked = {scan->scanner, i};
        struct template_text template = {.may_hold = may_hold, .arg = &asked};
        int r = scanner_template(scan->scanner, i, (char)TEMPLATE_SLOT, &template.text,
                                 &template.has_words);
        if (r < 0)
            return r;
        scan->verdicts[i + 1] = (uint8_t)template_judge(term, &template);
    }
    return 0;
}

/* Keeps the hits that pass a term, or the bounds (NULL), for which the columns are needed. */
static int filter(struct scan *scan, uint32_t columns, const struct node *term)
{
    struct store_row row;
    uint32_t n = 0;
    int r = scan->n_hits > 0 ? load(scan, columns) : 0;
    bool is_judged = r == 0 && scan->n_hits > 0 && (columns & STORE_MESSAGE) && term != NULL;
    if (is_judged)
        r = judge_templates(scan, term);
    if (r < 0 || scan->n_hits == 0)
        return r;
    scanner_row(scan->scanner, scan->hits[0], &row);
    for (uint32_t i = 0; i < scan->n_hits; i++) {
        uint32_t hit = scan->hits[i];
        uint8_t verdict = is_judged ? scan->verdicts[scanner_row_template(scan->scanner, hit)]
                                    : (uint8_t)VERDICT_MAYBE;
        if (verdict == VERDICT_MAYBE) {
            scanner_row_again(scan->scanner, hit, &row);
            verdict = passes(scan, term, &row) ? VERDICT_ALWAYS : VERDICT_NEVER;
        }
        if (verdict == VERDICT_ALWAYS)
            scan->hits[n++] = hit;
    }
    scan->n_hits = n;
    return 0;
}

static int take_all_rows(struct scan *scan)
{
    uint32_t n_rows = scan->info.n_rows;
    if (n_rows > scan->n_room) {
        uint32_t *grown = realloc(scan->hits, n_rows * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        scan->hits = grown;
        scan->n_room = n_rows;
    }
    for (uint32_t i = 0; i < n_rows; i++)
        scan->hits[i] = i;
    scan->n_hits = n_rows;
    scan->counts.rows += n_rows;
    return 0;
}

static uint32_t bounds_columns(const struct bounds *bounds)
{
    bool has_times = bounds->since_ns != INT64_MIN || bounds->until_ns != INT64_MAX;
    return has_times ? STORE_TIME : 0;
}

static int apply_terms(struct scan *scan)
{
    const struct query *query = scan->query;
    int r = 0;
    for (size_t i = 0; r == 0 && i < query->n_terms; i++) {
        const struct node *term = query->terms[i];
        if (node_is_big(term) && scan->n_hits == 0) {
            scan->counts.blocks_narrow++;
            break;
        }
        enum verdict verdict = node_judge(term, &scan->info);
        if (verdict == VERDICT_MAYBE)
            r = filter(scan, term->columns, term);
    }
    return r;
}

int scan_run(struct scan *scan, uint32_t columns)
{
    const struct store_block_info *info = &scan->info;
    scan->counts.blocks_scanned++;
    int r = take_all_rows(scan);
    if (r == 0 && bounds_judge(&scan->bounds, info, info->first_id + info->n_rows) == VERDICT_MAYBE)
        r = filter(scan, bounds_columns(&scan->bounds), NULL);
    if (r == 0)
        r = apply_terms(scan);
    return r == 0 && scan->n_hits > 0 ? load(scan, columns) : r;
}

void scan_close(struct scan *scan)
{
    uint64_t n_read, n_raw;
    scanner_spent(scan->scanner, &n_read, &n_raw);
    scan->counts.bytes_read += n_read;
    scan->counts.bytes_decompressed += n_raw;
}

static int by_key(const void *a, const void *b)
{
    const struct heap_entry *left = a, *right = b;
    return key_before(left->key, right->key) ? -1 : 1;
}

/* The hits with their keys, ordered. */
static struct heap_entry *ordered_hits(struct scan *scan, bool newest_first)
{
    struct heap_entry *entries = malloc(scan->n_hits * sizeof(*entries));
    bool is_ordered = true;
    if (entries == NULL)
        return NULL;
    for (uint32_t i = 0; i < scan->n_hits; i++) {
        uint32_t hit = scan->hits[newest_first ? scan->n_hits - 1 - i : i];
        struct store_row row;
        scanner_row(scan->scanner, hit, &row);
        entries[i] =
            (struct heap_entry){.key = key_make(row.time_ns, row.id, newest_first), .number = hit};
        is_ordered = is_ordered && (i == 0 || key_before(entries[i - 1].key, entries[i].key));
    }
    if (!is_ordered)
        qsort(entries, scan->n_hits, sizeof(*entries), by_key);
    return entries;
}

int scan_pack(struct scan *scan, bool newest_first, uint64_t limit, struct pack **ret_pack)
{
    struct heap_entry *entries = ordered_hits(scan, newest_first);
    struct pack *pack = NULL;
    uint32_t n = limit > 0 && limit < scan->n_hits ? (uint32_t)limit : scan->n_hits;
    int r = entries != NULL ? pack_new(n, &pack) : -ENOMEM;
    for (uint32_t i = 0; r == 0 && i < n; i++) {
        struct store_row row;
        scanner_row(scan->scanner, entries[i].number, &row);
        r = pack_add(pack, &row);
    }
    free(entries);
    if (r < 0)
        pack = pack_free(pack);
    else
        *ret_pack = pack;
    return r;
}
