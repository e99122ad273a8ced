/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct store *open_store(struct fixture *fixture)
{
    struct store *store;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    return store;
}

static void assert_hold(struct store *store, const char *name, uint64_t first_id, uint64_t lost)
{
    uint64_t id, n_lost;
    assert_int_equal(store_hold_get(store, name, &id, &n_lost), 0);
    assert_int_equal(id, first_id);
    assert_int_equal(n_lost, lost);
}

/* Segments of ten lines each, of one size but for a few bytes. */
static void append_segments(struct store *store, uint64_t first, unsigned n, int64_t received_us)
{
    for (unsigned i = 0; i < n; i++) {
        append_lines(store, 1000 + first + i * 10, 10, received_us);
        assert_int_equal(store_seal(store), 0);
    }
}

static uint64_t first_line(struct fixture *fixture)
{
    struct lines lines;
    read_lines(fixture, false, &lines);
    uint64_t first = lines.numbers[0] - 1000;
    lines_deinit(&lines);
    return first;
}

/* Spared up to the cap, then deleted and counted, for each who had not passed it. */
static void spared_up_to_the_cap(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    append_segments(store, 0, 10, T0_US);
    store_get_stats(store, &stats);
    uint64_t segment = stats.bytes_disk / 10;
    assert_int_equal(store_hold(store, "slow", 26), 0); /* in the middle of the third */
    assert_int_equal(store_hold(store, "fast", 91), 0);
    store_close(store);

    fixture.options.retain_bytes = segment * 5 + segment / 2;
    fixture.options.hold_bytes = segment * 20;
    store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(first_line(&fixture), 20);
    assert_hold(store, "slow", 26, 0);

    append_segments(store, 100, 13, T0_US); /* 21 segments: all spared */
    assert_int_equal(first_line(&fixture), 20);
    append_segments(store, 230, 10, T0_US); /* 31: 5.5 + 20 are kept */
    assert_int_equal(first_line(&fixture), 80);
    assert_hold(store, "slow", 81, 55);
    assert_hold(store, "fast", 91, 0);
    assert_int_equal(store_hold(store, "slow", 321), 0);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(first_line(&fixture), 90); /* the other still holds */
    assert_int_equal(store_release(store, "fast"), 0);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(first_line(&fixture), 280);
    assert_hold(store, "slow", 321, 55);
    store_close(store);
    fixture_deinit(&fixture);
}

static void by_age_and_free_space(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    append_segments(store, 0, 5, 1000000); /* 1970 */
    append_segments(store, 50, 1, INT64_C(4000000000000000));
    assert_int_equal(store_hold(store, "output", 21), 0);
    store_close(store);
    fixture.options.retain_age_ns = INT64_C(3600000000000);
    fixture.options.hold_bytes = 1 << 20;
    store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(first_line(&fixture), 20);
    store_close(store);
    fixture.options.hold_bytes = 1; /* less than one segment: nothing is spared */
    store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0);
    assert_hold(store, "output", 51, 30);
    store_close(store);

    fixture.options.retain_age_ns = 0;
    store = open_store(&fixture);
    append_segments(store, 60, 3, T0_US);
    store_close(store);
    fixture.options.hold_bytes = 1 << 20;
    fixture.options.min_free_bytes = UINT64_MAX; /* is stronger than any hold */
    store = open_store(&fixture);
    assert_int_equal(store_seal(store), 0);
    assert_int_equal(first_line(&fixture), 80);
    assert_hold(store, "output", 81, 60);
    store_close(store);
    fixture_deinit(&fixture);
}

static void names(void **state)
{
    struct fixture fixture;
    char name[80];
    uint64_t id, lost;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    memset(name, 'x', 64);
    name[64] = '\0';
    assert_int_equal(store_hold(store, "", 1), -EINVAL);
    assert_int_equal(store_hold(store, name, 1), -EINVAL);
    assert_int_equal(store_hold(store, name + 1, 1), 0);
    assert_int_equal(store_hold_get(store, "nobody", &id, &lost), -ENOENT);
    assert_int_equal(store_release(store, "nobody"), -ENOENT);
    assert_int_equal(store_release(store, name + 1), 0);
    for (unsigned i = 0; i < 64; i++) {
        sprintf(name, "output %u", i);
        assert_int_equal(store_hold(store, name, i), 0);
    }
    assert_int_equal(store_hold(store, "one more", 1), -ENOSPC);
    assert_int_equal(store_hold(store, "output 7", 70), 0);
    store_close(store);
    store = open_store(&fixture);
    for (unsigned i = 0; i < 64; i++) {
        sprintf(name, "output %u", i);
        assert_hold(store, name, i == 7 ? 70 : i, 0);
    }
    store_close(store);
    fixture_deinit(&fixture);
}

/* The keeper writes them by itself: seen on the disk, while the store is open. */
static void written_within_the_interval(void **state)
{
    struct fixture fixture;
    char path[256];
    fixture_init(&fixture);
    fixture.options.sync = STORE_SYNC_INTERVAL;
    fixture.options.sync_interval_ns = 1000000;
    struct store *store = open_store(&fixture);
    snprintf(path, sizeof(path), "%s/holds", fixture.path);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(store_hold(store, "output", 5), 0);
    while (access(path, F_OK) < 0)
        assert_int_equal(errno, ENOENT);
    store_close(store);
    assert_int_equal(fixture.n_reports, 0);
    fixture_deinit(&fixture);
}

/* Any byte changed, any length: the store opens, and holds all or nothing. */
static void damaged_file(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    char path[256];
    size_t len;
    uint64_t id, lost;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    assert_int_equal(store_hold(store, "a", 5), 0);
    assert_int_equal(store_hold(store, "b", 6), 0);
    store_close(store);
    snprintf(path, sizeof(path), "%s/holds", fixture.path);
    uint8_t *bytes = fixture_read(path, &len);
    for (size_t at = 0; at < 2 * len; at++) {
        if (at < len)
            bytes[at] ^= (uint8_t)(1 << at % 8);
        fixture_write(path, bytes, at < len ? len : at - len);
        unsigned n_reports = fixture.n_reports;
        store = open_store(&fixture);
        store_get_stats(store, &stats);
        assert_int_equal(stats.quarantined, 1);
        assert_true(fixture.n_reports > n_reports);
        assert_int_equal(store_hold_get(store, "a", &id, &lost), -ENOENT);
        assert_int_equal(store_hold(store, "c", at), 0);
        store_close(store);
        store = open_store(&fixture);
        assert_hold(store, "c", at, 0);
        store_close(store);
        if (at < len)
            bytes[at] ^= (uint8_t)(1 << at % 8);
    }
    free(bytes);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spared_up_to_the_cap),
        cmocka_unit_test(by_age_and_free_space),
        cmocka_unit_test(names),
        cmocka_unit_test(damaged_file),
        cmocka_unit_test(written_within_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
