/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include "syslog/zone.h"

#define FORWARD 1774746000 /* 2026-03-29T01:00:00Z */
#define BACK    1792890000 /* 2026-10-25T01:00:00Z */

static const struct syslog_zone berlin = {
    .n = 3,
    .since = {INT64_MIN, FORWARD, BACK},
    .offset_s = {3600, 7200, 3600},
};

static void test_one_offset(void **state)
{
    const struct syslog_zone west = {.n = 1, .since = {INT64_MIN}, .offset_s = {-19800}};
    assert_int_equal(syslog_zone_to_utc(&west, 0), 19800);
    assert_int_equal(syslog_zone_to_utc(&west, -100000), -80200);
    assert_int_equal(syslog_zone_to_utc(&west, INT64_C(4102444800)), INT64_C(4102464600));
}

static void test_intervals(void **state)
{
    assert_int_equal(syslog_zone_to_utc(&berlin, 0), -3600);
    assert_int_equal(syslog_zone_to_utc(&berlin, FORWARD - 1 + 3600), FORWARD - 1);
    assert_int_equal(syslog_zone_to_utc(&berlin, FORWARD + 7200), FORWARD);
    assert_int_equal(syslog_zone_to_utc(&berlin, BACK - 1 + 7200), BACK - 1);
    assert_int_equal(syslog_zone_to_utc(&berlin, BACK + 7200), BACK + 3600);
    assert_int_equal(syslog_zone_to_utc(&berlin, BACK + 86400), BACK + 82800);
}

/* 02:00:00 to 02:59:59 on 2026-03-29: the clock never shows it. */
static void test_never(void **state)
{
    for (int s = 0; s < 3600; s++)
        assert_int_equal(syslog_zone_to_utc(&berlin, FORWARD + 3600 + s), FORWARD + s);
}

/* 02:00:00 to 02:59:59 on 2026-10-25: the clock shows it twice. */
static void test_twice(void **state)
{
    for (int s = 0; s < 3600; s++)
        assert_int_equal(syslog_zone_to_utc(&berlin, BACK + 3600 + s), BACK - 3600 + s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_offset),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
