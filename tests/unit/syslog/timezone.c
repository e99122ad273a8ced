/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "daemon/timezone.h"

#define NOW INT64_C(1795521600) /* 2026-11-24T12:00:00Z */

static void check_fixed(const char *name, int32_t offset_s)
{
    struct syslog_zone zone;
    assert_int_equal(timezone_load(name, NOW, &zone), 0);
    assert_int_equal(zone.n, 1);
    assert_true(zone.since[0] == INT64_MIN);
    assert_int_equal(zone.offset_s[0], offset_s);
}

static void test_fixed(void **state)
{
    check_fixed("UTC", 0);
    check_fixed("Z", 0);
    check_fixed("+02:00", 7200);
    check_fixed("-0530", -19800);
    check_fixed("+0000", 0);
    check_fixed("-23:59", -86340);
}

static void test_refused(void **state)
{
    static const char *const offsets[] = {
        "+",     "-",      "+2",     "+02",    "+02:", "+02:0",  "+02:000",
        "+2:00", "+24:00", "+02:60", "+0a:00", "+020", "+02000", "+02-00"};
    static const char *const names[] = {
        "",           "Nowhere/Atlantis", "Europe",         "/etc/localtime",
        "tzdata.zi",  "../zoneinfo/UTC",  "Europe/Berlin ", "utc2",
        "EST5EDT4,M3"};
    struct syslog_zone zone;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
        assert_int_equal(timezone_load(offsets[i], NOW, &zone), -EINVAL);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(timezone_load(names[i], NOW, &zone), -ENOENT);
}

static void load(const char *name, struct syslog_zone *ret_zone)
{
    int r = timezone_load(name, NOW, ret_zone);
    if (r == -ENOENT)
        skip(); /* no zone database on this machine */
    assert_int_equal(r, 0);
}

static void test_berlin(void **state)
{
    struct syslog_zone zone;
    load("Europe/Berlin", &zone);
    assert_true(zone.n > 100 && zone.since[0] == INT64_MIN);
    for (size_t i = 2; i < zone.n; i++)
        assert_true(zone.since[i] > zone.since[i - 1]);
    assert_int_equal(syslog_zone_to_utc(&zone, NOW + 3600), NOW);
    assert_int_equal(syslog_zone_to_utc(&zone, 1774746000 + 3600), 1774746000); /* never shown */
    assert_int_equal(syslog_zone_to_utc(&zone, 1774746000 + 7200), 1774746000);
    assert_int_equal(syslog_zone_to_utc(&zone, 1792890000 + 3600),
                     1792890000 - 3600); /* shown twice */
    assert_int_equal(syslog_zone_to_utc(&zone, 1792890000 + 7200), 1792890000 + 3600);
}

/* Every local time that the clock shows once goes back to where it came from, as libc has it. */
static void check_against_libc(const char *name)
{
    struct syslog_zone zone;
    load(name, &zone);
    setenv("TZ", name, 1);
    tzset();
    for (int64_t s = NOW - 3 * INT64_C(366) * 86400; s < NOW + 14 * INT64_C(366) * 86400;
         s += 3593) {
        time_t time = (time_t)s;
        struct tm tm;
        localtime_r(&time, &tm);
        int64_t local = s + tm.tm_gmtoff, back = syslog_zone_to_utc(&zone, local);
        if (back != s) { /* shown twice: the first of the two, which shows the same */
            time = (time_t)back;
            localtime_r(&time, &tm);
            assert_true(back < s && back + tm.tm_gmtoff == local);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void test_against_libc(void **state)
{
    check_against_libc("America/New_York");
    check_against_libc("Australia/Lord_Howe"); /* half an hour */
    check_against_libc("Africa/Casablanca");   /* more changes than the table holds */
    check_against_libc("Asia/Kolkata");        /* none */
    check_against_libc("America/St_Johns");
}

static void test_environment_is_kept(void **state)
{
    struct syslog_zone zone;
    setenv("TZ", "XYZ-3", 1);
    tzset();
    load("Europe/Berlin", &zone);
    assert_string_equal(getenv("TZ"), "XYZ-3");
    assert_int_equal(timezone, -3 * 3600);
    check_fixed("local", 3 * 3600);
    unsetenv("TZ");
    load("Europe/Berlin", &zone);
    assert_null(getenv("TZ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_berlin),
        cmocka_unit_test(test_against_libc),
        cmocka_unit_test(test_environment_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
