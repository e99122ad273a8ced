/* SPDX-License-Identifier: MIT */
#ifndef GEO_TEST_H
#define GEO_TEST_H

/* What the tests of places share. cmocka's headers come first. */

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "geo/geo.h"

/* IPv4 or IPv6 as text. */
static inline void to_address(const char *text, uint8_t ret_address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    memcpy(ret_address, mapped, sizeof(mapped));
    if (inet_pton(AF_INET, text, ret_address + 12) != 1)
        assert_int_equal(inet_pton(AF_INET6, text, ret_address), 1);
}

/* The path of a database that the build made, by its kind ("flat-v4"). */
static inline void database_path(const char *kind, char ret_path[PATH_MAX])
{
    const char *folder = getenv("LOGBOOM_TEST_MMDB_DIR");
    assert_non_null(folder);
    assert_true(snprintf(ret_path, PATH_MAX, "%s/%s.mmdb", folder, kind) < PATH_MAX);
}

static inline char *read_file(const char *path, size_t *ret_size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    long size = ftell(file);
    assert_true(size > 0);
    rewind(file);
    char *bytes = malloc((size_t)size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    *ret_size = (size_t)size;
    return bytes;
}

/* Puts a file there as an updater does: by rename. */
static inline void write_file(const char *path, const char *bytes, size_t size)
{
    char temporary[PATH_MAX + 8];
    snprintf(temporary, sizeof(temporary), "%s.new", path);
    FILE *file = fopen(temporary, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rename(temporary, path), 0);
}

static inline void copy_database(const char *kind, const char *path)
{
    char source[PATH_MAX];
    size_t size;
    database_path(kind, source);
    char *bytes = read_file(source, &size);
    write_file(path, bytes, size);
    free(bytes);
}

/* Opens databases by kinds; a kind with a '/' is a path. */
static inline struct geo *open_geo(const char *const *kinds, size_t n_kinds)
{
    char paths[8][PATH_MAX];
    const char *names[8];
    struct geo *geo;
    assert_true(n_kinds <= 8);
    for (size_t i = 0; i < n_kinds; i++) {
        if (strchr(kinds[i], '/'))
            snprintf(paths[i], PATH_MAX, "%s", kinds[i]);
        else
            database_path(kinds[i], paths[i]);
        names[i] = paths[i];
    }
    assert_int_equal(geo_new(names, n_kinds, &geo), 0);
    return geo;
}

static const enum geo_lookup peer_then_message[] = {GEO_LOOKUP_PEER, GEO_LOOKUP_MESSAGE};

static inline struct geo_worker *new_worker(struct geo *geo)
{
    struct geo_worker *worker;
    assert_int_equal(geo_worker_new(geo, peer_then_message, 2, 0, &worker), 0);
    return worker;
}

static inline bool look_up(struct geo_worker *worker, const char *text, struct place *ret_place)
{
    uint8_t address[16];
    to_address(text, address);
    return geo_lookup_address(worker, address, ret_place);
}

static inline bool is_text(struct text text, const char *expected)
{
    return text.len == strlen(expected) &&
           (text.len == 0 || memcmp(text.data, expected, text.len) == 0);
}

static inline bool is_country(const struct place *place, const char *expected)
{
    return memcmp(place->country, expected, 2) == 0;
}

/* A batch of this test's own making, with room for 64 short lines. */
struct test_batch {
    struct batch batch;
    char bytes[8192];
    struct record records[64];
    struct peer peers[64];
    struct place places[64];
};

static inline struct batch *init_batch(struct test_batch *test)
{
    memset(test, 0, sizeof(*test));
    test->batch = (struct batch){
        .bytes = test->bytes,
        .records = test->records,
        .peers = test->peers,
        .places = test->places,
        .capacity = sizeof(test->bytes),
        .max_records = 64,
        .max_peers = 64,
        .max_places = 64,
    };
    return &test->batch;
}

/* peer: an address as text, or NULL for a Unix socket. */
static inline void add_line(struct batch *batch, const char *peer_text, const char *message)
{
    struct peer peer = {0};
    if (peer_text) {
        to_address(peer_text, peer.address);
        peer.family = strchr(peer_text, ':') ? 6 : 4;
    }
    uint32_t off = batch->used, len = (uint32_t)strlen(message);
    memcpy(batch->bytes + off, message, len);
    batch->used += len;
    struct record *record = batch_add_record(batch, off, len, batch_add_peer(batch, &peer), 1);
    record->message = record->line;
}

/* What batch_pool_put() does. */
static inline void release_places(struct batch *batch)
{
    if (batch->geo_owner)
        batch->geo_release(batch->geo_owner);
    batch->geo_owner = NULL;
}

#endif
