/* SPDX-License-Identifier: MIT */
#include "engine_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const words[] = {
    "failed",    "password", "for",      "root",   "from",  "192.0.2.7",    "192.0.2.70", "port",
    "123456789", "22",       "session",  "opened", "user=", "ssh2",         "10.1.2.3.4", "no",
    "route",     "to",       "Accepted", "x",      "a_b-c", "na\xc3\xafve", "=",          "",
};
#define N_WORDS (sizeof(words) / sizeof(words[0]))

static struct span put_message(struct fixture *fixture, struct batch *batch)
{
    char text[512];
    size_t len = 0;
    for (unsigned n = fixture_random(fixture, 8); n > 0; n--) {
        const char *word = words[fixture_random(fixture, N_WORDS)];
        size_t word_len = strlen(word);
        memcpy(text + len, word, word_len);
        for (size_t i = 0; i < word_len && fixture_random(fixture, 5) == 0; i++)
            if (text[len + i] >= 'a' && text[len + i] <= 'z')
                text[len + i] -= 0x20;
        len += word_len;
        if (fixture_random(fixture, 4) > 0)
            text[len++] = " .:"[fixture_random(fixture, 3)];
    }
    return batch_put_text(batch, text, len);
}

static struct span put_name(struct fixture *fixture, struct batch *batch, const char *prefix,
                            unsigned n)
{
    char text[32];
    unsigned which = fixture_random(fixture, n);
    return which == 0 ? (struct span){0, 0}
                      : batch_put_text(batch, text, (size_t)sprintf(text, "%s%u", prefix, which));
}

static uint16_t put_place(struct fixture *fixture, struct batch *batch)
{
    static const char countries[] = "DEFRUSGB";
    uint32_t which = fixture_random(fixture, 6);
    if (which == 5)
        return 0;
    struct place *place = &batch->places[batch->n_places++];
    *place = (struct place){.city = {"Berlin", 6}, .asn = which};
    if (which < 4)
        memcpy(place->country, countries + 2 * which, 2);
    return (uint16_t)batch->n_places;
}

struct batch *random_batch(struct fixture *fixture, uint32_t n, int64_t received_us,
                           int64_t skew_ns)
{
    struct batch *batch = batch_make(n * 600 + 1, n);
    batch->input = (uint16_t)fixture_random(fixture, 3);
    for (uint32_t i = 0; i < n; i++) {
        struct peer peer = {.family = 4, .port = 514, .address = {[10] = 0xff, [11] = 0xff, 192}};
        peer.address[15] = (uint8_t)fixture_random(fixture, 4);
        uint32_t start = batch->used;
        received_us += fixture_random(fixture, 3) * 1000000;
        struct record *record =
            batch_add_record(batch, start, 0, batch_add_peer(batch, &peer), received_us);
        record->host = put_name(fixture, batch, "h", 6);
        record->app = put_name(fixture, batch, "app", 4);
        record->procid = put_name(fixture, batch, "", 9);
        record->message = put_message(fixture, batch);
        record->line = (struct span){start, batch->used - start};
        record->place = put_place(fixture, batch);
        record->geo_from = record->place ? RECORD_GEO_PEER : RECORD_GEO_NONE;
        record->time_ns = received_us * 1000;
        if (skew_ns > 0)
            record->time_ns += fixture_random(fixture, 2000) * (skew_ns / 1000) - skew_ns;
        record->time_ns -= record->time_ns % 1000000000;
        record->severity =
            fixture_random(fixture, 9) ? (uint8_t)fixture_random(fixture, 8) : RECORD_NO_SEVERITY;
        record->facility = (uint8_t)fixture_random(fixture, 24);
        record->format = RECORD_RFC5424;
    }
    return batch;
}

void make_store(struct fixture *fixture, const struct store_shape *shape)
{
    struct store *store;
    struct store_encoder *encoder;
    int64_t received_us = T0_US;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    for (unsigned file = 0; file < shape->n_files; file++) {
        for (unsigned i = fixture_random(fixture, shape->n_blocks) + 1; i > 0; i--) {
            uint32_t n = fixture_random(fixture, shape->n_rows) + 1;
            struct batch *batch = random_batch(fixture, n, received_us, shape->skew_ns);
            append_batch(store, encoder, batch);
            received_us = batch->records[n - 1].received_us;
            batch_destroy(batch);
        }
        if (!shape->is_open || file + 1 < shape->n_files)
            assert_int_equal(store_seal(store), 0);
    }
    store_encoder_free(encoder);
    store_close(store);
}

static void random_term(struct fixture *fixture, char *text)
{
    static const char *const severities[] = {"emerg", "crit", "err", "warning", "info", "debug"};
    static const char *const compares[] = {"=", "!=", "<=", ">", "<", ">="};
    static const char *const countries[] = {"DE", "fr", "US", "*", "XX"};
    const char *word = words[fixture_random(fixture, N_WORDS - 1)];
    const char *other = words[fixture_random(fixture, N_WORDS - 1)];
    unsigned n = fixture_random(fixture, 7);
    switch (fixture_random(fixture, 12)) {
    case 0:
        sprintf(text, "host=h%u", n);
        break;
    case 1:
        sprintf(text, "host:H%u*", n);
        break;
    case 2:
        sprintf(text, "app in (app%u, app%u)", n, fixture_random(fixture, 4));
        break;
    case 3:
        sprintf(text, "severity%s%s", compares[fixture_random(fixture, 6)],
                severities[fixture_random(fixture, 6)]);
        break;
    case 4:
        sprintf(text, "geo.country%s%s", compares[fixture_random(fixture, 2)],
                countries[fixture_random(fixture, 5)]);
        break;
    case 5:
        sprintf(text, "peer=192.0.0.%u", n);
        break;
    case 6:
        sprintf(text, "time%s2026-11-24T11:%02u:00Z", compares[fixture_random(fixture, 6)],
                fixture_random(fixture, 60));
        break;
    case 7:
        sprintf(text, "\"%s %s\"", word, other);
        break;
    case 8:
        sprintf(text, "message:\"%s\"*", word);
        break;
    case 9:
        sprintf(text, "*\"%s\"*", word);
        break;
    case 10:
        sprintf(text, "received>=2026-11-24T11:%02u:00Z", fixture_random(fixture, 60));
        break;
    default:
        sprintf(text, "\"%s\"", word);
        break;
    }
}

void random_expression(struct fixture *fixture, unsigned depth, char *ret_text)
{
    *ret_text = '\0';
    if (depth == 0 || fixture_random(fixture, 4) == 0) {
        random_term(fixture, ret_text);
        return;
    }
    if (fixture_random(fixture, 5) == 0) {
        strcpy(ret_text, "not ");
        random_expression(fixture, depth - 1, ret_text + 4);
        return;
    }
    const char *between = fixture_random(fixture, 2) ? " or " : " and ";
    strcat(ret_text, "(");
    for (unsigned n = fixture_random(fixture, 3) + 1; n > 0; n--) {
        random_expression(fixture, depth - 1, ret_text + strlen(ret_text));
        strcat(ret_text, n > 1 ? between : ")");
    }
}

struct query *parse(const char *text)
{
    struct query *query;
    struct query_error error;
    int r = query_parse(text, &query, &error);
    if (r == -EINVAL)
        fail_msg("%s: at %zu: %s", text, error.at, error.message);
    assert_int_equal(r, 0);
    return query;
}

struct store_reader *open_reader(struct fixture *fixture)
{
    struct store_reader_options options = {fixture->path, fixture_report, fixture};
    struct store_reader *reader;
    assert_int_equal(store_reader_open(&options, &reader), 0);
    return reader;
}

static int by_time(const void *a, const void *b)
{
    const struct store_row *left = a, *right = b;
    if (left->time_ns != right->time_ns)
        return left->time_ns < right->time_ns ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

static bool is_wanted(const struct store_row *row, const struct query_options *options)
{
    return row->id > options->after_id && row->time_ns >= options->since_ns &&
           (options->until_ns == INT64_MAX || row->time_ns < options->until_ns);
}

struct pack *naive_run(struct fixture *fixture, const struct query *query,
                       const struct query_options *options)
{
    struct store_reader *reader = open_reader(fixture);
    struct store_block_info info;
    struct pack *pack;
    assert_int_equal(pack_new(1, &pack), 0);
    while (store_reader_next(reader, false, &info) == 1) {
        if (store_reader_load(reader, STORE_ALL) == -EBADMSG)
            continue;
        for (uint32_t i = 0; i < info.n_rows; i++) {
            struct store_row row;
            store_reader_row(reader, i, &row);
            if (is_wanted(&row, options) && query_matches(query, &row))
                assert_int_equal(pack_add(pack, &row), 0);
        }
    }
    store_reader_close(reader);
    qsort(pack->rows, pack->n_rows, sizeof(*pack->rows), by_time);
    return pack;
}

int collect_id(void *arg, const struct store_row *row)
{
    struct ids *ids = arg;
    if (ids->n == ids->capacity) {
        ids->capacity = ids->capacity * 2 + 64;
        ids->ids = realloc(ids->ids, ids->capacity * sizeof(*ids->ids));
        assert_non_null(ids->ids);
    }
    ids->ids[ids->n++] = row->id;
    return 0;
}
