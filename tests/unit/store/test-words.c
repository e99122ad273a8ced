/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "store/byte_planes.h"
#include "store/intern.h"
#include "store/name.h"

/* What is done a word at a time, beside what is done a byte at a time. */

#define MOST 100

static uint64_t random64(struct fixture *fixture)
{
    return (uint64_t)fixture_random(fixture, UINT32_MAX) << 32 ^
           fixture_random(fixture, UINT32_MAX) ^ (uint64_t)fixture_random(fixture, 256) << 28;
}

static void planes_of_any_length(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    for (size_t n = 0; n <= MOST; n++) {
        uint64_t *wide = malloc((n + 1) * sizeof(*wide)), base = random64(&fixture);
        uint32_t *narrow = malloc((n + 1) * sizeof(*narrow));
        for (size_t i = 0; i < n; i++) {
            wide[i] = random64(&fixture);
            narrow[i] = (uint32_t)wide[i];
        }
        for (unsigned shift = 0; shift < 64; shift += 8) {
            uint8_t *plane = malloc(n + 1); /* for the sanitizer: n bytes and no more but one */
            plane[n] = 0xa5;
            plane_put64(plane, wide, n, base, shift);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(plane[i], (uint8_t)((wide[i] - base) >> shift));
            if (shift < 32)
                plane_put32(plane, narrow, n, (uint32_t)base, shift);
            for (size_t i = 0; shift < 32 && i < n; i++)
                assert_int_equal(plane[i], (uint8_t)((narrow[i] - (uint32_t)base) >> shift));
            assert_int_equal(plane[n], 0xa5);
            free(plane);
        }
        free(wide);
        free(narrow);
    }
    fixture_deinit(&fixture);
}

/* In memory of exactly its size. */
static struct text copy_of(const char *bytes, uint32_t len)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, bytes, len);
    return (struct text){copy, len};
}

/* Any byte that differs is seen, whichever words it is in. */
static void names_of_any_length(void **state)
{
    struct fixture fixture;
    char bytes[MOST];
    fixture_init(&fixture);
    for (uint32_t len = 0; len < MOST; len++) {
        for (uint32_t i = 0; i < len; i++)
            bytes[i] = (char)fixture_random(&fixture, 256);
        struct text name = copy_of(bytes, len), same = copy_of(bytes, len);
        assert_true(name_same(name, same));
        assert_true(name_fold(name) == name_fold(same));
        for (uint32_t at = 0; at < len; at++) {
            char *byte = (char *)same.data + at;
            *byte ^= (char)(1 << at % 8);
            assert_false(name_same(name, same));
            assert_false(name_mix(name_fold(name)) == name_mix(name_fold(same)));
            *byte = name.data[at];
        }
        if (len > 0)
            assert_false(name_same(name, (struct text){same.data, len - 1}));
        free((char *)name.data);
        free((char *)same.data);
    }
    fixture_deinit(&fixture);
}

/* Growing loses no entry, and a cleared table holds none. */
static void tables_that_grow(void **state)
{
    struct intern table = {0};
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(intern_clear(&table, 4), 0);
        for (uint32_t i = 0; i < 5000; i++) {
            uint64_t hash = i % 7 ? intern_hash(i) : i; /* some lie side by side */
            struct intern_slot *slot = intern_first(&table, hash);
            while (intern_taken(&table, slot)) {
                assert_true(slot->hash != hash);
                slot = intern_next(&table, slot);
            }
            assert_int_equal(intern_set(&table, slot, hash, i), 0);
        }
        assert_true(table.mask + 1 >= 2 * table.n_entries);
        for (uint32_t i = 0; i < 5000; i++) {
            uint64_t hash = i % 7 ? intern_hash(i) : i;
            struct intern_slot *slot = intern_first(&table, hash);
            while (intern_taken(&table, slot) && slot->hash != hash)
                slot = intern_next(&table, slot);
            assert_true(intern_taken(&table, slot));
            assert_int_equal(slot->index, i);
        }
    }
    intern_deinit(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_of_any_length),
        cmocka_unit_test(names_of_any_length),
        cmocka_unit_test(tables_that_grow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
