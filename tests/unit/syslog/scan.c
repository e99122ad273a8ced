/* SPDX-License-Identifier: MIT */
/* Sixteen bytes at a time against one at a time: every byte, in every place, beside every kind. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "syslog/scan16.h"

static const char around[] = {'\0', ' ', 'a', '\x7f', '\x80', '\xff'};
static const char wanted[] = {'\0', '\n', ' ', '!', '"', '=', '\\', ']', '\x7f', '\x80', '\xff'};

static void check(const char *bytes)
{
    scan16 loaded = scan16_load(bytes);
    for (size_t w = 0; w < sizeof(wanted); w++) {
        uint64_t equal = 0, at_most = 0;
        for (int i = 0; i < 16; i++) {
            equal |= (uint64_t)(bytes[i] == wanted[w]) << i;
            at_most |= (uint64_t)((unsigned char)bytes[i] <= (unsigned char)wanted[w]) << i;
        }
        assert_int_equal(scan16_bits(scan16_equal(loaded, wanted[w])), equal);
        if ((unsigned char)wanted[w] < 0x80)
            assert_int_equal(scan16_bits(scan16_at_most(loaded, wanted[w])), at_most);
    }
}

static void test_every_byte(void **state)
{
    char bytes[16];
    for (size_t a = 0; a < sizeof(around); a++)
        for (int place = 0; place < 16; place++)
            for (int byte = 0; byte < 256; byte++) {
                memset(bytes, around[a], sizeof(bytes));
                bytes[place] = (char)byte;
                check(bytes);
            }
}

static void test_either(void **state)
{
    scan16 bytes = scan16_load("a=b c\"d]e=f g\"h]");
    scan16 found = scan16_either(scan16_equal(bytes, '='), scan16_equal(bytes, ']'));
    assert_int_equal(scan16_bits(found), 1u << 1 | 1u << 7 | 1u << 9 | 1u << 15);
}

static void test_join(void **state)
{
    assert_true(scan_join(1, 1u << 15, 2, 1u << 15) ==
                ((uint64_t)1 | (uint64_t)1 << 31 | (uint64_t)1 << 33 | (uint64_t)1 << 63));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_either),
        cmocka_unit_test(test_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
