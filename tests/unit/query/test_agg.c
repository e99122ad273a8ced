/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/agg_sketch.h"
#include "store/query/agg_uniq.h"

static struct budget plenty(void)
{
    return (struct budget){.limit = SIZE_MAX};
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* A log-uniform value of either sign, sometimes 0. */
static double any_value(unsigned *seed)
{
    double magnitude = exp(log(1e-9) + (double)rand_r(seed) / RAND_MAX * log(1e24));
    return rand_r(seed) % 10 == 0 ? 0 : rand_r(seed) % 3 == 0 ? -magnitude : magnitude;
}

/* Against the sorted values, and the same when it is put together from parts. */
static void check_quantiles(size_t n, unsigned seed)
{
    struct budget budget = plenty();
    struct sketch whole = {0}, parts[3] = {{0}};
    double *values = malloc(n * sizeof(*values));
    for (size_t i = 0; i < n; i++) {
        values[i] = any_value(&seed);
        assert_true(sketch_add(&whole, values[i], &budget));
        assert_true(sketch_add(&parts[rand_r(&seed) % 3], values[i], &budget));
    }
    assert_true(sketch_merge(&parts[0], &parts[2], &budget));
    assert_true(sketch_merge(&parts[1], &parts[0], &budget));
    qsort(values, n, sizeof(*values), compare_doubles);
    assert_int_equal(whole.is_estimate, n > SKETCH_EXACT);
    for (int percent = 0; percent <= 100; percent++) {
        size_t rank = (size_t)ceil(percent / 100.0 * (double)n - 1e-6);
        double truth = values[rank < 1 ? 0 : rank - 1];
        double found = sketch_quantile(&whole, percent / 100.0);
        double allowed = n > SKETCH_EXACT ? 0.010001 * fabs(truth) : 0;
        if (fabs(found - truth) > allowed)
            fail_msg("p%d of %zu: %g instead of %g", percent, n, found, truth);
        assert_true(sketch_quantile(&parts[1], percent / 100.0) == found);
    }
    sketch_deinit(&whole, &budget);
    for (size_t i = 0; i < 3; i++)
        sketch_deinit(&parts[i], &budget);
    assert_int_equal(budget.used, 0);
    free(values);
}

static void test_quantiles(void **state)
{
    static const size_t sizes[] = {1, 2, 10, 99, 100, 1023, 1024, 1025, 1500, 20000};
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        check_quantiles(sizes[i], i + 1);
}

/* Beyond what is kept apart, and everything the same. */
static void test_extreme_values(void **state)
{
    struct budget budget = plenty();
    struct sketch sketch = {0};
    for (int i = 0; i < 3000; i++)
        assert_true(sketch_add(&sketch,
                               i % 3 == 0   ? 1e300
                               : i % 3 == 1 ? -1e300
                                            : 1e-300,
                               &budget));
    assert_true(sketch_quantile(&sketch, 0.5) == 0);
    assert_true(sketch_quantile(&sketch, 1) <= 1e300);
    assert_true(sketch_quantile(&sketch, 0) >= -1e300);
    assert_true(budget.used < 64 << 10);
    sketch_deinit(&sketch, &budget);
    for (int i = 0; i < 3000; i++)
        assert_true(sketch_add(&sketch, 7, &budget));
    assert_true(sketch_quantile(&sketch, 0.5) == 7);
    sketch_deinit(&sketch, &budget);
}

static void test_no_memory(void **state)
{
    for (size_t limit = 0; limit < 40000; limit += 997) {
        struct budget budget = {.limit = limit};
        struct sketch sketch = {0}, other = {0};
        struct uniq uniq = {0};
        unsigned seed = 1;
        for (uint64_t i = 0; i < 6000; i++) {
            sketch_add(i % 2 ? &sketch : &other, any_value(&seed), &budget);
            uniq_add(&uniq, i * 0x9e3779b97f4a7c15u, &budget);
            assert_true(budget.used <= limit);
        }
        sketch_merge(&sketch, &other, &budget);
        if (sketch.n_values > 0)
            sketch_quantile(&sketch, 0.5);
        uniq_count(&uniq);
        sketch_deinit(&sketch, &budget);
        sketch_deinit(&other, &budget);
        uniq_deinit(&uniq, &budget);
        assert_int_equal(budget.used, 0);
    }
}

/* As good a hash as any. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void check_uniq(uint64_t n, uint64_t salt)
{
    struct budget budget = plenty();
    struct uniq whole = {0}, parts[2] = {{0}};
    for (uint64_t i = 0; i < 2 * n; i++) {
        uint64_t hash = mix(salt + i % n);
        assert_true(uniq_add(&whole, hash, &budget));
        assert_true(uniq_add(&parts[i % 3 == 0], hash, &budget));
    }
    assert_true(uniq_merge(&parts[1], &parts[0], &budget));
    uint64_t count = uniq_count(&whole);
    assert_int_equal(uniq_count(&parts[1]), count);
    if (n <= UNIQ_EXACT)
        assert_int_equal(count, n);
    /* Four standard errors. */
    if (fabs((double)count - (double)n) > 0.033 * (double)n)
        fail_msg("%lu instead of %lu", (unsigned long)count, (unsigned long)n);
    assert_true(budget.used <= 3 * (64 << 10));
    uniq_deinit(&whole, &budget);
    uniq_deinit(&parts[0], &budget);
    uniq_deinit(&parts[1], &budget);
    assert_int_equal(budget.used, 0);
}

static void test_uniq(void **state)
{
    static const uint64_t sizes[] = {1,    2,    7,     100,   4095,  4096,
                                     4097, 5000, 20000, 41000, 80000, 300000};
    for (uint64_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        check_uniq(sizes[i], i << 40);
}

/* The typical error that is promised. */
static void test_uniq_error(void **state)
{
    double sum = 0;
    for (uint64_t round = 0; round < 40; round++) {
        struct budget budget = plenty();
        struct uniq uniq = {0};
        for (uint64_t i = 0; i < 30000; i++)
            uniq_add(&uniq, mix((round << 32) + i), &budget);
        double error = (double)uniq_count(&uniq) / 30000 - 1;
        sum += error * error;
        uniq_deinit(&uniq, &budget);
    }
    assert_true(sqrt(sum / 40) < 0.012);
}

static void test_uniq_zero(void **state)
{
    struct budget budget = plenty();
    struct uniq uniq = {0};
    assert_int_equal(uniq_count(&uniq), 0);
    uniq_add(&uniq, 0, &budget);
    uniq_add(&uniq, 0, &budget);
    assert_int_equal(uniq_count(&uniq), 1);
    uniq_deinit(&uniq, &budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),  cmocka_unit_test(test_extreme_values),
        cmocka_unit_test(test_no_memory),  cmocka_unit_test(test_uniq),
        cmocka_unit_test(test_uniq_error), cmocka_unit_test(test_uniq_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
