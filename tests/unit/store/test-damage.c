/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define N_BLOCKS 4
#define N_ROWS   12

/* A store of one file with four blocks of lines 0 to 47. */
static uint8_t *make_store(struct fixture *fixture, bool sealed, char *path, size_t *ret_len)
{
    struct store *store;
    fixture_init(fixture);
    assert_int_equal(store_open(&fixture->options, &store), 0);
    for (unsigned i = 0; i < N_BLOCKS; i++)
        append_lines(store, i * N_ROWS, N_ROWS, T0_US + i * 100);
    if (sealed)
        assert_int_equal(store_seal(store), 0);
    store_close(store);
    fixture_file(fixture, sealed ? ".seg" : ".log", path);
    return fixture_read(path, ret_len);
}

/*
 * Whatever is there must be lines that were written, whole blocks, in order. Returns how many lines
 * there are.
 */
static size_t check_subset(struct fixture *fixture, uint64_t *ret_quarantined,
                           unsigned *ret_damaged)
{
    struct lines lines, back;
    read_lines(fixture, false, &lines);
    read_lines(fixture, true, &back);
    assert_int_equal(lines.n, back.n);
    assert_int_equal(lines.n % N_ROWS, 0);
    for (size_t i = 0; i < lines.n; i++) {
        assert_true(lines.numbers[i] < N_BLOCKS * N_ROWS);
        assert_int_equal(lines.ids[i], lines.numbers[i] + 1);
        assert_true(i == 0 || lines.numbers[i] > lines.numbers[i - 1]);
        assert_int_equal(back.numbers[lines.n - 1 - i], lines.numbers[i]);
    }
    size_t n = lines.n;
    *ret_quarantined = lines.quarantined;
    *ret_damaged = lines.n_damaged_blocks;
    lines_deinit(&lines);
    lines_deinit(&back);
    return n;
}

/* The store opens, takes lines, and gives no id twice. Returns how many of the old lines are left.
 */
static size_t check_writer(struct fixture *fixture, uint64_t known_id)
{
    struct store *store;
    struct lines lines;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    store_close(
        store); /* what was repaired at the first open must not be forgotten at the second */
    assert_int_equal(store_open(&fixture->options, &store), 0);
    append_lines(store, 1000, 5, T0_US + 1000);
    store_close(store);
    read_lines(fixture, false, &lines);
    assert_true(lines.n >= 5);
    for (size_t i = 0; i < 5; i++) {
        assert_int_equal(lines.numbers[lines.n - 5 + i], 1000 + i);
        assert_true(lines.ids[lines.n - 5 + i] > known_id);
    }
    size_t n = lines.n - 5;
    lines_deinit(&lines);
    return n;
}

static void remove_all_but(struct fixture *fixture, const char *path, const uint8_t *bytes,
                           size_t len)
{
    char command[512];
    snprintf(command, sizeof(command), "rm -f %s/*/*", fixture->path);
    assert_int_equal(system(command), 0);
    fixture_write(path, bytes, len);
}

/* Without a writer first, then with one, which repairs what can be. */
static void flip_every_byte(bool sealed)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    uint8_t *bytes = make_store(&fixture, sealed, path, &len);
    for (size_t at = 0; at < len; at++) {
        uint64_t quarantined;
        unsigned damaged, before = fixture.n_reports;
        bytes[at] ^= (uint8_t)(1u << at % 8);
        fixture_write(path, bytes, len);
        size_t n = check_subset(&fixture, &quarantined, &damaged);
        assert_true(n >= (N_BLOCKS - 1) * N_ROWS);
        assert_true(n + damaged * N_ROWS <= N_BLOCKS * N_ROWS);
        bool is_last_of_log = n < N_BLOCKS * N_ROWS && !sealed;
        if (n < N_BLOCKS * N_ROWS && !is_last_of_log)
            assert_true(fixture.n_reports > before);
        if (at % 5 == 0) { /* the writer's look costs more */
            before = fixture.n_reports;
            size_t left = check_writer(&fixture, N_BLOCKS * N_ROWS);
            assert_true(left >= (N_BLOCKS - 1) * N_ROWS);
            if (left < N_BLOCKS * N_ROWS)
                assert_true(fixture.n_reports > before);
            remove_all_but(&fixture, path, bytes, len);
        }
        bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    free(bytes);
    fixture_deinit(&fixture);
}

static void flipped_in_a_log(void **state)
{
    flip_every_byte(false);
}

static void flipped_in_a_segment(void **state)
{
    flip_every_byte(true);
}

/* Does a block end here, or the file's header? Then nothing tells that more was there. */
static bool is_end_of_block(const uint8_t *bytes, size_t len, size_t at)
{
    size_t end = 64;
    for (unsigned i = 0; i < N_BLOCKS && end < at; i++) {
        uint32_t n_bytes;
        memcpy(&n_bytes, bytes + end + 44, sizeof(n_bytes));
        end += le32toh(n_bytes);
    }
    return end == at && at <= len;
}

static void cut_everywhere(bool sealed)
{
    struct fixture fixture;
    char path[256];
    size_t len, last = N_BLOCKS * N_ROWS;
    uint8_t *bytes = make_store(&fixture, sealed, path, &len);
    for (size_t cut = len; cut-- > 0;) {
        uint64_t quarantined;
        unsigned damaged;
        fixture_write(path, bytes, cut);
        size_t n = check_subset(&fixture, &quarantined, &damaged);
        assert_int_equal(damaged, 0);
        assert_true(n <= last && n + N_ROWS >= last); /* block by block, and never more again */
        last = n;
        if (cut % 5 == 0) {
            bool is_torn = cut > 64 && !is_end_of_block(bytes, len, cut);
            size_t left = check_writer(&fixture, is_torn ? N_BLOCKS * N_ROWS : n);
            assert_int_equal(left, n);
            remove_all_but(&fixture, path, bytes, cut);
        }
    }
    assert_int_equal(last, 0);
    free(bytes);
    fixture_deinit(&fixture);
}

static void cut_log(void **state)
{
    cut_everywhere(false);
}

static void cut_segment(void **state)
{
    cut_everywhere(true);
}

/* Bytes of nobody between, before and behind the blocks. */
static void garbage_in_the_middle(void **state)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    uint8_t *bytes = make_store(&fixture, false, path, &len);
    for (unsigned round = 0; round < 300; round++) {
        uint8_t *damaged = malloc(len);
        uint64_t quarantined;
        unsigned n_damaged;
        memcpy(damaged, bytes, len);
        uint32_t at = fixture_random(&fixture, (uint32_t)len);
        uint32_t n = 1 + fixture_random(&fixture, (uint32_t)len - at);
        for (uint32_t i = 0; i < n; i++)
            damaged[at + i] = (uint8_t)fixture_random(&fixture, 256);
        fixture_write(path, damaged, len);
        if (at >= 64)
            check_subset(&fixture, &quarantined, &n_damaged);
        check_writer(&fixture, 0);
        remove_all_but(&fixture, path, bytes, len);
        free(damaged);
    }
    free(bytes);
    fixture_deinit(&fixture);
}

/* A message that is a block of another store is never taken for one, however the block around it is
 * damaged. */
static void block_inside_a_message(void **state)
{
    struct fixture other, fixture;
    struct store *store;
    struct store_encoder *encoder;
    struct store_reader *reader;
    struct store_block_info info;
    char path[256];
    size_t len;
    uint8_t *block = make_store(&other, false, path, &len);
    fixture_init(&fixture);
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    struct batch *batch = batch_make((uint32_t)len + 70000, 2);
    struct peer peer = {0};
    uint8_t *noise = malloc(len + 65536);
    for (size_t i = 0; i < 65536; i++)
        noise[i] = (uint8_t)fixture_random(&fixture, 256);
    memcpy(noise + 65536, block + 64, len - 64); /* noise before it, so that it is stored plain */
    batch_add_record(batch, 0, 0, batch_add_peer(batch, &peer), T0_US)->message =
        batch_put_text(batch, noise, len + 65536 - 64);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    append_batch(store, encoder, batch);
    store_encoder_free(encoder);
    append_lines(store, 7, 1, T0_US);
    store_close(store);
    free(block);
    fixture_file(&fixture, ".log", path);
    block = fixture_read(path, &len);
    assert_non_null(memmem(block + 1000, len - 1000, "LBBLOCK\n", 8));
    block[64 + 20] ^= 1;
    fixture_write(path, block, len);
    assert_int_equal(store_reader_open(&options, &reader), 0);
    assert_int_equal(store_reader_next(reader, false, &info), 1);
    assert_int_equal(info.first_id, 2);
    assert_int_equal(info.n_rows, 1);
    assert_int_equal(store_reader_next(reader, false, &info), 0);
    store_reader_close(reader);
    free(block);
    free(noise);
    batch_destroy(batch);
    fixture_deinit(&other);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_in_a_log),
        cmocka_unit_test(flipped_in_a_segment),
        cmocka_unit_test(cut_log),
        cmocka_unit_test(cut_segment),
        cmocka_unit_test(garbage_in_the_middle),
        cmocka_unit_test(block_inside_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
