/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const inputs[] = {"network", "local", "tls"};

void fixture_report(void *arg, int priority, const char *message)
{
    struct fixture *fixture = arg;
    __atomic_fetch_add(&fixture->n_reports, 1, __ATOMIC_RELAXED);
    (void)priority;
    if (getenv("STORE_TEST_VERBOSE"))
        fprintf(stderr, "<%d>%s\n", priority, message);
}

void fixture_init(struct fixture *fixture)
{
    *fixture = (struct fixture){.path = "/tmp/logboom-store-XXXXXX", .random = 0x9e3779b97f4a7c15};
    assert_non_null(mkdtemp(fixture->path));
    fixture->options = STORE_OPTIONS_DEFAULT;
    fixture->options.path = fixture->path;
    fixture->options.inputs = inputs;
    fixture->options.n_inputs = 3;
    fixture->options.sync = STORE_SYNC_NONE;
    fixture->options.merge_bytes = 0; /* blocks stay as tests made them */
    fixture->options.report = fixture_report;
    fixture->options.arg = fixture;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    return remove(path);
}

void fixture_deinit(struct fixture *fixture)
{
    nftw(fixture->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

uint32_t fixture_random(struct fixture *fixture, uint32_t below)
{
    fixture->random ^= fixture->random << 13;
    fixture->random ^= fixture->random >> 7;
    fixture->random ^= fixture->random << 17;
    return (uint32_t)(fixture->random >> 32) % below;
}

static void find(const struct fixture *fixture, const char *suffix, glob_t *ret_found)
{
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "%s/*/*%s", fixture->path, suffix);
    glob(pattern, 0, NULL, ret_found);
}

void fixture_file(const struct fixture *fixture, const char *suffix, char *ret_path)
{
    glob_t found;
    find(fixture, suffix, &found);
    assert_int_equal(found.gl_pathc, 1);
    snprintf(ret_path, 256, "%s", found.gl_pathv[0]);
    globfree(&found);
}

unsigned fixture_count(const struct fixture *fixture, const char *suffix)
{
    glob_t found;
    find(fixture, suffix, &found);
    unsigned n = (unsigned)found.gl_pathc;
    globfree(&found);
    return n;
}

uint8_t *fixture_read(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *ret_len = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*ret_len + 1);
    assert_int_equal(fread(bytes, 1, *ret_len, file), *ret_len);
    fclose(file);
    return bytes;
}

void fixture_write(const char *path, const uint8_t *bytes, size_t len)
{
    unlink(path); /* some file systems flush a file that was truncated and written again */
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

struct batch *batch_make(uint32_t capacity, uint32_t max_records)
{
    struct batch *batch = calloc(1, sizeof(*batch));
    *batch = (struct batch){
        .bytes = malloc(capacity + 1),
        .records = calloc(max_records, sizeof(struct record)),
        .peers = calloc(max_records, sizeof(struct peer)),
        .places = calloc(max_records, sizeof(struct place)),
        .capacity = capacity,
        .max_records = max_records,
        .max_peers = max_records,
        .max_places = max_records,
    };
    return batch;
}

struct batch *batch_destroy(struct batch *batch)
{
    free(batch->bytes);
    free(batch->records);
    free(batch->peers);
    free(batch->places);
    free(batch);
    return NULL;
}

struct span batch_put_text(struct batch *batch, const void *text, size_t len)
{
    struct span span = {batch->used, (uint32_t)len};
    assert_true(len <= batch->capacity - batch->used);
    if (len > 0)
        memcpy(batch->bytes + batch->used, text, len);
    batch->used += (uint32_t)len;
    return span;
}

struct batch *batch_of_lines(uint64_t first, uint32_t n, int64_t received_us)
{
    struct batch *batch = batch_make(n * 64, n);
    for (uint32_t i = 0; i < n; i++) {
        char text[64];
        struct peer peer = {.family = 4, .port = 514, .address = {[10] = 0xff, [11] = 0xff, 192}};
        struct record *record =
            batch_add_record(batch, batch->used, 0, batch_add_peer(batch, &peer), received_us + i);
        uint32_t start = batch->used;
        record->host = batch_put_text(batch, text, (size_t)sprintf(text, "h%u", i % 5));
        record->app = batch_put_text(batch, "app", 3);
        record->message = batch_put_text(
            batch, text, (size_t)sprintf(text, "line %llu", (unsigned long long)(first + i)));
        record->line = (struct span){start, batch->used - start};
        record->time_ns = record->received_us * 1000;
        record->flags = RECORD_TIME_RECEIVED;
        record->severity = (uint8_t)(i % 8);
        record->facility = 16;
        record->format = RECORD_RFC5424;
    }
    return batch;
}

static struct span random_text(struct fixture *fixture, struct batch *batch, uint32_t max)
{
    char text[512];
    uint32_t len = fixture_random(fixture, 3) == 0 ? 0 : fixture_random(fixture, max);
    uint32_t range = fixture_random(fixture, 4) ? 3 : 256;
    for (uint32_t i = 0; i < len; i++)
        text[i] = (char)(fixture_random(fixture, range) + (range == 3 ? 'a' : 0));
    return batch_put_text(batch, text, len);
}

static int64_t random_time(struct fixture *fixture, uint8_t digits)
{
    static const int64_t unit[] = {1000000000, 100000000, 10000000, 1000000, 100000,
                                   10000,      1000,      100,      10,      1};
    int64_t ns = T0_US * 1000 + (int64_t)fixture_random(fixture, UINT32_MAX) * 1000 +
                 fixture_random(fixture, 1000);
    if (fixture_random(fixture, 200) == 0)
        return fixture_random(fixture, 2) ? INT64_MIN : INT64_MAX;
    return fixture_random(fixture, 100) == 0 ? -ns / unit[digits] * unit[digits]
                                             : ns / unit[digits] * unit[digits];
}

static uint16_t random_place(struct fixture *fixture, struct batch *batch)
{
    static const char *const cities[] = {"", "Berlin", "S\xc3\xa3o Paulo", "Paris"};
    if (fixture_random(fixture, 3) == 0)
        return 0;
    if (batch->n_places > 0 && fixture_random(fixture, 4))
        return (uint16_t)(1 + fixture_random(fixture, batch->n_places));
    struct place *place = &batch->places[batch->n_places++];
    const char *city = cities[fixture_random(fixture, 4)];
    *place = (struct place){
        .city = {city, (uint32_t)strlen(city)},
        .region = {"Region", fixture_random(fixture, 7)},
        .org = {"An Organisation", fixture_random(fixture, 16)},
        .asn = fixture_random(fixture, 2) ? fixture_random(fixture, UINT32_MAX) : 0,
        .country = {"DFSU\0"[fixture_random(fixture, 5)], 'E'},
        .has_location = fixture_random(fixture, 4) > 0,
    };
    if (place->has_location) {
        place->lat = fixture_random(fixture, 1800000) / 10000.0 - 90;
        place->lon = fixture_random(fixture, 2) ? (double)(fixture_random(fixture, 99999) / 7.0f)
                                                : fixture_random(fixture, 99999) / 7.0;
    }
    return (uint16_t)batch->n_places;
}

static void add_address(struct fixture *fixture, struct batch *batch, struct record *record)
{
    static const char *const texts[] = {"192.0.2.7", "2001:db8::17", "203.0.113.255"};
    const char *text = texts[fixture_random(fixture, 3)];
    uint32_t prefix = fixture_random(fixture, 30);
    char message[128];
    memset(message, 'x', prefix);
    memcpy(message + prefix, text, strlen(text));
    record->message = batch_put_text(batch, message, prefix + strlen(text));
    record->geo_off = prefix;
    record->geo_len = (uint8_t)strlen(text);
    record->geo_from = RECORD_GEO_MESSAGE;
}

struct batch *batch_of_oddities(struct fixture *fixture, uint32_t n)
{
    struct batch *batch = batch_make(n * 1400, n);
    batch->input = (uint16_t)fixture_random(fixture, 3);
    bool all_received = fixture_random(fixture, 4) == 0;
    uint8_t max_digits = (uint8_t)fixture_random(fixture, 10);
    int64_t received_us = T0_US;
    for (uint32_t i = 0; i < n; i++) {
        struct peer peer = {.family = (uint8_t)(fixture_random(fixture, 3) * 2)};
        for (unsigned byte = 0; peer.family && byte < 16; byte++)
            peer.address[byte] = (uint8_t)fixture_random(fixture, 3);
        peer.port = (uint16_t)fixture_random(fixture, 65536);
        received_us += fixture_random(fixture, 1000);
        uint32_t start = batch->used;
        struct record *record =
            batch_add_record(batch, start, 0, batch_add_peer(batch, &peer), received_us);
        record->host = random_text(fixture, batch, 4);
        record->app = random_text(fixture, batch, 5);
        record->procid = random_text(fixture, batch, 6);
        record->msgid = random_text(fixture, batch, 9);
        record->sd = random_text(fixture, batch, 40);
        record->message = random_text(fixture, batch, 500);
        record->place = random_place(fixture, batch);
        record->geo_from = record->place ? RECORD_GEO_PEER : RECORD_GEO_NONE;
        if (record->place && fixture_random(fixture, 2))
            add_address(fixture, batch, record);
        record->line = (struct span){start, batch->used - start};
        record->time_digits = (uint8_t)fixture_random(fixture, max_digits + 1u);
        record->time_ns = random_time(fixture, record->time_digits);
        record->flags = (uint8_t)(fixture_random(fixture, 2) * RECORD_CUT);
        if (all_received || fixture_random(fixture, 9) == 0) {
            record->flags |= RECORD_TIME_RECEIVED;
            record->time_ns = record->received_us * 1000;
        }
        record->severity =
            fixture_random(fixture, 9) ? (uint8_t)fixture_random(fixture, 8) : RECORD_NO_SEVERITY;
        record->facility =
            fixture_random(fixture, 9) ? (uint8_t)fixture_random(fixture, 24) : RECORD_NO_FACILITY;
        record->format = (uint8_t)fixture_random(fixture, RECORD_N_FORMATS);
    }
    return batch;
}

void append_batch(struct store *store, struct store_encoder *encoder, struct batch *batch)
{
    assert_int_equal(store_encode(encoder, &batch, 1), 0);
    assert_int_equal(store_append(store, encoder), 0);
}

void append_lines(struct store *store, uint64_t first, uint32_t n, int64_t received_us)
{
    struct store_encoder *encoder;
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    struct batch *batch = batch_of_lines(first, n, received_us);
    append_batch(store, encoder, batch);
    batch_destroy(batch);
    store_encoder_free(encoder);
}

static void assert_text(struct text text, const struct batch *batch, struct span span)
{
    assert_int_equal(text.len, span.len);
    if (text.len > 0)
        assert_memory_equal(text.data, batch->bytes + span.off, span.len);
}

static void assert_same_text(struct text a, struct text b)
{
    assert_int_equal(a.len, b.len);
    if (a.len > 0)
        assert_memory_equal(a.data, b.data, a.len);
}

static void assert_place(const struct store_row *row, const struct batch *batch,
                         const struct record *record)
{
    uint8_t ip[16] = {0};
    const struct place *place = &batch->places[record->place - 1];
    assert_same_text(row->place.city, place->city);
    assert_same_text(row->place.region, place->region);
    assert_same_text(row->place.org, place->org);
    assert_memory_equal(row->place.country, place->country, 2);
    assert_int_equal(row->place.asn, place->asn);
    assert_int_equal(row->place.has_location, place->has_location);
    assert_memory_equal(&row->place.lat, &place->lat, sizeof(double));
    assert_memory_equal(&row->place.lon, &place->lon, sizeof(double));
    if (record->geo_from == RECORD_GEO_PEER) {
        assert_memory_equal(row->geo_ip, batch->peers[record->peer].address, 16);
    } else {
        char text[64] = {0};
        memcpy(text, batch->bytes + record->message.off + record->geo_off, record->geo_len);
        if (strchr(text, ':')) {
            inet_pton(AF_INET6, text, ip);
        } else {
            ip[10] = ip[11] = 0xff;
            inet_pton(AF_INET, text, ip + 12);
        }
        assert_memory_equal(row->geo_ip, ip, 16);
    }
}

void assert_row(const struct store_row *row, const struct batch *batch, const struct record *record,
                const char *input)
{
    assert_int_equal(row->time_ns, record->time_ns);
    assert_int_equal(row->received_us, record->received_us);
    assert_int_equal(row->time_digits, record->time_digits);
    assert_int_equal(row->flags, record->flags);
    assert_int_equal(row->severity, record->severity);
    assert_int_equal(row->facility, record->facility);
    assert_int_equal(row->format, record->format);
    assert_text(row->host, batch, record->host);
    assert_text(row->app, batch, record->app);
    assert_text(row->procid, batch, record->procid);
    assert_text(row->msgid, batch, record->msgid);
    assert_text(row->sd, batch, record->sd);
    assert_text(row->message, batch, record->message);
    assert_same_text(row->input, (struct text){input, (uint32_t)strlen(input)});
    const struct peer *peer = &batch->peers[record->peer];
    assert_memory_equal(row->peer.address, peer->address, 16);
    assert_int_equal(row->peer.port, peer->port);
    assert_int_equal(row->peer.family, peer->family);
    assert_int_equal(row->has_place, record->place > 0);
    if (record->place > 0)
        assert_place(row, batch, record);
}

static void add_line(struct lines *lines, const struct store_row *row)
{
    char text[64] = {0};
    if ((lines->n & (lines->n - 1)) == 0) {
        size_t capacity = lines->n ? lines->n * 2 : 1;
        lines->numbers = realloc(lines->numbers, capacity * sizeof(uint64_t));
        lines->ids = realloc(lines->ids, capacity * sizeof(uint64_t));
    }
    assert_true(row->message.len > 5 && row->message.len < sizeof(text));
    memcpy(text, row->message.data, row->message.len);
    assert_memory_equal(text, "line ", 5);
    lines->numbers[lines->n] = strtoull(text + 5, NULL, 10);
    lines->ids[lines->n++] = row->id;
}

void read_lines(struct fixture *fixture, bool backwards, struct lines *ret_lines)
{
    struct store_reader_options options = {fixture->path, fixture_report, fixture};
    struct store_reader *reader;
    struct store_block_info info;
    struct store_info totals;
    int r;
    *ret_lines = (struct lines){0};
    assert_int_equal(store_reader_open(&options, &reader), 0);
    while ((r = store_reader_next(reader, backwards, &info)) > 0) {
        r = store_reader_load(reader, STORE_ALL);
        if (r == -EBADMSG) {
            ret_lines->n_damaged_blocks++;
            continue;
        }
        assert_int_equal(r, 0);
        for (uint32_t i = 0; i < info.n_rows; i++) {
            struct store_row row;
            store_reader_row(reader, backwards ? info.n_rows - 1 - i : i, &row);
            add_line(ret_lines, &row);
        }
    }
    assert_int_equal(r, 0);
    assert_int_equal(store_reader_info(reader, &totals), 0);
    ret_lines->quarantined = totals.quarantined;
    store_reader_close(reader);
}

void lines_deinit(struct lines *lines)
{
    free(lines->numbers);
    free(lines->ids);
}

void assert_lines(struct fixture *fixture, uint64_t first, size_t n)
{
    struct lines lines, back;
    read_lines(fixture, false, &lines);
    read_lines(fixture, true, &back);
    assert_int_equal(lines.n, n);
    assert_int_equal(back.n, n);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(lines.numbers[i], first + i);
        assert_int_equal(back.numbers[n - 1 - i], first + i);
        assert_int_equal(back.ids[n - 1 - i], lines.ids[i]);
        assert_true(i == 0 || lines.ids[i] > lines.ids[i - 1]);
    }
    lines_deinit(&lines);
    lines_deinit(&back);
}
