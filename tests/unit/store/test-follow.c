/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define N_FOLLOWED 6000

struct writer {
    struct fixture *fixture;
    struct store *store;
};

static void *write_many(void *arg)
{
    struct writer *writer = arg;
    for (uint64_t i = 0; i < N_FOLLOWED; i += 20) {
        append_lines(writer->store, i, 20, T0_US + (int64_t)i / 1500 * DAY_US);
        if (i % 700 == 0)
            assert_int_equal(store_seal(writer->store), 0);
    }
    return NULL;
}

static uint64_t row_number(struct store_reader *reader, uint32_t index)
{
    struct store_row row;
    char text[64] = {0};
    store_reader_row(reader, index, &row);
    memcpy(text, row.message.data, row.message.len);
    return strtoull(text + 5, NULL, 10);
}

/* A reader that waits on its descriptor sees every line once and in order, over seals, new files
 * and new days. */
static void follows_a_writer(void **state)
{
    struct fixture fixture;
    struct store_reader *reader;
    struct store_block_info info;
    pthread_t thread;
    uint64_t next = 0;
    fixture_init(&fixture);
    fixture.options.segment_bytes = 5000;
    struct writer writer = {.fixture = &fixture};
    assert_int_equal(store_open(&fixture.options, &writer.store), 0);
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    assert_int_equal(store_reader_open(&options, &reader), 0);
    struct pollfd ready = {.fd = store_reader_fd(reader), .events = POLLIN};
    assert_true(ready.fd >= 0);
    assert_int_equal(pthread_create(&thread, NULL, write_many, &writer), 0);
    while (next < N_FOLLOWED) {
        int r = store_reader_next(reader, false, &info);
        assert_true(r >= 0);
        if (r == 0) {
            assert_int_equal(poll(&ready, 1, 60000), 1);
            store_reader_ack(reader);
            continue;
        }
        assert_int_equal(store_reader_load(reader, STORE_MESSAGE), 0);
        for (uint32_t i = 0; i < info.n_rows; i++)
            assert_int_equal(row_number(reader, i), next++);
    }
    pthread_join(thread, NULL);
    assert_int_equal(store_reader_next(reader, false, &info), 0);
    store_reader_close(reader);
    store_close(writer.store);
    assert_int_equal(fixture.n_reports, 0);
    fixture_deinit(&fixture);
}

static void only_what_comes(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_reader *reader;
    struct store_block_info info;
    fixture_init(&fixture);
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    assert_int_equal(store_open(&fixture.options, &store), 0);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(store_reader_open(&options, &reader), 0);
        assert_int_equal(store_reader_seek(reader, UINT64_MAX), 0);
        assert_int_equal(store_reader_next(reader, false, &info), 0);
        append_lines(store, round * 10, 10, T0_US);
        assert_int_equal(store_reader_next(reader, false, &info), 1);
        assert_int_equal(info.first_id, round * 10 + 1);
        assert_int_equal(store_reader_next(reader, false, &info), 0);
        assert_int_equal(store_reader_next(reader, true, &info), -EINVAL);
        store_reader_close(reader);
        if (round == 1)
            assert_int_equal(store_seal(store), 0);
    }
    store_close(store);
    fixture_deinit(&fixture);
}

static void seeks_by_id(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_reader *reader;
    struct store_block_info info;
    fixture_init(&fixture);
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    assert_int_equal(store_open(&fixture.options, &store), 0);
    for (unsigned i = 0; i < 30; i++) {
        append_lines(store, i * 10, 10, T0_US);
        if (i % 4 == 0)
            assert_int_equal(store_seal(store), 0);
    }
    assert_int_equal(store_reader_open(&options, &reader), 0);
    for (uint64_t id = 0; id < 305; id++) {
        assert_int_equal(store_reader_seek(reader, id), 0);
        int r = store_reader_next(reader, false, &info);
        assert_int_equal(r, id <= 300);
        if (r > 0)
            assert_int_equal(info.first_id, id ? (id - 1) / 10 * 10 + 1 : 1);
    }
    assert_int_equal(store_reader_seek(reader, 7),
                     0); /* backwards is from the newest, whatever was sought */
    assert_int_equal(store_reader_next(reader, true, &info), 1);
    assert_int_equal(info.first_id, 291);
    store_reader_close(reader);
    store_close(store);
    fixture_deinit(&fixture);
}

/* Files that retention deletes under a reader's feet are skipped; the one it stands in is still
 * read. */
static void deleted_under_its_feet(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_reader *reader;
    struct store_block_info info;
    fixture_init(&fixture);
    fixture.options.segment_bytes = 1;
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    assert_int_equal(store_open(&fixture.options, &store), 0);
    for (unsigned i = 0; i < 10; i++)
        append_lines(store, i, 1, T0_US);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    assert_int_equal(store_reader_open(&options, &reader), 0);
    assert_int_equal(store_reader_next(reader, false, &info), 1);
    fixture.options.retain_bytes = 1;
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_seal(store), 0);
    fixture.n_reports = 0;
    assert_int_equal(store_reader_load(reader, STORE_ALL), 0);
    assert_int_equal(row_number(reader, 0), 0);
    assert_int_equal(store_reader_next(reader, false, &info), 1);
    assert_int_equal(store_reader_load(reader, STORE_ALL), 0);
    assert_int_equal(row_number(reader, 0), 9);
    assert_int_equal(store_reader_next(reader, false, &info), 0);
    append_lines(store, 10, 1, T0_US + DAY_US);
    assert_int_equal(store_reader_next(reader, false, &info), 1);
    store_reader_close(reader);
    store_close(store);
    fixture_deinit(&fixture);
}

static void totals_without_a_writer(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_reader *reader;
    struct store_info info;
    struct store_stats stats;
    fixture_init(&fixture);
    struct store_reader_options options = {"/nonexistent/store", fixture_report, &fixture};
    assert_int_equal(store_reader_open(&options, &reader), -ENOENT);
    options.path = fixture.path;
    assert_int_equal(store_reader_open(&options, &reader), 0);
    assert_int_equal(store_reader_info(reader, &info), 0);
    assert_int_equal(info.records, 0);
    assert_int_equal(info.oldest_ns, 0);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    append_lines(store, 0, 10, T0_US);
    assert_int_equal(store_seal(store), 0);
    append_lines(store, 10, 20, T0_US + DAY_US);
    store_get_stats(store, &stats);
    assert_int_equal(store_reader_info(reader, &info), 0);
    assert_int_equal(info.records, 30);
    assert_int_equal(info.segments, 2);
    assert_int_equal(info.bytes_disk, stats.bytes_disk);
    assert_int_equal(info.bytes_raw, stats.bytes_raw);
    assert_int_equal(info.oldest_ns, T0_US * 1000);
    assert_int_equal(info.newest_ns, (T0_US + DAY_US + 19) * 1000);
    assert_int_equal(info.quarantined, 0);
    store_reader_close(reader);
    store_close(store);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_a_writer),
        cmocka_unit_test(only_what_comes),
        cmocka_unit_test(seeks_by_id),
        cmocka_unit_test(deleted_under_its_feet),
        cmocka_unit_test(totals_without_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
