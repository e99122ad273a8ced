/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include "geo-test.h"

/* One or several databases, what is asked, and what they know. NULL texts: not known. */
static const struct known {
    const char *kinds[4];
    const char *address;
    const char *country, *city, *region;
    double lat, lon;
    uint32_t asn;
    const char *org;
} knowns[] = {
    /* MaxMind's layout */
    {{"city-mixed"}, "1.2.3.4", "AU", "Sydney", "New South Wales", -33.8688, 151.2093},
    {{"city-mixed"}, "1.2.3.0", "AU", "Sydney", "New South Wales", -33.8688, 151.2093},
    {{"city-mixed"}, "81.2.70.9", "GB"},
    {{"city-mixed"}, "2001:218::1", "JP", "Tokyo", "Tokyo-to", 35.6895, 139.6917},
    {{"asn-v4"}, "1.2.3.4", .asn = 64496, .org = "Example Net"},
    {{"asn-v4"}, "81.2.69.1", .asn = 4294967294, .org = "Big Number"},
    {{"asn-v4"}, "9.9.9.9", .asn = 19281},
    /* the flat one */
    {{"flat-v4"}, "1.2.3.4", "NZ", "Wellington", "Wellington", -41.25, 174.75},
    {{"flat-v4"}, "5.5.5.5", "DE", "Berlin", NULL, 52.5, 13.375},
    {{"flat-v4"}, "81.2.70.1", "FR", NULL, "Normandie", 49.5, 0.25},
    {{"flat-v6"}, "2001:218::1", "KR", "Busan", "Busan", 35.125, 129},
    {{"country-mixed"}, "1.2.3.4", "CN"},
    {{"country-mixed"}, "2001:218::1", "TW"},
    {{"country-mixed"}, "2600::1", "US"},
    /* two families */
    {{"flat-v4", "flat-v6"}, "5.5.5.5", "DE", "Berlin", NULL, 52.5, 13.375},
    {{"flat-v4", "flat-v6"}, "2001:218::1", "KR", "Busan", "Busan", 35.125, 129},
    {{"flat-v6", "flat-v4"}, "5.5.5.5", "DE", "Berlin", NULL, 52.5, 13.375},
    /* the first that knows wins, field by field */
    {{"city-mixed", "asn-v4"}, "1.2.3.4", "AU", "Sydney", "New South Wales", -33.8688, 151.2093, 64496, "Example Net"},
    {{"asn-v4", "city-mixed"}, "1.2.3.4", "AU", "Sydney", "New South Wales", -33.8688, 151.2093, 64496, "Example Net"},
    {{"flat-v4", "city-mixed"}, "1.2.3.4", "NZ", "Wellington", "Wellington", -41.25, 174.75},
    {{"country-mixed", "city-mixed"}, "1.2.3.4", "CN", "Sydney", "New South Wales", -33.8688, 151.2093},
    {{"city-mixed", "flat-v4"}, "81.2.70.1", "GB", NULL, "Normandie", 49.5, 0.25},
    {{"city-mixed", "flat-v4", "asn-v4", "country-mixed"}, "8.8.8.8", "US"},
    {{"city-mixed", "/nonexistent/x.mmdb", "asn-v4"}, "9.9.9.9", .asn = 19281},
    /* city and region are one group: Seoul has no region, and Busan's does not go with it */
    {{"city-next", "flat-v6"}, "2001:218::1", "KR", "Seoul", NULL, 37.5665, 126.978},
};

static const struct unknown {
    const char *kind, *address;
} unknowns[] = {
    {"city-mixed", "1.2.4.0"},  {"city-mixed", "2001:219::1"}, {"asn-v4", "81.2.69.128"},
    {"asn-v4", "2001:218::1"},  {"flat-v4", "6.6.6.6"},        {"flat-v4", "2001:218::1"},
    {"flat-v6", "1.2.3.4"},     {"flat-v6", "::1"},            {"country-mixed", "7.7.7.7"},
    {"flat-v4", "0.0.0.0"},     {"flat-v4", "255.255.255.255"},
};

static size_t n_kinds(const char *const kinds[4])
{
    size_t n = 0;
    while (n < 4 && kinds[n])
        n++;
    return n;
}

static void check_text(struct text text, const char *expected)
{
    if (!is_text(text, expected ? expected : ""))
        fail_msg("%.*s instead of %s", (int)text.len, text.data, expected ? expected : "nothing");
}

static void check_place(const struct place *place, const struct known *known)
{
    assert_memory_equal(place->country, known->country ? known->country : "\0\0", 2);
    check_text(place->city, known->city);
    check_text(place->region, known->region);
    check_text(place->org, known->org);
    assert_int_equal(place->asn, known->asn);
    assert_int_equal(place->has_location, known->lat != 0 || known->lon != 0);
    assert_true(fabs(place->lat - known->lat) < 1e-9 && fabs(place->lon - known->lon) < 1e-9);
}

static void test_known(void **state)
{
    for (size_t i = 0; i < sizeof(knowns) / sizeof(knowns[0]); i++) {
        struct geo *geo = open_geo(knowns[i].kinds, n_kinds(knowns[i].kinds));
        struct geo_worker *worker = new_worker(geo);
        struct place place;
        for (unsigned round = 0; round < 2; round++) { /* the second one from the cache */
            if (!look_up(worker, knowns[i].address, &place))
                fail_msg("%s in %s", knowns[i].address, knowns[i].kinds[0]);
            check_place(&place, &knowns[i]);
        }
        geo_worker_free(worker);
        geo_free(geo);
    }
}

static void test_unknown(void **state)
{
    for (size_t i = 0; i < sizeof(unknowns) / sizeof(unknowns[0]); i++) {
        struct geo *geo = open_geo(&unknowns[i].kind, 1);
        struct geo_worker *worker = new_worker(geo);
        struct place place;
        for (unsigned round = 0; round < 2; round++)
            if (look_up(worker, unknowns[i].address, &place))
                fail_msg("%s in %s", unknowns[i].address, unknowns[i].kind);
        geo_worker_free(worker);
        geo_free(geo);
    }
}

/* A text of more than 285 + 255 bytes: the longer forms of a size. */
static void test_long_text(void **state)
{
    const char *kind = "city-mixed";
    struct geo *geo = open_geo(&kind, 1);
    struct geo_worker *worker = new_worker(geo);
    struct place place;
    assert_true(look_up(worker, "2a00:1450::1", &place));
    assert_int_equal(place.city.len, 8 + 4 * 90);
    assert_memory_equal(place.city.data, "Llanfairpwllpwll", 16);
    assert_memory_equal(place.city.data + place.city.len - 4, "pwll", 4);
    geo_worker_free(worker);
    geo_free(geo);
}

static void test_no_databases(void **state)
{
    struct geo *geo;
    struct place place;
    struct test_batch test;
    assert_int_equal(geo_new(NULL, 0, &geo), 0);
    assert_int_equal(geo_n_databases(geo), 0);
    assert_int_equal(geo_swap(geo), 0);
    struct geo_worker *worker = new_worker(geo);
    assert_false(look_up(worker, "1.2.3.4", &place));
    struct batch *batch = init_batch(&test);
    add_line(batch, "1.2.3.4", "5.5.5.5");
    geo_enrich_batch(worker, batch);
    assert_int_equal(batch->records[0].place, 0);
    assert_null(batch->geo_owner);
    geo_worker_free(worker);
    geo_free(geo);
}

/* Each line: who sent it, its message, and where its place comes from. */
static const struct line {
    const char *peer, *message;
    enum record_geo_from from;
    const char *address, *country;
} lines[] = {
    {"1.2.3.4", "no address", RECORD_GEO_PEER, "", "AU"},
    {"1.2.3.4", "from 5.5.5.5", RECORD_GEO_PEER, "", "AU"},
    {"10.0.0.1", "from 5.5.5.5 port 22", RECORD_GEO_MESSAGE, "5.5.5.5", "DE"},
    {"127.0.0.1", "10.1.1.1 then [2001:218::7]:80", RECORD_GEO_MESSAGE, "2001:218::7", "JP"},
    {NULL, "at 1.2.3.99", RECORD_GEO_MESSAGE, "1.2.3.99", "AU"},
    {"200.1.1.1", "unknown sender, 5.5.5.5", RECORD_GEO_MESSAGE, "5.5.5.5", "DE"},
    {"200.1.1.1", "both unknown, 201.1.1.1 before 5.5.5.5", RECORD_GEO_NONE, "", ""},
    {"10.0.0.1", "", RECORD_GEO_NONE, "", ""},
    {NULL, "nothing at 10:20:30", RECORD_GEO_NONE, "", ""},
    {"2001:218::1", "::ffff:5.5.5.5", RECORD_GEO_PEER, "", "JP"},
    {"::1", "::ffff:5.5.5.5", RECORD_GEO_MESSAGE, "::ffff:5.5.5.5", "DE"},
};

static void check_line(struct batch *batch, const struct record *record, const struct line *line)
{
    assert_int_equal(record->geo_from, line->from);
    if (line->from == RECORD_GEO_NONE) {
        assert_int_equal(record->place, 0);
        return;
    }
    assert_in_range(record->place, 1, batch->n_places);
    assert_true(is_country(&batch->places[record->place - 1], line->country));
    if (line->from == RECORD_GEO_MESSAGE) {
        struct text message = batch_text(batch, record->message);
        assert_true(
            is_text((struct text){message.data + record->geo_off, record->geo_len}, line->address));
    }
}

static void test_enrich(void **state)
{
    static const char *const kinds[] = {"city-mixed", "flat-v4"};
    struct geo *geo = open_geo(kinds, 2);
    struct geo_worker *worker = new_worker(geo);
    struct test_batch test;
    for (unsigned round = 0; round < 3; round++) {
        struct batch *batch = init_batch(&test);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
            add_line(batch, lines[i].peer, lines[i].message);
        geo_enrich_batch(worker, batch);
        for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
            check_line(batch, &batch->records[i], &lines[i]);
        /* 1.2.3.4, 5.5.5.5 (as mapped too), 2001:218::7, 1.2.3.99, 2001:218::1 */
        assert_int_equal(batch->n_places, 5);
        assert_non_null(batch->geo_owner);
        release_places(batch);
    }
    geo_worker_free(worker);
    geo_free(geo);
}

static void test_lookup_order(void **state)
{
    static const enum geo_lookup orders[][2] = {{GEO_LOOKUP_MESSAGE, GEO_LOOKUP_PEER},
                                                {GEO_LOOKUP_PEER, GEO_LOOKUP_MESSAGE}};
    static const struct {
        unsigned order, n;
        enum record_geo_from from;
    } cases[] = {
        {0, 2, RECORD_GEO_MESSAGE}, {1, 2, RECORD_GEO_PEER}, {0, 1, RECORD_GEO_MESSAGE},
        {1, 1, RECORD_GEO_PEER},    {0, 0, RECORD_GEO_NONE},
    };
    static const char *const kinds[] = {"city-mixed", "flat-v4"};
    struct geo *geo = open_geo(kinds, 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct geo_worker *worker;
        struct test_batch test;
        struct batch *batch = init_batch(&test);
        assert_int_equal(geo_worker_new(geo, orders[cases[i].order], cases[i].n, 16, &worker), 0);
        add_line(batch, "1.2.3.4", "5.5.5.5");
        geo_enrich_batch(worker, batch);
        assert_int_equal(batch->records[0].geo_from, cases[i].from);
        release_places(batch);
        geo_worker_free(worker);
    }
    geo_free(geo);
}

static void test_stats(void **state)
{
    static const char *const kinds[] = {"city-mixed", "asn-v4", "/nonexistent/x.mmdb"};
    struct geo *geo = open_geo(kinds, 3);
    struct geo_worker *worker = new_worker(geo);
    struct geo_database_stats stats;
    struct place place;
    assert_int_equal(geo_n_databases(geo), 3);
    assert_true(look_up(worker, "1.2.3.4", &place));      /* in both */
    assert_true(look_up(worker, "1.2.3.4", &place));      /* cached */
    assert_true(look_up(worker, "81.2.70.1", &place));    /* in the first */
    assert_false(look_up(worker, "200.1.1.1", &place));   /* in none */
    assert_true(look_up(worker, "2001:218::1", &place));  /* the second knows no IPv6 */

    geo_get_stats(geo, 0, &stats);
    assert_string_equal(stats.type, "Test-City");
    assert_true(stats.open);
    assert_int_equal(stats.error, 0);
    assert_true(stats.build_time > 1700000000);
    assert_int_equal(stats.generation, 1);
    assert_int_equal(stats.lookups, 4);
    assert_int_equal(stats.hits, 3);
    geo_get_stats(geo, 1, &stats);
    assert_string_equal(stats.type, "Test-ASN");
    assert_int_equal(stats.lookups, 3);
    assert_int_equal(stats.hits, 1);
    geo_get_stats(geo, 2, &stats);
    assert_string_equal(stats.path, "/nonexistent/x.mmdb");
    assert_string_equal(stats.type, "");
    assert_false(stats.open);
    assert_int_equal(stats.error, -ENOENT);
    assert_int_equal(stats.lookups, 0);
    geo_worker_free(worker);
    geo_free(geo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_long_text),    cmocka_unit_test(test_no_databases),
        cmocka_unit_test(test_enrich),       cmocka_unit_test(test_lookup_order),
        cmocka_unit_test(test_stats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
