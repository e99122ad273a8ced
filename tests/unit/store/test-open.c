/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#define N_SEGMENTS 10000
/* What is promised is a second; a sanitizer on a busy machine gets ten times that. */
#define LIMIT_S 10

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct store *open_measured(struct fixture *fixture, const char *what)
{
    struct store *store;
    double start = now_s();
    assert_int_equal(store_open(&fixture->options, &store), 0);
    double spent = now_s() - start;
    print_message("%s: %.3f s\n", what, spent);
    assert_true(spent < LIMIT_S);
    return store;
}

/* Opening reads the trailers, and neither blocks nor indices; it needs few descriptors at a time. */
static void ten_thousand_segments(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    struct store_stats stats;
    struct rlimit limit;
    fixture_init(&fixture);
    fixture.options.segment_bytes = 1;
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned i = 0; i < N_SEGMENTS; i++) {
        struct batch *batch = batch_of_lines(i, 1, T0_US + i * (DAY_US / 100));
        append_batch(store, encoder, batch);
        batch_destroy(batch);
        if (i % 256 == 255) /* sealing keeps up, or the retired logs use up the descriptors */
            assert_int_equal(store_seal(store), 0);
    }
    store_encoder_free(encoder);
    assert_int_equal(store_seal(store), 0);
    store_close(store);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 20;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    store = open_measured(&fixture, "10,000 segments of 101 days");
    store_get_stats(store, &stats);
    assert_int_equal(stats.segments, N_SEGMENTS);
    assert_int_equal(stats.records, N_SEGMENTS);
    assert_int_equal(stats.quarantined, 0);
    append_lines(store, N_SEGMENTS, 1, T0_US);
    store_close(store);

    fixture.options.recompress_after_ns = 1;
    fixture.options.retain_bytes = 1;
    store = open_measured(&fixture, "with something to do for its threads");
    assert_int_equal(store_seal(store), 0);
    store_get_stats(store, &stats);
    assert_int_equal(stats.segments, 1);
    assert_int_equal(stats.deleted_records, N_SEGMENTS);
    store_close(store);
    assert_lines(&fixture, N_SEGMENTS, 1);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_thousand_segments)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
