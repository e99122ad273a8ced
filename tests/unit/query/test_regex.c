/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/ast.h"
#include "store/query/pattern.h"

static const struct {
    const char *pattern, *runs; /* < and > where a run is bound */
} cases[] = {
    {"abc", "abc"},
    {"^abc$", "<abc>"},
    {"a|b", ""},
    {"user (root|admin) x", "user | x"},
    {"(a|b)", ""},
    {"ab?c", "a|c"},
    {"ab*c", "a|c"},
    {"ab+c", "ab|c"},
    {"ab+?c", "ab|c"},
    {"ab{0,3}c", "a|c"},
    {"ab{2}c", "a|c"},
    {"ab{x}c", "ab{x}c"},
    {"a.b", "a|b"},
    {"[abc]d", "d"},
    {"[]a]d", "d"},
    {"[^]a]d", "d"},
    {"[\\]a]d", "d"},
    {"[[:digit:]]+d", "d"},
    {"[[:digit:]a]d", "d"},
    {"[[.a.]]d", ""},
    {"[a", ""},
    {"a\\.b", "a.b"},
    {"a\\db", "a|b"},
    {"a\\bb", "a|b"},
    {"a\\tb", "a\tb"},
    {"a\\x41b", "aAb"},
    {"a\\xe9b", ""},
    {"a\\x{41}b", ""},
    {"a\\p{L}b", ""},
    {"a\\Qb?\\E", ""},
    {"a\\1", ""},
    {"a\\", ""},
    {"(?i)abc", ""},
    {"(?:abc)d", "d"},
    {"(?i:abc)d", ""},
    {"(?=abc)d", "d"},
    {"(?<n>a(b)c)d", "d"},
    {"(?#a)d", ""},
    {"(*ACCEPT)d", ""},
    {"(a(*ACCEPT))d", ""},
    {"(a\\)b)d", "d"},
    {"(a[)]b)d", "d"},
    {"(a", ""},
    {"a)", ""},
    {"x$?y", "x|y"},
    {"^?x", "x"},
    {"\xc3\xa9?a", "a"},
    {"a\xc3\xa9?b", "a|b"},
    {"a{,5}b", "|b"},
};

static void describe(const struct regex_literal *runs, size_t n, char *out)
{
    *out = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(out, i > 0 ? "|" : "");
        strcat(out, runs[i].bound_start ? "<" : "");
        strncat(out, runs[i].text, runs[i].len);
        strcat(out, runs[i].bound_end ? ">" : "");
    }
}

static void test_literals(void **state)
{
    struct query *query = calloc(1, sizeof(*query));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct regex_literal *runs;
        size_t n;
        char found[100];
        assert_int_equal(regex_literals(query, cases[i].pattern, strlen(cases[i].pattern),
                                        &(struct regex_options){0}, &runs, &n),
                         0);
        describe(runs, n, found);
        const char *expected = cases[i].runs + (cases[i].runs[0] == '|');
        if (strcmp(found, expected) != 0)
            fail_msg("%s: %s instead of %s", cases[i].pattern, found, expected);
    }
    query_free(query);
}

/* Whatever the pattern: a text that it matches holds all of its runs. */
static void test_matches_hold_all_literals(void **state)
{
    static const char *const pieces[] = {
        "a",   "b",    "ab",   ".",    "?",       "*",   "+",   "{0}",      "{1,2}", "(",   ")",
        "|",   "[ab]", "[^a]", "^",    "$",       "\\b", "\\d", "\\x61",    "(?:",   "(?=", "(?!",
        "\\.", " ",    "\\w",  "(?i)", "\\Qa\\E", "{",   "}",   "\xc3\xa9", "]",     "[]a]"};
    static const char letters[] = "aabbB .1\xc3\xa9{}";
    unsigned seed = 11, n_compiled = 0, n_matches = 0, n_runs = 0;
    for (int round = 0; round < 30000; round++) {
        struct query *query = calloc(1, sizeof(*query));
        struct regex_options options = {.caseless = rand_r(&seed) % 3 == 0,
                                        .utf = rand_r(&seed) % 3 == 0};
        char pattern[100] = "";
        for (int i = 1 + rand_r(&seed) % 7; i > 0; i--)
            strcat(pattern, pieces[(size_t)rand_r(&seed) % 32]);
        struct regex_error error;
        struct regex *regex;
        if (regex_new(query, pattern, strlen(pattern), &options, &regex, &error) == 0) {
            struct regex_literal *runs;
            size_t n;
            n_compiled++;
            regex_literals(query, pattern, strlen(pattern), &options, &runs, &n);
            for (int t = 0; t < 8; t++) {
                char text[12];
                size_t len = (size_t)rand_r(&seed) % sizeof(text);
                for (size_t i = 0; i < len; i++)
                    text[i] = letters[(size_t)rand_r(&seed) % (sizeof(letters) - 1)];
                if (!regex_matches(regex, text, len))
                    continue;
                n_matches++;
                for (size_t i = 0; i < n; i++, n_runs++) {
                    struct pattern needle;
                    pattern_build(query, runs[i].text, NULL, runs[i].len, options.caseless,
                                  &needle);
                    if (needle_find(needle.needles, text, len) == SIZE_MAX)
                        fail_msg("/%s/ matches \"%.*s\" without \"%.*s\"", pattern, (int)len, text,
                                 (int)runs[i].len, runs[i].text);
                }
            }
        }
        query_free(query);
    }
    assert_true(n_compiled > 1000 && n_matches > 1000 && n_runs > 300);
}

static struct query *parse(const char *text)
{
    struct query *query;
    struct query_error error;
    if (query_parse(text, &query, &error) != 0)
        fail_msg("%s: column %zu: %s", text, error.at + 1, error.message);
    return query;
}

static bool matches(struct query *query, const char *message, size_t len)
{
    struct store_row row = {.message = {message, (uint32_t)len}};
    return query_matches(query, &row);
}

/* A pattern that takes for ever gives up, is counted, and stops nothing. */
static void test_limit(void **state)
{
    struct query *query = parse("/^(a+)+$/");
    char text[64];
    memset(text, 'a', sizeof(text));
    assert_true(matches(query, text, sizeof(text)));
    assert_int_equal(query_gave_up(query), 0);
    text[63] = 'b';
    assert_false(matches(query, text, sizeof(text)));
    assert_int_equal(query_gave_up(query), 1);
    assert_true(matches(query, text, 63));
    query_free(query);
}

/* More than the JIT's stack holds: the interpreter takes over. */
static void test_deep(void **state)
{
    struct query *query = parse("/^(a|ab)*c$/");
    size_t len = 200000;
    char *text = malloc(len);
    memset(text, 'a', len);
    text[len - 1] = 'c';
    bool found = matches(query, text, len);
    assert_true(found || query_gave_up(query) == 1);
    query_free(query);
    free(text);
}

static void test_bytes(void **state)
{
    static const struct {
        const char *pattern, *text;
        bool matches;
    } bytes[] = {
        {"/^.$/", "\xff", true},
        {"/^..$/", "\xc3\xa9", true},
        {"/^.$/u", "\xc3\xa9", true},
        {"/a.b/u",
         "a\xff"
         "b",
         false},
        {"/b$/u",
         "a\xff"
         "b",
         true},
        {"/\xc3\x89/iu", "\xc3\xa9", true},
        {"/\xc3\x89/i", "\xc3\xa9", false},
        {"/K/iu", "\xe2\x84\xaa", true}, /* the Kelvin sign */
        {"/^\\w+$/", "\xc3\xa9", false},
        {"/^\\w+$/u", "\xc3\xa9", true},
        {"/a$/", "a\n", true},
    };
    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        struct query *query = parse(bytes[i].pattern);
        if (matches(query, bytes[i].text, strlen(bytes[i].text)) != bytes[i].matches)
            fail_msg("%s: %s", bytes[i].pattern, bytes[i].text);
        query_free(query);
    }
    struct query *query = parse("/a\\x00b/");
    assert_true(matches(query, "a\0b", 3));
    assert_true(matches(query, "xa\0b", 4));
    assert_false(matches(query, NULL, 0));
    query_free(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_literals), cmocka_unit_test(test_matches_hold_all_literals),
        cmocka_unit_test(test_limit),    cmocka_unit_test(test_deep),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
