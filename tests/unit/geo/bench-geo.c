/* SPDX-License-Identifier: MIT */

/*
 * bench-geo [-m FILE] [DATABASE …]: what the finder and lookups cost, in nanoseconds.
 * -m: log messages, one a line; without it a few typical ones are repeated.
 * It says what it measured and fails only when it cannot measure.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "geo/core.h"

#define N_ADDRESSES 65536
#define N_LOOKUPS   400000

static const char *const typical[] = {
    "185.220.101.4 - - [24/Nov/2026:11:05:05 +0000] \"GET /api/v1/items HTTP/1.1\" 200 5120 \"-\" "
    "\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0\"",
    "Failed password for invalid user admin from 45.148.10.4 port 40022 ssh2",
    "[1234.567890] IN=eth0 OUT= MAC=52:54:00:12:34:56 SRC=91.240.118.2 DST=198.51.100.4 LEN=60 "
    "TOS=0x00 PREC=0x00 TTL=51 ID=4711 PROTO=TCP SPT=40022 DPT=22 WINDOW=64240 RES=0x00 SYN",
    "{\"level\": \"info\", \"ts\": 1795518000, \"msg\": \"request done\", \"client_ip\": "
    "\"8.8.8.8\", "
    "\"latency_ms\": 12, \"trace_id\": \"0123456789abcdef0123456789abcdef\"}",
    "LOG:  duration: 12.345 ms  statement: SELECT * FROM orders WHERE customer_id = 4711 ORDER BY "
    "created_at DESC LIMIT 50",
    "(root) CMD (   cd / && run-parts --report /etc/cron.hourly)",
};

struct corpus {
    char *text;
    struct text *lines;
    size_t n_lines, n_bytes;
};

/* Of this thread, so that what else the machine does is not measured. */
static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return now.tv_sec * 1000000000 + now.tv_nsec;
}

static void add_text(struct corpus *corpus, const char *data, size_t len)
{
    if (corpus->n_lines % 1024 == 0)
        corpus->lines = realloc(corpus->lines, (corpus->n_lines + 1024) * sizeof(*corpus->lines));
    if (!corpus->lines)
        abort();
    corpus->lines[corpus->n_lines++] = (struct text){data, (uint32_t)len};
    corpus->n_bytes += len;
}

static int load(struct corpus *corpus, const char *path)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return -1;
    size_t room = 0;
    ssize_t size = getdelim(&corpus->text, &room, '\0', file);
    fclose(file);
    for (char *line = corpus->text, *end; size > 0 && (end = strchr(line, '\n')); line = end + 1)
        add_text(corpus, line, (size_t)(end - line));
    return corpus->n_lines > 0 ? 0 : -1;
}

static void bench_finder(const struct corpus *corpus)
{
    /* Lines that were just parsed are in the cache: so are these. */
    size_t n_lines = corpus->n_lines < 4000 ? corpus->n_lines : 4000;
    size_t n_rounds = 1 + 1000000 / n_lines, n_found = 0;
    uint32_t off, len;
    uint8_t address[16];
    int64_t start = now_ns();
    for (size_t round = 0; round < n_rounds; round++)
        for (size_t i = 0; i < n_lines; i++)
            n_found +=
                geo_find_address(corpus->lines[i].data, corpus->lines[i].len, &off, &len, address);
    double ns = (double)(now_ns() - start) / (double)(n_rounds * n_lines);
    printf("finder: %.1f ns a line (%zu bytes on average, %.0f %% with an address)\n", ns,
           corpus->n_bytes / corpus->n_lines,
           100.0 * (double)n_found / (double)(n_rounds * n_lines));
}

/* Public addresses, half of them IPv6 when both are wanted. */
static void make_addresses(uint8_t (*addresses)[16], bool is_ipv6)
{
    for (size_t i = 0; i < N_ADDRESSES;) {
        memset(addresses[i], 0, 16);
        for (unsigned at = is_ipv6 ? 0 : 12; at < 16; at++)
            addresses[i][at] = (uint8_t)random();
        if (is_ipv6)
            addresses[i][0] = (uint8_t)(0x20 + random() % 16), addresses[i][1] &= 0x0f;
        else
            addresses[i][10] = addresses[i][11] = 0xff;
        i += geo_is_public(addresses[i]);
    }
}

static void bench_uncached(struct geo *geo, const uint8_t (*addresses)[16], const char *what,
                           bool keeps_parts, size_t n_at_once)
{
    struct geo_set *set = geo_ref_current(geo);
    struct geo_reader reader;
    struct geo_ask asks[64];
    if (geo_reader_init(&reader, set->n_databases, keeps_parts) < 0)
        abort();
    size_t n_known = 0;
    int64_t start = now_ns();
    for (size_t i = 0; i < N_LOOKUPS; i += n_at_once) {
        for (size_t k = 0; k < n_at_once; k++)
            memcpy(asks[k].address, addresses[(i + k) % N_ADDRESSES], 16);
        geo_reader_lookup(&reader, set, asks, n_at_once);
        for (size_t k = 0; k < n_at_once; k++)
            n_known += asks[k].is_known;
    }
    double ns = (double)(now_ns() - start) / N_LOOKUPS;
    printf("%s, random, %zu at once, %s: %.0f ns (%.0f %% known)\n", what, n_at_once,
           keeps_parts ? "entries kept" : "nothing kept", ns, 100.0 * (double)n_known / N_LOOKUPS);
    geo_reader_deinit(&reader);
    geo_set_unref(set);
}

static void bench_cached(struct geo *geo, const uint8_t (*addresses)[16], const char *what,
                         unsigned n_distinct)
{
    struct geo_worker *worker;
    struct place place;
    if (geo_worker_new(geo, NULL, 0, 0, &worker) < 0)
        abort();
    int64_t start = now_ns();
    for (size_t i = 0; i < N_LOOKUPS; i++)
        geo_lookup_address(worker, addresses[i % n_distinct], &place);
    double ns = (double)(now_ns() - start) / N_LOOKUPS;
    printf("%s, cache of 4096, %u distinct: %.0f ns\n", what, n_distinct, ns);
    geo_worker_free(worker);
}

/* Whole batches, as the daemon does it. */
static void bench_batches(struct geo *geo, const struct corpus *corpus)
{
    static const enum geo_lookup lookup[] = {GEO_LOOKUP_PEER, GEO_LOOKUP_MESSAGE};
    enum { N_RECORDS = 1024, N_BATCHES = 300 };
    struct geo_worker *worker;
    struct batch batch = {.max_records = N_RECORDS, .max_places = N_RECORDS, .max_peers = 1};
    struct peer peer = {.address = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .family = 4};
    batch.bytes = malloc(N_RECORDS * 1024);
    batch.records = calloc(N_RECORDS, sizeof(*batch.records));
    batch.places = calloc(N_RECORDS, sizeof(*batch.places));
    batch.peers = &peer;
    batch.n_peers = 1;
    if (!batch.bytes || !batch.records || !batch.places ||
        geo_worker_new(geo, lookup, 2, 0, &worker) < 0)
        abort();
    int64_t ns = 0;
    size_t n_placed = 0, next = 0;
    for (unsigned n = 0; n < N_BATCHES; n++) {
        batch.n_records = batch.n_places = batch.used = 0;
        for (unsigned i = 0; i < N_RECORDS; i++, next++) {
            struct text line = corpus->lines[next % corpus->n_lines];
            uint32_t len = line.len < 1024 ? line.len : 1024;
            memcpy(batch.bytes + batch.used, line.data, len);
            batch_add_record(&batch, batch.used, len, 0, 1)->message =
                (struct span){batch.used, len};
            batch.used += len;
        }
        int64_t start = now_ns();
        geo_enrich_batch(worker, &batch);
        ns += now_ns() - start;
        for (unsigned i = 0; i < N_RECORDS; i++)
            n_placed += batch.records[i].place != 0;
        if (batch.geo_owner)
            batch.geo_release(batch.geo_owner);
        batch.geo_owner = NULL;
    }
    printf("batches: %.1f ns a line (%.0f %% placed)\n", (double)ns / (N_BATCHES * N_RECORDS),
           100.0 * (double)n_placed / (N_BATCHES * N_RECORDS));
    geo_worker_free(worker);
    free(batch.bytes);
    free(batch.records);
    free(batch.places);
}

static int bench_databases(const char *const *paths, size_t n_paths, const struct corpus *corpus)
{
    static uint8_t addresses[N_ADDRESSES][16];
    struct geo *geo;
    struct geo_database_stats stats;
    if (geo_new(paths, n_paths, &geo) < 0)
        return 1;
    for (size_t i = 0; i < n_paths; i++) {
        geo_get_stats(geo, i, &stats);
        printf("%s: %s\n", stats.path, stats.open ? stats.type : strerror(-stats.error));
    }
    for (unsigned family = 0; family < 2; family++) {
        const char *what = family ? "IPv6" : "IPv4";
        make_addresses(addresses, family);
        bench_uncached(geo, addresses, what, false, 1);
        bench_uncached(geo, addresses, what, true, 1);
        bench_uncached(geo, addresses, what, true, 64);
        bench_cached(geo, addresses, what, N_ADDRESSES);
        bench_cached(geo, addresses, what, 1000);
    }
    bench_batches(geo, corpus);
    geo_free(geo);
    return 0;
}

int main(int argc, char **argv)
{
    struct corpus corpus = {0};
    int option;
    while ((option = getopt(argc, argv, "m:")) != -1) {
        if (option != 'm' || load(&corpus, optarg) < 0) {
            fprintf(stderr, "usage: bench-geo [-m FILE] [DATABASE ...]\n");
            return 2;
        }
    }
    for (size_t i = 0; corpus.n_lines < sizeof(typical) / sizeof(typical[0]); i++)
        add_text(&corpus, typical[i], strlen(typical[i]));
    bench_finder(&corpus);
    int r = bench_databases((const char *const *)argv + optind, (size_t)(argc - optind), &corpus);
    free(corpus.lines);
    free(corpus.text);
    return r;
}
