/* SPDX-License-Identifier: MIT */

/*
 * What queries cost, beside zstdcat | grep of the same lines:
 *
 *   bench-store-query make STORE FILE    a store of RFC 5424 lines (as gen.py writes them)
 *   bench-store-query run STORE [FILE.zst] [ROUNDS]
 *
 * Each query runs in a process of its own, from its fork to its end, so that nothing is warm but the
 * page cache. The best of the rounds is shown. Without arguments both are done with lines that are
 * made up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store/query.h"
#include "store/query/sink.h"
#include "store/store.h"
#include "store-corpus.h"

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "bench-store-query: %s: %s\n", what, strerror(-r));
    exit(1);
}

/* A sink for counts by severity, minute or country, whichever: it adds up what it is given. */
struct tally {
    struct sink sink;
    uint64_t n;
};

static int part_new(struct sink *sink, void **ret_part)
{
    *ret_part = calloc(1, sizeof(uint64_t));
    return *ret_part != NULL ? 0 : -ENOMEM;
}

static int add_row(struct sink *sink, void *part, const struct store_row *row)
{
    ++*(uint64_t *)part;
    return 0;
}

static int add_cells(struct sink *sink, void *part, const struct rollup_cell *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        *(uint64_t *)part += cells[i].n_rows;
    return 0;
}

static int merge(struct sink *sink, void *part)
{
    if (part != NULL)
        ((struct tally *)sink)->n += *(uint64_t *)part;
    free(part);
    return 0;
}

static const struct sink_ops row_tally = {part_new, add_row, NULL, merge};
static const struct sink_ops cell_tally = {part_new, add_row, add_cells, merge};

static int count_row(void *arg, const struct store_row *row)
{
    ++*(uint64_t *)arg;
    return 0;
}

static const struct measure {
    const char *name, *expression;
    uint64_t limit;
    const struct sink_ops *ops; /* NULL: rows, in order */
    uint32_t columns;
    const char *grep;    /* the option of what it is compared with: F or P; NULL: nothing */
    const char *pattern; /* NULL: the rare token */
} measures[] = {
    {"a rare token", NULL, 0, NULL, STORE_ALL, "F", NULL},
    {"a token that is nowhere", "zzyzzxq", 0, NULL, STORE_ALL, NULL, NULL},
    {"newest 100 of one host", "host=fw3", 100, NULL, STORE_ALL, NULL, NULL},
    {"newest 100", "", 100, NULL, STORE_ALL, NULL, NULL},
    {"regex without a literal", "/(\\d)\\1\\1\\1\\1/", 0, &row_tally, 0, "P", "(\\d)\\1\\1\\1\\1"},
    {"a common phrase", "\"Failed password\"", 0, &row_tally, 0, "F", "Failed password"},
    {"count by severity", "", 0, &cell_tally, STORE_PRI, NULL, NULL},
    {"histogram by minute", "severity<=err", 0, &cell_tally, STORE_PRI | STORE_TIME, NULL, NULL},
    {"top countries", "geo.country=*", 0, &cell_tally, STORE_PLACE, NULL, NULL},
    {"count by host (a scan)", "", 0, &row_tally, STORE_HOST, NULL, NULL},
    {"all rows, in order", "", 0, NULL, STORE_ALL, NULL, NULL},
};

/* What a child tells. */
struct told {
    struct query_counts counts;
    uint64_t n;
    int r;
};

static void run_query(const char *path, const struct measure *measure, const char *expression,
                      struct told *told)
{
    struct store_reader_options reader_options = {.path = path};
    struct store_reader *reader;
    struct query *query;
    struct query_error error;
    check(query_parse(expression, &query, &error), error.message);
    check(store_reader_open(&reader_options, &reader), path);
    struct query_options options = {.since_ns = INT64_MIN,
                                    .until_ns = INT64_MAX,
                                    .limit = measure->limit,
                                    .newest_first = measure->limit > 0,
                                    .columns = measure->columns,
                                    .on_row = count_row,
                                    .arg = &told->n};
    struct tally tally = {.sink = {measure->ops, measure->columns, false}};
    if (measure->ops == NULL) {
        told->r = query_run(query, reader, &options, &told->counts);
    } else {
        told->r = query_run_sink(query, reader, &options, &tally.sink, &told->counts);
        told->n = tally.n;
    }
    if (getenv("EXPLAIN"))
        query_explain(query, &told->counts, stderr);
    store_reader_close(reader);
    query_free(query);
}

static double fork_query(const char *path, const struct measure *measure, const char *expression,
                         struct told *told, long *ret_rss_kib)
{
    struct rusage usage;
    double start = now_ms();
    int status;
    *told = (struct told){0};
    pid_t pid = fork();
    if (pid == 0) {
        run_query(path, measure, expression, told);
        _exit(0);
    }
    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || status != 0)
        check(-EIO, "the query's process");
    *ret_rss_kib = usage.ru_maxrss;
    return now_ms() - start;
}

static void measure_query(const char *path, const struct measure *measure, const char *expression,
                          unsigned rounds)
{
    struct told *told =
        mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double best = 1e12;
    long rss_kib = 0;
    for (unsigned i = 0; i < rounds; i++) {
        double ms = fork_query(path, measure, expression, told, &rss_kib);
        best = ms < best ? ms : best;
    }
    check(told->r, measure->name);
    printf("%-26s %9.1f ms %9.1f cpu %9" PRIu64 " hits %6" PRIu64 "/%" PRIu64
           " blocks %5zu MiB held %5ld MiB rss\n",
           measure->name, best, (double)told->counts.cpu_ns / 1e6, told->n,
           told->counts.blocks_scanned, told->counts.blocks, told->counts.peak_bytes >> 20,
           rss_kib >> 10);
    munmap(told, sizeof(*told));
}

static void measure_shell(const char *name, const char *command)
{
    char line[64] = "";
    double start = now_ms();
    FILE *out = popen(command, "r");
    if (out == NULL || fgets(line, sizeof(line), out) == NULL)
        check(-EIO, command);
    pclose(out);
    printf("  %-24s %9.1f ms %9s     %9s %s\n", name, now_ms() - start, "", strtok(line, "\n"),
           command);
}

/* A token that one row has: the last run of 32 bytes that are letters or digits. */
struct rare {
    char token[33];
};

static int look_for_rare(void *arg, const struct store_row *row)
{
    struct rare *rare = arg;
    size_t len = 0;
    for (uint32_t i = 0; i < row->message.len; i++) {
        char byte = row->message.data[i];
        bool is_word = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z');
        len = is_word ? len + 1 : 0;
        if (len == 32) {
            memcpy(rare->token, row->message.data + i - 31, 32);
            return 1;
        }
    }
    return 0;
}

static void find_rare(const char *path, struct rare *rare)
{
    struct measure all = {.name = "", .columns = STORE_MESSAGE};
    struct store_reader_options reader_options = {.path = path};
    struct query_counts counts;
    struct store_reader *reader;
    struct query *query;
    struct query_error error;
    check(query_parse("", &query, &error), "");
    check(store_reader_open(&reader_options, &reader), path);
    struct query_options options = {.since_ns = INT64_MIN,
                                    .until_ns = INT64_MAX,
                                    .columns = all.columns,
                                    .on_row = look_for_rare,
                                    .arg = rare};
    strcpy(rare->token, "2654435761");
    check(query_run(query, reader, &options, &counts), path);
    store_reader_close(reader);
    query_free(query);
}

static void run_all(const char *path, const char *compressed, unsigned rounds)
{
    struct rare rare = {0};
    find_rare(path, &rare);
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        const struct measure *measure = &measures[i];
        measure_query(path, measure, measure->expression != NULL ? measure->expression : rare.token,
                      rounds);
        if (measure->grep == NULL || compressed == NULL)
            continue;
        char command[512];
        snprintf(command, sizeof(command), "zstdcat '%s' | grep -c%s '%s'", compressed,
                 measure->grep, measure->pattern != NULL ? measure->pattern : rare.token);
        measure_shell("beside it", command);
    }
}

int main(int argc, char **argv)
{
    char made_up[] = "/tmp/logboom-bench-XXXXXX";
    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        corpus_make_store(argv[2], argv[3]);
        return 0;
    }
    if (argc >= 3 && strcmp(argv[1], "run") == 0) {
        run_all(argv[2], argc > 3 && *argv[3] ? argv[3] : NULL,
                argc > 4 ? (unsigned)atoi(argv[4]) : 3);
        return 0;
    }
    if (argc != 1) {
        fprintf(stderr,
                "usage: bench-store-query make STORE FILE | run STORE [FILE.zst] [ROUNDS]\n");
        return 2;
    }
    if (mkdtemp(made_up) == NULL)
        check(-errno, made_up);
    corpus_make_store(made_up, NULL);
    run_all(made_up, NULL, 1);
    corpus_remove_store(made_up);
    return 0;
}
