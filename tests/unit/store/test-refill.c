/* SPDX-License-Identifier: MIT */
#include "fixture.h"
#include "rows.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "store/refill.h"

static uint16_t input_of(const struct fixture *fixture, struct text name)
{
    for (uint16_t i = 0; i < fixture->options.n_inputs; i++)
        if (strlen(fixture->options.inputs[i]) == name.len &&
            memcmp(fixture->options.inputs[i], name.data, name.len) == 0)
            return i;
    fail();
    return 0;
}

static void flush(struct store *store, struct store_encoder *encoder, struct refill *refill)
{
    struct batch *const *batches;
    size_t n;
    assert_int_equal(refill_batches(refill, &batches, &n), 0);
    assert_int_equal(store_encode(encoder, batches, n), 0);
    assert_int_equal(store_append(store, encoder), 0);
    refill_clear(refill);
}

/* All rows of one store into another, through a refill of this size. */
static void copy_store(struct fixture *from, struct fixture *to, size_t n_records, size_t n_bytes)
{
    struct store *store;
    struct store_encoder *encoder;
    struct refill *refill;
    struct walk walk;
    struct store_row row;
    assert_int_equal(store_open(&to->options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    assert_int_equal(refill_new(n_records, n_bytes, &refill), 0);
    walk_open(&walk, from);
    while (walk_next(&walk, &row)) {
        int r = refill_add(refill, &row, input_of(from, row.input));
        if (r == -ENOSPC) {
            flush(store, encoder, refill);
            r = refill_add(refill, &row, input_of(from, row.input));
        }
        assert_int_equal(r, 0);
    }
    flush(store, encoder, refill);
    store_reader_close(walk.reader);
    refill_free(refill);
    store_encoder_free(encoder);
    store_close(store);
}

static void rows_come_back(size_t n_records, size_t n_bytes)
{
    struct fixture from, to;
    struct store *store;
    struct store_encoder *encoder;
    struct batch *batches[5];
    fixture_init(&from);
    fixture_init(&to);
    assert_int_equal(store_open(&from.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned round = 0; round < 12; round++) { /* blocks of several inputs */
        for (size_t i = 0; i < 5; i++)
            batches[i] = batch_of_oddities(&from, 100);
        assert_int_equal(store_encode(encoder, batches, 5), 0);
        assert_int_equal(store_append(store, encoder), 0);
        for (size_t i = 0; i < 5; i++)
            batch_destroy(batches[i]);
    }
    store_encoder_free(encoder);
    store_close(store);
    copy_store(&from, &to, n_records, n_bytes);
    assert_same_stores(&from, &to, 6000);
    fixture_deinit(&from);
    fixture_deinit(&to);
}

static void in_one_piece(void **state)
{
    rows_come_back(STORE_MAX_ROWS, 8 << 20);
}

static void in_many_pieces(void **state)
{
    rows_come_back(37, 1 << 20);
    rows_come_back(STORE_MAX_ROWS, 3000);
}

static void one_by_one(void **state)
{
    rows_come_back(1, 0); /* each makes it grow, if it is longer than all before */
}

/* Addresses written in ways that nobody prints them in, at the ends, and next to what looks like them. */
static void addresses_in_messages(void **state)
{
    static const struct {
        const char *message, *address;
    } cases[] = {
        {"192.0.2.7", "::ffff:192.0.2.7"},
        {"from 11.2.3.45 and 1.2.3.4", "::ffff:1.2.3.4"},
        {"[2001:db8::17]:514", "2001:db8::17"},
        {"2001:DB8:0:0:0:0:0:17 refused", "2001:db8::17"},
        {"x::ffff:192.0.2.7", "::ffff:192.0.2.7"},
        {"dead:beef 10.0.0.1:2001:db8:0::17.", "2001:db8::17"},
        {"::", "::1"},
        {"nothing like it", "2001:db8::17"},
        {"", "::ffff:192.0.2.7"},
    };
    const size_t n_found = 6;
    struct refill *refill;
    assert_int_equal(refill_new(1, 100, &refill), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct store_row row = {
            .message = {cases[i].message, (uint32_t)strlen(cases[i].message)},
            .has_place = true,
        };
        uint8_t parsed[16];
        char text[64] = {0};
        assert_int_equal(inet_pton(AF_INET6, cases[i].address, row.geo_ip), 1);
        assert_int_equal(refill_add(refill, &row, 0), 0);
        const struct record *record = &refill_batch(refill)->records[0];
        assert_int_equal(record->geo_from, i < n_found ? RECORD_GEO_MESSAGE : RECORD_GEO_NONE);
        if (i < n_found) {
            assert_true(record->geo_off + record->geo_len <= row.message.len);
            memcpy(text, row.message.data + record->geo_off, record->geo_len);
            if (inet_pton(AF_INET6, text, parsed) != 1) {
                memcpy(parsed, row.geo_ip, 12);
                assert_int_equal(inet_pton(AF_INET, text, parsed + 12), 1);
            }
            assert_memory_equal(parsed, row.geo_ip, 16);
        }
        refill_clear(refill);
    }
    refill_free(refill);
}

static void empty(void **state)
{
    struct refill *refill;
    struct batch *const *batches;
    size_t n = 1;
    assert_int_equal(refill_new(0, 0, &refill), 0);
    assert_int_equal(refill_batch(refill)->n_records, 0);
    assert_int_equal(refill_batches(refill, &batches, &n), 0);
    assert_int_equal(n, 0);
    assert_int_equal(refill_add(refill, &(struct store_row){0}, 0), -ENOSPC);
    refill_free(refill);
    refill_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_one_piece), cmocka_unit_test(in_many_pieces),
        cmocka_unit_test(one_by_one),   cmocka_unit_test(addresses_in_messages),
        cmocka_unit_test(empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
