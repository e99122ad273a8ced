/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static struct store *open_store(struct fixture *fixture)
{
    struct store *store;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    return store;
}

static void restart_goes_on(void **state)
{
    struct fixture fixture;
    struct lines lines;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 5; i++) {
        struct store *store = open_store(&fixture);
        append_lines(store, i * 10, 10, T0_US + i);
        store_close(store);
    }
    assert_int_equal(fixture_count(&fixture, ".log"), 1);
    assert_lines(&fixture, 0, 50);
    read_lines(&fixture, false, &lines);
    for (uint64_t i = 0; i < 50; i++)
        assert_int_equal(lines.ids[i], i + 1);
    lines_deinit(&lines);
    assert_int_equal(fixture.n_reports, 0);
    fixture_deinit(&fixture);
}

static void only_one_writer(void **state)
{
    struct fixture fixture;
    struct store *second;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    assert_int_equal(store_open(&fixture.options, &second), -EBUSY);
    store_close(store);
    store_close(open_store(&fixture));
    fixture_deinit(&fixture);
}

static void sealing(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0); /* nothing there */
    append_lines(store, 0, 10, T0_US);
    append_lines(store, 10, 10, T0_US + 100);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(fixture_count(&fixture, ".seg"), 1);
    assert_int_equal(fixture_count(&fixture, ".log"), 0);
    append_lines(store, 20, 10, T0_US + 200);
    assert_lines(&fixture, 0, 30);
    store_get_stats(store, &stats);
    assert_int_equal(stats.records, 30);
    assert_int_equal(stats.segments, 2);
    assert_int_equal(stats.oldest_ns, T0_US * 1000);
    assert_int_equal(stats.newest_ns, (T0_US + 209) * 1000);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    store = open_store(&fixture);
    append_lines(store, 30, 1, T0_US + 300); /* the id goes on behind sealed files */
    store_close(store);
    assert_lines(&fixture, 0, 31);
    fixture_deinit(&fixture);
}

static void by_size_and_by_day(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    fixture.options.segment_bytes = 1;
    struct store *store = open_store(&fixture);
    for (unsigned i = 0; i < 10; i++)
        append_lines(store, i, 1, T0_US + i);
    store_close(store);
    assert_int_equal(fixture_count(&fixture, ".seg"), 10);
    fixture.options.segment_bytes = 128u << 20;
    store = open_store(&fixture);
    append_lines(store, 10, 1, T0_US + 10);
    append_lines(store, 11, 1, T0_US + DAY_US);
    append_lines(store, 12, 1, T0_US); /* a clock that was set back makes no new file */
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    assert_int_equal(fixture_count(&fixture, ".seg"), 12);
    assert_lines(&fixture, 0, 13);
    char path[128];
    struct stat status;
    snprintf(path, sizeof(path), "%s/2026-11-25/000000000000000c.seg", fixture.path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    snprintf(path, sizeof(path), "%s/2026-11-25", fixture.path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0750);
    fixture_deinit(&fixture);
}

/* The keeper seals an idle log when it is old; seen by the reader, without a look at the clock. */
static void by_age(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    fixture_init(&fixture);
    fixture.options.segment_age_ns = 1000000;
    struct store *store = open_store(&fixture);
    append_lines(store, 0, 3, T0_US);
    while (fixture_count(&fixture, ".seg") == 0)
        store_get_stats(store, &stats);
    store_close(store);
    assert_lines(&fixture, 0, 3);
    fixture_deinit(&fixture);
}

static void retention_by_size(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    struct lines lines;
    fixture_init(&fixture);
    fixture.options.segment_bytes = 1;
    fixture.options.retain_bytes = 8000;
    struct store *store = open_store(&fixture);
    for (unsigned i = 0; i < 40; i++)
        append_lines(store, i * 10, 10, T0_US + (int64_t)i * DAY_US);
    assert_int_equal(store_seal(store), 0);
    store_get_stats(store, &stats);
    assert_true(stats.bytes_disk <= 8000 && stats.deleted_segments > 0);
    assert_int_equal(stats.records + stats.deleted_records, 400);
    assert_int_equal(fixture_count(&fixture, ".seg"), stats.segments);
    assert_int_equal(fixture_count(&fixture, ""), stats.segments); /* no empty days */
    store_close(store);
    assert_lines(&fixture, 400 - stats.records, stats.records);
    fixture.options.retain_bytes = 1; /* the newest always stays: it knows the last id */
    store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0);
    store_get_stats(store, &stats);
    assert_int_equal(stats.segments, 1);
    store_close(store);
    store = open_store(&fixture);
    append_lines(store, 400, 1, T0_US + 40 * DAY_US);
    store_close(store);
    read_lines(&fixture, true, &lines);
    assert_int_equal(lines.ids[0], 401);
    lines_deinit(&lines);
    fixture_deinit(&fixture);
}

static void retention_by_age_and_free_space(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    for (unsigned by_space = 0; by_space < 2; by_space++) {
        fixture_init(&fixture);
        fixture.options.segment_bytes = 1;
        struct store *store = open_store(&fixture);
        append_lines(store, 0, 10, 1000000); /* 1970 */
        append_lines(store, 10, 10, 2000000);
        append_lines(store, 20, 10, INT64_C(4000000000000000)); /* 2096 */
        store_close(store);
        if (by_space)
            fixture.options.min_free_bytes = UINT64_MAX;
        else
            fixture.options.retain_age_ns = 3600 * INT64_C(1000000000);
        store = open_store(&fixture);
        assert_int_equal(store_seal(store), 0);
        store_get_stats(store, &stats);
        assert_int_equal(stats.deleted_records, 20);
        store_close(store);
        assert_lines(&fixture, 20, 10);
        fixture_deinit(&fixture);
    }
}

/* RLIMIT_FSIZE stands in for a full disk: a block is written in part, refused, and nothing of it
 * stays. */
static void full_disk_and_again(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    struct store_encoder *encoder;
    struct rlimit limit, before;
    struct stat status;
    char path[256];
    fixture_init(&fixture);
    signal(SIGXFSZ, SIG_IGN);
    struct store *store = open_store(&fixture);
    struct batch *batch = batch_of_lines(10, 1000, T0_US);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    append_lines(store, 0, 10, T0_US);
    fixture_file(&fixture, ".log", path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (rlim_t room = 0; room < 300; room += 7) {
        limit = before;
        limit.rlim_cur = (rlim_t)status.st_size + room;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assert_int_equal(store_encode(encoder, &batch, 1), 0);
        assert_int_equal(store_append(store, encoder), -EFBIG);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        struct stat after;
        assert_int_equal(stat(path, &after), 0);
        assert_int_equal(after.st_size, status.st_size);
    }
    store_get_stats(store, &stats);
    assert_int_equal(stats.append_errors, 43);
    assert_int_equal(stats.last_error, -EFBIG);
    assert_int_equal(fixture.n_reports, 1); /* once, not 43 times */
    assert_int_equal(store_append(store, encoder), 0);
    store_get_stats(store, &stats);
    assert_int_equal(stats.last_error, 0);
    assert_int_equal(fixture.n_reports, 2);
    batch_destroy(batch);
    store_encoder_free(encoder);
    store_close(store);
    assert_lines(&fixture, 0, 1010);
    fixture_deinit(&fixture);
}

/* Where not even a new file can be begun, the next append tries again. */
static void no_new_file(void **state)
{
    struct fixture fixture;
    struct store_encoder *encoder;
    char path[128];
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    struct batch *batch = batch_of_lines(0, 10, T0_US);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    snprintf(path, sizeof(path), "%s/2026-11-24", fixture.path);
    fixture_write(path, (const uint8_t *)"x", 1);
    assert_int_equal(store_encode(encoder, &batch, 1), 0);
    assert_int_equal(store_append(store, encoder), -ENOTDIR);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(store_append(store, encoder), 0);
    batch_destroy(batch);
    store_encoder_free(encoder);
    store_close(store);
    assert_lines(&fixture, 0, 10);
    fixture_deinit(&fixture);
}

/* A log that a crash left unsealed, or sealed but not renamed, is sealed at the next open. */
static void stale_logs(void **state)
{
    struct fixture fixture;
    char path[256], log[256];
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    append_lines(store, 0, 10, T0_US);
    assert_int_equal(store_seal(store), 0);
    fixture_file(&fixture, ".seg", path);
    append_lines(store, 10, 10, T0_US + DAY_US);
    store_close(store);
    snprintf(log, sizeof(log), "%.*s.log", (int)strlen(path) - 4, path);
    assert_int_equal(rename(path, log), 0);
    store = open_store(&fixture);
    append_lines(store, 20, 10, T0_US + DAY_US);
    store_close(store);
    assert_int_equal(fixture_count(&fixture, ".seg"), 1);
    assert_lines(&fixture, 0, 30);
    fixture_deinit(&fixture);
}

static void foreign_files_are_left_alone(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    char path[256];
    uint8_t garbage[5000] = "not ours";
    size_t len;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    append_lines(store, 0, 10, T0_US);
    store_close(store);
    const char *const names[] = {"notes.txt", "2026-11-24/readme",
                                 "2026-11-24/00000000000000ff.log",
                                 "2026-11-24/0000000000000fff.seg"};
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture.path, names[i]);
        fixture_write(path, garbage, sizeof(garbage));
    }
    store = open_store(&fixture);
    assert_int_equal(fixture.n_reports, 4);
    store_get_stats(store, &stats);
    assert_int_equal(stats.quarantined, 4);
    append_lines(store, 10, 10, T0_US);
    store_close(store);
    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", fixture.path, names[i]);
        uint8_t *bytes = fixture_read(path, &len);
        assert_int_equal(len, sizeof(garbage));
        assert_memory_equal(bytes, garbage, len);
        free(bytes);
    }
    assert_lines(&fixture, 0, 20);
    fixture_deinit(&fixture);
}

/* A socket, and a file system's own folder, are nobody's mistake. */
static void neighbours_are_not_foreign(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char path[256];
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    store_close(store);
    snprintf(path, sizeof(path), "%s/lost+found", fixture.path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/status.sock", fixture.path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    store = open_store(&fixture);
    store_get_stats(store, &stats);
    assert_int_equal(stats.quarantined, 0);
    assert_int_equal(fixture.n_reports, 0);
    store_close(store);
    close(fd);
    fixture_deinit(&fixture);
}

static void synced_stores_work_too(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    for (unsigned i = 0; i < 2; i++) {
        fixture.options.sync = i ? STORE_SYNC_BATCH : STORE_SYNC_INTERVAL;
        fixture.options.sync_interval_ns = 1000;
        struct store *store = open_store(&fixture);
        for (unsigned j = 0; j < 20; j++) {
            append_lines(store, i * 100 + j * 5, 5, T0_US);
            if (j % 7 == 0)
                assert_int_equal(store_sync(store), 0);
            if (j % 9 == 0)
                assert_int_equal(store_seal(store), 0);
        }
        store_close(store);
    }
    assert_lines(&fixture, 0, 200);
    assert_int_equal(fixture.n_reports, 0);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(restart_goes_on),
        cmocka_unit_test(only_one_writer),
        cmocka_unit_test(sealing),
        cmocka_unit_test(by_size_and_by_day),
        cmocka_unit_test(by_age),
        cmocka_unit_test(retention_by_size),
        cmocka_unit_test(retention_by_age_and_free_space),
        cmocka_unit_test(full_disk_and_again),
        cmocka_unit_test(no_new_file),
        cmocka_unit_test(stale_logs),
        cmocka_unit_test(foreign_files_are_left_alone),
        cmocka_unit_test(neighbours_are_not_foreign),
        cmocka_unit_test(synced_stores_work_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
