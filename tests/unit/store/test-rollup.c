/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/block.h"
#include "store/index.h"
#include "store/rollup.h"

#define MINUTE_NS INT64_C(60000000000)

static int by_cell(const void *a, const void *b)
{
    const struct rollup_cell *left = a, *right = b;
    if (left->minute != right->minute)
        return left->minute < right->minute ? -1 : 1;
    if (left->severity != right->severity)
        return (int)left->severity - (int)right->severity;
    return memcmp(left->country, right->country, 2);
}

/* One cell a row, in order: what a roll-up says, spread out. */
struct rows {
    struct rollup_cell *cells;
    size_t n;
};

static void rows_add(struct rows *rows, const struct batch *batch)
{
    rows->cells = realloc(rows->cells, (rows->n + batch->n_records) * sizeof(*rows->cells));
    for (uint32_t i = 0; i < batch->n_records; i++) {
        const struct record *record = &batch->records[i];
        struct rollup_cell *cell = &rows->cells[rows->n++];
        int64_t minute = record->time_ns / MINUTE_NS;
        if (record->time_ns < minute * MINUTE_NS)
            minute--;
        *cell = (struct rollup_cell){.minute = minute, .n_rows = 1};
        cell->severity = record->severity == RECORD_NO_SEVERITY ? 8 : record->severity;
        if (record->place)
            memcpy(cell->country, batch->places[record->place - 1].country, 2);
    }
    qsort(rows->cells, rows->n, sizeof(*rows->cells), by_cell);
}

static void assert_rollup(const struct rollup *rollup, const struct rows *rows)
{
    size_t at = 0;
    for (size_t i = 0; i < rollup->n; i++) {
        assert_true(i == 0 || by_cell(&rollup->cells[i - 1], &rollup->cells[i]) < 0);
        for (uint32_t row = 0; row < rollup->cells[i].n_rows; row++, at++) {
            assert_true(at < rows->n);
            assert_int_equal(by_cell(&rollup->cells[i], &rows->cells[at]), 0);
        }
    }
    assert_int_equal(at, rows->n);
}

/* Of each block, and of the file. */
static void counts_are_those_of_the_rows(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    struct block block;
    struct file_index index = FILE_INDEX_NULL;
    struct rollup rollup = ROLLUP_NULL;
    struct rows all = {0}, of_block[30] = {0};
    char path[256];
    fixture_init(&fixture);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned i = 0; i < 30; i++) {
        struct batch *batch = batch_of_oddities(&fixture, 1 + fixture_random(&fixture, 300));
        rows_add(&of_block[i], batch);
        rows_add(&all, batch);
        append_batch(store, encoder, batch);
        batch_destroy(batch);
    }
    store_encoder_free(encoder);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    fixture_file(&fixture, ".seg", path);
    const struct reporter silent = {0};
    int fd = open(path, O_RDONLY);
    assert_int_equal(file_index_read(&index, fd, path, &silent), 0);
    assert_int_equal(block_init(&block), 0);
    size_t at = 0;
    for (uint32_t i = 0; i < index.n_blocks; i++) {
        struct rows rows = {0};
        for (; rows.n < index.blocks[i].header.info.n_rows; at++) {
            rows.cells = realloc(rows.cells, (rows.n + of_block[at].n) * sizeof(*rows.cells));
            memcpy(rows.cells + rows.n, of_block[at].cells, of_block[at].n * sizeof(*rows.cells));
            rows.n += of_block[at].n;
        }
        qsort(rows.cells, rows.n, sizeof(*rows.cells), by_cell);
        assert_int_equal(block_open(&block, fd, index.blocks[i].at, &index.blocks[i].header), 0);
        assert_int_equal(block_rollup(&block, &rollup), 1);
        assert_rollup(&rollup, &rows);
        free(rows.cells);
    }
    assert_int_equal(file_rollup(fd, &index, &rollup), 1);
    assert_rollup(&rollup, &all);
    index.sealed = false;
    assert_int_equal(file_rollup(fd, &index, &rollup), 0);
    close(fd);
    block_deinit(&block);
    file_index_deinit(&index);
    rollup_deinit(&rollup);
    for (unsigned i = 0; i < 30; i++)
        free(of_block[i].cells);
    free(all.cells);
    fixture_deinit(&fixture);
}

static void add_cell(struct rollup *rollup, int64_t minute, uint8_t severity, uint32_t n_rows)
{
    assert_int_equal(rollup_reserve(rollup), 0);
    rollup->cells[rollup->n++] =
        (struct rollup_cell){.minute = minute, .n_rows = n_rows, .severity = severity};
}

/* Many small parts in a random order, against a plain array. */
static void sums_in_any_order(void **state)
{
    struct fixture fixture;
    struct rollup_sum sum = ROLLUP_SUM_NULL;
    struct rollup part = ROLLUP_NULL;
    static uint32_t expected[2000][9];
    fixture_init(&fixture);
    for (unsigned round = 0; round < 3000; round++) {
        part.n = 0;
        for (int64_t minute = fixture_random(&fixture, 1990), end = minute + 10; minute < end;
             minute++) {
            uint8_t severity = (uint8_t)fixture_random(&fixture, 9);
            uint32_t n_rows = 1 + fixture_random(&fixture, 5);
            add_cell(&part, minute, severity, n_rows);
            expected[minute][severity] += n_rows;
        }
        assert_int_equal(rollup_sum_add(&sum, &part), 0);
    }
    assert_int_equal(rollup_sum_finish(&sum), 0);
    size_t at = 0;
    for (int64_t minute = 0; minute < 2000; minute++)
        for (uint8_t severity = 0; severity < 9; severity++)
            if (expected[minute][severity] > 0) {
                assert_true(at < sum.sum.n);
                assert_int_equal(sum.sum.cells[at].minute, minute);
                assert_int_equal(sum.sum.cells[at].severity, severity);
                assert_int_equal(sum.sum.cells[at++].n_rows, expected[minute][severity]);
            }
    assert_int_equal(at, sum.sum.n);
    rollup_deinit(&part);
    rollup_sum_deinit(&sum);
    fixture_deinit(&fixture);
}

static void too_many_cells(void **state)
{
    struct rollup_sum sum = ROLLUP_SUM_NULL;
    struct rollup part = ROLLUP_NULL;
    int r = 0;
    int64_t minute = 0;
    while (r == 0 && minute < 2 * ROLLUP_MAX_CELLS) {
        part.n = 0;
        for (unsigned i = 0; i < 10000; i++)
            add_cell(&part, minute++, 0, 1);
        r = rollup_sum_add(&sum, &part);
    }
    assert_int_equal(r, -E2BIG);
    assert_true(minute > ROLLUP_MAX_CELLS);
    rollup_deinit(&part);
    rollup_sum_deinit(&sum);
}

static int parse(const uint8_t *bytes, size_t len, uint64_t n_rows, struct rollup *rollup)
{
    uint8_t *copy = malloc(len ? len : 1); /* so that a sanitizer sees its end */
    memcpy(copy, bytes, len);
    struct cursor cursor = {copy, copy + len};
    int r = rollup_parse(&cursor, n_rows, rollup);
    free(copy);
    return r;
}

/* Cut, lengthened, changed in any bit: what is accepted is in order, and adds up. */
static void damaged_bytes(void **state)
{
    struct rollup rollup = ROLLUP_NULL, parsed = ROLLUP_NULL;
    struct buffer column = {0};
    add_cell(&rollup, -153722868, 0, 70000);
    add_cell(&rollup, -1, 8, 1);
    add_cell(&rollup, 29925300, 3, 2);
    add_cell(&rollup, 29925300, 4, 255);
    add_cell(&rollup, 153722867, 4, 1);
    memcpy(rollup.cells[3].country, "DE", 2);
    assert_int_equal(rollup_put(&rollup, &column), 0);
    assert_int_equal(parse(column.data, column.len, 70259, &parsed), 0);
    assert_int_equal(parsed.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(by_cell(&parsed.cells[i], &rollup.cells[i]), 0);
        assert_int_equal(parsed.cells[i].n_rows, rollup.cells[i].n_rows);
    }
    assert_int_equal(parse(column.data, column.len, 70258, &parsed), -EBADMSG);
    for (size_t len = 0; len < column.len; len++)
        assert_int_equal(parse(column.data, len, 70259, &parsed), -EBADMSG);
    assert_int_equal(buffer_reserve(&column, 1), 0);
    column.data[column.len] = 0;
    assert_int_equal(parse(column.data, column.len + 1, 70259, &parsed), -EBADMSG);
    for (size_t bit = 0; bit < column.len * 8; bit++) {
        column.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (parse(column.data, column.len, 70259, &parsed) == 0)
            for (size_t i = 1; i < parsed.n; i++)
                assert_true(by_cell(&parsed.cells[i - 1], &parsed.cells[i]) < 0);
        column.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    rollup_deinit(&rollup);
    rollup_deinit(&parsed);
    buffer_deinit(&column);
}

static void minutes_round_down(void **state)
{
    assert_int_equal(rollup_minute(0), 0);
    assert_int_equal(rollup_minute(MINUTE_NS - 1), 0);
    assert_int_equal(rollup_minute(MINUTE_NS), 1);
    assert_int_equal(rollup_minute(-1), -1);
    assert_int_equal(rollup_minute(-MINUTE_NS), -1);
    assert_int_equal(rollup_minute(-MINUTE_NS - 1), -2);
    assert_int_equal(rollup_minute(INT64_MIN), -153722868);
    assert_int_equal(rollup_minute(INT64_MAX), 153722867);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_those_of_the_rows),
        cmocka_unit_test(sums_in_any_order),
        cmocka_unit_test(too_many_cells),
        cmocka_unit_test(damaged_bytes),
        cmocka_unit_test(minutes_round_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
