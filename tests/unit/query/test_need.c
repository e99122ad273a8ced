/* SPDX-License-Identifier: MIT */
#include "engine_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/need.h"
#include "store/token.h"

static void assert_needs(const char *text, const char *expected)
{
    struct query *query = parse(text);
    char printed[512] = "";
    FILE *out = fmemopen(printed, sizeof(printed), "w");
    need_print(query->need, out);
    fclose(out);
    if (strcmp(printed, expected) != 0)
        fail_msg("%s: needs %s, not %s", text, printed, expected);
    query_free(query);
}

#define NOTHING "nothing that a filter knows"

static void test_derived(void **state)
{
    assert_needs("", NOTHING);
    assert_needs("host=web01", "host web01");
    assert_needs("host:WEB01", "host web01");
    assert_needs("host=web*", NOTHING);
    assert_needs("host=*", NOTHING);
    assert_needs("host=\"\"", NOTHING);
    assert_needs("host!=web01", NOTHING);
    assert_needs("not host=web01", NOTHING);
    assert_needs("host=web01 app=sshd", "host web01 AND app sshd");
    assert_needs("host=web01 or app=sshd", "host web01 OR app sshd");
    assert_needs("host=web01 or severity=err", NOTHING);
    assert_needs("host=web01 severity=err", "host web01");
    assert_needs("app in (a, b)", "app a OR app b");
    assert_needs("app in (a, b*)", NOTHING);
    assert_needs("app not in (a, b)", NOTHING);
    assert_needs("(host=a or host=b) app=c", "(host a OR host b) AND app c");
    assert_needs("host=a not app=c (severity=err or app=d)", "host a");
    assert_needs("geo.country=DE", "country de");
    assert_needs("geo.country in (DE, FR)", "country de OR country fr");
    assert_needs("peer=192.0.2.7", "peer 192.0.2.7");
    assert_needs("peer=2001:db8::1", "peer 2001:db8::1");
    assert_needs("peer=192.0.2.0/24", NOTHING);
    assert_needs("geo.ip=192.0.2.7", NOTHING);
    assert_needs("procid=1 msgid=host", NOTHING);
}

/* A value's tokens are all needed. */
static void test_tokens(void **state)
{
    struct query *query = parse("host=a");
    struct text tokens[] = {{"failed", 6}, {"password", 8}, {"192.0.2.7", 9}};
    struct value value = {.tokens = tokens, .n_tokens = 3};
    struct field message = {.name = "message", .type = FIELD_TEXT, .column = STORE_MESSAGE};
    struct node node = {
        .kind = NODE_COMPARE, .field = &message, .op = CMP_MATCH, .values = &value, .n_values = 1};
    struct need *need;
    uint8_t lines[FILTER_LINE_BYTES * 4] = {0};
    assert_int_equal(need_derive(query, &node, &need), 0);
    assert_int_equal(need->kind, NEED_ALL);
    for (size_t i = 0; i < 3; i++) {
        assert_false(need_may_hold(need, lines, sizeof(lines)));
        filter_add(lines, sizeof(lines), filter_hash(FILTER_TOKEN, tokens[i].data, tokens[i].len));
    }
    assert_true(need_may_hold(need, lines, sizeof(lines)));
    assert_true(need_may_hold(need, lines, 0));
    node.op = CMP_NE;
    assert_int_equal(need_derive(query, &node, &need), 0);
    assert_null(need);
    query_free(query);
}

static void add(uint8_t *lines, size_t n_bytes, enum filter_kind kind, const void *data, size_t len)
{
    filter_add(lines, n_bytes, filter_hash(kind, data, len));
}

/* What a block of this one row has in its filter. */
static void add_row(uint8_t *lines, size_t n_bytes, const struct store_row *row)
{
    struct token_walk walk = TOKEN_WALK_INIT(row->message.data, row->message.len);
    struct token token;
    while (row->message.len > 0 && token_next(&walk, &token))
        if (token_is_filtered(&token))
            add(lines, n_bytes, FILTER_TOKEN, token.data, token.len);
    if (row->host.len > 0)
        add(lines, n_bytes, FILTER_HOST, row->host.data, row->host.len);
    if (row->app.len > 0)
        add(lines, n_bytes, FILTER_APP, row->app.data, row->app.len);
    if (row->has_place && row->place.country[0] != '\0')
        add(lines, n_bytes, FILTER_COUNTRY, row->place.country, 2);
    if (row->peer.family != 0)
        add(lines, n_bytes, FILTER_PEER, row->peer.address, 16);
}

/* No row that matches is ever pruned, and most of those that do not are. */
static void test_sound(void **state)
{
    struct fixture fixture;
    unsigned n_pruned = 0;
    fixture_init(&fixture);
    make_store(&fixture, &(struct store_shape){1, 4, 100, true, 0});
    struct query *all = parse("");
    struct query_options options = {.since_ns = INT64_MIN, .until_ns = INT64_MAX};
    struct pack *rows = naive_run(&fixture, all, &options);
    assert_true(rows->n_rows > 0);
    for (unsigned i = 0; i < 2000; i++) {
        char text[EXPRESSION_BYTES];
        random_expression(&fixture, fixture_random(&fixture, 3), text);
        struct query *query = parse(text);
        for (size_t row = 0; row < rows->n_rows; row++) {
            uint8_t lines[FILTER_LINE_BYTES * 2] = {0};
            add_row(lines, sizeof(lines), &rows->rows[row]);
            bool may_hold = need_may_hold(query->need, lines, sizeof(lines));
            if (!may_hold && query_matches(query, &rows->rows[row]))
                fail_msg("%s: would be pruned though it matches: %.*s", text,
                         (int)rows->rows[row].message.len, rows->rows[row].message.data);
            n_pruned += !may_hold;
        }
        query_free(query);
    }
    assert_true(n_pruned > 0);
    pack_free(rows);
    query_free(all);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_derived),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
