/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "syslog/sd.h"

/* The items as one string: "id{name=value,…}…", then "!" if it ended in an error, then what is
 * left. */
static void check(const char *sd, const char *expected)
{
    struct syslog_sd iterator = SYSLOG_SD_INIT(sd, strlen(sd));
    struct text name, value;
    char out[512];
    int n = 0, r;
    while ((r = syslog_sd_next(&iterator, &name, &value)) > 0)
        n += r == SYSLOG_SD_ELEMENT
                 ? snprintf(out + n, sizeof(out) - (size_t)n, "%.*s:", (int)name.len, name.data)
                 : snprintf(out + n, sizeof(out) - (size_t)n, "%.*s=%.*s;", (int)name.len,
                            name.data, (int)value.len, value.data);
    assert_int_equal(syslog_sd_next(&iterator, &name, &value), r);
    snprintf(out + n, sizeof(out) - (size_t)n, "%s%s", r < 0 ? "!" : ".", iterator.at);
    assert_string_equal(out, expected);
    assert_int_equal(syslog_sd_len(sd, strlen(sd)), r < 0 ? 0 : strlen(sd) - strlen(iterator.at));
}

static void test_items(void **state)
{
    check("", ".");
    check("-", ".-");
    check("x", ".x");
    check("[a]", "a:.");
    check("[a][b]", "a:b:.");
    check("[a] [b]", "a:. [b]");
    check("[a x=\"1\"]", "a:x=1;.");
    check("[a x=\"1\" y=\"2\"][b z=\"\"] m", "a:x=1;y=2;b:z=;. m");
    check("[a x=\"1\" x=\"2\"]", "a:x=1;x=2;.");
    check("[a  x=\"1\"   y=\"2\" ]", "a:x=1;y=2;.");
    check("[a x=\"\\\"\"]", "a:x=\\\";.");
    check("[a x=\"\\\\\"]", "a:x=\\\\;.");
    check("[a x=\"]\"]", "a:x=];.");
    check("[a x=\" = [ \"]", "a:x= = [ ;.");
    check("[a@32473 \xc3\xa9=\"\xff\"]", "a@32473:\xc3\xa9=\xff;.");
}

static void test_malformed(void **state)
{
    check("[", "![");
    check("[]", "![]");
    check("[ a]", "![ a]");
    check("[=]", "![=]");
    check("[a", "a:!");
    check("[a ", "a:! ");
    check("[a x", "a:! x");
    check("[a x]", "a:! x]");
    check("[a x=]", "a:! x=]");
    check("[a x=1]", "a:! x=1]");
    check("[a x=\"]", "a:! x=\"]");
    check("[a x=\"\\\"]", "a:! x=\"\\\"]");
    check("[a x=\"\\", "a:! x=\"\\");
    check("[a x=\"1\"", "a:x=1;!");
    check("[a x=\"1\"y=\"2\"]", "a:x=1;!y=\"2\"]");
    check("[a =\"1\"]", "a:! =\"1\"]");
    check("[a\tx=\"1\"]", "a:!\tx=\"1\"]");
    check("[a][", "a:![");
}

/* What the iterator says of it, item by item. */
static size_t len_by_items(const char *data, size_t len)
{
    struct syslog_sd iterator = SYSLOG_SD_INIT(data, len);
    struct text name, value;
    int r;
    do {
        r = syslog_sd_next(&iterator, &name, &value);
    } while (r > 0);
    return r < 0 ? 0 : (size_t)(iterator.at - data);
}

/* In memory of exactly that size. */
static void check_len(const char *data, size_t len)
{
    char *copy = malloc(len);
    memcpy(copy, data, len);
    size_t expected = len_by_items(copy, len), actual = syslog_sd_len(copy, len);
    if (actual != expected)
        fail_msg("%.*s: %zu, expected %zu", (int)len, data, actual, expected);
    free(copy);
}

/* The length is found by large steps: whatever lies where a step ends, and whatever is wrong there. */
static void test_len_by_steps(void **state)
{
    static const char before[] = "[id k=\"", behind[] =
                                                 "\" x=\"1\"][b][c y=\"\\\"\" z=\"]\"  w=\"\" ] "
                                                 "and a message that is longer than a step of it";
    static const char wrong[] = {'\0', ' ', '!', '"', '=', '[', '\\', ']', '\x7f', '\x80'};
    char sd[256];
    for (int n = 0; n < 140; n++) {
        size_t len = (size_t)snprintf(sd, sizeof(sd), "%s%0*d%s", before, n, 0, behind);
        assert_true(len < sizeof(sd));
        assert_true(syslog_sd_len(sd, len) > (size_t)n);
        for (size_t i = 0; i < len; i++) {
            check_len(sd, i + 1);
            char right = sd[i];
            for (size_t w = 0; w < sizeof(wrong); w++) {
                sd[i] = wrong[w];
                check_len(sd, len);
            }
            sd[i] = right;
        }
    }
}

static void check_unescape(const char *value, const char *expected)
{
    char out[64], in_place[64];
    size_t len = strlen(value), n = syslog_sd_unescape(value, len, out);
    assert_int_equal(n, strlen(expected));
    assert_memory_equal(out, expected, n);
    memcpy(in_place, value, len);
    assert_int_equal(syslog_sd_unescape(in_place, len, in_place), n);
    assert_memory_equal(in_place, expected, n);
}

static void test_unescape(void **state)
{
    check_unescape("", "");
    check_unescape("plain", "plain");
    check_unescape("\\\"", "\"");
    check_unescape("\\\\", "\\");
    check_unescape("\\]", "]");
    check_unescape("a\\\"b\\\\c\\]d", "a\"b\\c]d");
    check_unescape("\\n\\x", "\\n\\x");
    check_unescape("\\\\n", "\\n");
    check_unescape("\\\\\\\"", "\\\"");
    check_unescape("\\", "\\");
    check_unescape("a\\", "a\\");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_len_by_steps),
        cmocka_unit_test(test_unescape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
