/* SPDX-License-Identifier: MIT */
/* Which year a time without one is in, the memo, and the calendar against libc's. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "syslog/civil.h"
#include "syslog/timestamp.h"

static int64_t utc(int year, int month, int day, int hour, int minute, int second)
{
    struct tm tm = {.tm_year = year - 1900,
                    .tm_mon = month - 1,
                    .tm_mday = day,
                    .tm_hour = hour,
                    .tm_min = minute,
                    .tm_sec = second};
    return timegm(&tm);
}

static int64_t bsd(struct syslog_parser *parser, const char *text, int64_t received_s)
{
    const char *at = text;
    struct syslog_time time;
    assert_true(syslog_time_bsd(parser, received_s * 1000000, &at, text + strlen(text), &time));
    assert_int_equal(at - text, strlen(text));
    assert_int_equal(time.ns % 1000000000, 0);
    return time.ns / 1000000000;
}

static int64_t fresh(const char *text, int64_t received_s)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
    return bsd(&parser, text, received_s);
}

static void test_new_year(void **state)
{
    assert_int_equal(fresh("Dec 31 23:59:00", utc(2027, 1, 1, 0, 0, 5)),
                     utc(2026, 12, 31, 23, 59, 0));
    assert_int_equal(fresh("Jan  1 00:00:00", utc(2026, 12, 31, 23, 59, 58)),
                     utc(2027, 1, 1, 0, 0, 0));
    assert_int_equal(fresh("Jan  1 00:00:00", utc(2027, 1, 1, 0, 0, 0)), utc(2027, 1, 1, 0, 0, 0));
    assert_int_equal(fresh("Aug  1 00:00:00", utc(2027, 1, 1, 0, 0, 0)), utc(2026, 8, 1, 0, 0, 0));
    assert_int_equal(fresh("Jun  1 00:00:00", utc(2026, 12, 31, 0, 0, 0)),
                     utc(2027, 6, 1, 0, 0, 0));
    assert_int_equal(fresh("Dec 31 23:59:60", utc(2027, 1, 1, 0, 0, 0)), utc(2027, 1, 1, 0, 0, 0));
}

static void test_leap_day(void **state)
{
    assert_int_equal(fresh("Feb 29 12:00:00", utc(2026, 2, 1, 0, 0, 0)),
                     utc(2024, 2, 29, 12, 0, 0));
    assert_int_equal(fresh("Feb 29 12:00:00", utc(2026, 11, 1, 0, 0, 0)),
                     utc(2028, 2, 29, 12, 0, 0));
    assert_int_equal(fresh("Feb 29 12:00:00", utc(2028, 2, 29, 12, 0, 1)),
                     utc(2028, 2, 29, 12, 0, 0));
    assert_int_equal(fresh("Feb 29 12:00:00", utc(2099, 1, 1, 0, 0, 0)),
                     utc(2096, 2, 29, 12, 0, 0));
    assert_int_equal(fresh("Feb 29 12:00:00", utc(2101, 1, 1, 0, 0, 0)),
                     utc(2104, 2, 29, 12, 0, 0));
}

/* The same text, again and again, while the years pass: one parser must say what a new one says. */
static void test_memo_and_years(void **state)
{
    static const char *const texts[] = {"Jan  1 00:00:00", "Feb 29 12:00:00", "Jun 30 12:00:00",
                                        "Dec 31 23:59:59"};
    for (size_t i = 0; i < 4; i++) {
        struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
        for (int64_t s = utc(2020, 1, 1, 0, 0, 0); s < utc(2033, 1, 1, 0, 0, 0); s += 86399)
            assert_int_equal(bsd(&parser, texts[i], s), fresh(texts[i], s));
        for (int64_t s = utc(2033, 1, 1, 0, 0, 0); s > utc(2020, 1, 1, 0, 0, 0); s -= 10 * 86399)
            assert_int_equal(bsd(&parser, texts[i], s), fresh(texts[i], s));
    }
}

/* The zone may change between lines of one second, and the year is that of its clock. */
static void test_zones(void **state)
{
    const struct syslog_zone east = {.n = 1, .since = {INT64_MIN}, .offset_s = {7200}};
    const struct syslog_zone west = {.n = 1, .since = {INT64_MIN}, .offset_s = {-18000}};
    struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
    int64_t received = utc(2026, 12, 31, 23, 0, 0);
    assert_int_equal(bsd(&parser, "Jan  1 01:00:00", received), utc(2027, 1, 1, 1, 0, 0));
    parser.zone = &east;
    assert_int_equal(bsd(&parser, "Jan  1 01:00:00", received), utc(2026, 12, 31, 23, 0, 0));
    parser.zone = &west;
    assert_int_equal(bsd(&parser, "Jan  1 01:00:00", received), utc(2027, 1, 1, 6, 0, 0));
    assert_int_equal(bsd(&parser, "Jan  1 01:00:00 UTC", received), utc(2027, 1, 1, 1, 0, 0));
    assert_int_equal(bsd(&parser, "Jan  1 01:00:00 GMT", received), utc(2027, 1, 1, 1, 0, 0));
}

static void check_iso(struct syslog_parser *parser, int64_t s)
{
    char text[32];
    time_t time = s;
    struct tm tm;
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&time, &tm));
    const char *at = text;
    struct syslog_time got;
    assert_true(syslog_time_iso(parser, &at, text + strlen(text), &got));
    assert_int_equal(got.ns, s * 1000000000);
    assert_int_equal(got.digits, 0);
    assert_int_equal(*at, '\0');
}

/* Every day that 64 bits of nanoseconds hold, at a time of day that wanders. */
static void test_calendar(void **state)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
    for (int64_t s = utc(1678, 1, 1, 0, 0, 0); s < utc(2262, 1, 1, 0, 0, 0); s += 86400 + 61) {
        check_iso(&parser, s);
        check_iso(&parser, s);
    }
    for (int64_t day = -800000; day < 800000; day++) {
        time_t time = day * 86400;
        struct tm tm;
        gmtime_r(&time, &tm);
        assert_int_equal(civil_year(day), tm.tm_year + 1900);
        assert_int_equal(
            civil_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday), day);
    }
}

/* A reader that says no has moved nothing. */
static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "N",
        "Nov",
        "Nov ",
        "Nov 2",
        "Nov 24",
        "Nov 24 ",
        "Nov 24 11:00:0",
        "Nov 24 11:00:00.",
        "Nov  24 11:00:00",
        "Nov 241 11:00:00",
        "Nov32 11:00:00",
        "Nov  0 11:00:00",
        "Nov 24 11-00-00",
        "2026",
        "2026 ",
        "2026 Nov 24",
        "2026-11-24",
        "2026-11-24T11:00:0",
        "2026-11-24X11:00:00Z",
        "2026/11/24T11:00:00Z",
        "2026-11-24T11:00:00+",
        "2026-11-24T11:00:00+01",
        "2026-11-24T11:00:00+01:",
        "2026-11-24T11:00:00+01:0",
        "2026-11-24T11:00:00+01:60",
        "2026-11-24T1a:00:00Z",
        "0000-01-01T00:00:00Z",
    };
    struct syslog_parser parser = SYSLOG_PARSER_INIT(NULL);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        const char *at = texts[i], *end = at + strlen(at);
        struct syslog_time time;
        if (syslog_time_bsd(&parser, 0, &at, end, &time) ||
            syslog_time_iso(&parser, &at, end, &time))
            fail_msg("\"%s\" was taken for a time", texts[i]);
        assert_ptr_equal(at, texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_year),       cmocka_unit_test(test_leap_day),
        cmocka_unit_test(test_memo_and_years), cmocka_unit_test(test_zones),
        cmocka_unit_test(test_calendar),       cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
