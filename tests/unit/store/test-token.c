/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/token.h"

#define ROUNDS     20000
#define TEXT_BYTES 48

/* All tokens of a text, in memory of its own; each followed by `|`, addresses by `@`, numbers by
 * `#`. */
static void list_tokens(const char *text, size_t len, char *out)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    struct token_walk walk = TOKEN_WALK_INIT(copy, len);
    struct token token;
    while (token_next(&walk, &token)) {
        assert_true(token.len > 0 && token.data >= copy && token.data + token.len <= copy + len);
        memcpy(out, token.data, token.len);
        out += token.len;
        *out++ = token.is_address ? '@' : token.is_number ? '#' : '|';
    }
    *out = '\0';
    assert_false(token_next(&walk, &token));
    free(copy);
}

static void assert_tokens(const char *text, const char *expected)
{
    char out[1024];
    list_tokens(text, strlen(text), out);
    assert_string_equal(out, expected);
}

static void words_and_numbers_are_runs(void **state)
{
    assert_tokens("", "");
    assert_tokens(" .,-[]", "");
    assert_tokens("a", "a|");
    assert_tokens("GET /x_1 4f3a_09, 1234567 ms", "GET|x_1|4f3a_09|1234567#ms|");
    assert_tokens("ssh2: 007-8", "ssh2|007#8#");
    assert_tokens("Gr\xc3\xbc\xc3\x9f"
                  "e@z\x7fy",
                  "Gr\xc3\xbc\xc3\x9f"
                  "e|z|y|");
}

static void addresses_come_before_their_tokens(void **state)
{
    assert_tokens("1.2.3.4", "1.2.3.4@1#2#3#4#");
    assert_tokens("x=255.0.0.255:80", "x|255.0.0.255@255#0#0#255#80#");
    assert_tokens("a.1.2.3.4.", "a|1.2.3.4@1#2#3#4#");
    assert_tokens("1.2.3.4 5.6.7.8", "1.2.3.4@1#2#3#4#5.6.7.8@5#6#7#8#");
}

static void chains_hold_an_address_from_each_token(void **state)
{
    assert_tokens("1.2.3.4.5.6", "1.2.3.4@1#2.3.4.5@2#3.4.5.6@3#4#5#6#");
    assert_tokens("300.1.2.3.4", "300#1.2.3.4@1#2#3#4#");
    assert_tokens("01.2.3.4.5", "01#2.3.4.5@2#3#4#5#");
}

static void what_is_no_address(void **state)
{
    assert_tokens("1.2.3", "1#2#3#");
    assert_tokens("1.2.3.256", "1#2#3#256#");
    assert_tokens("1.2.3.04", "1#2#3#04#");
    assert_tokens("1.2..3.4", "1#2#3#4#");
    assert_tokens("1.2.3.4x", "1#2#3#4x|");
    assert_tokens("1.2.3.4_", "1#2#3#4_|");
    assert_tokens("1.2.3.4\x80", "1#2#3#4\x80|");
    assert_tokens("x1.2.3.4", "x1|2#3#4#");
    assert_tokens("1.2.3.1000", "1#2#3#1000#");
}

static void the_value_has_its_first_byte_highest(void **state)
{
    const char text[] = "192.0.2.7/24";
    uint32_t value = 1;
    assert_int_equal(token_address_value(text, text + strlen(text), &value), 9);
    assert_int_equal(value, 0xc0000207);
    assert_int_equal(token_address(text, text + 8), 0);
    assert_int_equal(token_address(text, text), 0);
}

static void filters_leave_short_numbers_out(void **state)
{
    assert_false(token_is_filtered(&(struct token){"12345", 5, .is_number = true}));
    assert_true(token_is_filtered(&(struct token){"123456", 6, .is_number = true}));
    assert_true(token_is_filtered(&(struct token){"a", 1}));
    assert_true(token_is_filtered(&(struct token){"1.2.3.4", 7, .is_address = true}));
}

/* ---- the same, as one would write it without a thought of speed */

static bool is_token_byte(const char *text, size_t len, size_t i)
{
    unsigned char byte = (unsigned char)(i < len ? text[i] : ' ');
    return byte >= 0x80 || byte == '_' || (byte >= '0' && byte <= '9') ||
           (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static size_t token_end(const char *text, size_t len, size_t i)
{
    while (is_token_byte(text, len, i))
        i++;
    return i;
}

static bool is_octet(const char *text, size_t len)
{
    char digits[4] = {0};
    char again[12];
    if (len == 0 || len > 3)
        return false;
    memcpy(digits, text, len);
    snprintf(again, sizeof(again), "%d", atoi(digits));
    return strcmp(again, digits) == 0 && atoi(digits) <= 255;
}

static size_t naive_address(const char *text, size_t len, size_t at)
{
    size_t i = at;
    for (unsigned n = 0; n < 4; n++) {
        size_t end = token_end(text, len, i);
        if (!is_octet(text + i, end - i))
            return 0;
        if (n < 3 && (end == len || text[end] != '.'))
            return 0;
        i = n < 3 ? end + 1 : end;
    }
    return i - at;
}

static char *put(char *out, const char *text, size_t len, char kind)
{
    memcpy(out, text, len);
    out[len] = kind;
    return out + len + 1;
}

static void naive_tokens(const char *text, size_t len, char *out)
{
    for (size_t i = 0; i < len;) {
        size_t end = token_end(text, len, i), quad = naive_address(text, len, i);
        if (end == i) {
            i++;
            continue;
        }
        if (quad > 0)
            out = put(out, text + i, quad, '@');
        size_t n_digits = 0;
        while (i + n_digits < end && text[i + n_digits] >= '0' && text[i + n_digits] <= '9')
            n_digits++;
        out = put(out, text + i, end - i, n_digits == end - i ? '#' : '|');
        i = end;
    }
    *out = '\0';
}

static void agrees_with_a_naive_walk(void **state)
{
    static const char bytes[] = "0125....  a_\xc3Z";
    char text[TEXT_BYTES], found[1024], expected[1024];
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        size_t len = (size_t)rand() % sizeof(text);
        size_t n = round % 2 ? sizeof(bytes) - 1 : 8; /* digits and dots alone make chains */
        for (size_t i = 0; i < len; i++)
            text[i] = bytes[(size_t)rand() % n];
        list_tokens(text, len, found);
        naive_tokens(text, len, expected);
        assert_string_equal(found, expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_and_numbers_are_runs),
        cmocka_unit_test(addresses_come_before_their_tokens),
        cmocka_unit_test(chains_hold_an_address_from_each_token),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(the_value_has_its_first_byte_highest),
        cmocka_unit_test(filters_leave_short_numbers_out),
        cmocka_unit_test(agrees_with_a_naive_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
