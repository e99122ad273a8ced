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

/* The canonical text; the caller frees it. */
static char *print(const struct query *query)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    query_print(query, out);
    fclose(out);
    return text;
}

static char *canonical(const char *text)
{
    struct query *query;
    struct query_error error;
    if (query_parse(text, &query, &error) != 0)
        fail_msg("%s: column %zu: %s", text, error.at + 1, error.message);
    char *printed = print(query);
    query_free(query);
    return printed;
}

static const struct {
    const char *text, *tree;
} trees[] = {
    {"", ""},
    {" \t\n", ""},
    {"failed", "message:\"failed\""},
    {"Failed", "message:\"failed\""},
    {"\"failed password\"", "message:\"failed password\""},
    {"\"a\\\"b\\\\c\\x00\\n\"", "message:\"a\\\"b\\\\c\\x00\\x0a\""},
    {"fail*word", "message:\"fail\"*\"word\""},
    {"host=web01", "host=\"web01\""},
    {"host = web01", "host=\"web01\""},
    {"host= or", "host=\"or\""},
    {"host!=web01", "host!=\"web01\""},
    {"host:Web*", "host:\"web\"*"},
    {"host=Web*", "host=\"Web\"*"},
    {"host=*", "host=*"},
    {"host=**", "host=*"},
    {"host=a**b", "host=\"a\"*\"b\""},
    {"host=\"*\"", "host=\"*\""},
    {"host=\\*a", "host=\"*a\""},
    {"host=web-\"1 *\"*.eu", "host=\"web-1 *\"*\".eu\""},
    {"host=\"\"", "host=\"\""},
    {"message:disk", "message:\"disk\""},
    {"message=disk", "message=\"disk\""},
    {"severity<=warn", "severity<=warning"},
    {"severity<=4", "severity<=warning"},
    {"severity:ERROR", "severity:err"},
    {"severity=*", "severity=*"},
    {"facility=16", "facility=local0"},
    {"facility in (kern, 23)", "facility in (kern, local7)"},
    {"format=rfc5424", "format=rfc5424"},
    {"peer=10.0.0.0/8", "peer=10.0.0.0/8"},
    {"peer=10.1.2.3", "peer=10.1.2.3/32"},
    {"peer=2001:db8::/32", "peer=2001:db8::/32"},
    {"peer=::/0", "peer=::/0"},
    {"peer=*", "peer=*"},
    {"peer in (10.0.0.0/8, ::1)", "peer in (10.0.0.0/8, ::1/128)"},
    {"peer_port>1024", "peer_port>1024"},
    {"geo.country in (DE,FR)", "geo.country in (\"de\", \"fr\")"},
    {"geo.country not in ( DE , FR )", "not geo.country in (\"de\", \"fr\")"},
    {"geo.asn=3320", "geo.asn=3320"},
    {"id>0000000000000a00", "id>0000000000000a00"},
    {"id=ffffffffffffffff", "id=ffffffffffffffff"},
    {"time>=2026-11-24T11:00:00.25Z", "time>=2026-11-24T11:00:00.250000000Z"},
    {"time<\"2026-11-24T11:00:00+01:00\"", "time<2026-11-24T10:00:00.000000000Z"},
    {"sd.x@32473.1.iut=3", "sd.x@32473.1.iut=\"3\""},
    {"sd.origin.ip:10.*", "sd.origin.ip:\"10.\"*"},
    {"a b", "(message:\"a\" and message:\"b\")"},
    {"a AND b", "(message:\"a\" and message:\"b\")"},
    {"a b or c d", "((message:\"a\" and message:\"b\") or (message:\"c\" and message:\"d\"))"},
    {"a or b or c", "(message:\"a\" or message:\"b\" or message:\"c\")"},
    {"a (b or c)", "(message:\"a\" and (message:\"b\" or message:\"c\"))"},
    {"not a b", "(not message:\"a\" and message:\"b\")"},
    {"not (a b)", "not (message:\"a\" and message:\"b\")"},
    {"not not a", "not not message:\"a\""},
    {"not host=a or b", "(not host=\"a\" or message:\"b\")"},
    {"((a))", "message:\"a\""},
    {"(a)(b)", "(message:\"a\" and message:\"b\")"},
    {"nothing order android",
     "(message:\"nothing\" and message:\"order\" and message:\"android\")"},
    {"\"not\"", "message:\"not\""},
    {"failed in x", "(message:\"failed\" and message:\"in\" and message:\"x\")"},
    {"Hello!", "message:\"hello!\""},
    {"-v", "message:\"-v\""},
    {"a,b", "message:\"a,b\""},
    {"\xc3\xa9t\xc3\xa9", "message:\"\xc3\xa9t\xc3\xa9\""},
    {"host:web* and not (severity<=err or \"no route\")",
     "(host:\"web\"* and not (severity<=err or message:\"no route\"))"},
    {"*failed", "message:*\"failed\""},
    {"fail*", "message:\"fail\"*"},
    {"*fail*", "message:*\"fail\"*"},
    {"*\"=x\"*", "message:\"=x\"*"},
    {"message:*", "message:*"},
    {"message:*fail*", "message:*\"fail\"*"},
    {"/user (root|admin)/", "message:/user (root|admin)/"},
    {"host:/^web[0-9]+$/i", "host:/^web[0-9]+$/i"},
    {"/a\\/b\\\\\\/c/ui", "message:/a\\/b\\\\\\/c/iu"},
    {"not /x/ y", "(not message:/x/ and message:\"y\")"},
    {"fields.latency_ms>500", "fields.latency_ms>500"},
    {"fields.http.status=200", "fields.http.status=200"},
    {"fields.http.status=\"200\"", "fields.http.status=\"200\""},
    {"fields.user:Adm*", "fields.user:\"adm\"*"},
    {"fields.user in (root, 7)", "fields.user in (\"root\", 7)"},
    {"fields.x=*", "fields.x=*"},
    {"fields.x:/^a/", "fields.x:/^a/"},
    {"procid>100", "procid>100"},
    {"procid=100", "procid=\"100\""},
    {"sd.x@1.ms<=-1.5e3", "sd.x@1.ms<=-1.5e3"},
    {"geo.lat>52.5", "geo.lat>52.5"},
    {"| count", "| count"},
    {"a|count", "message:\"a\" | count"},
    {"a | COUNT by host,severity", "message:\"a\" | count by host, severity"},
    {"| top geo.country", "| top 10 geo.country"},
    {"| top 3 host, app", "| top 3 host, app"},
    {"| histogram", "| histogram"},
    {"| histogram by app", "| histogram by app"},
    {"| histogram 1h30m by app | sort count desc | limit 2",
     "| histogram 5400s by app | sort count desc | limit 2"},
    {"| stats p50(fields.ms), max(fields.ms) as worst,count,count(host) by app",
     "| stats p50(fields.ms), max(fields.ms) as worst, count, count(host) by app"},
    {"| stats p99.9(fields.ms) | sort p99.9(fields.ms)",
     "| stats p99.9(fields.ms) | sort p99.9(fields.ms)"},
    {"| stats max(time) as t by sd.x@1.a | fields t",
     "| stats max(time) as t by sd.x@1.a | fields t"},
    {"| fields time, host,message | sort time desc, host asc | limit 10",
     "| fields time, host, message | sort time desc, host | limit 10"},
    {"| sort time | limit 1", "| sort time | limit 1"},
    {"| count by host | stats max(count), avg(count)",
     "| count by host | stats max(count), avg(count)"},
};

#define N_TREES (sizeof(trees) / sizeof(trees[0]))

static void test_trees(void **state)
{
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        char *printed = canonical(trees[i].text);
        assert_string_equal(printed, trees[i].tree);
        free(printed);
    }
}

/* The canonical text is an expression, and means the same tree. */
static void test_canonical_is_stable(void **state)
{
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
        char *again = canonical(trees[i].tree);
        assert_string_equal(again, trees[i].tree);
        free(again);
    }
}

/* A random expression out of those above that have no pipes. */
static void compose(unsigned *seed, unsigned depth, FILE *out)
{
    static const char *const between[] = {" and ", " or ", " ", " OR ", "\t"};
    switch (depth == 0 ? 0 : rand_r(seed) % 4) {
    case 0:
        for (;;) {
            const char *text = trees[(size_t)rand_r(seed) % N_TREES].text;
            if (strchr(text, '|') != NULL || text[strspn(text, " \t\n")] == '\0')
                continue;
            fputs(text, out);
            return;
        }
    case 1:
        fputs("not ", out);
        compose(seed, depth - 1, out);
        break;
    case 2:
        fputc('(', out);
        compose(seed, depth - 1, out);
        fputc(')', out);
        break;
    case 3:
        compose(seed, depth - 1, out);
        fputs(between[(size_t)rand_r(seed) % 5], out);
        compose(seed, depth - 1, out);
        break;
    }
}

/* A random chain of pipes; some do not fit behind others. */
static void compose_pipes(unsigned *seed, FILE *out)
{
    for (int n = rand_r(seed) % 4; n > 0; n--) {
        const char *pipe;
        do
            pipe = strchr(trees[(size_t)rand_r(seed) % N_TREES].text, '|');
        while (pipe == NULL || strchr(pipe, '/') != NULL);
        fputs(pipe, out);
    }
}

static void test_random_round_trips(void **state)
{
    unsigned seed = 17, n_parsed = 0;
    for (int round = 0; round < 5000; round++) {
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        compose(&seed, 4, out);
        compose_pipes(&seed, out);
        fclose(out);
        struct query *query;
        struct query_error error;
        if (query_parse(text, &query, &error) == 0) {
            char *once = print(query), *twice = canonical(once);
            assert_string_equal(twice, once);
            free(twice);
            free(once);
            query_free(query);
            n_parsed++;
        }
        free(text);
    }
    assert_true(n_parsed > 2000);
}

static const struct {
    const char *text;
    size_t at;
    const char *says;
} errors[] = {
    {"hots=web", 0, "did you mean \"host\"?"},
    {"a and sevrity<=3", 6, "did you mean \"severity\"?"},
    {"country=DE", 0, "did you mean \"geo.country\"?"},
    {"Host=a", 0, "did you mean \"host\"?"},
    {"hots in (a)", 0, "did you mean \"host\"?"},
    {"frobnicate=1", 0, "no field \"frobnicate\""},
    {"http://x", 0, "\"quotes\""},
    {"host=", 5, "expected a value for host"},
    {"host=)", 5, "expected a value for host"},
    {"=web", 0, "expected a field in front of \"=\""},
    {"severity<=loud", 10, "expected emerg alert"},
    {"severity<=8", 10, "\"8\" is no severity"},
    {"facility=loud", 9, "is no facility"},
    {"format=xml", 7, "expected rfc5424"},
    {"severity=w*", 9, "takes no wildcard"},
    {"severity<*", 9, "takes no wildcard"},
    {"host<a", 4, "host has no \"<\""},
    {"peer>=1.2.3.4", 4, "peer has no \">=\""},
    {"format<raw", 6, "format has no \"<\""},
    {"peer=10.0.0.0/33", 5, "is no address"},
    {"peer=2001:db8::/129", 5, "is no address"},
    {"peer=10.0.0/8", 5, "is no address"},
    {"peer=10.0.0.0/", 5, "is no address"},
    {"peer=\"10.0.0.1\\x00\"", 5, "is no address"},
    {"peer_port=ten", 10, "is no number"},
    {"peer_port=-1", 10, "is no number"},
    {"peer_port=99999999999999999999", 10, "is no number"},
    {"id=xyz", 3, "is no id"},
    {"time>never", 5, "expected a time"},
    {"time>2026-02-30", 5, "no such time"},
    {"sd.iut=3", 0, "sd.ID.PARAM"},
    {"sd.x@1.=3", 0, "sd.ID.PARAM"},
    {"a \"b", 2, "never closed"},
    {"\"a\\q\"", 2, "unknown escape"},
    {"\"a\\x4\"", 2, "unknown escape"},
    {"a\\", 1, "after the backslash"},
    {"(a", 0, "never closed"},
    {"a)", 1, "closes nothing"},
    {"()", 1, "before this"},
    {"a and", 5, "at the end"},
    {"a or or b", 5, "before this"},
    {"and a", 0, "before this"},
    {"not", 3, "at the end"},
    {"geo.country in (DE", 18, "expected , or )"},
    {"geo.country in ()", 16, "expected a value"},
    {"geo.country in (DE,)", 19, "expected a value"},
    {"geo.country in (DE FR)", 19, "expected , or )"},
    {"(a | count", 0, "never closed"},
    {"a or | count", 5, "before this"},
    {"a |", 3, "expected a pipe: count top"},
    {"a | | count", 4, "expected a pipe: count top"},
    {"a | cuont", 4, "did you mean \"count\"?"},
    {"a | frob", 4, "expected count top histogram"},
    {"| count host", 8, "expected a | or the end behind count"},
    {"| count by", 10, "expected a field"},
    {"| count by hots", 11, "did you mean \"host\"?"},
    {"| count by host,", 16, "expected a field"},
    {"| count by host, host", 2, "two columns would be named \"host\""},
    {"| count by host | sort cuont", 23, "did you mean \"count\"?"},
    {"| count by host | sort app", 23, "no column \"app\""},
    {"| count by host | histogram", 27, "needs a column \"time\""},
    {"| top 0 host", 6, "number from 1"},
    {"| top 5", 7, "expected a field"},
    {"| top 10000001 host", 6, "number from 1"},
    {"| limit", 7, "number from 1"},
    {"| limit 5x", 8, "number from 1"},
    {"| limit 99999999999999999999999", 8, "number from 1"},
    {"| histogram 5", 12, "expected a step"},
    {"| histogram 0s", 12, "expected a step"},
    {"| histogram app", 12, "expected a step"},
    {"| stats", 7, "expected a function"},
    {"| stats maxx(host)", 8, "did you mean \"max\"?"},
    {"| stats median(x)", 8, "expected count sum"},
    {"| stats p101(fields.x)", 8, "no function"},
    {"| stats sum", 11, "expected a ( behind sum"},
    {"| stats sum(host)", 12, "host is no number: sum takes one"},
    {"| stats avg(severity)", 12, "severity is no number"},
    {"| stats p50(time)", 12, "time is no number"},
    {"| stats max(host)", 12, "host is no number and no time"},
    {"| stats max(fields.x", 20, "expected a )"},
    {"| stats max(fields.x) as", 24, "expected a name"},
    {"| stats count, count", 2, "two columns would be named \"count\""},
    {"| fields", 8, "expected a field"},
    {"| sort time down", 12, "expected a | or the end behind sort"},
    {"/x", 0, "never closed"},
    {"a //", 3, "between the slashes"},
    {"/var/log", 5, "\"quotes\""},
    {"/x/g", 3, "expected i"},
    {"host:/a(b/", 9, "missing closing parenthesis"},
    {"/a\\/(b/", 6, "missing closing parenthesis"},
    {"fields.x>abc", 9, "\"abc\" is no number"},
    {"fields.x>/a/", 9, "is no number"},
    {"fields.x>1*", 9, "is no number"},
    {"fields.=1", 0, "no field"},
    {"geo.lat=here", 8, "takes degrees"},
};

static void test_errors(void **state)
{
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct query *query = NULL;
        struct query_error error = {0};
        int r = query_parse(errors[i].text, &query, &error);
        if (r != -EINVAL || error.at != errors[i].at ||
            strstr(error.message, errors[i].says) == NULL)
            fail_msg("%s: %d, column %zu: %s", errors[i].text, r, error.at, error.message);
    }
}

static char *nested(const char *open, size_t n, const char *middle, const char *close)
{
    char *text = calloc(1, n * (strlen(open) + strlen(close)) + strlen(middle) + 1), *end = text;
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, open);
    end = stpcpy(end, middle);
    for (size_t i = 0; i < n; i++)
        end = stpcpy(end, close);
    return text;
}

static int parse_result(char *text)
{
    struct query *query;
    struct query_error error;
    int r = query_parse(text, &query, &error);
    if (r == 0)
        query_free(query);
    free(text);
    return r;
}

static void test_depth(void **state)
{
    assert_int_equal(parse_result(nested("(", QUERY_MAX_DEPTH - 1, "a", ")")), 0);
    assert_int_equal(parse_result(nested("(", QUERY_MAX_DEPTH, "a", ")")), -EINVAL);
    assert_int_equal(parse_result(nested("not ", QUERY_MAX_DEPTH, "a", "")), -EINVAL);
    assert_int_equal(parse_result(nested("(", 60000, "", "")), -EINVAL);
    /* A chain is not deep, however long. */
    assert_int_equal(parse_result(nested("a ", 300, "b", " or c")), 0);
    assert_int_equal(parse_result(nested("a", QUERY_MAX_BYTES, "", "")), 0);
    assert_int_equal(parse_result(nested("a", QUERY_MAX_BYTES + 1, "", "")), -EINVAL);
}

/* Every beginning and every single-byte change of a good expression parses or fails; the sanitizers
 * watch. */
static void test_total(void **state)
{
    static const char bytes[] = "\"()*\\=<!:,|/ a\x80\x01";
    for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++)
        for (size_t at = 0; at < strlen(trees[i].text); at++) {
            char *cut = strndup(trees[i].text, at);
            parse_result(cut);
            for (size_t b = 0; b < sizeof(bytes) - 1; b++) {
                char *changed = strdup(trees[i].text);
                changed[at] = bytes[b];
                parse_result(changed);
            }
        }
}

static void test_columns(void **state)
{
    struct query *query;
    struct query_error error;
    assert_int_equal(query_parse("", &query, &error), 0);
    assert_int_equal(query_columns(query), 0);
    query_free(query);
    assert_int_equal(query_parse("a (host=b or not severity<3) id>1", &query, &error), 0);
    assert_int_equal(query_columns(query), STORE_MESSAGE | STORE_HOST | STORE_PRI);
    query_free(query);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_canonical_is_stable),
        cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_total),
        cmocka_unit_test(test_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
