/* SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fake_reader.h"
#include "store/query/ast.h"
#include "store/query/pattern.h"
#include "store/token.h"

static struct query *parse(const char *text)
{
    struct query *query;
    struct query_error error;
    if (query_parse(text, &query, &error) != 0)
        fail_msg("%s: column %zu: %s", text, error.at + 1, error.message);
    return query;
}

static bool matches(const char *text, const struct store_row *row)
{
    struct query *query = parse(text);
    bool result = query_matches(query, row);
    query_free(query);
    return result;
}

static struct store_row full_row(void)
{
    struct store_row row = fake_row("Failed password for root from 192.0.2.7 port 22", 5);
    struct peer ip = fake_peer("198.51.100.9", 0);
    row.id = 0x1000;
    row.procid = fake_text("4711");
    row.sd = fake_text("[x@1 a=\"1\" b=\"say \\\"hi\\\"\" a=\"two\"][e.f@2 c=\"\"][empty@3]");
    row.severity = 4;
    row.facility = 10;
    row.has_place = true;
    memcpy(row.geo_ip, ip.address, 16);
    row.place = (struct place){.city = fake_text("Berlin"),
                               .org = fake_text("Example Net"),
                               .asn = 64500,
                               .lat = 52.5,
                               .lon = -13.5,
                               .has_location = true,
                               .country = {'D', 'E'}};
    return row;
}

static const struct {
    const char *text;
    bool full, bare; /* against full_row(), and against a row of zeros */
} cases[] = {
    {"", true, true},
    {"failed", true, false},
    {"\"PASSWORD for\"", true, false},
    {"passwort", false, false},
    {"fail*port", true, false},
    {"port*fail", false, false},
    {"message:\"port 22\"", true, false},
    {"message=\"port 22\"", false, false},
    {"message=*\"port 22\"", true, false},
    {"message=failed*", false, false},
    {"message:\"failed\"*", true, false},
    {"host=web01", true, false},
    {"host=WEB01", false, false},
    {"host:WEB01", true, false},
    {"host:web*", true, false},
    {"host:eb", false, false},
    {"host:*eb*", true, false},
    {"host=w*0*1", true, false},
    {"host=web01*", true, false},
    {"host=web01*1", false, false},
    {"host!=web01", false, true},
    {"host=*", true, false},
    {"host=\"\"", false, true},
    {"host in (a, web01)", true, false},
    {"host not in (a, web01)", false, true},
    {"severity<=warning", true, true}, /* zeros are emerg */
    {"severity<warning", false, true},
    {"severity>=4", true, false},
    {"severity!=4", false, true},
    {"severity in (4,5)", true, false},
    {"facility=authpriv", true, false},
    {"format=rfc5424", true, false},
    {"format=raw", false, true},
    {"procid=4711", true, false},
    {"input=network", true, false},
    {"peer=192.0.2.0/24", true, false},
    {"peer=192.0.2.0/31", false, false},
    {"peer=192.0.2.6/31", true, false},
    {"peer=0.0.0.0/0", true, false},
    {"peer=::/0", true, false},
    {"peer=::ffff:192.0.2.7", true, false},
    {"peer!=10.0.0.0/8", true, true},
    {"peer=*", true, false},
    {"peer_port=40000", true, false},
    {"peer_port<1", false, false},
    {"geo.country=de", true, false},
    {"geo.country in (FR,DE)", true, false},
    {"geo.country=D", false, false},
    {"geo.country!=FR", true, true},
    {"geo.city=Berlin", true, false},
    {"geo.region=*", false, false},
    {"geo.org:*net", true, false},
    {"geo.asn>64000", true, false},
    {"geo.asn<64000", false, false},
    {"geo.ip=198.51.100.0/24", true, false},
    {"id=1000", true, false},
    {"id>fff", true, false},
    {"id<ffffffffffffffff", true, true},
    {"time=2026-11-24T11:00:05Z", true, false},
    {"time<2026-11-24T11:00:05Z", false, true},
    {"received>2026-11-24T11:00:05Z", true, false},
    {"sd.x@1.a=1", true, false},
    {"sd.x@1.a=two", true, false},
    {"sd.x@1.a=three", false, false},
    {"sd.x@1.a!=1", false, true},
    {"sd.x@1.b=\"say \\\"hi\\\"\"", true, false},
    {"sd.x@1.b:*HI*", true, false},
    {"sd.e.f@2.c=\"\"", true, true},
    {"sd.e.f@2.c=*", false, false},
    {"sd.x@1.z=*", false, false},
    {"*ssword", true, false},
    {"ssword", false, false},
    {"passw", false, false},
    {"passw*", true, false},
    {"*assw*", true, false},
    {"pass*for", true, false},
    {"*ass*fo", false, false},
    {"\"d for r\"", false, false},
    {"\"password for root from\"", true, false},
    {"192.0.2.7", true, false},
    {"92.0.2.7", false, false},
    {"192.0.2", true, false}, /* a dot ends a token */
    {"\" 22\"", true, false},
    {"\"from 192.0.2.7 port 2\"", false, false},
    {"\" \"", true, false},
    {"/user|root/", true, false},
    {"/^failed/", false, false},
    {"/^failed/i", true, false},
    {"/from [0-9.]+ port \\d+$/", true, false},
    {"/port 2{3}/", false, false},
    {"/x?/", true, true},
    {"host:/^web\\d+$/", true, false},
    {"host:/eb0/", true, false},
    {"not host:/eb0/", false, true},
    {"sd.x@1.b:/^say \"hi\"$/", true, false},
    {"geo.country:/^D/", true, false},
    {"procid>100", true, false},
    {"procid<100", false, false},
    {"procid>=4711", true, false},
    {"procid=04711", false, false},
    {"sd.x@1.a<2", true, false},
    {"sd.x@1.a>1", false, false},
    {"geo.lat>52.4", true, false},
    {"geo.lat=52.5", true, false},
    {"geo.lat!=52.5", false, true},
    {"geo.lon<-13.4", true, false},
    {"geo.lon in (1, -13.5)", true, false},
    {"geo.lat=*", true, false},
    {"fields.user=root", false, false},
    {"fields.user=\"\"", true, true},
    {"fields.user!=root", true, true},
    {"not failed", false, true},
    {"failed not port", false, false},
    {"nope or failed", true, false},
    {"(nope or failed) and host=web01", true, false},
};

static void test_cases(void **state)
{
    struct store_row full = full_row(), bare = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (matches(cases[i].text, &full) != cases[i].full)
            fail_msg("%s: the full row", cases[i].text);
        if (matches(cases[i].text, &bare) != cases[i].bare)
            fail_msg("%s: the bare row", cases[i].text);
    }
}

/* Messages with fields, and what of them matches. */
static const struct {
    const char *message, *text;
    bool matches;
} field_cases[] = {
    {"took ms=512 user=root", "fields.ms>500", true},
    {"took ms=512 user=root", "fields.ms>512", false},
    {"took ms=512 user=root", "fields.ms>=512.0", true},
    {"took ms=512 user=root", "fields.ms=512.0", true},
    {"took ms=512 user=root", "fields.ms=\"512.0\"", false},
    {"took ms=512 user=root", "fields.ms!=512", false},
    {"took ms=512 user=root", "fields.ms in (1, 512)", true},
    {"took ms=512 user=root", "fields.ms=51*", true},
    {"took ms=512 user=root", "fields.ms=*", true},
    {"took ms=512 user=root", "fields.us=*", false},
    {"took ms=512 user=root", "fields.us<1", false},
    {"took ms=512 user=root", "fields.us!=1", true},
    {"took ms=512 user=root", "fields.user=Root", false},
    {"took ms=512 user=root", "fields.user:Root", true},
    {"took ms=512 user=root", "fields.user:R*t", true},
    {"took ms=512 user=root", "fields.user:/^ro+t$/", true},
    {"took ms=512ms", "fields.ms>500", false},
    {"{\"http\":{\"status\":404}}", "fields.http.status>=400", true},
    {"{\"a\":\"x\\ny\"}", "fields.a=\"x\\ny\"", true},
    {"{\"a\":\"x\\ny\"}", "fields.a:/x\\ny/", true},
    {"{\"a\":true,\"b\":null}", "fields.a=true", true},
    {"{\"a\":true,\"b\":null}", "fields.b=*", false},
    {"{\"a\":true,\"b\":null}", "fields.b=\"\"", true},
    {"@cee: {\"a\":-2.5e1}", "fields.a<-24", true},
};

static void test_fields(void **state)
{
    for (size_t i = 0; i < sizeof(field_cases) / sizeof(field_cases[0]); i++) {
        struct store_row row = fake_row(field_cases[i].message, 0);
        if (matches(field_cases[i].text, &row) != field_cases[i].matches)
            fail_msg("%s: %s", field_cases[i].text, field_cases[i].message);
    }
}

/* Where a token goes on beside a hit, another hit may still stand alone. */
static void test_tokens(void **state)
{
    static const struct {
        const char *message, *text;
        bool matches;
    } token_cases[] = {
        {"failures fail", "fail", true},
        {"failures refail fail_ fail9", "fail", false},
        {"failures refail", "fail*", true},
        {"failures refail", "*fail", true},
        {"failures", "*fail", false},
        {"fail\xc3\xa9", "fail", false},
        {"(fail)", "fail", true},
        {"fail", "fail", true},
        {"aaa aa", "aa", true},
        {"aaa", "aa", false},
        {"a=b", "\"=\"", true},
        {"a=b", "\"=b\"", true},
        {"a=bc", "\"=b\"", false},
        {"xab ab cd cde", "ab*cd", true},
        {"xab cd", "ab*cd", false},
        {"ab cde", "ab*cd", false},
        {"ab cde", "ab*cd*", true},
        {"ab ab", "ab*ab", true},
        {"ab", "ab*ab", false},
    };
    for (size_t i = 0; i < sizeof(token_cases) / sizeof(token_cases[0]); i++) {
        struct store_row row = fake_row(token_cases[i].message, 0);
        if (matches(token_cases[i].text, &row) != token_cases[i].matches)
            fail_msg("%s: %s", token_cases[i].text, token_cases[i].message);
    }
}

static bool has_token(const char *message, struct text wanted)
{
    struct token_walk walk = TOKEN_WALK_INIT(message, strlen(message));
    struct token token;
    while (token_next(&walk, &token))
        if (token.len == wanted.len && strncasecmp(token.data, wanted.data, wanted.len) == 0)
            return true;
    return false;
}

/* No block may be left out that has a match: each row that a value fits has all of its tokens. */
static void test_tokens_are_in_each_match(void **state)
{
    static const char *const pieces[] = {"a", "bb",     " ",  "10.0.0.1", ".",        "123456",
                                         "_", "=",      "a",  "B",        "\xc3\xa9", "x.y",
                                         "{", "\"a\":", "bb", "}",        ".7",       "x"};
    static const struct {
        const char *before, *behind;
    } texts[] = {
        {"", ""},           {"*", ""},          {"", "*"},
        {"*", "*"},         {"message=", ""},   {"message=", "*"},
        {"message=*", ""},  {"message:/", "/"}, {"/^", "/i"},
        {"/", "$/"},        {"/", "?/"},        {"/ ", "+ /"},
        {"\"", "\""},       {"fields.a=", ""},  {"fields.x.y:", "*"},
        {"message:a*", ""},
    };
    unsigned seed = 3, n_matches = 0, n_tokens = 0;
    for (int round = 0; round < 60000; round++) {
        char text[100], message[200] = "", part[50] = "";
        /* Mostly a part of the message is looked for. */
        unsigned n = 1 + (unsigned)rand_r(&seed) % 8, from = (unsigned)rand_r(&seed) % n;
        unsigned n_part = 1 + (unsigned)rand_r(&seed) % 3;
        for (unsigned i = 0; i < n; i++) {
            const char *piece = pieces[(size_t)rand_r(&seed) % 18];
            strcat(message, piece);
            if (i >= from && i < from + n_part && strchr(piece, '"') == NULL)
                strcat(part, piece);
        }
        size_t kind = (size_t)rand_r(&seed) % 16;
        snprintf(text, sizeof(text), "%s%s%s", texts[kind].before, part, texts[kind].behind);
        struct store_row row = fake_row(message, 0);
        struct query *query;
        struct query_error error;
        if (query_parse(text, &query, &error) < 0)
            continue;
        const struct node *node = query->root;
        if (node->kind == NODE_COMPARE && node_matches(node, &row)) {
            n_matches++;
            for (size_t i = 0; i < node->values[0].n_tokens; i++, n_tokens++)
                if (!has_token(message, node->values[0].tokens[i]))
                    fail_msg("%s matches \"%s\" without its token %.*s", text, message,
                             (int)node->values[0].tokens[i].len, node->values[0].tokens[i].data);
        }
        query_free(query);
    }
    assert_true(n_matches > 1000 && n_tokens > 500);
}

static void assert_tokens(const char *text, const char *expected)
{
    struct query *query = parse(text);
    char found[200] = "";
    for (size_t i = 0; i < query->root->values[0].n_tokens; i++)
        snprintf(found + strlen(found), sizeof(found) - strlen(found), "%.*s ",
                 (int)query->root->values[0].tokens[i].len, query->root->values[0].tokens[i].data);
    assert_string_equal(found, expected);
    query_free(query);
}

static void test_tokens_of_values(void **state)
{
    assert_tokens("Failed", "failed ");
    assert_tokens("\"Failed password\"", "failed password ");
    assert_tokens("failed*", "");
    assert_tokens("\"failed password\"*", "failed ");
    assert_tokens("\"from 10.0.0.1\"", "from 10.0.0.1 ");
    assert_tokens("\"from 10.0.0.1\"*", "from ");
    assert_tokens("\"port 22\"", "port ");
    assert_tokens("\"port 123456\"", "port 123456 ");
    assert_tokens("message=\"a b\"*", "a ");
    assert_tokens("message=a*b", "");
    assert_tokens("message=\"a b\"*\"c d\"", "a d ");
    assert_tokens("/ user (root|admin) x/", "user ");
    assert_tokens("/user root/", "");
    assert_tokens("/^user root$/", "user root ");
    assert_tokens("/a|b/", "");
    assert_tokens("fields.http.status>=500", "http status ");
    assert_tokens("fields.http.status=\"\"", "");
    assert_tokens("fields.a:/x*/", "");
    assert_tokens("host=web", "");
}

static void test_absent_pri(void **state)
{
    struct store_row row = {.severity = RECORD_NO_SEVERITY, .facility = RECORD_NO_FACILITY};
    assert_false(matches("severity>=emerg", &row));
    assert_false(matches("severity=*", &row));
    assert_true(matches("severity!=err", &row));
    assert_true(matches("not severity<=debug", &row));
    assert_false(matches("facility<=local7", &row));
}

static void test_damaged_sd(void **state)
{
    static const char *const texts[] = {
        "[x@1 a=\"1\"", "[x@1 a=\"1\\",   "x@1",     "[", "[]", "[x@1 a]",
        "[x@1 a=1]",    "[x@1 a=\"1\"][", "\xff\xfe"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct store_row row = {.sd = fake_text(texts[i])};
        matches("sd.x@1.a=1", &row);
        assert_false(matches("sd.x@1.a=2", &row));
    }
}

/* A value too long for the stack, with an escape. */
static void test_long_sd(void **state)
{
    size_t len = 70000;
    char *sd = malloc(len + 32), *end = stpcpy(sd, "[x@1 a=\"\\]");
    memset(end, 'a', len);
    strcpy(end + len, "z\"]");
    struct store_row row = {.sd = fake_text(sd)};
    assert_true(matches("sd.x@1.a=\"]\"*z", &row));
    assert_false(matches("sd.x@1.a=*\"\\\\\"*", &row));
    free(sd);
}

/* The fast search against the obvious one. */
static size_t find_slowly(const char *text, size_t len, const char *needle, size_t needle_len,
                          bool fold)
{
    for (size_t i = 0; i + needle_len <= len; i++) {
        size_t j = 0;
        while (j < needle_len) {
            unsigned char a = (unsigned char)text[i + j], b = (unsigned char)needle[j];
            if (fold && a >= 'A' && a <= 'Z')
                a |= 0x20;
            if (fold && b >= 'A' && b <= 'Z')
                b |= 0x20;
            if (a != b)
                break;
            j++;
        }
        if (j == needle_len)
            return i;
    }
    return SIZE_MAX;
}

static void test_search_agrees_with_the_obvious(void **state)
{
    static const char alphabet[] = "aAbB@`[{ \x00\xc1\xe1";
    struct query query = {0};
    unsigned seed = 1;
    for (int round = 0; round < 20000; round++) {
        char text[80], word[6];
        size_t len = (size_t)rand_r(&seed) % sizeof(text), word_len = 1 + (size_t)rand_r(&seed) % 5;
        bool fold = rand_r(&seed) % 2;
        for (size_t i = 0; i < len; i++)
            text[i] = alphabet[(size_t)rand_r(&seed) % 12];
        for (size_t i = 0; i < word_len; i++)
            word[i] = alphabet[(size_t)rand_r(&seed) % 12];
        struct pattern pattern;
        assert_int_equal(pattern_build(&query, word, NULL, word_len, fold, &pattern), 0);
        /* An exact copy, so that a byte too many is seen by the sanitizer. */
        char *copy = malloc(len + 1);
        memcpy(copy, text, len);
        char *exact = realloc(copy, len > 0 ? len : 1);
        assert_int_equal(needle_find(pattern.needles, exact, len),
                         find_slowly(text, len, word, word_len, fold));
        free(exact);
    }
    struct query *heap = calloc(1, sizeof(*heap));
    *heap = query;
    query_free(heap);
}

/* What the header says of a block must hold for each row of it. */
static void test_judgement_agrees_with_rows(void **state)
{
    static const char *const texts[] = {
        "severity<=3",
        "not severity<=3",
        "severity!=4",
        "severity=*",
        "facility in (kern,local7)",
        "facility!=kern",
        "time<2026-11-24T11:00:05Z",
        "not time<2026-11-24T11:00:05Z",
        "time!=2026-11-24T11:00:05Z",
        "time in (2026-11-24T11:00:05Z,2026-11-24T11:00:06Z)",
        "time<=2026-11-24T11:00:05Z",
        "not time<=2026-11-24T11:00:05Z",
        "time>2026-11-24T11:00:05Z",
        "not time>2026-11-24T11:00:05Z",
        "not time>=2026-11-24T11:00:05Z",
        "time=2026-11-24T11:00:05Z",
        "not id>10",
        "not id>=10",
        "id<=10",
        "not id<=a",
        "received>=2026-11-24T11:00:05Z",
        "id<10",
        "id>=1",
        "not id<10",
        "time=*",
        "severity<=3 or time<2026-11-24T11:00:05Z",
        "severity<=3 time>2026-11-24T11:00:03Z",
        "not (severity<=3 or host=web01)",
        "severity<=7 or x",
    };
    unsigned seed = 7;
    for (size_t t = 0; t < sizeof(texts) / sizeof(texts[0]); t++) {
        struct query *query = parse(texts[t]);
        for (int round = 0; round < 100; round++) {
            struct store_row rows[4];
            size_t n = 1 + (size_t)rand_r(&seed) % 4;
            for (size_t i = 0; i < n; i++) {
                rows[i] = fake_row("m", rand_r(&seed) % 10);
                rows[i].severity = rand_r(&seed) % 4 == 0 ? 255 : (uint8_t)(rand_r(&seed) % 8);
                rows[i].facility = rand_r(&seed) % 4 == 0 ? 255 : (uint8_t)(rand_r(&seed) % 24);
            }
            fake_reset();
            fake.next_id = 1 + (uint64_t)rand_r(&seed) % 30;
            fake_append(rows, n);
            struct store_reader *reader;
            struct store_block_info info;
            assert_int_equal(store_reader_open(&(struct store_reader_options){.path = ""}, &reader),
                             0);
            assert_int_equal(store_reader_next(reader, false, &info), 1);
            store_reader_close(reader);
            enum verdict verdict = node_judge(query->root, &info);
            for (size_t i = 0; i < n; i++) {
                bool hit = query_matches(query, &fake.blocks[0].rows[i]);
                if ((verdict == VERDICT_NEVER && hit) || (verdict == VERDICT_ALWAYS && !hit))
                    fail_msg("%s: judged %d, the row says %d", texts[t], verdict, hit);
            }
        }
        query_free(query);
    }
}

/* At the edges of a block that has times 3 to 5 and severities 2 and 6. */
static void test_judgement_is_tight(void **state)
{
    static const struct {
        const char *text;
        enum verdict verdict;
    } judged[] = {
        {"", VERDICT_ALWAYS},
        {"time<@3", VERDICT_NEVER},
        {"time<@4", VERDICT_MAYBE},
        {"time<@5", VERDICT_MAYBE},
        {"time<@6", VERDICT_ALWAYS},
        {"time<=@2", VERDICT_NEVER},
        {"time<=@3", VERDICT_MAYBE},
        {"time<=@5", VERDICT_ALWAYS},
        {"time>@5", VERDICT_NEVER},
        {"time>@4", VERDICT_MAYBE},
        {"time>@2", VERDICT_ALWAYS},
        {"time>=@6", VERDICT_NEVER},
        {"time>=@5", VERDICT_MAYBE},
        {"time>=@3", VERDICT_ALWAYS},
        {"time=@2", VERDICT_NEVER},
        {"time=@3", VERDICT_MAYBE},
        {"time!=@6", VERDICT_ALWAYS},
        {"time in (@1,@6)", VERDICT_NEVER},
        {"time in (@1,@4)", VERDICT_MAYBE},
        {"severity<2", VERDICT_NEVER},
        {"severity<=2", VERDICT_MAYBE},
        {"severity<=6", VERDICT_ALWAYS},
        {"severity in (2,6)", VERDICT_ALWAYS},
        {"severity=4", VERDICT_NEVER},
        {"not severity=4", VERDICT_ALWAYS},
        {"facility=kern", VERDICT_ALWAYS},
        {"host=a", VERDICT_MAYBE},
        {"host=a severity=4", VERDICT_NEVER},
        {"host=a or severity<=6", VERDICT_ALWAYS},
    };
    struct store_block_info info = {.first_id = 7,
                                    .n_rows = 2,
                                    .min_time_ns = 3000000000,
                                    .max_time_ns = 5000000000,
                                    .severities = 1u << 2 | 1u << 6,
                                    .facilities = 1};
    for (size_t i = 0; i < sizeof(judged) / sizeof(judged[0]); i++) {
        struct query *query = parse(judged[i].text);
        enum verdict verdict = node_judge(query->root, &info);
        if (verdict != judged[i].verdict)
            fail_msg("%s: %d instead of %d", judged[i].text, verdict, judged[i].verdict);
        query_free(query);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_tokens_are_in_each_match),
        cmocka_unit_test(test_tokens_of_values),
        cmocka_unit_test(test_absent_pri),
        cmocka_unit_test(test_damaged_sd),
        cmocka_unit_test(test_long_sd),
        cmocka_unit_test(test_search_agrees_with_the_obvious),
        cmocka_unit_test(test_judgement_agrees_with_rows),
        cmocka_unit_test(test_judgement_is_tight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
