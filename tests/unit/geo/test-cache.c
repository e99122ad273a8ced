/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "geo-test.h"
#include "geo/cache.h"
#include "geo/core.h"

static void test_two_of_a_pair(void **state)
{
    struct geo_cache cache;
    assert_int_equal(geo_cache_init(&cache, 2), 0);
    assert_int_equal(cache.n_slots, 4);
    /* Three addresses of one pair: it keeps the two that were used last. */
    uint8_t shared[3][16];
    unsigned n = 0;
    const struct geo_cache_slot *pair = cache.slots;
    for (unsigned i = 0; n < 3; i++) {
        uint8_t address[16] = {[15] = (uint8_t)i, [3] = 0x20};
        geo_cache_clear(&cache);
        struct geo_cache_slot *slot = geo_cache_get(&cache, address);
        if (slot < pair + 2)
            memcpy(shared[n++], address, 16);
    }
    geo_cache_clear(&cache);
    for (unsigned i = 0; i < 3; i++) {
        struct geo_cache_slot *slot = geo_cache_get(&cache, shared[i]);
        assert_int_equal(slot->state, GEO_CACHE_EMPTY);
        assert_memory_equal(slot->address, shared[i], 16);
        slot->state = GEO_CACHE_KNOWN;
        geo_cache_place(&cache, slot)->asn = i + 1;
        assert_int_equal(geo_cache_get(&cache, shared[0])->state, GEO_CACHE_KNOWN);
    }
    /* 0 was used between, so that 2 took the place of 1. */
    struct geo_cache_slot *slot = geo_cache_get(&cache, shared[2]);
    assert_int_equal(slot->state, GEO_CACHE_KNOWN);
    assert_int_equal(geo_cache_place(&cache, slot)->asn, 3);
    assert_int_equal(geo_cache_get(&cache, shared[1])->state, GEO_CACHE_EMPTY);
    geo_cache_deinit(&cache);
    geo_cache_deinit(&cache);
}

static void test_sizes(void **state)
{
    static const size_t sizes[][2] = {{1, 4}, {2, 4}, {4, 4}, {5, 8}, {4096, 4096}, {4097, 8192}};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct geo_cache cache;
        assert_int_equal(geo_cache_init(&cache, sizes[i][0]), 0);
        assert_int_equal(cache.n_slots, sizes[i][1]);
        geo_cache_deinit(&cache);
    }
}

/* Addresses in and around the networks of the test databases, so that a small cache hits, misses and evicts. */
static void random_address(uint8_t ret_address[16])
{
    static const char *const bases[] = {"1.2.3.0", "81.2.69.0", "81.2.70.0", "5.5.5.0",
                                        "9.9.9.0", "2001:218::", "2600::",   "200.1.1.0"};
    to_address(bases[random() % 8], ret_address);
    ret_address[15] = (uint8_t)(random() % 16);
}

static bool same_text(struct text a, struct text b)
{
    return a.data == b.data && a.len == b.len;
}

static bool same_place(const struct place *a, const struct place *b)
{
    return same_text(a->city, b->city) && same_text(a->region, b->region) &&
           same_text(a->org, b->org) && memcmp(a->country, b->country, 2) == 0 &&
           a->asn == b->asn && a->has_location == b->has_location && a->lat == b->lat &&
           a->lon == b->lon;
}

/* Without a cache. */
static bool ask(struct geo_reader *reader, const struct geo_set *set, const uint8_t address[16],
                struct place *ret_place)
{
    struct geo_ask ask;
    memcpy(ask.address, address, sizeof(ask.address));
    geo_reader_lookup(reader, set, &ask, 1);
    *ret_place = ask.place;
    return ask.is_known;
}

/* Whatever its size, the cache answers as the databases do. */
static void test_same_as_uncached(void **state)
{
    static const char *const kinds[] = {"city-mixed", "flat-v4", "asn-v4", "country-mixed"};
    static const size_t sizes[] = {1, 8, 64, 4096};
    struct geo *geo = open_geo(kinds, 4);
    struct geo_set *set = geo_ref_current(geo);
    struct geo_reader reader;
    assert_int_equal(geo_reader_init(&reader, 4, false), 0);
    unsigned n_known = 0;
    srandom(3);
    for (unsigned i = 0; i < 4; i++) {
        struct geo_worker *worker;
        assert_int_equal(geo_worker_new(geo, NULL, 0, sizes[i], &worker), 0);
        for (unsigned round = 0; round < 20000; round++) {
            uint8_t address[16];
            struct place cached, uncached;
            random_address(address);
            bool is_known = ask(&reader, set, address, &uncached);
            assert_int_equal(geo_lookup_address(worker, address, &cached), is_known);
            assert_true(!is_known || same_place(&cached, &uncached));
            n_known += is_known;
        }
        geo_worker_free(worker);
    }
    assert_in_range(n_known, 20000, 79000);
    geo_reader_deinit(&reader);
    geo_set_unref(set);
    geo_free(geo);
}

/* More addresses in a batch than the cache keeps: indices stay right, and the places fit. */
static void test_evicted_in_batch(void **state)
{
    static const char *const kinds[] = {"city-mixed", "flat-v4", "asn-v4", "country-mixed"};
    static const enum geo_lookup lookup[] = {GEO_LOOKUP_PEER};
    struct geo *geo = open_geo(kinds, 4);
    struct geo_set *set = geo_ref_current(geo);
    struct geo_reader reader;
    assert_int_equal(geo_reader_init(&reader, 4, false), 0);
    struct geo_worker *worker;
    struct test_batch test;
    assert_int_equal(geo_worker_new(geo, lookup, 1, 2, &worker), 0);
    srandom(5);
    for (unsigned round = 0; round < 500; round++) {
        struct batch *batch = init_batch(&test);
        for (unsigned i = 0; i < 64; i++) {
            struct peer peer = {.family = 6};
            random_address(peer.address);
            batch_add_record(batch, 0, 0, batch_add_peer(batch, &peer), 1);
        }
        geo_enrich_batch(worker, batch);
        for (unsigned i = 0; i < 64; i++) {
            const struct record *record = &batch->records[i];
            struct place place;
            const uint8_t *address = batch->peers[record->peer].address;
            bool is_known = ask(&reader, set, address, &place);
            assert_int_equal(record->place != 0, is_known);
            assert_true(!is_known || same_place(&place, &batch->places[record->place - 1]));
        }
        release_places(batch);
    }
    geo_worker_free(worker);
    geo_reader_deinit(&reader);
    geo_set_unref(set);
    geo_free(geo);
}

/* A batch of several chunks, the last one not full: each record as if it were alone. */
static void test_large_batch(void **state)
{
    enum { N = 700 };
    static const char *const kinds[] = {"city-mixed", "flat-v4", "asn-v4", "country-mixed"};
    static const enum geo_lookup lookup[] = {GEO_LOOKUP_MESSAGE, GEO_LOOKUP_PEER};
    static const size_t cache_sizes[] = {2, 64, 4096};
    static char bytes[N * 64];
    static struct record records[N];
    static struct peer peers[N];
    static struct place places[N];
    struct geo *geo = open_geo(kinds, 4);
    srandom(23);
    for (unsigned round = 0; round < 30; round++) {
        struct batch batch = {.bytes = bytes, .records = records, .peers = peers, .places = places,
                              .capacity = sizeof(bytes), .max_records = N, .max_peers = N, .max_places = N};
        struct geo_worker *worker, *alone;
        assert_int_equal(geo_worker_new(geo, lookup, 2, cache_sizes[round % 3], &worker), 0);
        assert_int_equal(geo_worker_new(geo, NULL, 0, 0, &alone), 0);
        for (unsigned i = 0; i < N; i++) {
            uint8_t address[16];
            char peer[INET6_ADDRSTRLEN], message[INET6_ADDRSTRLEN];
            random_address(address);
            inet_ntop(AF_INET6, address, peer, sizeof(peer));
            random_address(address);
            inet_ntop(AF_INET6, address, message, sizeof(message));
            add_line(&batch, peer, random() % 3 ? message : "");
        }
        geo_enrich_batch(worker, &batch);
        for (unsigned i = 0; i < N; i++) {
            struct text text = batch_text(&batch, records[i].message);
            uint8_t address[16];
            uint32_t off, len;
            struct place place;
            enum record_geo_from from = RECORD_GEO_NONE;
            if (geo_find_address(text.data, text.len, &off, &len, address) &&
                geo_lookup_address(alone, address, &place))
                from = RECORD_GEO_MESSAGE;
            else if (geo_lookup_address(alone, peers[records[i].peer].address, &place))
                from = RECORD_GEO_PEER;
            assert_int_equal(records[i].geo_from, from);
            assert_int_equal(records[i].place != 0, from != RECORD_GEO_NONE);
            assert_true(from == RECORD_GEO_NONE || same_place(&place, &places[records[i].place - 1]));
            assert_true(from != RECORD_GEO_MESSAGE || (records[i].geo_off == off && records[i].geo_len == len));
        }
        release_places(&batch);
        geo_worker_free(worker);
        geo_worker_free(alone);
    }
    geo_free(geo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_of_a_pair),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_same_as_uncached),
        cmocka_unit_test(test_evicted_in_batch),
        cmocka_unit_test(test_large_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
