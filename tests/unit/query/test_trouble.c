/* SPDX-License-Identifier: MIT */
/*
 * Runs that do not go their way: cancelled, out of time, over damaged, deleted and growing files, in
 * little memory, with clocks that are far apart.
 */
#include "engine_store.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <boom/context.h>

static struct query_options open_options(void)
{
    return (struct query_options){.since_ns = INT64_MIN, .until_ns = INT64_MAX, .threads = 2};
}

/* Cancels at its nth row. */
struct canceller {
    struct boom_ctx *ctx;
    unsigned n, at;
};

static int cancel_at(void *arg, const struct store_row *row)
{
    struct canceller *canceller = arg;
    if (++canceller->n == canceller->at)
        boom_ctx_cancel(canceller->ctx, 0);
    return 0;
}

static void test_cancelled_at_any_row(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){4, 6, 60, true, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    for (unsigned at = 1; at < 400; at += 7) {
        struct canceller canceller = {.at = at};
        struct query_options options = open_options();
        assert_int_equal(boom_ctx_with_cancel(NULL, &canceller.ctx), 0);
        options.ctx = canceller.ctx;
        options.on_row = cancel_at;
        options.arg = &canceller;
        options.newest_first = at % 2;
        int r = query_run(query, reader, &options, &counts);
        assert_int_equal(r, canceller.n >= at ? -ECANCELED : 0);
        boom_ctx_unref(canceller.ctx);
    }
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

static void test_context_is_over(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    struct boom_ctx *ctx;
    struct ids ids = {0};
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){2, 3, 20, true, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    struct query_options options = open_options();
    options.on_row = collect_id;
    options.arg = &ids;
    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    boom_ctx_cancel(ctx, 0);
    options.ctx = ctx;
    assert_int_equal(query_run(query, reader, &options, &counts), -ECANCELED);
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_timeout(NULL, 0, &ctx), 0);
    options.ctx = ctx;
    assert_int_equal(query_run(query, reader, &options, &counts), -ETIMEDOUT);
    boom_ctx_unref(ctx);
    assert_int_equal(ids.n, 0);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* Another thread cancels, at whatever the run is at. */
struct other {
    struct boom_ctx *ctx;
    unsigned spins;
    atomic_bool go;
};

static void *cancel_soon(void *arg)
{
    struct other *other = arg;
    while (!atomic_load(&other->go))
        continue;
    for (volatile unsigned i = 0; i < other->spins; i++)
        continue;
    boom_ctx_cancel(other->ctx, 0);
    return NULL;
}

static int count_row(void *arg, const struct store_row *row)
{
    ++*(unsigned *)arg;
    return 0;
}

static void test_cancelled_by_another(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    unsigned n_cancelled = 0, n_rows;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){4, 6, 200, true, 60000000000});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("failed or not host=h1");
    for (unsigned i = 0; i < 200; i++) {
        struct other other = {.spins = i * i * 10};
        pthread_t thread;
        struct query_options options = open_options();
        assert_int_equal(boom_ctx_with_cancel(NULL, &other.ctx), 0);
        assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &other), 0);
        options.ctx = other.ctx;
        options.on_row = count_row;
        options.arg = &n_rows;
        options.limit = i % 3 * 50;
        options.newest_first = i % 2;
        atomic_store(&other.go, true);
        int r = query_run(query, reader, &options, &counts);
        pthread_join(thread, NULL);
        assert_true(r == 0 || r == -ECANCELED);
        n_cancelled += r == -ECANCELED;
        boom_ctx_unref(other.ctx);
    }
    assert_true(n_cancelled > 0);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

static int stop_at_third(void *arg, const struct store_row *row)
{
    unsigned *n = arg;
    return ++*n == 3 ? 42 : 0;
}

static void test_stopped_by_the_consumer(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){4, 6, 60, true, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    for (unsigned way = 0; way < 3; way++) {
        unsigned n = 0;
        struct query_options options = open_options();
        options.on_row = stop_at_third;
        options.arg = &n;
        options.newest_first = way == 1;
        options.limit = way == 2 ? 20 : 0;
        assert_int_equal(query_run(query, reader, &options, &counts), 42);
        assert_int_equal(n, 3);
        assert_int_equal(counts.matched, 3);
    }
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* Blocks of `n_rows` long messages; their times are spread over `spread_ns`. */
static void make_large_store(struct fixture *fixture, unsigned n_blocks, unsigned n_rows,
                             int64_t spread_ns)
{
    enum { MESSAGE_BYTES = 1000 };
    struct store *store;
    struct store_encoder *encoder;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned block = 0; block < n_blocks; block++) {
        struct batch *batch = batch_make(n_rows * (MESSAGE_BYTES + 1), n_rows);
        struct peer peer = {.family = 0};
        uint16_t peer_index = batch_add_peer(batch, &peer);
        for (unsigned i = 0; i < n_rows; i++) {
            char message[MESSAGE_BYTES];
            struct record *record = batch_add_record(batch, batch->used, MESSAGE_BYTES, peer_index,
                                                     T0_US + block * 1000000);
            for (unsigned at = 0; at < MESSAGE_BYTES; at++)
                message[at] = (char)('a' + fixture_random(fixture, 26));
            record->message = batch_put_text(batch, message, MESSAGE_BYTES);
            record->time_ns = record->received_us * 1000 + spread_ns / n_rows * i;
            record->severity = 6;
        }
        append_batch(store, encoder, batch);
        batch_destroy(batch);
    }
    store_encoder_free(encoder);
    store_close(store);
}

struct watcher {
    uint64_t n, sum, n_back;
    int64_t last_ns;
    size_t most; /* bytes that malloc had given out */
};

static int watch_memory(void *arg, const struct store_row *row)
{
    struct watcher *watcher = arg;
    watcher->n_back += row->time_ns < watcher->last_ns;
    watcher->last_ns = row->time_ns;
    watcher->sum += row->id;
    if (watcher->n++ % 64 == 0) {
        struct mallinfo2 info = mallinfo2();
        size_t bytes = info.uordblks + info.hblkhd;
        watcher->most = bytes > watcher->most ? bytes : watcher->most;
    }
    return 0;
}

#define SMALL_MEMORY (16u << 20)

/* More rows than fit, in order: the memory stays small, however the rows are asked for. */
static void test_memory_is_bounded(void **state)
{
    enum { N_BLOCKS = 60, N_ROWS = 1000 };
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_large_store(&fixture, N_BLOCKS, N_ROWS, 0); /* the limit cuts rows of one time apart */
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    for (unsigned way = 0; way < 3; way++) {
        struct watcher watcher = {.last_ns = INT64_MIN};
        struct query_options options = open_options();
        options.columns = STORE_ALL;
        options.memory_bytes = SMALL_MEMORY;
        options.newest_first = way == 1;
        options.limit = way == 2 ? N_BLOCKS * N_ROWS - 5 : 0; /* does not fit: two passes */
        options.on_row = watch_memory;
        options.arg = &watcher;
        struct mallinfo2 before = mallinfo2();
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_int_equal(watcher.n, N_BLOCKS * N_ROWS - (way == 2 ? 5 : 0));
        assert_int_equal(counts.unordered, 0);
        if (way != 1)
            assert_int_equal(watcher.n_back, 0);
        assert_true(counts.peak_bytes > 0 && counts.peak_bytes <= SMALL_MEMORY);
        size_t base = before.uordblks + before.hblkhd;
        assert_true(watcher.most <= base || watcher.most - base <= SMALL_MEMORY);
    }
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* Each block spans the time of all: they cannot be held together, and all rows come nevertheless. */
static void test_insane_clocks(void **state)
{
    enum { N_BLOCKS = 60, N_ROWS = 1000 };
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_large_store(&fixture, N_BLOCKS, N_ROWS, INT64_C(3600000000000));
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    uint64_t n = N_BLOCKS * N_ROWS, first_id = 0;
    for (unsigned way = 0; way < 2; way++) {
        struct watcher watcher = {.last_ns = INT64_MIN};
        struct query_options options = open_options();
        options.columns = STORE_ALL;
        options.memory_bytes = SMALL_MEMORY;
        options.on_row = watch_memory;
        options.arg = &watcher;
        options.newest_first = way == 1;
        struct mallinfo2 before = mallinfo2();
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_int_equal(watcher.n, n);
        if (way == 0)
            first_id = (watcher.sum - n * (n - 1) / 2) / n;
        assert_int_equal(watcher.sum, n * first_id + n * (n - 1) / 2);
        assert_true(counts.unordered > 0);
        assert_true(counts.peak_bytes <= SMALL_MEMORY);
        size_t base = before.uordblks + before.hblkhd;
        assert_true(watcher.most <= base || watcher.most - base <= SMALL_MEMORY);
        /* In enough of it they come in order. */
        options.memory_bytes = 0;
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_int_equal(counts.unordered, 0);
    }
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* One byte is flipped: what the naive run still reads is what comes. */
static void test_damaged_blocks(void **state)
{
    struct query_counts counts;
    unsigned n_damaged = 0;
    for (unsigned round = 0; round < 40; round++) {
        struct fixture fixture;
        struct ids ids = {0};
        char path[256];
        size_t len;
        fixture_init(&fixture);
        fixture.random += round * 0x9e3779b97f4a7c15;
        make_store(&fixture, &(struct store_shape){1, 12, 40, false, 0});
        fixture_file(&fixture, ".seg", path);
        uint8_t *bytes = fixture_read(path, &len);
        bytes[fixture_random(&fixture, (uint32_t)len)] ^= 1u << fixture_random(&fixture, 8);
        fixture_write(path, bytes, len);
        free(bytes);
        struct store_reader *reader = open_reader(&fixture);
        struct query *query = parse("not \"no such words\"");
        struct query_options options = open_options();
        options.columns = STORE_ALL;
        options.on_row = collect_id;
        options.arg = &ids;
        struct pack *naive = naive_run(&fixture, query, &options);
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_int_equal(ids.n, naive->n_rows);
        for (size_t i = 0; i < ids.n; i++)
            assert_int_equal(ids.ids[i], naive->rows[i].id);
        n_damaged += (unsigned)counts.blocks_damaged;
        free(ids.ids);
        pack_free(naive);
        query_free(query);
        store_reader_close(reader);
        fixture_deinit(&fixture);
    }
    assert_true(n_damaged > 0);
}

/* Deletes the newest file at the first row, or seals the log. */
struct meddler {
    struct fixture *fixture;
    char path[256];
    struct store *store;
    unsigned n;
};

static int meddle(void *arg, const struct store_row *row)
{
    struct meddler *meddler = arg;
    if (meddler->n++ > 0)
        return 0;
    if (meddler->store != NULL)
        assert_int_equal(store_seal(meddler->store), 0);
    else
        assert_int_equal(unlink(meddler->path), 0);
    return 0;
}

static void test_deleted_meanwhile(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){1, 3, 40, false, 0});
    struct meddler meddler = {.fixture = &fixture};
    fixture_file(&fixture, ".seg", meddler.path);
    fixture.options.segment_bytes = 1; /* each block is a file, from here on */
    make_store(&fixture, &(struct store_shape){1, 30, 40, false, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    struct query_options options = open_options();
    options.threads = 1;
    options.newest_first = true;
    options.limit = UINT64_MAX;
    options.on_row = meddle;
    options.arg = &meddler;
    assert_int_equal(query_run(query, reader, &options, &counts), 0);
    assert_true(counts.matched > 0);
    assert_int_equal(counts.blocks_damaged, 0);
    assert_int_equal(fixture.n_reports, 0);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

static void test_sealed_meanwhile(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){3, 5, 40, true, 0});
    struct meddler meddler = {.fixture = &fixture};
    struct query *query = parse("");
    struct query_options options = open_options();
    options.on_row = count_row;
    options.arg = &meddler.n;
    struct store_reader *reader = open_reader(&fixture);
    assert_int_equal(query_run(query, reader, &options, &counts), 0);
    unsigned n = meddler.n;
    meddler.n = 0;
    assert_int_equal(store_open(&fixture.options, &meddler.store), 0);
    options.on_row = meddle;
    options.arg = &meddler;
    assert_int_equal(query_run(query, reader, &options, &counts), 0);
    assert_int_equal(meddler.n, n);
    store_close(meddler.store);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* A writer at work: each run sees some first part of what was appended, whole and in order. */
struct writer {
    struct fixture *fixture;
    atomic_uint n_stored;
    atomic_bool stop;
};

static void *write_on(void *arg)
{
    struct writer *writer = arg;
    struct store *store;
    assert_int_equal(store_open(&writer->fixture->options, &store), 0);
    for (unsigned i = 0; !atomic_load(&writer->stop) && i < 2000; i++) {
        append_lines(store, i * 10u, 10, T0_US + i * 10);
        atomic_fetch_add(&writer->n_stored, 10);
        if (i % 50 == 49)
            assert_int_equal(store_seal(store), 0);
    }
    store_close(store);
    return NULL;
}

struct sequence {
    unsigned n;
    uint64_t last;
    bool is_broken;
};

static int follow_sequence(void *arg, const struct store_row *row)
{
    struct sequence *sequence = arg;
    sequence->is_broken |= sequence->n > 0 && row->id != sequence->last + 1;
    sequence->last = row->id;
    sequence->n++;
    return 0;
}

static void test_concurrent_writer(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    struct writer writer = {.fixture = &fixture};
    pthread_t thread;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){1, 1, 1, true, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("line");
    assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
    for (unsigned i = 0; i < 100; i++) {
        struct sequence sequence = {0};
        struct query_options options = open_options();
        options.on_row = follow_sequence;
        options.arg = &sequence;
        unsigned n_before = atomic_load(&writer.n_stored);
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_false(sequence.is_broken);
        assert_true(sequence.n >= n_before && sequence.n % 10 == 0);
    }
    atomic_store(&writer.stop, true);
    pthread_join(thread, NULL);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* The progress ends where the files end. */
struct progress {
    struct query_progress last;
    unsigned n_calls;
    int64_t last_ns;
};

static void see_progress(void *arg, const struct query_progress *progress)
{
    struct progress *seen = arg;
    int64_t now_ns = boom_now_ns();
    assert_true(seen->n_calls == 0 || now_ns - seen->last_ns >= 100000000);
    assert_true(progress->bytes >= seen->last.bytes && progress->bytes <= progress->bytes_total);
    seen->last = *progress;
    seen->last_ns = now_ns;
    seen->n_calls++;
}

/* The consumer takes so long that progress is due. */
static int dawdle(void *arg, const struct store_row *row)
{
    const struct progress *seen = arg;
    int64_t start_ns = boom_now_ns();
    while (seen->n_calls < 2 && boom_now_ns() - start_ns < 1000000)
        continue;
    return seen->n_calls == 2 ? 1 : 0;
}

static void test_progress(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    struct progress seen = {0};
    fixture_init(&fixture);
    make_large_store(&fixture, 30, 1000, 1000000);
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    struct query_options options = open_options();
    options.on_row = dawdle;
    options.on_progress = see_progress;
    options.arg = &seen;
    assert_int_equal(query_run(query, reader, &options, &counts), 1);
    assert_int_equal(seen.n_calls, 2);
    assert_true(seen.last.bytes > 0 && seen.last.rows > 0 && seen.last.blocks > 0);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cancelled_at_any_row),
        cmocka_unit_test(test_context_is_over),
        cmocka_unit_test(test_cancelled_by_another),
        cmocka_unit_test(test_stopped_by_the_consumer),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_insane_clocks),
        cmocka_unit_test(test_damaged_blocks),
        cmocka_unit_test(test_deleted_meanwhile),
        cmocka_unit_test(test_sealed_meanwhile),
        cmocka_unit_test(test_concurrent_writer),
        cmocka_unit_test(test_progress),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
