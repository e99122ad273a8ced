/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "store/block.h"
#include "store/encoder.h"
#include "store/filter_builder.h"
#include "store/token.h"

#define N_ENTRIES 20000
#define N_ASKED   100000

static uint64_t hash_of(const char *token)
{
    return filter_hash(FILTER_TOKEN, token, strlen(token));
}

static void texts_are_hashed_folded(void **state)
{
    char lower[100], upper[100];
    for (size_t len = 1; len < sizeof(lower); len++) {
        for (size_t i = 0; i < len; i++) {
            lower[i] = (char)('a' + i % 26);
            upper[i] = (char)(i % 3 ? 'A' + i % 26 : 'a' + i % 26);
        }
        assert_int_equal(filter_hash(FILTER_TOKEN, lower, len),
                         filter_hash(FILTER_TOKEN, upper, len));
        assert_int_equal(filter_hash(FILTER_HOST, lower, len),
                         XXH3_64bits_withSeed(lower, len < 64 ? len : 64, FILTER_HOST));
    }
    /* Only letters have a case. */
    assert_int_not_equal(hash_of("a["), hash_of("a{"));
    assert_int_not_equal(hash_of("a@"), hash_of("a`"));
    assert_int_not_equal(hash_of("\xc3\x84"), hash_of("\xc3\xa4"));
    assert_int_not_equal(filter_hash(FILTER_PEER, "A", 1), filter_hash(FILTER_PEER, "a", 1));
    assert_int_not_equal(filter_hash(FILTER_HOST, "a", 1), filter_hash(FILTER_APP, "a", 1));
    assert_int_equal(filter_hash(FILTER_HOST, "", 0), XXH3_64bits_withSeed("", 0, FILTER_HOST));
}

static void numbers_and_addresses_are_hashed_by_value(void **state)
{
    assert_int_equal(hash_of("1234567"), filter_hash_number(1234567));
    assert_int_equal(hash_of("0"), filter_hash_number(0));
    assert_int_equal(hash_of("12345678901234567"), filter_hash_number(UINT64_C(12345678901234567)));
    assert_int_equal(hash_of("192.0.2.7"), filter_hash_address(0xc0000207));
    assert_int_equal(hash_of("0.0.0.0"), filter_hash_address(0));
    assert_int_not_equal(hash_of("0.0.0.0"), hash_of("0"));
    /* What has no such value is a text. */
    static const char *const texts[] = {"0001234567", "00", "123456789012345678", "12345a",
                                        "1.2.3.256"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(hash_of(texts[i]), XXH3_64bits_withSeed(texts[i], strlen(texts[i]), 0));
    /* Of other kinds everything is a text. */
    assert_int_equal(filter_hash(FILTER_HOST, "192.0.2.7", 9),
                     XXH3_64bits_withSeed("192.0.2.7", 9, FILTER_HOST));
}

static void sizes_are_whole_lines(void **state)
{
    assert_int_equal(filter_bytes(0), FILTER_LINE_BYTES);
    assert_int_equal(filter_bytes(1), FILTER_LINE_BYTES);
    assert_int_equal(filter_bytes(46), FILTER_LINE_BYTES);
    assert_int_equal(filter_bytes(47), 2 * FILTER_LINE_BYTES);
    assert_in_range(filter_bytes(N_ENTRIES), N_ENTRIES * FILTER_BITS / 8,
                    N_ENTRIES * FILTER_BITS / 8 + FILTER_LINE_BYTES);
}

static void what_was_added_is_there_and_little_else(void **state)
{
    char token[32];
    size_t n_bytes = filter_bytes(N_ENTRIES);
    uint8_t *lines = calloc(1, n_bytes);
    unsigned n_wrong = 0;
    for (unsigned i = 0; i < N_ENTRIES; i++) {
        snprintf(token, sizeof(token), i % 2 ? "user%u" : "%u", i + 100000);
        filter_add(lines, n_bytes, hash_of(token));
    }
    for (unsigned i = 0; i < N_ENTRIES; i++) {
        snprintf(token, sizeof(token), i % 2 ? "user%u" : "%u", i + 100000);
        assert_true(filter_may_hold(lines, n_bytes, hash_of(token)));
    }
    for (unsigned i = 0; i < N_ASKED; i++) {
        snprintf(token, sizeof(token), i % 2 ? "absent%u" : "%u", i + 200000);
        n_wrong += filter_may_hold(lines, n_bytes, hash_of(token));
    }
    assert_in_range(n_wrong, 1, N_ASKED / 50);
    assert_true(filter_may_hold(lines, 0, hash_of("absent")));
    free(lines);
}

static void equal_entries_are_counted_once(void **state)
{
    struct filter_builder builder = {0};
    struct buffer lines = {0};
    filter_builder_begin(&builder);
    assert_int_equal(filter_builder_reserve(&builder, 50000), 0);
    for (unsigned i = 0; i < 50000; i++)
        filter_builder_add(&builder, filter_hash_number(i % 1000));
    assert_int_equal(filter_builder_finish(&builder, &lines), 0);
    assert_in_range(lines.len, filter_bytes(950), filter_bytes(1050));
    for (unsigned i = 0; i < 1000; i++)
        assert_true(filter_may_hold(lines.data, lines.len, filter_hash_number(i)));
    buffer_deinit(&lines);
    filter_builder_deinit(&builder);
}

static void too_many_entries_make_no_filter(void **state)
{
    struct filter_builder builder = {0};
    struct buffer lines = {0};
    filter_builder_begin(&builder);
    assert_int_equal(filter_builder_reserve(&builder, 3), 0);
    filter_builder_add_text(&builder, "one two three", 13);
    assert_int_equal(filter_builder_finish(&builder, &lines), 0);
    assert_int_equal(lines.len, FILTER_LINE_BYTES);
    filter_builder_begin(&builder);
    assert_int_equal(filter_builder_reserve(&builder, 3), 0);
    filter_builder_add_text(&builder, "one two three four", 18);
    lines.len = 0;
    assert_int_equal(filter_builder_finish(&builder, &lines), 0);
    assert_int_equal(lines.len, 0);
    filter_builder_begin(&builder);
    assert_int_equal(filter_builder_reserve(&builder, 3), 0);
    assert_int_equal(filter_builder_finish(&builder, &lines), 0);
    assert_int_equal(lines.len, 0);
    buffer_deinit(&lines);
    filter_builder_deinit(&builder);
}

/* ---- the filter of whole blocks, whose tokens come by many ways */

#define N_ROWS 400

static size_t random_message(struct fixture *fixture, unsigned shape, char *out)
{
    uint32_t a = fixture_random(fixture, 400), b = fixture_random(fixture, 1000000);
    const char *word =
        (const char *[]){"GET", "Post", "x_1", "caf\xc3\xa9"}[fixture_random(fixture, 4)];
    switch (shape) {
    case 0:
        return (size_t)sprintf(out, "from 10.%u.3.4 port %u ssh2 took %u.%u", a, b, a, b);
    case 1:
        return (size_t)sprintf(out, "chain %u.2.3.%u.5.%u end %s", a, b % 256, a, word);
    case 2:
        return (size_t)sprintf(out, "%s id=%08x user%u web%02u %06u", word, b * 4099, a, a % 7, b);
    case 3:
        return (size_t)sprintf(out, "[%s] %u%u%u/%s99 abc%udef", word, b, b, b, word, a);
    case 4:
        return (size_t)sprintf(out, "HTTP/1.1 %u %s v1.2.%u", a, word, a);
    default:
        return (size_t)sprintf(out, "nul %c %s %u", '\0', word, b);
    }
}

static struct batch *make_messages(struct fixture *fixture)
{
    char text[256];
    struct batch *batch = batch_of_lines(0, N_ROWS, T0_US);
    struct batch *messages = batch_make(N_ROWS * 300, N_ROWS);
    for (uint32_t i = 0; i < N_ROWS; i++) {
        struct record *record = batch_add_record(messages, messages->used, 0,
                                                 batch_add_peer(messages, &batch->peers[0]), T0_US);
        record->message = batch_put_text(messages, text,
                                         random_message(fixture, fixture_random(fixture, 6), text));
        record->line = record->message;
        record->time_ns = T0_US * 1000;
    }
    batch_destroy(batch);
    return messages;
}

/* Every token of every message, and the names, or it fails. */
static void assert_knows(const uint8_t *lines, size_t n_bytes, const struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n_records; i++) {
        struct span span = batch->records[i].message;
        struct token_walk walk = TOKEN_WALK_INIT(batch->bytes + span.off, span.len);
        struct token token;
        while (token_next(&walk, &token))
            if (token_is_filtered(&token) &&
                !filter_may_hold(lines, n_bytes, filter_hash(FILTER_TOKEN, token.data, token.len)))
                fail_msg("no `%.*s` of `%.*s`", (int)token.len, token.data, (int)span.len,
                         batch->bytes + span.off);
    }
    assert_true(filter_may_hold(lines, n_bytes, filter_hash(FILTER_HOST, "", 0)));
    assert_true(
        filter_may_hold(lines, n_bytes, filter_hash(FILTER_PEER, batch->peers[0].address, 16)));
}

static unsigned count_wrong(struct fixture *fixture, const uint8_t *lines, size_t n_bytes,
                            unsigned n)
{
    unsigned n_wrong = 0;
    for (unsigned i = 0; i < n; i++) {
        char token[32];
        int len = sprintf(token, "absent%x", fixture_random(fixture, UINT32_MAX));
        n_wrong += filter_may_hold(lines, n_bytes, filter_hash(FILTER_TOKEN, token, (size_t)len));
    }
    return n_wrong;
}

/* A warm encoder knows templates from the blocks before, and takes other ways through the code. */
static void blocks_know_all_their_tokens(void **state)
{
    struct fixture fixture;
    struct store_encoder *encoder;
    unsigned n_wrong = 0, n_rounds = 30, n_asked = 2000;
    fixture_init(&fixture);
    assert_int_equal(encoder_new(&fixture.options, &encoder), 0);
    for (unsigned round = 0; round < n_rounds; round++) {
        struct batch *batch = make_messages(&fixture);
        assert_int_equal(store_encode(encoder, &batch, 1), 0);
        const uint8_t *block = encoder_block(encoder);
        struct section section;
        assert_int_equal(
            sections_parse(block + BLOCK_HEADER_BYTES, 1,
                           BLOCK_HEADER_BYTES + encoder->n_sections * (uint64_t)SECTION_BYTES,
                           MAX_BLOCK_BYTES, &section),
            0);
        assert_int_equal(section.id, SECTION_FILTER);
        assert_int_equal(section.codec, CODEC_PLAIN);
        assert_knows(block + section.at, section.stored_bytes, batch);
        n_wrong += count_wrong(&fixture, block + section.at, section.stored_bytes, n_asked);
        batch_destroy(batch);
    }
    assert_in_range(n_wrong, 1, n_rounds * n_asked / 50);
    store_encoder_free(encoder);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_hashed_folded),
        cmocka_unit_test(numbers_and_addresses_are_hashed_by_value),
        cmocka_unit_test(sizes_are_whole_lines),
        cmocka_unit_test(what_was_added_is_there_and_little_else),
        cmocka_unit_test(equal_entries_are_counted_once),
        cmocka_unit_test(too_many_entries_make_no_filter),
        cmocka_unit_test(blocks_know_all_their_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
