/* SPDX-License-Identifier: MIT */
#include "store/rollup.h"

#include "store/block.h"
#include "store/ints.h"

/*
 * A cell's key is one number, whose order is that of the cells: 29 bits of minute (all that fit
 * into 64 bits of nanoseconds), 4 of severity, 16 of country. So sorting is a radix sort that skips
 * the bytes in which no two keys differ, which are most of them.
 *
 * A sum keeps what is added in `pending` until that has grown to a part of the sum, and then merges
 * once: adding many small ones costs what their cells cost, not what the sum has.
 */
#define MINUTE_NS   INT64_C(60000000000)
#define MAX_MINUTE  (INT64_MAX / MINUTE_NS + 1)
#define KEY_BYTES   7
#define MAX_PENDING (ROLLUP_MAX_CELLS / 8)
#define MIN_PENDING 4096

void rollup_deinit(struct rollup *rollup)
{
    free(rollup->cells);
    *rollup = ROLLUP_NULL;
}

int64_t rollup_minute(int64_t time_ns)
{
    return time_ns / MINUTE_NS - (time_ns % MINUTE_NS < 0);
}

static uint64_t key_of(const struct rollup_cell *cell)
{
    return (uint64_t)(cell->minute + MAX_MINUTE) << 24 | (uint64_t)cell->severity << 16 |
           (uint64_t)(uint8_t)cell->country[0] << 8 | (uint8_t)cell->country[1];
}

static int reserve(struct rollup *rollup, size_t n_more)
{
    size_t wanted = rollup->n + n_more;
    if (wanted <= rollup->capacity)
        return 0;
    if (wanted < rollup->capacity + rollup->capacity / 2)
        wanted = rollup->capacity + rollup->capacity / 2;
    struct rollup_cell *cells = realloc(rollup->cells, wanted * sizeof(*cells));
    if (!cells)
        return -ENOMEM;
    rollup->cells = cells;
    rollup->capacity = wanted;
    return 0;
}

int rollup_reserve(struct rollup *rollup)
{
    return rollup->n < rollup->capacity ? 0 : reserve(rollup, 64 + rollup->n / 2);
}

int rollup_put(const struct rollup *rollup, struct buffer *column)
{
    size_t n = rollup->n;
    int64_t *minutes = malloc((n + 1) * (sizeof(*minutes) + sizeof(uint32_t) + 1));
    if (!minutes ||
        buffer_reserve(column, VARINT_BYTES + 2 * n + ints_bound(n, sizeof(*minutes)) +
                                   ints_bound(n, sizeof(uint32_t)) + ints_bound(n, 1)) < 0) {
        free(minutes);
        return -ENOMEM;
    }
    uint32_t *n_rows = (uint32_t *)(minutes + n);
    uint8_t *severities = (uint8_t *)(n_rows + n);
    for (size_t i = 0; i < n; i++) {
        minutes[i] = rollup->cells[i].minute;
        n_rows[i] = rollup->cells[i].n_rows;
        severities[i] = rollup->cells[i].severity;
    }
    buffer_put_varint(column, n);
    ints_put_i64(column, minutes, n);
    ints_put_u8(column, severities, n);
    for (unsigned letter = 0; letter < 2; letter++)
        for (size_t i = 0; i < n; i++)
            buffer_put_byte(column, (uint8_t)rollup->cells[i].country[letter]);
    ints_put_u32(column, n_rows, n);
    free(minutes);
    return 0;
}

/* n cells into room that is there. Returns 0, -EBADMSG. */
static int parse_cells(struct cursor *bytes, size_t n, int64_t *minutes, uint32_t *n_rows,
                       uint8_t *severities, struct rollup_cell *cells)
{
    if (ints_get_i64(bytes, minutes, n) < 0 ||
        ints_get_u8(bytes, severities, n, PRI_NO_SEVERITY) < 0)
        return -EBADMSG;
    const uint8_t *letters = cursor_take(bytes, 2 * n);
    if (!letters || ints_get_u32(bytes, n_rows, n, UINT32_MAX) < 0 || cursor_left(bytes) > 0)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++) {
        cells[i] = (struct rollup_cell){
            .minute = minutes[i],
            .n_rows = n_rows[i],
            .severity = severities[i],
            .country = {(char)letters[i], (char)letters[n + i]},
        };
        if (minutes[i] < -MAX_MINUTE || minutes[i] >= MAX_MINUTE || n_rows[i] == 0 ||
            (i > 0 && key_of(&cells[i - 1]) >= key_of(&cells[i])))
            return -EBADMSG;
    }
    return 0;
}

int rollup_parse(struct cursor *bytes, uint64_t n_rows, struct rollup *rollup)
{
    uint64_t n, sum = 0;
    rollup->n = 0;
    if (cursor_varint(bytes, &n) < 0 || n > cursor_left(bytes) / 2 || n > ROLLUP_MAX_CELLS)
        return -EBADMSG;
    int64_t *minutes = malloc((n + 1) * (sizeof(*minutes) + sizeof(uint32_t) + 1));
    if (!minutes || reserve(rollup, n) < 0) {
        free(minutes);
        return -ENOMEM;
    }
    uint32_t *rows = (uint32_t *)(minutes + n);
    int r = parse_cells(bytes, n, minutes, rows, (uint8_t *)(rows + n), rollup->cells);
    for (size_t i = 0; r == 0 && i < n; i++)
        sum += rows[i];
    free(minutes);
    if (r < 0 || sum != n_rows)
        return -EBADMSG;
    rollup->n = n;
    return 0;
}

int block_rollup(struct block *block, struct rollup *rollup)
{
    struct cursor bytes;
    int r = block_section(block, SECTION_ROLLUP, &block->scratch, &bytes);
    if (r <= 0)
        return r;
    r = rollup_parse(&bytes, block->header.info.n_rows, rollup);
    return r < 0 ? r : 1;
}

/* Takes neighbours of one key together. */
static void combine(struct rollup *rollup)
{
    size_t n = 0;
    for (size_t i = 0; i < rollup->n; i++) {
        if (n > 0 && key_of(&rollup->cells[n - 1]) == key_of(&rollup->cells[i]))
            rollup->cells[n - 1].n_rows += rollup->cells[i].n_rows;
        else
            rollup->cells[n++] = rollup->cells[i];
    }
    rollup->n = n;
}

/* By one byte of the keys, keeping the order of equals. */
static void sort_by_byte(const struct rollup *from, struct rollup *to, unsigned shift)
{
    size_t at[257] = {0};
    for (size_t i = 0; i < from->n; i++)
        at[(key_of(&from->cells[i]) >> shift & 0xff) + 1]++;
    for (unsigned i = 1; i < 257; i++)
        at[i] += at[i - 1];
    for (size_t i = 0; i < from->n; i++)
        to->cells[at[key_of(&from->cells[i]) >> shift & 0xff]++] = from->cells[i];
    to->n = from->n;
}

int rollup_sort(struct rollup *rollup, struct rollup *scratch)
{
    uint64_t differing = 0;
    scratch->n = 0;
    if (reserve(scratch, rollup->n) < 0)
        return -ENOMEM;
    for (size_t i = 1; i < rollup->n; i++)
        differing |= key_of(&rollup->cells[i]) ^ key_of(&rollup->cells[0]);
    for (unsigned shift = 0; shift < 8 * KEY_BYTES; shift += 8) {
        if ((differing >> shift & 0xff) == 0)
            continue;
        struct rollup sorted = *scratch;
        sort_by_byte(rollup, &sorted, shift);
        *scratch = *rollup;
        *rollup = sorted;
    }
    combine(rollup);
    return 0;
}

void rollup_sum_deinit(struct rollup_sum *sum)
{
    rollup_deinit(&sum->sum);
    rollup_deinit(&sum->pending);
    rollup_deinit(&sum->scratch);
}

/* From the back, into the room behind the sum's cells: nothing is overwritten before it was moved. */
static void merge(struct rollup *sum, const struct rollup *part)
{
    size_t left = sum->n, right = part->n;
    sum->n += part->n;
    for (size_t to = sum->n; right > 0; to--) {
        bool from_sum = left > 0 && key_of(&sum->cells[left - 1]) > key_of(&part->cells[right - 1]);
        sum->cells[to - 1] = from_sum ? sum->cells[--left] : part->cells[--right];
    }
    combine(sum);
}

int rollup_sum_finish(struct rollup_sum *sum)
{
    if (rollup_sort(&sum->pending, &sum->scratch) < 0 || reserve(&sum->sum, sum->pending.n) < 0)
        return -ENOMEM;
    merge(&sum->sum, &sum->pending);
    sum->pending.n = 0;
    return sum->sum.n > ROLLUP_MAX_CELLS ? -E2BIG : 0;
}

int rollup_sum_add(struct rollup_sum *sum, const struct rollup *part)
{
    if (reserve(&sum->pending, part->n) < 0)
        return -ENOMEM;
    if (part->n > 0)
        memcpy(sum->pending.cells + sum->pending.n, part->cells, part->n * sizeof(*part->cells));
    sum->pending.n += part->n;
    size_t most = sum->sum.n < MIN_PENDING ? MIN_PENDING : sum->sum.n;
    if (most > MAX_PENDING)
        most = MAX_PENDING;
    return sum->pending.n > most ? rollup_sum_finish(sum) : 0;
}
