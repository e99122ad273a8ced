/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "store/refill.h"

static void assert_same_text(struct text a, struct text b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.data, b.data, a.len);
}

static void assert_same_row(const struct store_row *a, const struct store_row *b)
{
    assert_int_equal(a->time_ns, b->time_ns);
    assert_int_equal(a->received_us, b->received_us);
    assert_int_equal(a->time_digits, b->time_digits);
    assert_int_equal(a->flags, b->flags);
    assert_int_equal(a->format, b->format);
    assert_int_equal(a->facility, b->facility);
    assert_int_equal(a->severity, b->severity);
    assert_same_text(a->host, b->host);
    assert_same_text(a->app, b->app);
    assert_same_text(a->procid, b->procid);
    assert_same_text(a->msgid, b->msgid);
    assert_same_text(a->sd, b->sd);
    assert_same_text(a->message, b->message);
    assert_same_text(a->input, b->input);
    assert_memory_equal(a->peer.address, b->peer.address, 16);
    assert_int_equal(a->peer.port, b->peer.port);
    assert_int_equal(a->peer.family, b->peer.family);
    assert_int_equal(a->has_place, b->has_place);
    assert_memory_equal(a->geo_ip, b->geo_ip, 16);
    if (!a->has_place)
        return;
    assert_same_text(a->place.city, b->place.city);
    assert_same_text(a->place.region, b->place.region);
    assert_same_text(a->place.org, b->place.org);
    assert_memory_equal(a->place.country, b->place.country, 2);
    assert_int_equal(a->place.asn, b->place.asn);
    assert_int_equal(a->place.has_location, b->place.has_location);
    assert_memory_equal(&a->place.lat, &b->place.lat, sizeof(double));
    assert_memory_equal(&a->place.lon, &b->place.lon, sizeof(double));
}

/* A reader that goes from row to row. */
struct walk {
    struct store_reader *reader;
    struct store_block_info info;
    uint32_t at;
};

static void walk_open(struct walk *walk, struct fixture *fixture)
{
    struct store_reader_options options = {fixture->path, fixture_report, fixture};
    *walk = (struct walk){0};
    assert_int_equal(store_reader_open(&options, &walk->reader), 0);
}

static bool walk_next(struct walk *walk, struct store_row *ret_row)
{
    if (walk->at == walk->info.n_rows) {
        walk->at = 0;
        int r = store_reader_next(walk->reader, false, &walk->info);
        assert_true(r >= 0);
        if (r == 0)
            return false;
        assert_int_equal(store_reader_load(walk->reader, STORE_ALL), 0);
    }
    store_reader_row(walk->reader, walk->at++, ret_row);
    return true;
}

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

static void assert_same_stores(struct fixture *a, struct fixture *b, size_t n_rows)
{
    struct walk left, right;
    struct store_row row, other;
    walk_open(&left, a);
    walk_open(&right, b);
    for (size_t i = 0; i < n_rows; i++) {
        assert_true(walk_next(&left, &row));
        assert_true(walk_next(&right, &other));
        assert_same_row(&row, &other);
    }
    assert_false(walk_next(&left, &row));
    assert_false(walk_next(&right, &other));
    store_reader_close(left.reader);
    store_reader_close(right.reader);
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
