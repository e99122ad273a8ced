/* SPDX-License-Identifier: MIT */
#include "boom/histogram.h"

#include "boom-test.h"

static void test_empty(void **state)
{
    struct histogram histogram = {0};

    assert_int_equal(histogram_percentile(&histogram, 50), 0);
    assert_int_equal(histogram_percentile(&histogram, 100), 0);
}

static void test_error_is_bounded_for_all_magnitudes(void **state)
{
    for (unsigned bit = 0; bit < 63; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            int64_t value = (int64_t)((UINT64_C(1) << bit) + (uint64_t)off);
            struct histogram histogram = {0};
            uint64_t p;

            histogram_add(&histogram, value);
            p = histogram_percentile(&histogram, 50);
            assert_true(p >= (uint64_t)value);
            assert_true(p - (uint64_t)value <= (uint64_t)value / 8);
        }
    }
}

static void test_extremes(void **state)
{
    struct histogram histogram = {0};

    histogram_add(&histogram, INT64_MIN);
    assert_int_equal(histogram_percentile(&histogram, 100), 0);
    histogram_add(&histogram, INT64_MAX);
    assert_true(histogram_percentile(&histogram, 100) >= INT64_MAX);
}

static void test_percentiles(void **state)
{
    struct histogram histogram = {0};

    for (int64_t i = 1; i <= 1000; i++)
        histogram_add(&histogram, i);
    assert_in_range(histogram_percentile(&histogram, 50), 500, 563);
    assert_in_range(histogram_percentile(&histogram, 99), 990, 1114);
    assert_int_equal(histogram_percentile(&histogram, 1), 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_error_is_bounded_for_all_magnitudes),
        cmocka_unit_test(test_extremes),
        cmocka_unit_test(test_percentiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
