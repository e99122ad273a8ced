/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "rows.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/index.h"

/* 2001: cold by any clock. */
#define OLD_US INT64_C(1000000000000000)

/* Posted when a file was written anew, or could not be. */
static sem_t settled;

static void note_report(void *arg, int priority, const char *message)
{
    fixture_report(arg, priority, message);
    if (strstr(message, " merged: ") || strstr(message, " compressed again: ") ||
        strstr(message, " stays as it is: "))
        sem_post(&settled);
}

static struct store *open_store(struct fixture *fixture)
{
    struct store *store;
    fixture->options.report = note_report;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    return store;
}

/* Until that has happened to so many files since the store was opened. */
static void wait_for_rewrites(struct store *store, uint64_t n)
{
    struct store_stats stats;
    for (;;) {
        store_get_stats(store, &stats);
        if (stats.rewritten_segments + stats.rewrite_errors >= n)
            return;
        sem_wait(&settled);
    }
}

static void read_index(struct fixture *fixture, struct file_index *ret_index, char *ret_path)
{
    const struct reporter reporter = {fixture_report, fixture};
    fixture_file(fixture, ".seg", ret_path);
    int fd = open(ret_path, O_RDONLY);
    *ret_index = FILE_INDEX_NULL;
    assert_int_equal(file_index_read(ret_index, fd, ret_path, &reporter), 0);
    assert_true(ret_index->sealed);
    close(fd);
}

/* Lines of a MiB in all, so that their block is full. */
static struct batch *full_batch(uint64_t first)
{
    return batch_of_lines(first, 20000, OLD_US + (int64_t)first);
}

/* Quiet hours around two busy minutes: the busy blocks stay byte for byte. */
static void quiet_hours_are_merged(void **state)
{
    struct fixture fixture;
    struct store_encoder *encoder;
    struct file_index before, after;
    char path[256];
    size_t len_before, len_after;
    uint64_t next = 0;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned i = 0; i < 302; i++) {
        struct batch *batch = i % 150 == 149
                                  ? full_batch(next)
                                  : batch_of_lines(next, 1 + i % 3, OLD_US + (int64_t)next);
        next += batch->n_records;
        append_batch(store, encoder, batch);
        batch_destroy(batch);
    }
    store_encoder_free(encoder);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    read_index(&fixture, &before, path);
    uint8_t *old = fixture_read(path, &len_before);
    assert_int_equal(before.n_blocks, 302);
    assert_int_equal(before.flags, 0);

    fixture.options.merge_bytes = 1 << 20;
    store = open_store(&fixture); /* sealed without the thought of merging: so it stays */
    append_lines(store, next, 1, T0_US);
    append_lines(store, next + 1, 1, T0_US);
    assert_int_equal(store_seal(store), 0);
    wait_for_rewrites(store, 1);
    store_close(store);
    snprintf(path, sizeof(path), "%s/2001-09-09/0000000000000001.seg", fixture.path);
    uint8_t *new = fixture_read(path, &len_after);
    assert_int_equal(len_after, len_before);
    assert_memory_equal(new, old, len_before);
    free(new);

    char log[256];
    snprintf(log, sizeof(log), "%s/2001-09-09/0000000000000001.log", fixture.path);
    assert_int_equal(rename(path, log), 0); /* seal it again */
    store = open_store(&fixture);
    wait_for_rewrites(store, 1);
    store_close(store);
    const struct reporter silent = {0};
    int fd = open(path, O_RDONLY);
    after = FILE_INDEX_NULL;
    assert_int_equal(file_index_read(&after, fd, path, &silent), 0);
    close(fd);
    new = fixture_read(path, &len_after);
    assert_int_equal(after.n_blocks, 5);
    assert_int_equal(after.flags, 0);
    assert_true(len_after < len_before * 3 / 4);
    assert_memory_equal(&after.totals.records, &before.totals.records, 16);
    assert_int_equal(after.totals.next_id, before.totals.next_id);
    assert_int_equal(after.header.file_id, before.header.file_id);
    for (unsigned i = 0; i < 2; i++) {
        const struct block_entry *a = &before.blocks[149 + i * 150], *b = &after.blocks[1 + i * 2];
        assert_int_equal(a->header.total_bytes, b->header.total_bytes);
        assert_memory_equal(old + a->at, new + b->at, a->header.total_bytes);
    }
    assert_lines(&fixture, 0, next + 2);
    free(old);
    free(new);
    file_index_deinit(&before);
    file_index_deinit(&after);
    fixture_deinit(&fixture);
}

/* The same batches into a store that merges and into one that does not. */
static void every_column_survives(void **state)
{
    struct fixture plain, merged;
    struct store_encoder *encoders[2];
    struct file_index index;
    char path[256];
    fixture_init(&plain);
    fixture_init(&merged);
    merged.options.merge_bytes = 1 << 18;
    merged.options.recompress_level = 5;
    merged.options.recompress_after_ns = 1;
    struct store *stores[2] = {open_store(&plain), open_store(&merged)};
    size_t n_rows = 0;
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(store_encoder_new(stores[i], &encoders[i]), 0);
    for (unsigned i = 0; i < 60; i++) {
        struct batch *batch = batch_of_oddities(&plain, 1 + fixture_random(&plain, 60));
        n_rows += batch->n_records;
        for (unsigned j = 0; j < 2; j++)
            append_batch(stores[j], encoders[j], batch);
        batch_destroy(batch);
    }
    assert_int_equal(store_seal(stores[1]), 0);
    wait_for_rewrites(stores[1], 1);
    for (unsigned i = 0; i < 2; i++) {
        store_encoder_free(encoders[i]);
        store_close(stores[i]);
    }
    read_index(&merged, &index, path);
    assert_true(index.n_blocks < 10);
    file_index_deinit(&index);
    assert_same_stores(&plain, &merged, n_rows);
    assert_int_equal(merged.n_reports, 1);
    fixture_deinit(&plain);
    fixture_deinit(&merged);
}

static void sealed_lines(struct store *store, uint64_t first)
{
    append_lines(store, first, 2000, OLD_US + (int64_t)first);
    assert_int_equal(store_seal(store), 0);
}

static uint8_t level_of(const struct fixture *fixture, uint64_t first_id, size_t *ret_bytes)
{
    const struct reporter silent = {0};
    struct file_index index = FILE_INDEX_NULL;
    char path[256];
    snprintf(path, sizeof(path), "%s/2001-09-09/%016llx.seg", fixture->path,
             (unsigned long long)first_id);
    int fd = open(path, O_RDONLY);
    assert_int_equal(file_index_read(&index, fd, path, &silent), 0);
    *ret_bytes = index.seen_bytes;
    uint8_t level = index.level;
    close(fd);
    file_index_deinit(&index);
    return level;
}

/* Once, and only what is old; a higher level later does it again. */
static void cold_files_are_compressed_again(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    size_t before, after;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    sealed_lines(store, 0);
    store_close(store);
    assert_int_equal(level_of(&fixture, 1, &before), 0);
    fixture.options.recompress_after_ns = INT64_C(3600000000000);
    fixture.options.recompress_level = 12;
    store = open_store(&fixture);
    wait_for_rewrites(store, 1);
    assert_int_equal(level_of(&fixture, 1, &after), 12);
    assert_true(after <= before);
    store_get_stats(store, &stats);
    assert_int_equal(stats.bytes_disk, after);
    sealed_lines(store, 2000);
    append_lines(store, 4000, 10, INT64_C(4000000000000000)); /* 2096 */
    assert_int_equal(store_seal(store), 0);
    wait_for_rewrites(store, 2);
    store_close(store);
    assert_int_equal(level_of(&fixture, 2001, &after), 12);
    store = open_store(&fixture); /* in the order of files: so the first two were passed over */
    sealed_lines(store, 4010);
    wait_for_rewrites(store, 1);
    store_get_stats(store, &stats);
    assert_int_equal(stats.rewritten_segments, 1);
    store_close(store);
    assert_int_equal(level_of(&fixture, 4011, &after), 12);
    assert_lines(&fixture, 0, 6010);
    fixture_deinit(&fixture);
}

/* What cannot become smaller keeps its blocks, byte for byte, and is marked. */
static void incompressible_files_stay(void **state)
{
    struct fixture fixture;
    struct store_encoder *encoder;
    struct file_index index;
    size_t len_before, len_after;
    char path[256], noise[4000];
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    struct batch *batch = batch_make(100 * sizeof(noise), 100);
    struct peer peer = {0};
    for (unsigned i = 0; i < 100; i++) {
        for (size_t j = 0; j < sizeof(noise); j++)
            noise[j] = (char)fixture_random(&fixture, 256);
        batch_add_record(batch, 0, 0, batch_add_peer(batch, &peer), OLD_US)->message =
            batch_put_text(batch, noise, sizeof(noise));
    }
    append_batch(store, encoder, batch);
    batch_destroy(batch);
    store_encoder_free(encoder);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    fixture_file(&fixture, ".seg", path);
    uint8_t *before = fixture_read(path, &len_before);
    fixture.options.recompress_after_ns = 1;
    store = open_store(&fixture);
    wait_for_rewrites(store, 1);
    store_close(store);
    read_index(&fixture, &index, path);
    uint8_t *after = fixture_read(path, &len_after);
    assert_int_equal(index.level, fixture.options.recompress_level);
    assert_int_equal(len_after, len_before);
    assert_memory_equal(after, before, index.end);
    file_index_deinit(&index);
    free(before);
    free(after);
    fixture_deinit(&fixture);
}

/* Damage is not made worse: the file stays as it is, and is said to. */
static void damaged_files_stay(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    size_t len, len_after;
    char path[256];
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    for (unsigned i = 0; i < 10; i++)
        append_lines(store, i * 100, 100, OLD_US + i * 100);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    fixture_file(&fixture, ".seg", path);
    uint8_t *bytes = fixture_read(path, &len);
    fixture.options.recompress_after_ns = 1;
    fixture.options.merge_bytes = 1 << 20;
    for (size_t at = 64; at < len; at += 97) {
        bytes[at] ^= 4;
        fixture_write(path, bytes, len);
        unsigned n_reports = fixture.n_reports;
        store = open_store(&fixture);
        wait_for_rewrites(store, 1);
        store_get_stats(store, &stats);
        store_close(store);
        assert_true(fixture.n_reports > n_reports);
        uint8_t *after = fixture_read(path, &len_after);
        if (stats.rewrite_errors > 0) {
            assert_int_equal(len_after, len);
            assert_memory_equal(after, bytes, len);
        } else {
            assert_lines(&fixture, 0, 1000); /* what it did not read, like the old roll-up */
        }
        assert_int_equal(fixture_count(&fixture, ".new"), 0);
        free(after);
        bytes[at] ^= 4;
    }
    free(bytes);
    fixture_deinit(&fixture);
}

/* A reader that stands in the old file goes on there; a new one sees the new file. */
static void readers_go_on(void **state)
{
    struct fixture fixture;
    struct walk walk;
    struct store_row row;
    fixture_init(&fixture);
    fixture.options.merge_bytes = 1 << 20;
    struct store *store = open_store(&fixture);
    for (unsigned i = 0; i < 50; i++)
        append_lines(store, i, 1, OLD_US + i);
    walk_open(&walk, &fixture);
    assert_true(walk_next(&walk, &row));
    assert_int_equal(store_seal(store), 0);
    wait_for_rewrites(store, 1);
    assert_lines(&fixture, 0, 50);
    for (uint64_t id = 2; id <= 50; id++) {
        assert_true(walk_next(&walk, &row));
        assert_int_equal(row.id, id);
    }
    append_lines(store, 50, 1, OLD_US + 50);
    assert_true(walk_next(&walk, &row));
    assert_int_equal(row.id, 51);
    assert_false(walk_next(&walk, &row));
    store_reader_close(walk.reader);
    store_close(store);
    fixture_deinit(&fixture);
}

/* Neither a reader nor the writer takes a file that was being written for one of the store's. */
static void unfinished_files_are_deleted(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    char path[256], copy[256];
    size_t len;
    fixture_init(&fixture);
    struct store *store = open_store(&fixture);
    append_lines(store, 0, 10, OLD_US);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    fixture_file(&fixture, ".seg", path);
    uint8_t *bytes = fixture_read(path, &len);
    snprintf(copy, sizeof(copy), "%.*s.new", (int)strlen(path) - 4, path);
    fixture_write(copy, bytes, len / 2);
    free(bytes);
    assert_lines(&fixture, 0, 10);
    snprintf(copy, sizeof(copy), "%s/2002-01-01", fixture.path);
    assert_int_equal(mkdir(copy, 0750), 0);
    snprintf(copy, sizeof(copy), "%s/2002-01-01/00000000000000ff.new", fixture.path);
    fixture_write(copy, (const uint8_t *)"", 0);
    store = open_store(&fixture);
    store_get_stats(store, &stats);
    assert_int_equal(stats.quarantined, 0);
    store_close(store);
    assert_int_equal(fixture.n_reports, 0);
    assert_int_equal(fixture_count(&fixture, ".new"), 0);
    assert_int_equal(fixture_count(&fixture, ""), 1);
    assert_lines(&fixture, 0, 10);
    fixture_deinit(&fixture);
}

/* The store is closed at any moment of the work, and the work is done at last. */
static void closed_at_any_moment(void **state)
{
    struct fixture fixture;
    struct store_stats stats = {0};
    struct file_index index;
    char path[256];
    fixture_init(&fixture);
    fixture.options.merge_bytes = 4096;
    struct store *store = open_store(&fixture);
    for (unsigned i = 0; i < 3000; i++)
        append_lines(store, i, 1, OLD_US + i);
    assert_int_equal(store_seal(store), 0);
    store_close(store);
    /* What the file says counts: the work may be done between the last look at stats and the end. */
    for (unsigned spins = 0, n_blocks = 3000; n_blocks >= 300; spins = spins * 2 + 1) {
        store = open_store(&fixture);
        for (unsigned i = 0; i < spins; i++)
            store_get_stats(store, &stats);
        store_close(store);
        assert_int_equal(fixture_count(&fixture, ".new"), 0);
        assert_int_equal(fixture_count(&fixture, ".seg"), 1);
        read_index(&fixture, &index, path);
        n_blocks = index.n_blocks;
        file_index_deinit(&index);
        assert_true(spins < 1u << 28);
    }
    assert_lines(&fixture, 0, 3000);
    fixture_deinit(&fixture);
}

/* Retention deletes what the rewriter is at: nothing comes back. */
static void deleted_meanwhile(void **state)
{
    struct fixture fixture;
    struct store_stats stats;
    fixture_init(&fixture);
    fixture.options.merge_bytes = 1 << 20;
    fixture.options.recompress_after_ns = 1;
    fixture.options.retain_bytes = 30000;
    struct store *store = open_store(&fixture);
    uint64_t next = 0;
    for (unsigned i = 0; i < 150; i++) {
        for (unsigned j = 0; j < 8; j++, next += 5)
            append_lines(store, next, 5, OLD_US + (int64_t)(i % 40) * DAY_US);
        assert_int_equal(store_seal(store), 0);
        if (i % 30 == 0)
            wait_for_rewrites(store, i / 30 + 1);
    }
    store_get_stats(store, &stats);
    assert_true(stats.deleted_segments > 0 && stats.rewritten_segments > 0);
    assert_int_equal(stats.records + stats.deleted_records, next);
    store_close(store);
    assert_int_equal(fixture_count(&fixture, ".new"), 0);
    assert_int_equal(fixture_count(&fixture, ".seg"), stats.segments);
    assert_lines(&fixture, next - stats.records, stats.records);
    store = open_store(&fixture); /* the figures were kept up with what the disk has */
    struct store_stats again;
    store_get_stats(store, &again);
    assert_int_equal(again.records, stats.records);
    store_close(store);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_hours_are_merged),
        cmocka_unit_test(every_column_survives),
        cmocka_unit_test(cold_files_are_compressed_again),
        cmocka_unit_test(incompressible_files_stay),
        cmocka_unit_test(damaged_files_stay),
        cmocka_unit_test(readers_go_on),
        cmocka_unit_test(unfinished_files_are_deleted),
        cmocka_unit_test(closed_at_any_moment),
        cmocka_unit_test(deleted_meanwhile),
    };
    sem_init(&settled, 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
