/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/extract.h"
#include "store/query/number.h"

static const struct {
    const char *message, *name, *value; /* NULL: absent */
} cases[] = {
    /* JSON */
    {"{\"user\":\"root\"}", "user", "root"},
    {" { \"a\" : 1 , \"b\" : -2.5e3 } ", "b", "-2.5e3"},
    {"{\"a\":{\"b\":{\"c\":\"x\"}}}", "a.b.c", "x"},
    {"{\"a\":{\"b\":{\"c\":\"x\"}}}", "a.b", "{\"c\":\"x\"}"},
    {"{\"a\":{\"x\":1},\"a.b\":2}", "a.b", "2"},
    {"{\"a.b\":{\"c\":3}}", "a.b.c", "3"},
    {"{\"a\":{\"x\":1},\"a\":{\"b\":2}}", "a.b", "2"},
    {"{\"a\":1,\"a\":2}", "a", "1"},
    {"{\"a\":\"}\",\"b\":[1,{\"c\":\"]\"}],\"d\":4}", "d", "4"},
    {"{\"a\":\"}\",\"b\":[1,{\"c\":\"]\"}],\"d\":4}", "b", "[1,{\"c\":\"]\"}]"},
    {"{\"a\":\"}\",\"b\":[1,{\"c\":\"]\"}],\"d\":4}", "c", NULL},
    {"{\"a\":null,\"a\":1}", "a", NULL},
    {"{\"a\":\"null\"}", "a", "null"},
    {"{\"a\":true,\"b\":false}", "b", "false"},
    {"{\"a\":\"\"}", "a", ""},
    {"{\"a\":\"x\\\"y\\\\\\n\\u00e9\\ud83d\\ude00\\ud800!\\q\"}", "a",
     "x\"y\\\n\xc3\xa9\xf0\x9f\x98\x80\xef\xbf\xbd!\\q"},
    {"{\"b\":\"\\\\\",\"a\":1}", "a", "1"},
    {"@cee:{\"a\":1}", "a", "1"},
    {"  @cee: {\"a\":1}", "a", "1"},
    {"{}", "a", NULL},
    {"{\"a\":1", "a", NULL},
    {"{\"a\":1,\"b\":\"cut he", "a", "1"},
    {"{\"a\":1,\"b\":\"cut he", "b", NULL},
    {"{\"a\" 1,\"b\":2}", "b", NULL},
    {"{\"a\":,\"b\":2}", "b", NULL},
    {"{\"a\":1 \"b\":2}", "b", NULL},
    {"{\"\":{\"a\":1}}", ".a", "1"},
    {"{\"a\":1} b=2", "b", NULL},
    {"text {\"a\":1}", "a", NULL},
    /* key=value */
    {"user=root", "user", "root"},
    {"took ms=12 user=\"Jane \\\"J\\\" Doe\", (port=22)", "ms", "12"},
    {"took ms=12 user=\"Jane \\\"J\\\" Doe\", (port=22)", "user", "Jane \"J\" Doe"},
    {"took ms=12 user=\"Jane \\\"J\\\" Doe\", (port=22)", "port", "22"},
    {"msg=\"user=eve\" user=bob", "user", "bob"},
    {"msg='user=eve' user=bob", "user", "bob"},
    {"a=1 a=2", "a", "1"},
    {"a=1,b=2;c=3&d=4|e=5", "a", "1"},
    {"a=1,b=2;c=3&d=4|e=5", "c", "3"},
    {"a=1,b=2;c=3&d=4|e=5", "e", "5"},
    {"ids=1,2,3, x=1", "ids", "1,2,3"},
    {"ids=1,2,3; x=1", "ids", "1,2,3"},
    {"f=g(x) h=(i)", "f", "g(x)"},
    {"f=g(x) h=(i)", "h", "(i)"},
    {"[pid=12]", "pid", "12"},
    {"{foo} a=b", "a", "b"},
    {"http.status=200", "http.status", "200"},
    {"http.status=200", "status", NULL},
    {"xuser=a user=b", "user", "b"},
    {"x-user=a user=b", "user", "b"},
    {"/x?user=a&b=1 HTTP", "user", "a"},
    {"key:user=root", "user", "root"},
    {"a= b=2", "a", ""},
    {"a==b a=c", "a", "c"},
    {"a =b", "a", NULL},
    {"a", "a", NULL},
    {"a=", "a", ""},
    {"a=\"unclosed b=2", "a", "unclosed b=2"},
    {"a=\"x\\", "a", "x\\"},
    {"\"user=root\"", "user", "root"},
    {"\xc3\xa9=1", "\xc3\xa9", "1"},
    {"", "a", NULL},
    {"a=1", "", NULL},
};

static void test_cases(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        /* Exact copies, so that a byte too many is seen by the sanitizer. */
        size_t len = strlen(cases[i].message), name_len = strlen(cases[i].name);
        char *message = memcpy(malloc(len + !len), cases[i].message, len);
        char *name = memcpy(malloc(name_len + !name_len), cases[i].name, name_len);
        struct extract found;
        bool there = extract_find((struct text){message, (uint32_t)len},
                                  (struct text){name, (uint32_t)name_len}, &found);
        char *plain = calloc(1, len + 1);
        if (there && found.is_escaped)
            extract_unescape(found.value, plain);
        else if (there)
            memcpy(plain, found.value.data, found.value.len);
        if (there != (cases[i].value != NULL) || (there && strcmp(plain, cases[i].value) != 0))
            fail_msg("%s of %s: %s", cases[i].name, cases[i].message, there ? plain : "absent");
        free(plain);
        free(name);
        free(message);
    }
}

/* Neither deep nor long messages are slow, or use the stack. */
static void test_hostile(void **state)
{
    static const char *const units[] = {"[", "{\"a\":", "\"", "\\", "a=", ",", "a=)", "=\"", "{"};
    size_t len = 1 << 20;
    char *message = malloc(len + 32);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        for (unsigned json = 0; json < 2; json++) {
            struct extract found;
            char *end = stpcpy(message, json ? "{\"z\":" : "z=");
            size_t unit = strlen(units[i]);
            for (; (size_t)(end - message) + unit < len; end += unit)
                memcpy(end, units[i], unit);
            extract_find((struct text){message, (uint32_t)(end - message)},
                         (struct text){"a.a.a.a", 7}, &found);
            end = stpcpy(end, " q ");
            extract_find((struct text){message, (uint32_t)(end - message)}, (struct text){"q", 1},
                         &found);
        }
    }
    free(message);
}

static void test_numbers(void **state)
{
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "1",
                                          "007",
                                          "3.25",
                                          "+5",
                                          "1e3",
                                          "1.5E-3",
                                          "1e+2",
                                          "123456789012345",
                                          "1e308",
                                          "1e-320",
                                          "0.1",
                                          "99.9",
                                          "1e22",
                                          "123456789012345678901234567890",
                                          "0.00000000000000000001",
                                          "-17.125",
                                          "4.35"};
    static const char *const others[] = {"",    "-",   "+",     ".",   "1.",  ".5",
                                         "1e",  "1e+", "e5",    "x",   " 1",  "1 ",
                                         "0x1", "1,5", "1e999", "inf", "nan", "--1"};
    double number;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        assert_true(number_parse(numbers[i], strlen(numbers[i]), &number));
        double expected = strtod(numbers[i], NULL);
        if (fabs(number - expected) > 2.3e-16 * fabs(expected))
            fail_msg("%s: %.17g", numbers[i], number);
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (number_parse(others[i], strlen(others[i]), &number))
            fail_msg("\"%s\": %.17g", others[i], number);
    unsigned seed = 5;
    for (int round = 0; round < 20000; round++) {
        char text[40];
        snprintf(text, sizeof(text), "%d.%0*d", rand_r(&seed) % 100000, 1 + rand_r(&seed) % 8,
                 rand_r(&seed) % 10);
        assert_true(number_parse(text, strlen(text), &number));
        assert_true(number == strtod(text, NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
