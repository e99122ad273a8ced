/* SPDX-License-Identifier: MIT */
/*
 * bench-syslog-parse {5424|3164|FILE} [ROUNDS]: nanoseconds a line for framing and for parsing,
 * best of the rounds.
 *
 * FILE holds lines that end with LF. Without one, lines like those of a web server are made; a
 * thousand of them share a second.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "record/batch.h"
#include "syslog/frame.h"
#include "syslog/parse.h"

#define N_LINES  20000
#define BATCH    1024
#define MAX_LINE 65536
#define RECEIVED INT64_C(1795518000000000)

struct input {
    char *bytes;
    size_t len;
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void write_line(FILE *out, bool rfc5424, int i)
{
    static const char text[] = "192.0.2.7 - - [24/Nov/2026:11:42:03 +0000] \"GET /api/v1/items "
                               "HTTP/1.1\" 404 53964 \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"";
    if (rfc5424)
        fprintf(out,
                "<142>1 2026-11-24T11:00:%02d.%06dZ web%02d.example.net nginx %d ID%d "
                "[meta@32473 seq=\"%d\" env=\"prod\"] %s\n",
                i / 1000, i % 1000 * 1000, i % 20, i % 9000, i % 60, i, text);
    else
        fprintf(out, "<142>Nov 24 11:00:%02d web%02d.example.net nginx[%d]: %s\n", i / 1000, i % 20,
                i % 9000, text);
}

static struct input make_input(bool rfc5424)
{
    struct input input;
    FILE *out = open_memstream(&input.bytes, &input.len);
    for (int i = 0; i < N_LINES; i++)
        write_line(out, rfc5424, i);
    fclose(out);
    return input;
}

static struct input read_input(const char *path)
{
    struct input input = {0};
    FILE *in = fopen(path, "r");
    if (!in) {
        perror(path);
        exit(1);
    }
    fseek(in, 0, SEEK_END);
    input.len = (size_t)ftell(in);
    rewind(in);
    input.bytes = malloc(input.len);
    if (!input.bytes || fread(input.bytes, 1, input.len, in) != input.len)
        abort();
    fclose(in);
    return input;
}

/* Frames up to a batch of lines from *at on. */
static void frame(const struct input *input, struct syslog_framer *framer, size_t *at,
                  struct batch *batch)
{
    struct syslog_frame found;
    batch->n_records = 0;
    while (batch_has_record_room(batch) &&
           syslog_frame_next(framer, input->bytes + *at, input->len - *at, &found)) {
        batch_add_record(batch, (uint32_t)(*at + found.off), (uint32_t)found.len, 0, RECEIVED);
        *at += found.consumed;
    }
}

struct result {
    int64_t n_lines, frame_ns, parse_ns;
};

/* Batch by batch, as the daemon does: the records of a batch are warm, the bytes are read once. */
static struct result run(const struct input *input, struct batch *batch)
{
    struct syslog_framer framer = SYSLOG_FRAMER_INIT(MAX_LINE);
    struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
    struct result result = {0};
    size_t at = 0;
    do {
        int64_t start = now_ns();
        frame(input, &framer, &at, batch);
        int64_t framed = now_ns();
        syslog_parse_batch(&parser, batch);
        result.parse_ns += now_ns() - framed;
        result.frame_ns += framed - start;
        result.n_lines += batch->n_records;
    } while (batch->n_records > 0);
    return result;
}

int main(int argc, char **argv)
{
    static struct record records[BATCH];
    const char *what = argc > 1 ? argv[1] : "5424";
    int rounds = argc > 2 ? atoi(argv[2]) : 20;
    bool own = strcmp(what, "5424") == 0 || strcmp(what, "3164") == 0;
    struct input input = own ? make_input(what[0] == '5') : read_input(what);
    struct batch batch = {.bytes = input.bytes, .records = records, .max_records = BATCH};
    struct result best = {.frame_ns = INT64_MAX, .parse_ns = INT64_MAX};
    for (int i = 0; i < rounds; i++) {
        struct result result = run(&input, &batch);
        best.n_lines = result.n_lines;
        best.frame_ns = result.frame_ns < best.frame_ns ? result.frame_ns : best.frame_ns;
        best.parse_ns = result.parse_ns < best.parse_ns ? result.parse_ns : best.parse_ns;
    }
    double n = (double)best.n_lines;
    printf("%s: %.0f lines, frame %.1f ns, parse %.1f ns a line\n", what, n,
           (double)best.frame_ns / n, (double)best.parse_ns / n);
    free(input.bytes);
    return 0;
}
