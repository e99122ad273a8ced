/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
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
        cmocka_unit_test(test_unescape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
