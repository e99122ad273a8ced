/* SPDX-License-Identifier: MIT */
/*
 * Message templates that are judged as a whole: what is certain of a template must hold for every
 * message of it, whatever stands in its slots.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/template.h"

#define SLOT "\xff"

static struct query *parse(const char *expression)
{
    struct query *query;
    struct query_error error;
    if (query_parse(expression, &query, &error) < 0)
        fail_msg("%s: %s", expression, error.message);
    return query;
}

static enum verdict judge(const char *expression, const char *template, bool has_words)
{
    struct query *query = parse(expression);
    const struct template_text text = {{template, (uint32_t)strlen(template)}, has_words};
    enum verdict verdict = template_judge(query->root, &text);
    query_free(query);
    return verdict;
}

static void words_of_the_static_text(void **state)
{
    const char *sshd = "Failed password for " SLOT " from " SLOT " port " SLOT " ssh2";
    assert_int_equal(judge("failed", sshd, true), VERDICT_ALWAYS);
    assert_int_equal(judge("\"failed password\"", sshd, true), VERDICT_ALWAYS);
    assert_int_equal(judge("accepted", sshd, true), VERDICT_NEVER);
    assert_int_equal(judge("fail", sshd, true), VERDICT_NEVER);
    assert_int_equal(judge("fail*", sshd, true), VERDICT_ALWAYS);
    assert_int_equal(judge("not failed", sshd, true), VERDICT_NEVER);
    assert_int_equal(judge("failed or accepted", sshd, true), VERDICT_ALWAYS);
    assert_int_equal(judge("accepted failed", sshd, true), VERDICT_NEVER);
    assert_int_equal(judge("message:failed*port", sshd, true), VERDICT_ALWAYS);
    assert_int_equal(judge("message:port*failed", sshd, true), VERDICT_MAYBE);
    assert_int_equal(judge("host=web", sshd, true), VERDICT_MAYBE);
}

static void what_may_stand_in_a_slot(void **state)
{
    const char *line = "id " SLOT " took " SLOT " ms, web" SLOT;
    assert_int_equal(judge("4711", line, true), VERDICT_MAYBE);
    assert_int_equal(judge("root", line, true), VERDICT_NEVER);   /* a whole token has a digit */
    assert_int_equal(judge("*root*", line, true), VERDICT_MAYBE); /* but it may be in one */
    assert_int_equal(judge("*root*", line, false), VERDICT_NEVER);
    assert_int_equal(judge("web", line, true), VERDICT_NEVER); /* goes on in the slot */
    assert_int_equal(judge("web*", line, true), VERDICT_ALWAYS);
    assert_int_equal(judge("web7", line, true), VERDICT_MAYBE);
    assert_int_equal(judge("\"took 5\"", line, true), VERDICT_MAYBE);
    assert_int_equal(judge("\".\"", line, false), VERDICT_MAYBE);
    assert_int_equal(judge("\"\xff\"", line, true), VERDICT_MAYBE);
    assert_int_equal(judge("/took/", line, true), VERDICT_MAYBE);
}

/* As if these tokens, separated by spaces, were the values of all slots. */
static bool is_among(const void *arg, const char *token, size_t len)
{
    for (const char *at = arg; *at != '\0';) {
        size_t n = strcspn(at, " ");
        if (n == len && strncasecmp(at, token, len) == 0)
            return true;
        at += n + strspn(at + n, " ");
    }
    return false;
}

static enum verdict judge_values(const char *expression, const char *template, const char *values)
{
    struct query *query = parse(expression);
    const struct template_text text = {.text = {template, (uint32_t)strlen(template)},
                                       .has_words = true,
                                       .may_hold = is_among,
                                       .arg = values};
    enum verdict verdict = template_judge(query->root, &text);
    query_free(query);
    return verdict;
}

static void values_are_asked_for(void **state)
{
    const char *line = "job a7 took " SLOT " ms, web" SLOT;
    assert_int_equal(judge_values("4711", line, "4711 web3"), VERDICT_MAYBE);
    assert_int_equal(judge_values("4712", line, "4711 web3"), VERDICT_NEVER);
    assert_int_equal(judge_values("A7", line, ""), VERDICT_ALWAYS);
    assert_int_equal(judge_values("a7*", line, ""), VERDICT_ALWAYS);
    assert_int_equal(judge_values("a8*", line, ""), VERDICT_MAYBE); /* may go on */
    assert_int_equal(judge_values("*8a", line, ""), VERDICT_MAYBE);
    assert_int_equal(judge_values("not 4712", line, ""), VERDICT_ALWAYS);
    assert_int_equal(judge_values("\"took 5 ms\"", line, "5"), VERDICT_MAYBE);
    assert_int_equal(judge_values("\"took 6 ms\"", line, "5"), VERDICT_NEVER);
    assert_int_equal(judge_values("\"a7 took 5\"", line, "5"), VERDICT_MAYBE);
    assert_int_equal(judge_values("message:took*WEB3", line, "5 web3"), VERDICT_MAYBE);
    assert_int_equal(judge_values("message:took*web4", line, "5 web3"), VERDICT_MAYBE); /* myweb4 */
}

static const char *pick(const char *const *from, size_t n)
{
    return from[(size_t)random() % n];
}
#define PICK(from) pick(from, sizeof(from) / sizeof(from[0]))

/* Random templates, expressions and values: no verdict is ever refuted by a message. */
static void no_message_refutes_a_verdict(void **state)
{
    static const char *const pieces[] = {" ", "a ", " b", " abc ", "=", ".", " x.y ", "c", ", ", "-"};
    static const char *const words[] = {"a1", "1b", "abc1", "7c7", "x9y", "12", "0", "b2c"};
    static const char *const numbers[] = {"0", "7", "42", "10.0.0.1", "1.2.3.4", "900"};
    static const char *const looked_for[] = {
        "a",      "b",       "abc",     "c",      "*a*",  "b*",      "*c",    "\"a b\"",  "\".\"",
        "\" .\"", "\"x.y\"", "\"abc \"", "\"c,\"", "a1",   "message:a*b", "42", "\"= \"", "\"-\"",
        "\"b2c x.y\"", "7c7", "message:a*900", "\"=12\"", "9*", "*c7", "b0", "\"abc 0\"", "\"12-\""};
    unsigned seed = 20261124;
    srandom(seed);
    for (unsigned round = 0; round < 20000; round++) {
        char template[256] = "", message[256] = "", expression[128], values[256] = "";
        bool has_words = random() % 2;
        for (unsigned i = 0, n = (unsigned)random() % 5; i <= n; i++) {
            /* As split_text() makes them: no token byte behind a slot. */
            const char *piece = PICK(pieces);
            while (i > 0 && ((*piece >= 'a' && *piece <= 'z')))
                piece = PICK(pieces);
            strcat(template, piece);
            strcat(message, piece);
            bool names = template[strlen(template) - 1] == 'c' || template[strlen(template) - 1] == 'b';
            if (i == n || names)
                continue;
            strcat(template, SLOT);
            const char *value = has_words ? PICK(words) : PICK(numbers);
            strcat(message, value);
            strcat(strcat(values, value), " ");
        }
        snprintf(expression, sizeof(expression), "%s%s", random() % 3 ? "" : "not ", PICK(looked_for));
        struct query *query = parse(expression);
        /* An address is more than one token: it is not asked for. */
        bool is_asked = has_words || strchr(values, '.') == NULL;
        const struct template_text text = {.text = {template, (uint32_t)strlen(template)},
                                           .has_words = has_words,
                                           .may_hold = is_asked ? is_among : NULL,
                                           .arg = values};
        const struct store_row row = {.message = {message, (uint32_t)strlen(message)}};
        enum verdict verdict = template_judge(query->root, &text);
        bool matches = query_matches(query, &row);
        if (verdict != VERDICT_MAYBE && matches != (verdict == VERDICT_ALWAYS))
            fail_msg("seed %u: %s of \"%s\" was judged %d, but \"%s\" says %d", seed, expression,
                     template, (int)verdict, message, matches);
        query_free(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_the_static_text),
        cmocka_unit_test(what_may_stand_in_a_slot),
        cmocka_unit_test(values_are_asked_for),
        cmocka_unit_test(no_message_refutes_a_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
