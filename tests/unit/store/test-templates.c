/* SPDX-License-Identifier: MIT */

/*
 * Texts made to be hard on templates: all of them come back byte by byte, from a cold encoder and
 * from one that knows templates, and no token of theirs is missing in the filter
 * or in the columns of its template.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "store/block.h"
#include "store/encoder.h"
#include "store/token.h"

#define MAX_TEXT 5000

struct bench {
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    struct store_reader *reader;
    struct batch *batch;
};

static void bench_init(struct bench *bench)
{
    fixture_init(&bench->fixture);
    struct store_reader_options options = {bench->fixture.path, fixture_report, &bench->fixture};
    assert_int_equal(store_open(&bench->fixture.options, &bench->store), 0);
    assert_int_equal(store_encoder_new(bench->store, &bench->encoder), 0);
    assert_int_equal(store_reader_open(&options, &bench->reader), 0);
    assert_int_equal(store_reader_seek(bench->reader, UINT64_MAX), 0);
    bench->batch = NULL;
}

static void bench_deinit(struct bench *bench)
{
    store_reader_close(bench->reader);
    store_encoder_free(bench->encoder);
    store_close(bench->store);
    assert_int_equal(bench->fixture.n_reports, 0);
    fixture_deinit(&bench->fixture);
}

static void start_batch(struct bench *bench, uint32_t n_bytes, uint32_t n_rows)
{
    bench->batch = batch_make(n_bytes, n_rows);
}

/* A row whose columns are all of this text; `behind` is the byte that follows it in memory. */
static void add(struct bench *bench, const void *text, size_t len, char behind)
{
    struct batch *batch = bench->batch;
    struct peer peer = {0};
    uint32_t start = batch->used;
    struct record *record =
        batch_add_record(batch, start, 0, batch_add_peer(batch, &peer), T0_US + start);
    record->host = batch_put_text(batch, "h", 1);
    record->sd = record->procid = record->message = batch_put_text(batch, text, len);
    batch_put_text(batch, &behind, 1);
    record->line = (struct span){start, batch->used - start};
}

static void add_line(struct bench *bench, const char *text)
{
    add(bench, text, strlen(text), '\n');
}

static uint64_t hash_of(const struct token *token)
{
    return filter_hash(FILTER_TOKEN, token->data, token->len);
}

static void assert_filtered(const struct store_encoder *encoder, const char *text, size_t len)
{
    const struct section *section = &encoder->sections[0];
    const uint8_t *lines = encoder->out.data + HEAD_ROOM;
    struct token_walk walk = TOKEN_WALK_INIT(text, len);
    struct token token;
    if (section->id != SECTION_FILTER)
        return;
    assert_int_equal(section->codec, CODEC_PLAIN);
    while (token_next(&walk, &token))
        if (token_is_filtered(&token) &&
            !filter_may_hold(lines, section->raw_bytes, hash_of(&token)))
            fail_msg("%.*s of %.*s is not in the filter", (int)token.len, token.data, (int)len,
                     text);
}

/* Is the token, which is all of one, among those of a template's static text? 0xff is a slot. */
static bool is_static(const struct buffer *text, const struct token *token)
{
    struct token_walk walk = TOKEN_WALK_INIT((const char *)text->data, text->len);
    struct token found;
    while (token_next(&walk, &found))
        if (found.len == token->len && memcmp(found.data, token->data, token->len) == 0)
            return true;
    return false;
}

/* Every token with a digit of a message is in its template's static text, or found in its columns. */
static void assert_found(const struct text_rows *rows, uint32_t template, struct text message)
{
    struct token_walk walk = TOKEN_WALK_INIT(message.data, message.len);
    struct buffer text = {0};
    struct token token;
    bool has_words;
    assert_int_equal(text_rows_template(rows, template, (char)0xff, &text, &has_words), 0);
    while (token_next(&walk, &token)) {
        bool has_digit = false;
        for (size_t i = 0; i < token.len; i++)
            has_digit |= token_digit(token.data[i]);
        if (has_digit && !token.is_address && !is_static(&text, &token) &&
            !text_rows_may_hold(rows, template, token.data, token.len))
            fail_msg("%.*s of %.*s is not found", (int)token.len, token.data, (int)message.len,
                     message.data);
    }
    buffer_deinit(&text);
}

/* The block as it was encoded, read from a file of its own. */
static void assert_all_found(struct store_encoder *encoder)
{
    struct block_header header;
    struct store_row row;
    struct block block;
    size_t len = encoder->out.len - (size_t)(encoder_block(encoder) - encoder->out.data);
    int fd = memfd_create("block", MFD_CLOEXEC);
    assert_int_equal(write(fd, encoder_block(encoder), len), len);
    assert_int_equal(block_header_parse(encoder_block(encoder), len, &header), 0);
    assert_int_equal(block_init(&block), 0);
    assert_int_equal(block_open(&block, fd, 0, &header), 0);
    assert_int_equal(block_load(&block, STORE_MESSAGE), 0);
    for (uint32_t i = 0; i < header.info.n_rows; i++) {
        uint32_t template = block.text[TEXT_MESSAGE].index[block.position[i]];
        block_row(&block, i, &row);
        if (template > 0)
            assert_found(&block.text[TEXT_MESSAGE], template - 1, row.message);
    }
    block_deinit(&block);
    close(fd);
}

/* Encodes the batch as one block, compares, and drops it. Returns whether it has a filter. */
static bool check(struct bench *bench)
{
    struct batch *batch = bench->batch;
    struct store_block_info info;
    struct store_row row;
    assert_int_equal(store_encode(bench->encoder, &batch, 1), 0);
    bool has_filter = bench->encoder->sections[0].id == SECTION_FILTER;
    for (uint32_t i = 0; i < batch->n_records; i++) {
        struct span span = batch->records[i].message;
        assert_filtered(bench->encoder, batch->bytes + span.off, span.len);
    }
    assert_int_equal(store_append(bench->store, bench->encoder), 0);
    assert_all_found(bench->encoder);
    assert_int_equal(store_reader_next(bench->reader, false, &info), 1);
    assert_int_equal(store_reader_load(bench->reader, STORE_ALL), 0);
    assert_int_equal(info.n_rows, batch->n_records);
    for (uint32_t i = 0; i < batch->n_records; i++) {
        store_reader_row(bench->reader, i, &row);
        assert_row(&row, batch, &batch->records[i], bench->fixture.options.inputs[batch->input]);
    }
    bench->batch = batch_destroy(batch);
    return has_filter;
}

static const char *const hard[] = {
    "",
    "0",
    "00",
    "a0",
    "1.2.3.4",
    "1.2.3.4.5.6.7",
    "1.2.3.4.",
    ".1.2.3.4",
    "1.2.3.4x",
    "x1.2.3.4",
    "1.2.3.4.x",
    "1.2.3",
    "1..2.3.4",
    "01.2.3.4",
    "1.2.3.04",
    "1.2.3.00",
    "0.0.0.0",
    "255.255.255.255",
    "255.255.255.256",
    "1.2.3.256.4.5.6.7",
    "1111.2.3.4.5",
    "1.2.3.4444",
    "10.20.30.40:80 10.20.30.40/8 10.20.30.40-50",
    "from 10.20.30.40 to 1.2.3.4.5 by 6.7.8.9.10.11",
    "12345678901234567",
    "123456789012345678",
    "99999999999999999",
    "00000000000000001",
    "000000000000000001",
    "0000000",
    "0012345 12345 012345 123456",
    "1234567 12345678 123456789 1234567890123456 12345678901234567",
    "1234567812345678 1234567812345678",
    "ssh2 web01 web001 a1 af1 g1 xyz000123 beef1234",
    "ssh2x 2ssh 0x7fff a1b2c3d4 deadbeef00 DEADBEEF00",
    "_1 1_ __12__ 1_2",
    "\xc3\xa9t\xc3\xa9 \xc3\xa9 2 \xff\xff 1\xff",
    "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "2026-11-24T11:00:00.123456Z",
    "{\"id\":\"4f3a09\",\"n\":17,\"ip\":\"192.0.2.7\",\"t\":1795523573.25}",
    "a.1.b.2.c.3.d.4.e.5",
    "-1 +1 1e9 1.5 1,000,000 50%",
};
#define N_HARD (sizeof(hard) / sizeof(hard[0]))

/* Each alone in its block; then often enough to be a template, with other numbers in between. */
static void hard_texts(void **state)
{
    static const char behind[] = {'\n', '7', '.', 'x', '\0', '\xff'};
    struct bench bench;
    bench_init(&bench);
    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < N_HARD; i++)
            for (size_t b = 0; b < sizeof(behind); b++) {
                start_batch(&bench, 64 * 256, 64);
                for (unsigned n = 0; n < 40; n++)
                    add(&bench, hard[i], strlen(hard[i]), behind[b]);
                check(&bench);
            }
    for (unsigned round = 0; round < 3; round++) {
        start_batch(&bench, N_HARD * 20 * 256, N_HARD * 20);
        for (unsigned n = 0; n < 20; n++)
            for (size_t i = 0; i < N_HARD; i++)
                add(&bench, hard[i], strlen(hard[i]), behind[(n + i) % sizeof(behind)]);
        assert_true(check(&bench));
    }
    bench_deinit(&bench);
}

/* Pieces that end and begin within tokens, numbers and addresses, one behind the other. */
static size_t put_pieces(struct fixture *fixture, char *text, unsigned max_pieces)
{
    static const char *const pieces[] = {
        " ",
        ".",
        "0",
        "1",
        "00",
        "7",
        "255",
        "256",
        "a",
        "f",
        "g",
        "_",
        "-",
        ":",
        "x1",
        "ab",
        "\xc3\xa9",
        "12345",
        "123456",
        "1.2.3.4",
        "10.0.0.1",
        " user ",
        " took ",
        "ms",
        "=\"",
        "1234567890",
        "0123",
        "deadbeef",
        "a static piece of more than sixteen bytes ",
    };
    size_t len = 0;
    unsigned n = fixture_random(fixture, max_pieces);
    for (unsigned i = 0; i < n; i++) {
        const char *piece = pieces[fixture_random(fixture, sizeof(pieces) / sizeof(pieces[0]))];
        memcpy(text + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return len;
}

static void vary_digits(struct fixture *fixture, char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (token_digit(text[i]) && fixture_random(fixture, 2))
            text[i] = (char)('0' + fixture_random(fixture, 10));
}

/* A few made-up templates, many rows of each; the encoder meets them again and again. */
static void random_templates(void **state)
{
    struct bench bench;
    char text[64 * 48];
    bench_init(&bench);
    for (unsigned round = 0; round < 60; round++) {
        start_batch(&bench, 400 * sizeof(text), 400);
        while (bench.batch->n_records < 360) {
            uint64_t random = bench.fixture.random;
            size_t len = put_pieces(&bench.fixture, text, round % 3 ? 12 : 60);
            unsigned n = 1 + fixture_random(&bench.fixture, 40);
            for (unsigned i = 0; i < n; i++) {
                vary_digits(&bench.fixture, text, len);
                add(&bench, text, len, "\n7.x"[fixture_random(&bench.fixture, 4)]);
            }
            if (fixture_random(&bench.fixture, 3) == 0)
                bench.fixture.random = random * 2 + 1; /* another row of its kind, later */
        }
        check(&bench);
    }
    bench_deinit(&bench);
}

static void random_bytes(void **state)
{
    static const char alphabet[] = "01.9a g\xff";
    struct bench bench;
    char text[64];
    bench_init(&bench);
    for (unsigned round = 0; round < 60; round++) {
        start_batch(&bench, 2000 * 80, 2000);
        for (unsigned i = 0; i < 2000; i++) {
            size_t len = fixture_random(&bench.fixture, sizeof(text));
            for (size_t at = 0; at < len; at++)
                text[at] = round % 2 ? alphabet[fixture_random(&bench.fixture, 8)]
                                     : (char)fixture_random(&bench.fixture, 256);
            add(&bench, text, len, (char)fixture_random(&bench.fixture, 256));
        }
        check(&bench);
    }
    bench_deinit(&bench);
}

/* Around the longest text and the most slots that a template may have, and with a NUL. */
static void limits(void **state)
{
    static const size_t lens[] = {15, 16, 17, 31, 32, 33, 63, 64, 65, 4094, 4095, 4096, 4097, 4999};
    struct bench bench;
    char text[MAX_TEXT];
    bench_init(&bench);
    for (unsigned round = 0; round < 3; round++) {
        start_batch(&bench, 14 * 12 * 2 * MAX_TEXT, 14 * 24);
        for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
            for (unsigned n = 0; n < 8; n++) {
                memset(text, "a7 ."[n % 4], sizeof(text));
                text[lens[i] / 2] = (char)('0' + n);
                add(&bench, text, lens[i], '5');
                text[lens[i] - 1] = n < 4 ? '\0' : '9';
                add(&bench, text, lens[i], '.');
            }
        check(&bench);
    }
    for (unsigned round = 0; round < 3; round++) {
        start_batch(&bench, 1 << 20, 1000);
        for (unsigned n = 44; n < 54; n++)
            for (unsigned row = 0; row < 50; row++) {
                size_t len = 0;
                for (unsigned slot = 0; slot < n; slot++)
                    len += (size_t)sprintf(text + len, "%u ", row * slot);
                add(&bench, text, len, '\n');
            }
        check(&bench);
    }
    bench_deinit(&bench);
}

/* More templates, and more bytes of them, than an encoder keeps; each twice, so none is of use. */
static void many_templates(void **state)
{
    struct bench bench;
    char text[512];
    bench_init(&bench);
    for (unsigned round = 0; round < 4; round++) {
        start_batch(&bench, 8000 * 2 * 256, 16000);
        for (unsigned i = 0; i < 8000; i++)
            for (unsigned n = 0; n < 2; n++) {
                unsigned word = i * 2654435761u + (round & 1);
                size_t len = (size_t)sprintf(text, "%c%c%c%c%c%c said %u times %u.%u",
                                             'g' + word % 17, 'g' + word / 17 % 17,
                                             'g' + word / 289 % 17, 'g' + word / 4913 % 17,
                                             'g' + word / 83521 % 17, 'g' + i % 17, i, n, word);
                add(&bench, text, len, '\n');
            }
        check(&bench);
    }
    bench_deinit(&bench);
}

/* One node with every byte as a child, and labels that split at each of their bytes. */
static void wide_and_deep(void **state)
{
    struct bench bench;
    char text[512];
    bench_init(&bench);
    for (unsigned round = 0; round < 3; round++) {
        start_batch(&bench, 1 << 20, 4000);
        for (unsigned byte = 1; byte < 256; byte++)
            for (unsigned n = 0; n < 6; n++)
                add(&bench, text, (size_t)sprintf(text, "at %u %cend %u", n, (char)byte, n * byte),
                    '\n');
        for (unsigned cut = 0; cut < 100; cut++)
            for (unsigned n = 0; n < 6; n++) {
                memset(text, 'l', cut);
                add(&bench, text, cut + (size_t)sprintf(text + cut, " %u%c", n, 'k' + n % 2), '\n');
            }
        check(&bench);
    }
    bench_deinit(&bench);
}

/* What was static for blocks (and is so in a second template) begins to vary, and to be absent. */
static void learned_values_change(void **state)
{
    static const char *const versions[] = {"1.1", "2.0", "1.10", "01.1", "1.1.2.3", "x1.1", ""};
    struct bench bench;
    char text[128];
    bench_init(&bench);
    for (unsigned round = 0; round < 14; round++) {
        start_batch(&bench, 1 << 16, 400);
        for (unsigned i = 0; i < 300; i++) {
            const char *version = versions[round < 3 || i % 3 ? 0 : (i + round) % 7];
            add(&bench, text,
                (size_t)sprintf(text, "GET /%u HTTP/%s\" from 10.0.0.%u", i, version,
                                round % 2 ? 7 : i % 300),
                '\n');
        }
        add_line(&bench, "GET / HTTP/1.1\" from 10.0.0.7.8.9");
        assert_true(check(&bench));
    }
    bench_deinit(&bench);
}

/* token_address_value() reads sixteen bytes at once where there are so many: as it does not. */
static void addresses_at_the_end(void **state)
{
    struct fixture fixture = {.random = 0x9e3779b97f4a7c15};
    char text[64];
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t numbers[4], value = 0, expected = 0;
        bool is_address = true;
        size_t len = 0;
        for (unsigned n = 0; n < 4; n++) {
            unsigned kind = fixture_random(&fixture, 16);
            numbers[n] = fixture_random(&fixture, kind == 0 ? 1500 : kind < 6 ? 10 : 256);
            bool is_padded = fixture_random(&fixture, 24) == 0;
            len +=
                (size_t)sprintf(text + len, is_padded ? "%s0%u" : "%s%u", n ? "." : "", numbers[n]);
            is_address = is_address && numbers[n] <= 255 && !is_padded;
            expected = expected << 8 | (numbers[n] & 0xff);
        }
        size_t found = is_address ? len : 0;
        assert_int_equal(token_address_value(text, text + len, &value), found);
        assert_int_equal(is_address ? value : 0, is_address ? expected : 0);
        memcpy(text + len, ".9 and sixteen bytes more", 25);
        value = 0;
        assert_int_equal(token_address_value(text, text + len + 25, &value), found);
        assert_int_equal(is_address ? value : 0, is_address ? expected : 0);
        memcpy(text + len, "x and sixteen bytes more.", 25);
        assert_int_equal(token_address_value(text, text + len + 25, &value), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hard_texts),
        cmocka_unit_test(random_templates),
        cmocka_unit_test(random_bytes),
        cmocka_unit_test(limits),
        cmocka_unit_test(many_templates),
        cmocka_unit_test(wide_and_deep),
        cmocka_unit_test(learned_values_change),
        cmocka_unit_test(addresses_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
