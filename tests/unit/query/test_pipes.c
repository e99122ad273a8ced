/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_reader.h"
#include "store/query.h"
#include "store/query/pipe.h"

#define MAX_PARTS 4

/* A run over rows in memory, and what came out of it, as text. */
struct trial {
    struct query_sink_options options;
    unsigned n_parts; /* of an unordered sink; 0: 1 */
    unsigned seed;    /* which row goes to which part, and in which order they are merged */
    bool with_cells;  /* counts in place of rows */
    int stop_at;      /* on_row or on_result returns 7 at this call; 0: never */
    int n_calls;
    struct query *query;
    FILE *out;
    struct query_notes notes;
    int result; /* of query_sink_finish() */
};

static void print_cell(FILE *out, const struct query_cell *cell)
{
    if (cell->is_null)
        fputs("-", out);
    else if (cell->type == QUERY_TEXT)
        fprintf(out, "%.*s", (int)cell->text.len, cell->text.data);
    else if (cell->type == QUERY_DOUBLE)
        fprintf(out, "%.12g", cell->number);
    else if (cell->type == QUERY_ADDRESS)
        fprintf(out, "%d.%d.%d.%d", cell->address[12], cell->address[13], cell->address[14],
                cell->address[15]);
    else if (cell->type == QUERY_TIME)
        fprintf(out, "%+" PRId64, cell->integer / 1000000000 - (int64_t)FAKE_T0_S);
    else
        fprintf(out, "%" PRId64, cell->integer);
}

static int on_result(void *arg, const struct query_cell *cells, size_t n)
{
    struct trial *trial = arg;
    const struct query_table *table = query_result(trial->query);
    assert_int_equal(n, table->n_columns);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(cells[i].type, table->columns[i].type);
        fputs(i > 0 ? " " : "", trial->out);
        print_cell(trial->out, &cells[i]);
    }
    fputs("\n", trial->out);
    return ++trial->n_calls == trial->stop_at ? 7 : 0;
}

static int on_row(void *arg, const struct store_row *row)
{
    struct trial *trial = arg;
    fprintf(trial->out, "%.*s@%.*s\n", (int)row->message.len, row->message.data, (int)row->host.len,
            row->host.data);
    return ++trial->n_calls == trial->stop_at ? 7 : 0;
}

static struct rollup_cell cell_of(const struct store_row *row)
{
    int64_t minute_ns = 60000000000, minute = row->time_ns / minute_ns;
    minute -= minute * minute_ns > row->time_ns;
    struct rollup_cell cell = {
        .minute = minute, .n_rows = 1, .severity = row->severity < 8 ? row->severity : 8};
    if (row->has_place)
        memcpy(cell.country, row->place.country, 2);
    return cell;
}

static int feed(struct trial *trial, struct sink *sink, const struct store_row *rows, size_t n)
{
    void *parts[MAX_PARTS] = {NULL};
    unsigned n_parts = sink->is_ordered ? 1 : trial->n_parts == 0 ? 1 : trial->n_parts;
    int r = 0;
    for (unsigned i = 0; i < n_parts; i++) {
        assert_int_equal(sink->ops->part_new(sink, &parts[i]), 0);
        assert_true(sink->is_ordered == (parts[i] == NULL));
    }
    for (size_t i = 0; r == 0 && i < n; i++) {
        void *part = parts[n_parts == 1 ? 0 : (unsigned)rand_r(&trial->seed) % n_parts];
        struct rollup_cell cell = cell_of(&rows[i]);
        r = trial->with_cells ? sink->ops->cells(sink, part, &cell, 1)
                              : sink->ops->row(sink, part, &rows[i]);
    }
    unsigned first = (unsigned)rand_r(&trial->seed) % n_parts;
    for (unsigned i = 0; i < n_parts; i++)
        assert_int_equal(sink->ops->merge(sink, parts[(first + i) % n_parts]), 0);
    return r;
}

/* The result; the caller frees it. */
static char *run(struct trial *trial, const char *text, const struct store_row *rows, size_t n)
{
    struct query_error error;
    struct sink *sink;
    char *output = NULL;
    size_t size;
    if (query_parse(text, &trial->query, &error) != 0)
        fail_msg("%s: column %zu: %s", text, error.at + 1, error.message);
    if (trial->options.since_ns == 0 && trial->options.until_ns == 0) {
        trial->options.since_ns = INT64_MIN;
        trial->options.until_ns = INT64_MAX;
    }
    trial->options.on_row = on_row;
    trial->options.on_result = on_result;
    trial->options.arg = trial;
    trial->out = open_memstream(&output, &size);
    assert_int_equal(query_sink_new(trial->query, &trial->options, &sink), 0);
    int r = feed(trial, sink, rows, n);
    assert_true(r >= 0);
    trial->result = query_sink_finish(sink, &trial->notes);
    query_sink_free(sink);
    query_free(trial->query);
    fclose(trial->out);
    return output;
}

static struct store_row row_of(const char *host, const char *message, int second, uint8_t severity)
{
    struct store_row row = fake_row(message, second);
    row.host = fake_text(host);
    row.severity = severity;
    return row;
}

static const struct {
    const char *text, *table;
} cases[] = {
    {"", "ms=5@b\nms=20@a\nms=x@b\nno@\nms=1.5@a\n"},
    {"| limit 2", "ms=5@b\nms=20@a\n"},
    {"| sort host", "ms=20@a\nms=1.5@a\nms=5@b\nms=x@b\nno@\n"},
    {"| sort host desc", "ms=5@b\nms=x@b\nms=20@a\nms=1.5@a\nno@\n"},
    {"| sort fields.ms", "ms=1.5@a\nms=5@b\nms=20@a\nms=x@b\nno@\n"},
    {"| sort fields.ms desc | limit 2", "ms=x@b\nms=20@a\n"},
    {"| sort severity, time desc", "ms=20@a\nms=x@b\nms=5@b\nms=1.5@a\nno@\n"},
    {"| count", "5\n"},
    {"| count by host", "a 2\nb 2\n- 1\n"},
    {"| count by host | sort count desc, host | limit 1", "a 2\n"},
    {"| count by severity, host", "3 a 1\n4 b 2\n6 a 1\n- - 1\n"},
    {"| count by host | fields count", "2\n2\n1\n"},
    {"| count by host | stats count as n by count", "1 1\n2 2\n"},
    {"| count by host | stats sum(count), min(count), uniq(host), first(host), last(count)",
     "5 1 2 a 1\n"},
    {"| top host", "a 2 50\nb 2 50\n"},
    {"| top 1 host", "a 2 50\n"},
    {"| top 2 severity, host", "4 b 2 50\n3 a 1 25\n"},
    {"| fields host, severity | limit 1", "b 4\n"},
    {"| fields fields.ms, host", "5 b\n20 a\nx b\n- -\n1.5 a\n"},
    {"| fields host, time | sort host | limit 1", "a +60\n"},
    {"| stats count(host), count(fields.ms), count", "4 4 5\n"},
    {"| stats count()", "5\n"},
    {"| stats sum(fields.ms), avg(fields.ms), min(fields.ms), max(fields.ms)",
     "26.5 8.83333333333 1.5 20\n"},
    {"| stats max(fields.ms) by host", "a 20\nb 5\n- -\n"},
    {"| stats p50(fields.ms), p100(fields.ms), p0(fields.ms)", "5 20 1.5\n"},
    {"| stats uniq(host), uniq(fields.ms), uniq(fields.none)", "2 4 0\n"},
    {"| stats min(time), max(time), max(severity)", "+0 +240 6\n"},
    {"| stats first(message), last(message), first(host), last(host)", "ms=5 ms=1.5 b a\n"},
    {"| stats count as n by host | sort n", "- 1\na 2\nb 2\n"},
    {"| histogram 1m", "+0 1\n+60 1\n+120 1\n+180 1\n+240 1\n"},
    {"| histogram 2m", "+0 2\n+120 2\n+240 1\n"},
    {"| histogram 4m by host", "+0 a 1\n+0 b 2\n+0 - 1\n+240 a 1\n+240 b 0\n+240 - 0\n"},
    {"| histogram", "+0 1\n+60 1\n+120 1\n+180 1\n+240 1\n"},
    {"| histogram 2m | sort count desc | limit 1", "+0 2\n"},
    {"| histogram 2m | histogram 4m", "+0 2\n+240 1\n"},
    {"| limit 3 | count by host", "a 1\nb 2\n"},
    {"| sort time desc | limit 2 | fields host | limit 1", "a\n"},
};

static void test_cases(void **state)
{
    struct store_row rows[] = {row_of("b", "ms=5", 0, 4), row_of("a", "ms=20", 60, 3),
                               row_of("b", "ms=x", 120, 4), row_of("", "no", 180, 255),
                               row_of("a", "ms=1.5", 240, 6)};
    for (size_t i = 0; i < 5; i++)
        rows[i].id = i + 1;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned parts = 1; parts <= 3; parts++) {
            struct trial trial = {.n_parts = parts, .seed = parts};
            char *table = run(&trial, cases[i].text, rows, 5);
            if (strcmp(table, cases[i].table) != 0 || trial.result != 0)
                fail_msg("%s: %d\n%sinstead of\n%s", cases[i].text, trial.result, table,
                         cases[i].table);
            free(table);
        }
    }
}

static void test_no_rows(void **state)
{
    static const struct {
        const char *text, *table;
    } empty[] = {
        {"", ""},
        {"| count", "0\n"},
        {"| count by host", ""},
        {"| top host", ""},
        {"| histogram", ""},
        {"| stats count, sum(fields.x), min(time), p50(fields.x), uniq(host), last(host)",
         "0 - - - 0 -\n"},
        {"| sort time | limit 5", ""},
        {"| limit 1 | count", "0\n"},
    };
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        struct trial trial = {0};
        char *table = run(&trial, empty[i].text, NULL, 0);
        assert_string_equal(table, empty[i].table);
        free(table);
    }
}

#define N_RANDOM 600

struct corpus {
    struct store_row rows[N_RANDOM];
    char messages[N_RANDOM][64];
    double ms[N_RANDOM]; /* NAN: none */
};

static void make_corpus(struct corpus *corpus, unsigned seed)
{
    static const char *const hosts[] = {"web01", "web02", "db", "", "x"};
    static const char *const countries[] = {"DE", "FR", "US", "\0"};
    for (size_t i = 0; i < N_RANDOM; i++) {
        struct store_row *row = &corpus->rows[i];
        int value = rand_r(&seed) % 2000 - 500;
        bool has_ms = rand_r(&seed) % 5 > 0;
        corpus->ms[i] = has_ms ? value / 8.0 : NAN;
        if (has_ms)
            snprintf(corpus->messages[i], 64, i % 2 ? "took ms=%.3f" : "{\"ms\":%.3f}",
                     value / 8.0);
        else
            strcpy(corpus->messages[i], "nothing");
        *row = row_of(hosts[rand_r(&seed) % 5], corpus->messages[i], rand_r(&seed) % 4000 - 1000,
                      rand_r(&seed) % 5 == 0 ? 255 : (uint8_t)(rand_r(&seed) % 8));
        row->id = i + 1;
        row->has_place = rand_r(&seed) % 4 > 0;
        memcpy(row->place.country, countries[rand_r(&seed) % 4], 2);
    }
}

/* However rows are spread over parts, and in whatever order these are merged. */
static void test_parts_are_one(void **state)
{
    static const char *const texts[] = {
        "| count by host, severity",
        "| top 3 geo.country, host",
        "| histogram by severity",
        "| histogram 7m by host, geo.country",
        "| stats count, count(fields.ms), sum(fields.ms), avg(fields.ms) by host",
        "| stats min(fields.ms), max(fields.ms), min(time), max(severity) by geo.country",
        "| stats p1(fields.ms), p50(fields.ms), p99.9(fields.ms), uniq(fields.ms) by host",
        "| stats first(message), last(message), first(fields.ms), last(peer) by severity",
        "| stats uniq(message), p50(fields.ms)",
    };
    struct corpus *corpus = malloc(sizeof(*corpus));
    for (unsigned seed = 1; seed <= 20; seed++) {
        make_corpus(corpus, seed);
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
            struct trial one = {.n_parts = 1}, more = {.n_parts = 2 + seed % 3, .seed = seed};
            char *expected = run(&one, texts[i], corpus->rows, N_RANDOM);
            char *table = run(&more, texts[i], corpus->rows, N_RANDOM);
            assert_string_equal(table, expected);
            free(table);
            free(expected);
        }
    }
    free(corpus);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The obvious computation, for one host. */
static void naive_stats(const struct corpus *corpus, const char *host, FILE *out)
{
    double values[N_RANDOM], sum = 0;
    size_t n = 0, n_rows = 0;
    for (size_t i = 0; i < N_RANDOM; i++) {
        if (strcmp(corpus->rows[i].host.data, host) != 0)
            continue;
        n_rows++;
        if (isnan(corpus->ms[i]))
            continue;
        values[n++] = corpus->ms[i];
        sum += corpus->ms[i];
    }
    qsort(values, n, sizeof(*values), compare_doubles);
    size_t n_unique = 0;
    for (size_t i = 0; i < n; i++)
        n_unique += i == 0 || values[i] != values[i - 1];
    fprintf(out, "%s %zu %zu %.12g %.12g %.12g %.12g %.12g %.12g %zu\n", *host ? host : "-", n_rows,
            n, sum, sum / (double)n, values[0], values[n - 1], values[(n + 1) / 2 - 1],
            values[(size_t)ceil(0.9 * (double)n - 1e-9) - 1], n_unique);
}

static void test_stats_agree_with_the_obvious(void **state)
{
    static const char *const hosts[] = {"db", "web01", "web02", "x", ""};
    struct corpus *corpus = malloc(sizeof(*corpus));
    for (unsigned seed = 1; seed <= 20; seed++) {
        char *expected = NULL;
        size_t size;
        FILE *out = open_memstream(&expected, &size);
        make_corpus(corpus, seed);
        for (size_t i = 0; i < 5; i++)
            naive_stats(corpus, hosts[i], out);
        fclose(out);
        struct trial trial = {.n_parts = 3, .seed = seed};
        char *table = run(&trial,
                          "| stats count, count(fields.ms), sum(fields.ms), avg(fields.ms), "
                          "min(fields.ms), max(fields.ms), p50(fields.ms), p90(fields.ms), "
                          "uniq(fields.ms) by host",
                          corpus->rows, N_RANDOM);
        assert_string_equal(table, expected);
        assert_false(trial.notes.is_estimated);
        free(table);
        free(expected);
    }
    free(corpus);
}

/* Where a sink takes counts, they come to the same. */
static void test_cells_are_rows(void **state)
{
    static const char *const with[] = {"| count",
                                       "| count by severity",
                                       "| count by geo.country",
                                       "| count by geo.country, severity",
                                       "| top geo.country",
                                       "| top 2 severity",
                                       "| histogram 1m",
                                       "| histogram",
                                       "| histogram 1h by severity",
                                       "| stats count by severity",
                                       "| histogram 3m by geo.country | sort count desc | limit 4"};
    static const char *const without[] = {"",
                                          "| count by host",
                                          "| histogram 10s",
                                          "| limit 5",
                                          "| stats count(host)",
                                          "| stats max(time)",
                                          "| count by time",
                                          "| sort time | count"};
    struct corpus *corpus = malloc(sizeof(*corpus));
    make_corpus(corpus, 1);
    for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
        struct trial rows = {.n_parts = 2}, cells = {.n_parts = 2, .with_cells = true};
        char *expected = run(&rows, with[i], corpus->rows, N_RANDOM);
        char *table = run(&cells, with[i], corpus->rows, N_RANDOM);
        assert_string_equal(table, expected);
        free(table);
        free(expected);
    }
    free(corpus);
    for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        struct query_sink_options options = {
            .since_ns = INT64_MIN, .until_ns = INT64_MAX, .on_row = on_row, .on_result = on_result};
        struct query *query;
        struct query_error error;
        struct sink *sink;
        assert_int_equal(query_parse(without[i], &query, &error), 0);
        assert_int_equal(query_sink_new(query, &options, &sink), 0);
        assert_null(sink->ops->cells);
        query_sink_free(sink);
        query_free(query);
    }
}

static void test_columns(void **state)
{
    static const struct {
        const char *text;
        uint32_t columns;
        bool is_ordered;
    } sinks[] = {
        {"host=a", STORE_RECEIVED, true},
        {"| limit 1", STORE_RECEIVED, true},
        {"| sort severity", STORE_RECEIVED | STORE_PRI, true},
        {"| fields host, fields.x", STORE_HOST | STORE_MESSAGE, true},
        {"| count", 0, false},
        {"| histogram by sd.x.y", STORE_TIME | STORE_SD, false},
        {"| stats last(host)", STORE_TIME | STORE_HOST, false},
        {"| count by geo.ip | sort count", STORE_GEO, false},
        {"| limit 5 | top geo.city", STORE_PLACE, true},
    };
    for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
        struct query_sink_options options = {
            .columns = STORE_RECEIVED, .on_row = on_row, .on_result = on_result};
        struct query *query;
        struct query_error error;
        struct sink *sink;
        assert_int_equal(query_parse(sinks[i].text, &query, &error), 0);
        assert_int_equal(query_sink_new(query, &options, &sink), 0);
        assert_int_equal(sink->columns, sinks[i].columns);
        assert_int_equal(sink->is_ordered, sinks[i].is_ordered);
        query_sink_free(sink);
        options.on_row = query_result(query) == NULL ? NULL : on_row;
        options.on_result = query_result(query) == NULL ? on_result : NULL;
        assert_int_equal(query_sink_new(query, &options, &sink), -EINVAL);
        query_free(query);
    }
}

static void test_kinds(void **state)
{
    static const struct {
        const char *text;
        enum query_kind kind;
    } kinds[] = {{"| fields host", QUERY_ROWS},
                 {"| count by host | sort count", QUERY_COUNT},
                 {"| top host | fields host", QUERY_TOP},
                 {"| count by time | histogram", QUERY_HISTOGRAM},
                 {"| count by host | stats max(count)", QUERY_STATS}};
    struct query *query;
    struct query_error error;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_int_equal(query_parse(kinds[i].text, &query, &error), 0);
        assert_int_equal(query_result(query)->kind, kinds[i].kind);
        query_free(query);
    }
    assert_int_equal(query_parse("a | sort time | limit 1", &query, &error), 0);
    assert_null(query_result(query));
    query_free(query);
}

static void test_stop(void **state)
{
    static const char *const texts[] = {"",
                                        "| sort time",
                                        "| limit 3",
                                        "| fields host",
                                        "| count by message",
                                        "| count by message | sort count"};
    struct corpus *corpus = malloc(sizeof(*corpus));
    make_corpus(corpus, 1);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct trial trial = {.stop_at = 2};
        free(run(&trial, texts[i], corpus->rows, N_RANDOM));
        assert_int_equal(trial.result, 7);
        assert_int_equal(trial.n_calls, 2);
    }
    free(corpus);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* With too little memory the first ones are kept, and the others are counted. */
static void test_sort_in_little_memory(void **state)
{
    struct corpus *corpus = malloc(sizeof(*corpus));
    make_corpus(corpus, 4);
    struct trial plenty = {0};
    char *all = run(&plenty, "| sort fields.ms desc, host", corpus->rows, N_RANDOM);
    assert_int_equal(plenty.notes.rows_unsorted, 0);
    assert_int_equal(count_lines(all), N_RANDOM);
    for (size_t memory = 1; memory < 300000; memory = memory * 3 / 2 + 1) {
        struct trial little = {.options.memory_bytes = memory};
        char *some = run(&little, "| sort fields.ms desc, host", corpus->rows, N_RANDOM);
        assert_int_equal(count_lines(some) + little.notes.rows_unsorted, N_RANDOM);
        assert_memory_equal(some, all, strlen(some));
        struct trial limited = {.options.memory_bytes = memory};
        char *few = run(&limited, "| sort fields.ms desc, host | limit 3", corpus->rows, N_RANDOM);
        assert_memory_equal(few, all, strlen(few));
        assert_true(count_lines(few) == 3 || limited.notes.rows_unsorted > 0);
        free(few);
        free(some);
    }
    free(all);
    free(corpus);
}

static void test_groups_in_little_memory(void **state)
{
    struct corpus *corpus = malloc(sizeof(*corpus));
    make_corpus(corpus, 4);
    for (size_t memory = 2000; memory < 400000; memory = memory * 3 / 2) {
        struct trial trial = {.options.memory_bytes = memory, .n_parts = 3, .seed = 1};
        char *table = run(&trial, "| count by message, time", corpus->rows, N_RANDOM);
        uint64_t sum = trial.notes.rows_ungrouped;
        for (const char *line = table; *line != '\0'; line = strchr(line, '\n') + 1) {
            const char *end = strchr(line, '\n');
            while (end[-1] != ' ')
                end--;
            sum += strtoull(end, NULL, 10);
        }
        assert_int_equal(sum, N_RANDOM);
        free(table);
    }
    struct trial trial = {.options.memory_bytes = 3000};
    free(run(&trial, "| stats p50(fields.ms), uniq(message), last(message)", corpus->rows,
             N_RANDOM));
    assert_true(trial.notes.values_missed > 0);
    free(corpus);
}

static void test_histogram_steps(void **state)
{
    static const struct {
        int64_t since_s, until_s, step_s;
    } ranges[] = {
        {0, 30, 1},
        {0, 59, 1},
        {0, 120, 2},
        {0, 3600, 60},
        {0, 86400, 1800},
        {0, 7 * 86400, 10800},
        {0, 30 * 86400, 43200},
        {0, 365 * 86400, 604800},
        {0, 20ll * 365 * 86400, 32 * 604800ll},
    };
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct trial trial = {.options.since_ns = (FAKE_T0_S + ranges[i].since_s) * 1000000000 + 1,
                              .options.until_ns = (FAKE_T0_S + ranges[i].until_s) * 1000000000 + 1};
        struct store_row row = fake_row("x", 10);
        free(run(&trial, "| histogram", &row, 1));
        if (trial.notes.step_ns != ranges[i].step_s * 1000000000)
            fail_msg("%zu: %" PRId64, i, trial.notes.step_ns / 1000000000);
    }
    /* Without bounds: by minutes, and then by what the rows cover. */
    struct store_row rows[] = {fake_row("x", 0), fake_row("x", 59), fake_row("x", 86399)};
    struct trial trial = {0};
    char *table = run(&trial, "| histogram", rows, 3);
    assert_int_equal(trial.notes.step_ns, 1800 * 1000000000ll);
    assert_int_equal(count_lines(table), 48);
    assert_memory_equal(table, "+0 2\n+1800 0\n", 13);
    free(table);
}

static void test_histogram_edges(void **state)
{
    /* Weeks begin on Mondays: 2026-11-24 is a Tuesday. */
    struct store_row rows[] = {fake_row("x", 0), fake_row("x", 0)};
    struct trial week = {0};
    char *table = run(&week, "| histogram 1w", rows, 1);
    assert_string_equal(table, "-126000 1\n");
    free(table);
    /* Before 1970, and at the ends of time. */
    rows[0].time_ns = -1;
    rows[1].time_ns = 0;
    struct trial old = {0};
    table = run(&old, "| histogram 1h | stats count, max(count)", rows, 2);
    assert_string_equal(table, "2 1\n");
    free(table);
    rows[0].time_ns = INT64_MIN;
    rows[1].time_ns = INT64_MAX;
    struct trial ends = {0};
    table = run(&ends, "| histogram 1s | count", rows, 2);
    assert_string_equal(table, "2\n");
    assert_true(ends.notes.has_gaps);
    free(table);
    struct trial chosen = {0};
    table = run(&chosen, "| histogram | stats sum(count)", rows, 2);
    assert_string_equal(table, "2\n");
    free(table);
}

static void test_estimates_are_told(void **state)
{
    size_t n = 6000;
    struct store_row *rows = malloc(n * sizeof(*rows));
    char(*messages)[16] = malloc(n * sizeof(*messages));
    for (size_t i = 0; i < n; i++) {
        snprintf(messages[i], sizeof(messages[i]), "n=%zu", i);
        rows[i] = fake_row(messages[i], 0);
    }
    struct trial uniq = {.n_parts = 2};
    char *table = run(&uniq, "| stats uniq(fields.n)", rows, n);
    assert_true(uniq.notes.is_estimated);
    assert_true(fabs(strtod(table, NULL) - 6000) < 200);
    free(table);
    struct trial quantile = {.n_parts = 2};
    table = run(&quantile, "| stats p90(fields.n)", rows, n);
    assert_true(quantile.notes.is_estimated);
    assert_true(fabs(strtod(table, NULL) - 5400) < 55);
    free(table);
    struct trial exact = {.n_parts = 2};
    free(run(&exact, "| stats uniq(fields.n), p50(fields.n) by host | limit 1", rows, 1000));
    assert_false(exact.notes.is_estimated);
    free(messages);
    free(rows);
}

struct worker {
    struct sink *sink;
    const struct corpus *corpus;
    size_t from;
    void *part;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    assert_int_equal(worker->sink->ops->part_new(worker->sink, &worker->part), 0);
    for (size_t i = worker->from; i < N_RANDOM; i += 2)
        assert_int_equal(
            worker->sink->ops->row(worker->sink, worker->part, &worker->corpus->rows[i]), 0);
    return NULL;
}

/* Parts are filled at the same time. */
static void test_threads(void **state)
{
    static const char text[] =
        "| stats count, uniq(message), p50(fields.ms), last(message) by host, severity";
    struct corpus *corpus = malloc(sizeof(*corpus));
    make_corpus(corpus, 9);
    struct trial alone = {0};
    char *expected = run(&alone, text, corpus->rows, N_RANDOM), *table;
    struct trial trial = {0};
    struct query_error error;
    size_t size;
    assert_int_equal(query_parse(text, &trial.query, &error), 0);
    struct query_sink_options options = {.on_result = on_result, .arg = &trial};
    struct worker workers[2] = {{.corpus = corpus, .from = 0}, {.corpus = corpus, .from = 1}};
    pthread_t threads[2];
    struct sink *sink;
    assert_int_equal(query_sink_new(trial.query, &options, &sink), 0);
    for (size_t i = 0; i < 2; i++) {
        workers[i].sink = sink;
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(sink->ops->merge(sink, workers[i].part), 0);
    trial.out = open_memstream(&table, &size);
    assert_int_equal(query_sink_finish(sink, NULL), 0);
    fclose(trial.out);
    assert_string_equal(table, expected);
    query_sink_free(sink);
    query_free(trial.query);
    free(table);
    free(expected);
    free(corpus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_no_rows),
        cmocka_unit_test(test_parts_are_one),
        cmocka_unit_test(test_stats_agree_with_the_obvious),
        cmocka_unit_test(test_cells_are_rows),
        cmocka_unit_test(test_columns),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_sort_in_little_memory),
        cmocka_unit_test(test_groups_in_little_memory),
        cmocka_unit_test(test_histogram_steps),
        cmocka_unit_test(test_histogram_edges),
        cmocka_unit_test(test_estimates_are_told),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
