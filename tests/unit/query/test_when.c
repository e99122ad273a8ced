/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/when.h"

#define S     1000000000ll
#define NOW_S 1795518000ll /* 2026-11-24T11:00:00Z; 12:00 in Berlin */
#define NOW   (NOW_S * S + 500000000)

static const struct {
    const char *text;
    int r;
    int64_t utc, berlin; /* ns */
} cases[] = {
    {"now", 0, NOW, NOW},
    {"today", 0, (NOW_S - 11 * 3600) * S, (NOW_S - 12 * 3600) * S},
    {"yesterday", 0, (NOW_S - 35 * 3600) * S, (NOW_S - 36 * 3600) * S},
    {"2026-11-24", 0, (NOW_S - 11 * 3600) * S, (NOW_S - 12 * 3600) * S},
    {"2026-11-24 11:00", 0, NOW_S *S, (NOW_S - 3600) * S},
    {"2026-11-24 11:00:01", 0, (NOW_S + 1) * S, (NOW_S - 3599) * S},
    {"2026-11-24T11:00:01.5", 0, (NOW_S + 1) * S + S / 2, (NOW_S - 3599) * S + S / 2},
    {"2026-11-24T11:00:00Z", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24t11:00:00z", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24 11:00:00 UTC", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24T12:00:00+01:00", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24T12:00:00+0100", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24T05:30:00-05:30", 0, NOW_S *S, NOW_S *S},
    {"2026-11-24T11:00:00.123456789Z", 0, NOW_S *S + 123456789, NOW_S *S + 123456789},
    {"2026-11-24T11:00:00.1234567899Z", 0, NOW_S *S + 123456789, NOW_S *S + 123456789},
    {"2026-07-01 12:00", 0, 1782907200 * S, (1782907200 - 7200) * S},
    {"11:00", 0, NOW_S *S, (NOW_S - 3600) * S},
    {"11:00:30.25", 0, (NOW_S + 30) * S + S / 4, (NOW_S - 3570) * S + S / 4},
    {"11:00Z", 0, NOW_S *S, NOW_S *S},
    {"1h", 0, NOW - 3600 * S, NOW - 3600 * S},
    {"-1h", 0, NOW - 3600 * S, NOW - 3600 * S},
    {"+1h", 0, NOW + 3600 * S, NOW + 3600 * S},
    {"1h ago", 0, NOW - 3600 * S, NOW - 3600 * S},
    {"2 days ago", 0, NOW - 172800 * S, NOW - 172800 * S},
    {"1h30m", 0, NOW - 5400 * S, NOW - 5400 * S},
    {"1 hour 30 min ago", 0, NOW - 5400 * S, NOW - 5400 * S},
    {"30m", 0, NOW - 1800 * S, NOW - 1800 * S},
    {"2d", 0, NOW - 172800 * S, NOW - 172800 * S},
    {"1w", 0, NOW - 604800 * S, NOW - 604800 * S},
    {"@0", 0, 0, 0},
    {"@1795518000.5", 0, NOW, NOW},
    {"1969-12-31T23:59:59.5Z", 0, -S / 2, -S / 2},
    {"2024-02-29T00:00:00Z", 0, 1709164800 * S, 1709164800 * S},
    {"2016-12-31T23:59:60Z", 0, 1483228800 * S, 1483228800 * S},
    {"", -EINVAL, 0, 0},
    {"noon", -EINVAL, 0, 0},
    {"1", -EINVAL, 0, 0},
    {"1x", -EINVAL, 0, 0},
    {"h", -EINVAL, 0, 0},
    {"-", -EINVAL, 0, 0},
    {"1h later", -EINVAL, 0, 0},
    {"-1h ago", -EINVAL, 0, 0},
    {"2026-11", -EINVAL, 0, 0},
    {"2026-1-1", -EINVAL, 0, 0},
    {"2026-11-24T", -EINVAL, 0, 0},
    {"2026-11-24 1", -EINVAL, 0, 0},
    {"2026-11-24T11:00:00.Z", -EINVAL, 0, 0},
    {"2026-11-24T11:00:00Zx", -EINVAL, 0, 0},
    {"2026-11-24T11:00:00+1", -EINVAL, 0, 0},
    {"2026-11-24Z", -EINVAL, 0, 0},
    {"2026-13-01", -ERANGE, 0, 0},
    {"2026-00-01", -ERANGE, 0, 0},
    {"2026-02-29", -ERANGE, 0, 0},
    {"2026-11-31", -ERANGE, 0, 0},
    {"24:00", -ERANGE, 0, 0},
    {"11:60", -ERANGE, 0, 0},
    {"2026-11-24T11:00:61Z", -ERANGE, 0, 0},
    {"2026-11-24T11:00:00+24:00", -ERANGE, 0, 0},
    {"9999-01-01", -ERANGE, 0, 0},
    {"0001-01-01", -ERANGE, 0, 0},
    {"@99999999999999999999", -ERANGE, 0, 0},
    {"@9999999999999", -ERANGE, 0, 0},
    {"99999999999w", -ERANGE, 0, 0},
};

static void check(bool utc)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t ns = -1, expected = utc ? cases[i].utc : cases[i].berlin;
        /* An exact copy, so that a byte too many is seen by the sanitizer. */
        size_t len = strlen(cases[i].text);
        char *exact = malloc(len > 0 ? len : 1);
        memcpy(exact, cases[i].text, len);
        int r = when_parse(exact, len, NOW, utc, &ns);
        if (r != cases[i].r || (r == 0 && ns != expected))
            fail_msg("%s: %d, %lld instead of %lld", cases[i].text, r, (long long)ns,
                     (long long)expected);
        if (r != 0)
            assert_int_equal(ns, -1);
        free(exact);
    }
}

static void test_utc(void **state)
{
    check(true);
}

static void test_local(void **state)
{
    check(false);
}

/* yesterday and today across the change to winter time, 2026-10-25 in Berlin: a day of 25 hours. */
static void test_clock_change(void **state)
{
    int64_t now = 1792972800 * S, today, yesterday; /* 2026-10-26T01:00:00+0100 */
    assert_int_equal(when_parse("today", 5, now, false, &today), 0);
    assert_int_equal(when_parse("yesterday", 9, now, false, &yesterday), 0);
    assert_int_equal(today - yesterday, 25 * 3600 * S);
}

int main(void)
{
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_utc),
        cmocka_unit_test(test_local),
        cmocka_unit_test(test_clock_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
