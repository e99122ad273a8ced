/* SPDX-License-Identifier: MIT */
#include "store-corpus.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store.h"

#define BLOCK_BYTES (1u << 20)
#define BLOCK_ROWS  16384
#define MADE_UP     200000

struct maker {
    struct store *store;
    struct store_encoder *encoder;
    struct batch batch;
    struct place places[16];
    uint64_t n_lines;
};

static void fail(const char *what, int error)
{
    fprintf(stderr, "bench-store-query: %s: %s\n", what, strerror(error));
    exit(1);
}

static void init_places(struct maker *maker)
{
    static const char countries[] = "DEFRUSGBNLCNRUBRINJPKRSEPLITESCA";
    for (unsigned i = 0; i < 16; i++) {
        struct place *place = &maker->places[i];
        *place = (struct place){.city = {"City", 4}, .asn = 64512 + i};
        memcpy(place->country, countries + 2 * i, 2);
    }
}

static void start_batch(struct maker *maker)
{
    struct batch *batch = &maker->batch;
    struct peer peer = {.family = 4, .port = 40000, .address = {[10] = 0xff, [11] = 0xff, 10}};
    batch->used = 0;
    batch->n_records = 0;
    batch->n_peers = 0;
    batch->peers[batch->n_peers++] = peer;
    memcpy(batch->places, maker->places, sizeof(maker->places));
    batch->n_places = 16;
}

static void init(struct maker *maker, const char *path)
{
    static const char *const inputs[] = {"network"};
    struct store_options options = STORE_OPTIONS_DEFAULT;
    options.path = path;
    options.inputs = inputs;
    options.n_inputs = 1;
    options.sync = STORE_SYNC_NONE;
    *maker = (struct maker){.batch = {.bytes = malloc(BLOCK_BYTES + 65536),
                                      .records = calloc(BLOCK_ROWS, sizeof(struct record)),
                                      .peers = calloc(4, sizeof(struct peer)),
                                      .places = calloc(16, sizeof(struct place)),
                                      .capacity = BLOCK_BYTES + 65536,
                                      .max_records = BLOCK_ROWS,
                                      .max_peers = 4,
                                      .max_places = 16}};
    init_places(maker);
    start_batch(maker);
    int r = store_open(&options, &maker->store);
    if (r == 0)
        r = store_encoder_new(maker->store, &maker->encoder);
    if (r < 0)
        fail(path, -r);
}

static void flush(struct maker *maker)
{
    struct batch *batch = &maker->batch;
    int r = store_encode(maker->encoder, &batch, 1);
    if (r == 0)
        r = store_append(maker->store, maker->encoder);
    if (r < 0)
        fail("append", -r);
    start_batch(maker);
}

static struct span word(const struct batch *batch, char **at)
{
    char *start = *at, *end = strchr(start, ' ');
    *at = end + 1;
    struct span span = {(uint32_t)(start - batch->bytes), (uint32_t)(end - start)};
    return span.len == 1 && *start == '-' ? (struct span){0, 0} : span;
}

static int64_t parse_time(const char *text)
{
    int64_t seconds = (text[11] - '0') * 36000 + (text[12] - '0') * 3600 + (text[14] - '0') * 600 +
                      (text[15] - '0') * 60 + (text[17] - '0') * 10 + (text[18] - '0');
    return (INT64_C(1795478400) + seconds) * 1000000000 + strtol(text + 20, NULL, 10) * 1000;
}

/* Just enough of RFC 5424 for what the generator writes. */
static void add_line(struct maker *maker, const char *line, size_t len)
{
    struct batch *batch = &maker->batch;
    if (batch->used + len > BLOCK_BYTES || batch->n_records == BLOCK_ROWS)
        flush(maker);
    char *copy = batch->bytes + batch->used, *end = copy + len, *at;
    memcpy(copy, line, len);
    *end = '\0';
    struct record *record =
        batch_add_record(batch, batch->used, (uint32_t)len, 0,
                         INT64_C(1795518000000000) + (int64_t)(maker->n_lines / 60 * 150));
    batch->used += (uint32_t)len + 1;
    unsigned pri = (unsigned)strtoul(copy + 1, &at, 10);
    at += 3;
    struct span stamp = word(batch, &at);
    record->time_ns = parse_time(batch->bytes + stamp.off);
    record->time_digits = 6;
    record->facility = (uint8_t)(pri / 8);
    record->severity = (uint8_t)(pri % 8);
    record->format = RECORD_RFC5424;
    record->host = word(batch, &at);
    record->app = word(batch, &at);
    record->procid = word(batch, &at);
    record->msgid = word(batch, &at);
    char *sd_end = *at == '[' ? strchr(at, ']') + 1 : at + 1;
    if (*at == '[')
        record->sd = (struct span){(uint32_t)(at - batch->bytes), (uint32_t)(sd_end - at)};
    record->message =
        (struct span){(uint32_t)(sd_end + 1 - batch->bytes), (uint32_t)(end - sd_end - 1)};
    if (maker->n_lines % 3 > 0) {
        record->place = (uint16_t)(1 + maker->n_lines * 7919 % 61 % 16);
        record->geo_from = RECORD_GEO_PEER;
    }
    maker->n_lines++;
}

static void add_file(struct maker *maker, const char *path)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    if (file == NULL)
        fail(path, errno);
    while ((len = getline(&line, &room, file)) > 0)
        if (len < 60000)
            add_line(maker, line, (size_t)len - (line[len - 1] == '\n'));
    free(line);
    fclose(file);
}

static void add_made_up(struct maker *maker)
{
    char line[256];
    for (unsigned i = 0; i < MADE_UP; i++)
        add_line(maker, line,
                 (size_t)sprintf(line,
                                 "<%u>1 2026-11-24T11:%02u:%02u.%06uZ %s%u app%u %u ID%u [m@1 "
                                 "seq=\"%u\"] Failed password %u took %u ms %08x%08x%08x%08x",
                                 i * 7 % 190, i / 60000 % 60, i / 1000 % 60, i % 1000 * 1000,
                                 i % 5 ? "web" : "fw", i / 5 * 13 % 20, i * 31 % 6, i * 17 % 9999,
                                 i % 60, i, i * 2654435761u, i * 7919 % 900, i * 2246822519u,
                                 i * 3266489917u, i * 668265263u, i * 374761393u));
}

void corpus_make_store(const char *path, const char *file)
{
    struct maker maker;
    init(&maker, path);
    if (file != NULL)
        add_file(&maker, file);
    else
        add_made_up(&maker);
    flush(&maker);
    store_encoder_free(maker.encoder);
    int r = store_seal(maker.store);
    if (r < 0)
        fail("seal", -r);
    store_close(maker.store);
    free(maker.batch.bytes);
    free(maker.batch.records);
    free(maker.batch.peers);
    free(maker.batch.places);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

void corpus_remove_store(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
