/* SPDX-License-Identifier: MIT */
#include "rows.h"

#include <stdbool.h>
#include <string.h>

static void assert_same_text(struct text a, struct text b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.data, b.data, a.len);
}

void assert_same_row(const struct store_row *a, const struct store_row *b)
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

void walk_open(struct walk *walk, struct fixture *fixture)
{
    struct store_reader_options options = {fixture->path, fixture_report, fixture};
    *walk = (struct walk){0};
    assert_int_equal(store_reader_open(&options, &walk->reader), 0);
}

bool walk_next(struct walk *walk, struct store_row *ret_row)
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

void assert_same_stores(struct fixture *a, struct fixture *b, size_t n_rows)
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
