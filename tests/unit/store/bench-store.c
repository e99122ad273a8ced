/* SPDX-License-Identifier: MIT */

/*
 * What encoding costs, beside plain zstd of the same lines: bench-store FILE [ROUNDS] [LEVEL]. FILE
 * has RFC 5424 lines, one each. Without a file it makes some up. Four batches of 256 KiB make a
 * block, as the daemon's do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zstd.h>

#include "store/encoder.h"

#define BATCH_BYTES   (256u << 10)
#ifndef BLOCK_BATCHES
#define BLOCK_BATCHES 4
#endif

struct corpus {
    char *bytes;
    size_t len, n_lines;
};

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct corpus load(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct corpus corpus = {0};
    if (!file) {
        fprintf(stderr, "bench-store: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    corpus.bytes = malloc((size_t)ftell(file) + 1);
    rewind(file);
    corpus.len = fread(corpus.bytes, 1, 1u << 30, file);
    fclose(file);
    return corpus;
}

static struct corpus make_up(void)
{
    struct corpus corpus = {.bytes = malloc(40u << 20)};
    for (unsigned i = 0; i < 100000; i++)
        corpus.len += (size_t)sprintf(
            corpus.bytes + corpus.len,
            "<%u>1 2026-11-24T11:%02u:%02u.%06uZ web%02u.example.net app%u %u ID%u "
            "[meta@32473 seq=\"%u\" env=\"prod\"] request %u took %u ms for user %u\n",
            i * 7 % 190, i / 60000 % 60, i / 1000 % 60, i % 1000 * 1000, i * 13 % 20, i * 31 % 6,
            i * 17 % 9999, i % 60, i, i * 2654435761u, i * 7919 % 900, i * 104729 % 9973);
    return corpus;
}

static struct span word(const struct batch *batch, char **at)
{
    char *start = *at, *end = strchr(start, ' ');
    *at = end + 1;
    struct span span = {(uint32_t)(start - batch->bytes), (uint32_t)(end - start)};
    return span.len == 1 && *start == '-' ? (struct span){0, 0} : span;
}

/* Just enough of RFC 5424 for what the generator writes. */
static void split(struct batch *batch, char *line, size_t len, uint32_t number)
{
    struct record *record = batch_add_record(batch, (uint32_t)(line - batch->bytes), (uint32_t)len,
                                             0, INT64_C(1795518000000000) + number / 60 * 150);
    char *at = line + 1, *end = line + len;
    unsigned pri = (unsigned)strtoul(at, &at, 10);
    at += 3;
    struct span stamp = word(batch, &at);
    const char *time = batch->bytes + stamp.off;
    record->time_ns = INT64_C(1795478400000000000);
    record->time_ns += ((time[11] - '0') * 10 + time[12] - '0') * INT64_C(3600000000000);
    record->time_ns += ((time[14] - '0') * 10 + time[15] - '0') * INT64_C(60000000000);
    record->time_ns += ((time[17] - '0') * 10 + time[18] - '0') * INT64_C(1000000000);
    record->time_ns += strtol(time + 20, NULL, 10) * INT64_C(1000);
    record->time_digits = 6;
    record->facility = (uint8_t)(pri / 8);
    record->severity = (uint8_t)(pri % 8);
    record->format = RECORD_RFC5424;
    record->host = word(batch, &at);
    record->app = word(batch, &at);
    record->procid = word(batch, &at);
    record->msgid = word(batch, &at);
    char *sd_end = *at == '[' ? (char *)memchr(at, ']', (size_t)(end - at)) + 1 : at + 1;
    if (*at == '[')
        record->sd = (struct span){(uint32_t)(at - batch->bytes), (uint32_t)(sd_end - at)};
    record->message =
        (struct span){(uint32_t)(sd_end + 1 - batch->bytes), (uint32_t)(end - sd_end - 1)};
}

static size_t fill(struct batch *batch, char *bytes, size_t len, uint32_t *number)
{
    char *at = bytes;
    *batch = (struct batch){.bytes = bytes,
                            .records = batch->records,
                            .peers = batch->peers,
                            .max_records = 8192,
                            .max_peers = 8192};
    batch->peers[batch->n_peers++] = (struct peer){.family = 4, .port = 40000};
    while (at < bytes + len && batch->n_records < batch->max_records) {
        char *end = memchr(at, '\n', (size_t)(bytes + len - at));
        if (!end || (size_t)(end - bytes) > BATCH_BYTES)
            break;
        split(batch, at, (size_t)(end - at), (*number)++);
        at = end + 1;
    }
    return (size_t)(at - bytes);
}

static void bench_zstd(const struct corpus *corpus, int level, unsigned rounds, size_t frame)
{
    size_t stored = 0, capacity = ZSTD_compressBound(frame);
    void *out = malloc(capacity);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    double start = cpu_s();
    for (unsigned round = 0; round < rounds; round++) {
        stored = 0;
        for (size_t at = 0; at < corpus->len; at += frame)
            stored += ZSTD_compressCCtx(context, out, capacity, corpus->bytes + at,
                                        corpus->len - at < frame ? corpus->len - at : frame, level);
    }
    printf("zstd -%d, frames of %4zu KiB: %6.3f us/line %7.2f bytes/line\n", level, frame >> 10,
           (cpu_s() - start) / rounds / (double)corpus->n_lines * 1e6,
           (double)stored / (double)corpus->n_lines);
    ZSTD_freeCCtx(context);
    free(out);
}

static void print_sections(const size_t *by_section, size_t n_lines)
{
    for (unsigned i = 0; i < MAX_SECTIONS; i++)
        if (by_section[i])
            printf("  section %2u %8.3f bytes/line\n", i, (double)by_section[i] / (double)n_lines);
}

static void bench_encode(struct corpus *corpus, int level, unsigned rounds)
{
    struct store_options options = STORE_OPTIONS_DEFAULT;
    struct store_encoder *encoder;
    struct batch batches[BLOCK_BATCHES], *pointers[BLOCK_BATCHES];
    size_t stored = 0, n_lines = 0, by_section[MAX_SECTIONS] = {0};
    double spent = 0;
    options.compression = level;
    if (encoder_new(&options, &encoder) < 0)
        exit(1);
    for (unsigned i = 0; i < BLOCK_BATCHES; i++) {
        batches[i] = (struct batch){.records = malloc(8192 * sizeof(struct record)),
                                    .peers = malloc(8192 * sizeof(struct peer))};
        pointers[i] = &batches[i];
    }
    for (size_t at = 0; at < corpus->len;) {
        size_t n_batches = 0;
        uint32_t number = (uint32_t)n_lines;
        while (n_batches < BLOCK_BATCHES && at < corpus->len)
            at += fill(&batches[n_batches++], corpus->bytes + at, corpus->len - at, &number);
        n_lines = number;
        double start = cpu_s();
        for (unsigned round = 0; round < rounds; round++)
            if (store_encode(encoder, pointers, n_batches) < 0)
                exit(1);
        spent += cpu_s() - start;
        stored += encoder->header.total_bytes;
        for (unsigned i = 0; i < encoder->n_sections; i++)
            by_section[encoder->sections[i].id] += encoder->sections[i].stored_bytes;
    }
    corpus->n_lines = n_lines;
    printf("encode -%d, blocks of %u MiB:   %6.3f us/line %7.2f bytes/line\n", level, BLOCK_BATCHES / 4,
           spent / rounds / (double)n_lines * 1e6, (double)stored / (double)n_lines);
    print_sections(by_section, n_lines);
    store_encoder_free(encoder);
    for (unsigned i = 0; i < BLOCK_BATCHES; i++) {
        free(batches[i].records);
        free(batches[i].peers);
    }
}

int main(int argc, char **argv)
{
    struct corpus corpus = argc > 1 ? load(argv[1]) : make_up();
    unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 3;
    int level = argc > 3 ? atoi(argv[3]) : 1;
    bench_encode(&corpus, level, rounds);
    bench_zstd(&corpus, level, rounds, 256u << 10);
    bench_zstd(&corpus, level, rounds, 1u << 20);
    free(corpus.bytes);
    return 0;
}
