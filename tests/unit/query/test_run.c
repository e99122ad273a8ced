/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fake_reader.h"
#include "store/query.h"

/* Ids of the rows that came, as text: "3 5 9". */
struct seen {
    char text[4096];
    size_t len;
    int stop_after; /* rows; 0: never */
    int n, result;
};

static int see(void *arg, const struct store_row *row)
{
    struct seen *seen = arg;
    seen->len += (size_t)snprintf(seen->text + seen->len, sizeof(seen->text) - seen->len, "%s%d",
                                  seen->len > 0 ? " " : "", (int)row->id);
    return ++seen->n == seen->stop_after ? seen->result : 0;
}

/* Four blocks of three rows; ids 1-12, odd ones say "odd", even ones "even"; one second apart. */
static void fill(void)
{
    fake_reset();
    for (int block = 0; block < 4; block++) {
        struct store_row rows[3];
        for (int i = 0; i < 3; i++) {
            int id = block * 3 + i + 1;
            rows[i] = fake_row(id % 2 ? "odd" : "even", id);
            rows[i].severity = (uint8_t)(block * 2);
        }
        fake_append(rows, 3);
    }
}

static struct query_options all(struct seen *seen)
{
    *seen = (struct seen){0};
    return (struct query_options){.since_ns = INT64_MIN,
                                  .until_ns = INT64_MAX,
                                  .columns = STORE_MESSAGE,
                                  .threads = 1,
                                  .on_row = see,
                                  .arg = seen};
}

static struct query_counts counts;

static int run(const char *text, const struct query_options *options)
{
    struct store_reader *reader;
    struct query *query;
    struct query_error error;
    assert_int_equal(query_parse(text, &query, &error), 0);
    assert_int_equal(store_reader_open(&(struct store_reader_options){.path = ""}, &reader), 0);
    int r = query_run(query, reader, options, &counts);
    store_reader_close(reader);
    query_free(query);
    return r;
}

static void test_forwards(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "1 2 3 4 5 6 7 8 9 10 11 12");
    assert_int_equal(counts.matched, 12);
    assert_int_equal(counts.blocks, 4);
    options = all(&seen);
    assert_int_equal(run("odd", &options), 0);
    assert_string_equal(seen.text, "1 3 5 7 9 11");
    options = all(&seen);
    assert_int_equal(run("nothing", &options), 0);
    assert_string_equal(seen.text, "");
}

static void test_limit_every_size(void **state)
{
    static const char *const odd[] = {"",         "11",         "9 11",         "7 9 11",
                                      "5 7 9 11", "3 5 7 9 11", "1 3 5 7 9 11", "1 3 5 7 9 11"};
    static const char *const odd_reversed[] = {
        "", "11", "11 9", "11 9 7", "11 9 7 5", "11 9 7 5 3", "11 9 7 5 3 1", "11 9 7 5 3 1"};
    for (uint64_t limit = 1; limit < 8; limit++) {
        struct seen seen;
        fill();
        struct query_options options = all(&seen);
        options.limit = limit;
        assert_int_equal(run("odd", &options), 0);
        assert_string_equal(seen.text, odd[limit]);
        assert_int_equal(counts.matched, limit < 6 ? limit : 6);
        options = all(&seen);
        options.limit = limit;
        options.newest_first = true;
        assert_int_equal(run("odd", &options), 0);
        assert_string_equal(seen.text, odd_reversed[limit]);
    }
}

static void test_limit_reads_no_more_than_it_must(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    options.limit = 2;
    assert_int_equal(run("odd", &options), 0);
    assert_int_equal(counts.blocks_scanned, 2);
    fill();
    options = all(&seen);
    options.limit = 1;
    options.newest_first = true;
    assert_int_equal(run("", &options), 0);
    assert_int_equal(counts.blocks_scanned, 1);
    assert_int_equal(fake.n_loads, 1);
}

static void test_reversed(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    options.newest_first = true;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "12 11 10 9 8 7 6 5 4 3 2 1");
}

static void test_after(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    options.after_id = 4;
    assert_int_equal(run("odd", &options), 0);
    assert_string_equal(seen.text, "5 7 9 11");
    assert_int_equal(counts.blocks_scanned, 3);
    assert_int_equal(counts.pruned[QUERY_BY_BOUNDS], 1);
    options = all(&seen);
    options.after_id = 8;
    options.newest_first = true;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "12 11 10 9");
    assert_int_equal(counts.blocks_scanned, 2);
    options = all(&seen);
    options.after_id = 8;
    options.limit = 100;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "9 10 11 12");
    options = all(&seen);
    options.after_id = 12;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "");
    options.after_id = UINT64_MAX;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "");
}

static void test_time_bounds(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    options.since_ns = (FAKE_T0_S + 5) * 1000000000;
    options.until_ns = (FAKE_T0_S + 8) * 1000000000;
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "5 6 7");
    assert_int_equal(counts.blocks_pruned, 2);
    assert_int_equal(counts.rows, 6);
    options.limit = 2;
    seen = (struct seen){0};
    assert_int_equal(run("", &options), 0);
    assert_string_equal(seen.text, "6 7");
}

static void test_pruning(void **state)
{
    struct seen seen;
    fill();
    struct query_options options = all(&seen);
    assert_int_equal(run("severity<=2 odd", &options), 0);
    assert_string_equal(seen.text, "1 3 5");
    assert_int_equal(counts.blocks_pruned, 2);
    fill();
    options = all(&seen);
    assert_int_equal(run("severity>2", &options), 0);
    assert_string_equal(seen.text, "7 8 9 10 11 12");
    /* The headers said it all: nothing but what is shown was decoded. */
    assert_int_equal(fake.columns, STORE_MESSAGE | STORE_TIME);
    assert_int_equal(fake.n_loads, 2);
}

/* Columns for the output are decoded only where there is a hit. */
static void test_columns_follow_hits(void **state)
{
    struct seen seen;
    fill();
    fake.blocks[2].rows[0].host = fake_text("db01");
    struct query_options options = all(&seen);
    assert_int_equal(run("host=db01", &options), 0);
    assert_string_equal(seen.text, "7");
    assert_int_equal(fake.n_loads, 5);
    assert_int_equal(fake.n_message_loads, 1);
}

/* Messages are decoded only where the small columns left a row. */
static void test_small_terms_first(void **state)
{
    struct seen seen;
    fill();
    fake.blocks[2].rows[0].host = fake_text("db01");
    fake.blocks[2].rows[1].host = fake_text("db01");
    struct query_options options = all(&seen);
    options.columns = STORE_HOST;
    assert_int_equal(run("even and host=db01", &options), 0);
    assert_string_equal(seen.text, "8");
    /* For the term, and beside the time when the rows are shown. */
    assert_int_equal(fake.n_message_loads, 2);
    fill();
    options = all(&seen);
    options.columns = STORE_HOST;
    assert_int_equal(run("even id>5 (odd or id<9) not severity=7 time>@0", &options), 0);
    assert_string_equal(seen.text, "6 8");
}

static void test_damage(void **state)
{
    struct seen seen;
    fill();
    fake.blocks[1].damaged = true;
    struct query_options options = all(&seen);
    assert_int_equal(run("odd", &options), 0);
    assert_string_equal(seen.text, "1 3 7 9 11");
    assert_int_equal(counts.blocks_damaged, 1);
    options = all(&seen);
    options.limit = 5;
    assert_int_equal(run("odd", &options), 0);
    assert_string_equal(seen.text, "1 3 7 9 11");
    assert_int_equal(counts.blocks_damaged, 1);
}

static void test_stop(void **state)
{
    struct seen seen;
    for (int way = 0; way < 3; way++) {
        fill();
        struct query_options options = all(&seen);
        options.newest_first = way == 1;
        options.limit = way == 2 ? 10 : 0;
        seen.stop_after = 2;
        seen.result = way == 1 ? -EIO : 7;
        assert_int_equal(run("odd", &options), seen.result);
        assert_int_equal(seen.n, 2);
        assert_int_equal(counts.matched, 2);
    }
}

static void test_empty_store(void **state)
{
    struct seen seen;
    fake_reset();
    struct query_options options = all(&seen);
    assert_int_equal(run("", &options), 0);
    options.limit = 3;
    assert_int_equal(run("", &options), 0);
    options.newest_first = true;
    assert_int_equal(run("", &options), 0);
    assert_int_equal(seen.n, 0);
}

static void test_continue(void **state)
{
    struct store_reader *reader;
    struct query *query;
    struct query_error error;
    struct seen seen;
    struct store_row row = fake_row("odd", 50);
    fill();
    struct query_options options = all(&seen);
    assert_int_equal(query_parse("odd", &query, &error), 0);
    assert_int_equal(store_reader_open(&(struct store_reader_options){.path = ""}, &reader), 0);
    assert_int_equal(store_reader_seek(reader, 10), 0);
    options.after_id = 10;
    assert_int_equal(query_continue(query, reader, &options, &counts), 0);
    assert_string_equal(seen.text, "11");
    assert_int_equal(query_continue(query, reader, &options, &counts), 0);
    assert_string_equal(seen.text, "11");
    fake_append(&row, 1);
    assert_int_equal(query_continue(query, reader, &options, &counts), 0);
    assert_string_equal(seen.text, "11 13");
    store_reader_close(reader);
    query_free(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forwards),
        cmocka_unit_test(test_limit_every_size),
        cmocka_unit_test(test_limit_reads_no_more_than_it_must),
        cmocka_unit_test(test_reversed),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_time_bounds),
        cmocka_unit_test(test_pruning),
        cmocka_unit_test(test_columns_follow_hits),
        cmocka_unit_test(test_small_terms_first),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_empty_store),
        cmocka_unit_test(test_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
