/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "geo-test.h"
#include "geo/entry.h"

static void assert_same_place(const struct place *a, const struct place *b)
{
    assert_memory_equal(a->country, b->country, sizeof(a->country));
    assert_ptr_equal(a->city.data, b->city.data);
    assert_ptr_equal(a->region.data, b->region.data);
    assert_ptr_equal(a->org.data, b->org.data);
    assert_true(a->lat == b->lat && a->lon == b->lon && a->has_location == b->has_location);
    assert_int_equal(a->asn, b->asn);
}

/* A data section by hand, in memory of its exact size; with keys that are not known yet, and that
 * are, it says the same. */
static struct place decode(const char *bytes, size_t size, uint32_t offset)
{
    uint8_t *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    struct geo_keys keys = {0};
    struct place place, again;
    geo_entry_decode(copy, size, offset, NULL, &place);
    for (unsigned i = 0; i < 2; i++) {
        geo_entry_decode(copy, size, offset, &keys, &again);
        assert_same_place(&again, &place);
    }
    /* Read all that it points to, then let go of it. */
    const struct text texts[] = {place.city, place.region, place.org};
    for (unsigned i = 0; i < 3; i++)
        assert_true(texts[i].len == 0 || ((const uint8_t *)texts[i].data >= copy &&
                                          (const uint8_t *)texts[i].data + texts[i].len <= copy + size));
    free(copy);
    return place;
}

#define DECODE(literal, offset) decode(literal, sizeof(literal) - 1, offset)

static void test_country(void **state)
{
    struct place place = DECODE("\xe1\x47" "country\x42" "DE", 0);
    assert_true(is_country(&place, "DE"));
    place = DECODE("\xe1\x47" "country\xe1\x48" "iso_code\x42" "FR", 0);
    assert_true(is_country(&place, "FR"));
    place = DECODE("\xe1\x47" "country\x43" "DEU", 0);
    assert_false(geo_place_is_known(&place));
    place = DECODE("\xe1\x47" "country\x42" "1\x01", 0);
    assert_false(geo_place_is_known(&place));
    place = DECODE("\xe1\x47" "country\x40", 0);
    assert_false(geo_place_is_known(&place));
}

/* Keys and values behind pointers, and members of unknown types that are skipped. */
static void test_pointers(void **state)
{
    /* 0: "country"  8: "IT"  11: { ->0: ->8 }  16: ->11 */
    static const char section[] = "\x47" "country\x42" "IT\xe1\x20\x00\x20\x08\x20\x0b";
    struct place place = DECODE(section, 11);
    assert_true(is_country(&place, "IT"));
    place = DECODE(section, 16);
    assert_true(is_country(&place, "IT"));
    /* { "a": [ {}, true, 2^128 - 1 in part ], "country": "IT" } */
    place = DECODE("\xe2\x41" "a\x03\x04\xe0\x01\x07\x02\x03\xff\xff\x47" "country\x42" "IT", 0);
    assert_true(is_country(&place, "IT"));
}

static void test_loops(void **state)
{
    struct place place = DECODE("\x20\x00", 0); /* a pointer to itself */
    assert_false(geo_place_is_known(&place));
    place = DECODE("\xe1\x47" "country\x20\x00", 0); /* a map within itself */
    assert_false(geo_place_is_known(&place));
    place = DECODE("\xe1\x44" "city\x20\x00", 0);
    assert_false(geo_place_is_known(&place));
}

static void test_numbers(void **state)
{
    struct place place = DECODE("\xe1\x58" "autonomous_system_number\xc2\xfc\x00", 0);
    assert_int_equal(place.asn, 64512);
    place = DECODE("\xe1\x58" "autonomous_system_number\xa1\x07", 0);
    assert_int_equal(place.asn, 7);
    place = DECODE("\xe1\x58" "autonomous_system_number\xc0", 0);
    assert_int_equal(place.asn, 0);
    place = DECODE("\xe1\x58" "autonomous_system_number\x05\x02\x01\x00\x00\x00\x00", 0);
    assert_int_equal(place.asn, 0); /* 2^32 is no AS number */
}

static void test_location(void **state)
{
    /* float and double may be mixed; 1.5 and -2 */
    struct place place = DECODE("\xe2\x48" "latitude\x04\x08\x3f\xc0\x00\x00\x49" "longitude"
                                "\x68\xc0\x00\x00\x00\x00\x00\x00\x00", 0);
    assert_true(place.has_location && place.lat == 1.5 && place.lon == -2);
    /* one without the other */
    place = DECODE("\xe1\x48" "latitude\x04\x08\x3f\xc0\x00\x00", 0);
    assert_false(place.has_location);
    assert_true(place.lat == 0);
    /* NaN, and a latitude of 256 */
    place = DECODE("\xe2\x48" "latitude\x04\x08\x7f\xc0\x00\x00\x49" "longitude\x04\x08\x3f\xc0\x00\x00", 0);
    assert_false(place.has_location);
    place = DECODE("\xe2\x48" "latitude\x04\x08\x43\x80\x00\x00\x49" "longitude\x04\x08\x3f\xc0\x00\x00", 0);
    assert_false(place.has_location);
    /* 0, 0 is in the sea, but somewhere */
    place = DECODE("\xe2\x48" "latitude\x04\x08\x00\x00\x00\x00\x49" "longitude\x04\x08\x00\x00\x00\x00", 0);
    assert_true(place.has_location);
}

/* A broken member does not take away those before it. */
static void test_cut(void **state)
{
    static const char section[] = "\xe2\x47" "country\x42" "DE\x44" "city\x46" "Berlin";
    for (size_t size = 0; size < sizeof(section) - 1; size++) {
        struct place place = decode(section, size, 0);
        assert_int_equal(is_country(&place, "DE"), size >= 12);
        assert_int_equal(place.city.len, 0);
    }
    struct place place = DECODE(section, 0);
    assert_int_equal(place.city.len, 6);
    place = DECODE(section, sizeof(section) + 100);
    assert_false(geo_place_is_known(&place));
    place = DECODE(section, UINT32_MAX);
    assert_false(geo_place_is_known(&place));
}

static void test_random_bytes(void **state)
{
    static const char seed[] = "\xe4\x47" "country\xe1\x48" "iso_code\x42" "DE\x44" "city\xe1\x45" "names"
                               "\xe1\x42" "en\x46" "Berlin\x4c" "subdivisions\x01\x04\xe1\x45" "names"
                               "\xe1\x42" "en\x42" "BE\x48" "location\xe1\x48" "latitude\x04\x08\x3f\xc0\x00\x00";
    srandom(13);
    for (unsigned round = 0; round < 100000; round++) {
        char bytes[sizeof(seed)];
        memcpy(bytes, seed, sizeof(seed));
        for (unsigned i = 0; i < 1 + round % 4; i++)
            bytes[(size_t)random() % sizeof(seed)] = (char)(random() & 255);
        decode(bytes, (size_t)random() % sizeof(seed), round % 3 ? 0 : (uint32_t)random() % 64);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_country),  cmocka_unit_test(test_pointers),
        cmocka_unit_test(test_loops),    cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_location), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
