/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/verify.h"

#define N_BLOCKS 4
#define N_ROWS   12

static struct verify_result result;

static void verify(const struct fixture *fixture, bool checksums_alone)
{
    struct verify_options options = {
        .path = fixture->path, .n_threads = 2, .checksums_alone = checksums_alone};
    verify_result_deinit(&result);
    assert_int_equal(store_verify(&options, &result), 0);
    assert_int_equal(result.n_damages, result.progress.n_damages);
}

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

static void test_whole(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    fixture_init(&fixture);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned i = 0; i < 3; i++) {
        struct batch *batch = batch_of_oddities(&fixture, 500);
        append_batch(store, encoder, batch);
        batch_destroy(batch);
        append_lines(store, i, 7, T0_US + i * DAY_US);
        assert_int_equal(store_seal(store), 0);
    }
    append_lines(store, 9, 7, T0_US);
    verify(&fixture, false); /* while it is open, too */
    assert_int_equal(result.n_damages, 0);
    assert_int_equal(result.progress.n_rows, 3 * 507 + 7);
    unsigned n_files = fixture_count(&fixture, ".seg") + fixture_count(&fixture, ".log");
    assert_int_equal(result.progress.n_files, n_files);
    assert_int_equal(result.progress.n_files_total, n_files);
    assert_true(result.progress.bytes > 0 && result.progress.bytes <= result.progress.bytes_total);
    store_encoder_free(encoder);
    store_close(store);
    fixture_deinit(&fixture);
}

static void test_empty_and_absent(void **state)
{
    struct fixture fixture;
    struct verify_options options = {.path = "/nonexistent/store"};
    fixture_init(&fixture);
    verify(&fixture, false);
    assert_int_equal(result.n_damages + result.progress.n_files_total, 0);
    assert_int_equal(store_verify(&options, &result), -ENOENT);
    fixture_deinit(&fixture);
}

/* Lines that are lost and lines that are found make all lines. */
static void check_sums(bool last_may_be_unknown)
{
    uint64_t lost = 0;
    for (size_t i = 0; i < result.n_damages; i++) {
        const struct verify_damage *damage = &result.damages[i];
        if (damage->rows_known)
            lost += damage->n_rows;
        else if (damage->last_id != UINT64_MAX)
            lost += damage->last_id + 1 - damage->first_id;
        else
            lost = last_may_be_unknown ? N_BLOCKS * N_ROWS - result.progress.n_rows : lost;
    }
    assert_int_equal(lost + result.progress.n_rows, N_BLOCKS * N_ROWS);
}

static void flip_every_byte(bool sealed, bool checksums_alone)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    uint8_t *bytes = make_store(&fixture, sealed, path, &len);
    verify(&fixture, checksums_alone);
    assert_int_equal(result.n_damages, 0);
    for (size_t at = 0; at < len; at++) {
        bytes[at] ^= (uint8_t)(1u << at % 8);
        fixture_write(path, bytes, len);
        verify(&fixture, checksums_alone);
        if (result.n_damages == 0)
            fail_msg("byte %zu of %zu was flipped and nothing was found", at, len);
        bool is_inside = false;
        for (size_t i = 0; i < result.n_damages; i++) {
            const struct verify_damage *damage = &result.damages[i];
            assert_non_null(strstr(path, damage->name));
            is_inside = is_inside || (at >= damage->at && at < damage->at + damage->n_bytes);
        }
        assert_true(is_inside);
        check_sums(!sealed);
        bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    free(bytes);
    fixture_deinit(&fixture);
}

static void test_flips_in_a_log(void **state)
{
    flip_every_byte(false, false);
}

static void test_flips_in_a_sealed_file(void **state)
{
    flip_every_byte(true, false);
    flip_every_byte(true, true);
}

static void test_cut_anywhere(void **state)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    uint8_t *bytes = make_store(&fixture, true, path, &len);
    for (size_t cut = 0; cut < len; cut++) {
        fixture_write(path, bytes, cut);
        verify(&fixture, false);
        assert_true(result.n_damages > 0);
    }
    free(bytes);
    fixture_deinit(&fixture);
}

/* What is gone is told: the second block of two files, and the file between them. */
static void test_what_is_gone(void **state)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    struct store *store;
    fixture_init(&fixture);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    for (unsigned i = 0; i < 3; i++) {
        append_lines(store, i * 10, 10, T0_US + i * 100);
        append_lines(store, i * 10, 10, T0_US + i * 100 + 50);
        assert_int_equal(store_seal(store), 0);
    }
    store_close(store);
    fixture_file(&fixture, "15.seg", path); /* the second file: ids 21 to 40 */
    uint8_t *bytes = fixture_read(path, &len);
    memset(bytes, 0, len);
    fixture_write(path, bytes, len);
    free(bytes);
    fixture_file(&fixture, "29.seg", path);
    bytes = fixture_read(path, &len);
    uint8_t *second = memmem(bytes + 65, len - 65, "LBBLOCK\n", 8);
    assert_non_null(second);
    second[150] ^= 1;
    fixture_write(path, bytes, len);

    verify(&fixture, false);
    assert_int_equal(result.n_damages, 2);
    const struct verify_damage *damage = result.damages;
    assert_int_equal(damage[0].what, VERIFY_UNREADABLE);
    assert_string_equal(damage[0].name, "2026-11-24/0000000000000015.seg");
    assert_false(damage[0].rows_known);
    assert_int_equal(damage[0].first_id, 21);
    assert_int_equal(damage[0].last_id, 40);
    assert_int_equal(damage[1].what, VERIFY_BLOCK);
    assert_int_equal(damage[1].at, second - bytes);
    assert_int_equal(damage[1].n_rows, 10);
    assert_int_equal(damage[1].first_id, 51);
    assert_int_equal(damage[1].last_id, 60);
    assert_int_equal(damage[1].min_received_us, T0_US + 250);
    assert_int_equal(damage[1].max_received_us, T0_US + 259);
    assert_int_equal(result.progress.n_rows, 30);
    free(bytes);
    fixture_deinit(&fixture);
}

static int stop_at_second(void *arg, const struct verify_progress *progress)
{
    unsigned *n_calls = arg;
    return ++*n_calls == 2 ? 7 : 0;
}

static void test_stopped(void **state)
{
    struct fixture fixture;
    char path[256];
    size_t len;
    unsigned n_calls = 0;
    free(make_store(&fixture, true, path, &len));
    struct verify_options options = {
        .path = fixture.path, .n_threads = 3, .on_progress = stop_at_second, .arg = &n_calls};
    struct verify_result stopped;
    assert_int_equal(store_verify(&options, &stopped), 7);
    assert_int_equal(n_calls, 2);
    assert_null(stopped.damages);
    fixture_deinit(&fixture);
}

static int forget(void **state)
{
    verify_result_deinit(&result);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),          cmocka_unit_test(test_empty_and_absent),
        cmocka_unit_test(test_flips_in_a_log), cmocka_unit_test(test_flips_in_a_sealed_file),
        cmocka_unit_test(test_cut_anywhere),   cmocka_unit_test(test_what_is_gone),
        cmocka_unit_test(test_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, forget);
}
