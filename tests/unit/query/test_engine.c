/* SPDX-License-Identifier: MIT */
/*
 * Runs over real stores, compared with the naive evaluation: every row is read and asked.
 * LOGBOOM_TEST_SEED and LOGBOOM_TEST_ROUNDS make it another one, or longer.
 */
#include "engine_store.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <boom/context.h>
#include "store/query/sink.h"

static uint64_t env_number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static struct query_options open_options(struct ids *ids)
{
    *ids = (struct ids){0};
    return (struct query_options){
        .since_ns = INT64_MIN, .until_ns = INT64_MAX, .on_row = collect_id, .arg = ids};
}

static void random_options(struct fixture *fixture, struct query_options *options)
{
    int64_t t0_ns = T0_US * 1000;
    if (fixture_random(fixture, 3) == 0)
        options->since_ns = t0_ns + fixture_random(fixture, 400) * INT64_C(1000000000);
    if (fixture_random(fixture, 3) == 0)
        options->until_ns = t0_ns + fixture_random(fixture, 900) * INT64_C(1000000000);
    if (fixture_random(fixture, 4) == 0)
        options->after_id = fixture_random(fixture, 500);
    if (fixture_random(fixture, 2) == 0)
        options->limit = fixture_random(fixture, 60) + 1;
    options->newest_first = fixture_random(fixture, 2);
    options->threads = fixture_random(fixture, 4) + 1;
    options->columns = fixture_random(fixture, 2) ? STORE_ALL : 0;
}

/* The ids that should have come: the naive rows, cut and turned round as the options say. */
static void assert_rows(const char *text, const struct pack *naive, const struct ids *ids,
                        const struct query_options *options)
{
    size_t limit = options->limit > 0 ? options->limit : SIZE_MAX;
    size_t n = naive->n_rows < limit ? naive->n_rows : limit;
    if (ids->n != n)
        fail_msg("%s: %zu rows came, %zu should have", text, ids->n, n);
    const struct store_row *first = naive->rows + naive->n_rows - n;
    for (size_t i = 0; i < n; i++) {
        uint64_t expected = options->newest_first ? first[n - 1 - i].id : first[i].id;
        if (ids->ids[i] != expected)
            fail_msg("%s: row %zu has id %" PRIu64 ", not %" PRIu64, text, i, ids->ids[i],
                     expected);
    }
}

static void compare_once(struct fixture *fixture, struct store_reader *reader)
{
    char text[EXPRESSION_BYTES];
    struct query_counts counts;
    struct ids ids;
    random_expression(fixture, fixture_random(fixture, 4), text);
    struct query_options options = open_options(&ids);
    random_options(fixture, &options);
    struct query *query = parse(text);
    struct pack *naive = naive_run(fixture, query, &options);
    assert_int_equal(query_run(query, reader, &options, &counts), 0);
    assert_rows(text, naive, &ids, &options);
    assert_int_equal(counts.matched, ids.n);
    assert_int_equal(counts.unordered, 0);
    assert_int_equal(counts.blocks_damaged, 0);
    free(ids.ids);
    pack_free(naive);
    query_free(query);
}

static void test_as_naive(void **state)
{
    uint64_t seed = env_number("LOGBOOM_TEST_SEED", 5424);
    uint64_t n_rounds = env_number("LOGBOOM_TEST_ROUNDS", 8);
    for (uint64_t round = 0; round < n_rounds; round++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.random ^= (seed + round) * 0x2545f4914f6cdd1d;
        print_message("seed %" PRIu64 "\n", seed + round);
        struct store_shape shape = {
            .n_files = fixture_random(&fixture, 5) + 1,
            .n_blocks = 6,
            .n_rows = fixture_random(&fixture, 2) ? 60 : 3,
            .is_open = fixture_random(&fixture, 2),
            .skew_ns = fixture_random(&fixture, 3) * INT64_C(60000000000),
        };
        make_store(&fixture, &shape);
        struct store_reader *reader = open_reader(&fixture);
        for (unsigned i = 0; i < 40; i++)
            compare_once(&fixture, reader);
        store_reader_close(reader);
        fixture_deinit(&fixture);
    }
}

/* A sink that counts: by rows, and where it may by cells. */
struct counting {
    struct sink sink;
    atomic_uint n_parts;
    uint64_t n, sum, n_by_cells;
    uint64_t by_severity[9];
    int enough; /* what row() returns; 0: go on */
};

struct counted {
    uint64_t n, sum, n_by_cells, by_severity[9];
};

static int part_new(struct sink *sink, void **ret_part)
{
    atomic_fetch_add(&((struct counting *)sink)->n_parts, 1);
    *ret_part = calloc(1, sizeof(struct counted));
    return *ret_part != NULL ? 0 : -ENOMEM;
}

static int count_row(struct sink *sink, void *part, const struct store_row *row)
{
    struct counted *counted = part;
    counted->n++;
    counted->sum += row->id;
    counted->by_severity[row->severity < 8 ? row->severity : 8]++;
    return ((struct counting *)sink)->enough;
}

static int count_cells(struct sink *sink, void *part, const struct rollup_cell *cells, size_t n)
{
    struct counted *counted = part;
    for (size_t i = 0; i < n; i++) {
        counted->n += cells[i].n_rows;
        counted->n_by_cells += cells[i].n_rows;
        counted->by_severity[cells[i].severity] += cells[i].n_rows;
    }
    return 0;
}

static int merge_part(struct sink *sink, void *part)
{
    struct counting *counting = (struct counting *)sink;
    struct counted *counted = part;
    if (part == NULL)
        return 0;
    counting->n += counted->n;
    counting->sum += counted->sum;
    counting->n_by_cells += counted->n_by_cells;
    for (unsigned i = 0; i < 9; i++)
        counting->by_severity[i] += counted->by_severity[i];
    free(part);
    atomic_fetch_sub(&counting->n_parts, 1);
    return 0;
}

static const struct sink_ops row_ops = {part_new, count_row, NULL, merge_part};
static const struct sink_ops cell_ops = {part_new, count_row, count_cells, merge_part};

static void assert_counted(const char *text, const struct pack *naive,
                           const struct counting *counting)
{
    uint64_t sum = 0, by_severity[9] = {0};
    for (size_t i = 0; i < naive->n_rows; i++) {
        sum += naive->rows[i].id;
        by_severity[naive->rows[i].severity < 8 ? naive->rows[i].severity : 8]++;
    }
    if (counting->n != naive->n_rows ||
        memcmp(by_severity, counting->by_severity, sizeof(by_severity)) != 0)
        fail_msg("%s: %" PRIu64 " counted, not %zu", text, counting->n, naive->n_rows);
    if (counting->n_by_cells == 0)
        assert_int_equal(counting->sum, sum);
    assert_int_equal(counting->n_parts, 0);
}

static uint64_t sink_once(struct fixture *fixture, struct store_reader *reader, const char *text)
{
    struct ids ids;
    struct query_counts counts;
    struct query_options options = open_options(&ids);
    random_options(fixture, &options);
    options.limit = 0;
    if (options.since_ns != INT64_MIN && fixture_random(fixture, 2))
        options.since_ns -= options.since_ns % INT64_C(60000000000);
    if (options.until_ns != INT64_MAX && fixture_random(fixture, 2))
        options.until_ns -= options.until_ns % INT64_C(60000000000);
    struct query *query = parse(text);
    struct pack *naive = naive_run(fixture, query, &options);
    struct counting counting = {{&row_ops, STORE_PRI, false}};
    assert_int_equal(query_run_sink(query, reader, &options, &counting.sink, &counts), 0);
    assert_counted(text, naive, &counting);
    assert_int_equal(counts.matched, naive->n_rows);
    assert_int_equal(counting.n_by_cells, 0);
    struct counting cells = {{&cell_ops, STORE_PRI, false}};
    assert_int_equal(query_run_sink(query, reader, &options, &cells.sink, &counts), 0);
    assert_counted(text, naive, &cells);
    assert_int_equal(counts.matched, naive->n_rows);
    assert_int_equal(counts.blocks, counts.blocks_pruned + counts.blocks_scanned);
    query_free(query);
    pack_free(naive);
    return cells.n_by_cells;
}

static void test_sinks(void **state)
{
    static const char *const of_cells[] = {
        "",
        "severity<=err",
        "geo.country in (DE, fr)",
        "not (severity=info or geo.country!=DE)",
        "geo.country=\"\" severity>notice",
    };
    uint64_t seed = env_number("LOGBOOM_TEST_SEED", 5424), n_by_cells = 0;
    for (uint64_t round = 0; round < 6; round++) {
        struct fixture fixture;
        fixture_init(&fixture);
        fixture.random ^= (seed + round) * 0x2545f4914f6cdd1d;
        print_message("seed %" PRIu64 "\n", seed + round);
        struct store_shape shape = {3, 5, 60, fixture_random(&fixture, 2), 0};
        shape.skew_ns = fixture_random(&fixture, 2) * INT64_C(60000000000);
        make_store(&fixture, &shape);
        struct store_reader *reader = open_reader(&fixture);
        for (unsigned i = 0; i < 10; i++) {
            char text[EXPRESSION_BYTES];
            random_expression(&fixture, fixture_random(&fixture, 3), text);
            sink_once(&fixture, reader, text);
            n_by_cells += sink_once(&fixture, reader, of_cells[i % 5]);
        }
        store_reader_close(reader);
        fixture_deinit(&fixture);
    }
    assert_true(n_by_cells > 0);
}

static void test_sink_has_enough(void **state)
{
    struct fixture fixture;
    struct ids ids;
    struct query_counts counts;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){3, 5, 60, true, 0});
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    struct query_options options = open_options(&ids);
    struct counting counting = {.sink = {&row_ops, 0, false}, .enough = 7};
    assert_int_equal(query_run_sink(query, reader, &options, &counting.sink, &counts), 7);
    assert_int_equal(counting.n_parts, 0);
    counting = (struct counting){.sink = {&row_ops, 0, false}, .enough = -EIO};
    assert_int_equal(query_run_sink(query, reader, &options, &counting.sink, &counts), -EIO);
    assert_int_equal(counting.n_parts, 0);
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

/* Rows of one second everywhere: the order is that of the ids. */
static void test_equal_times(void **state)
{
    struct fixture fixture;
    struct query_counts counts;
    struct store *store;
    struct ids ids;
    fixture_init(&fixture);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    struct store_encoder *encoder;
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned i = 0; i < 20; i++) {
        struct batch *batch = random_batch(&fixture, 50, T0_US, 0);
        for (uint32_t row = 0; row < batch->n_records; row++)
            batch->records[row].time_ns = T0_US * 1000;
        append_batch(store, encoder, batch);
        batch_destroy(batch);
        if (i % 5 == 4)
            assert_int_equal(store_seal(store), 0);
    }
    store_encoder_free(encoder);
    store_close(store);
    struct store_reader *reader = open_reader(&fixture);
    struct query *query = parse("");
    for (unsigned way = 0; way < 4; way++) {
        struct query_options options = open_options(&ids);
        options.newest_first = way % 2;
        options.limit = way / 2 * 333;
        struct pack *naive = naive_run(&fixture, query, &options);
        assert_int_equal(query_run(query, reader, &options, &counts), 0);
        assert_rows("equal times", naive, &ids, &options);
        pack_free(naive);
        free(ids.ids);
    }
    query_free(query);
    store_reader_close(reader);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_naive),
        cmocka_unit_test(test_sinks),
        cmocka_unit_test(test_sink_has_enough),
        cmocka_unit_test(test_equal_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
