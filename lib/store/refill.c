/* SPDX-License-Identifier: MIT */
#include "store/refill.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/buffer.h"

/*
 * A row says which address its place is of, but not where it stood; an encoder wants to know the
 * latter. It is the peer's, or it stands in the message: nearly always in the one form in which
 * addresses are written, and else in some other that can be parsed.
 */

/* How many of the newest places are compared before one is added again. */
#define PLACES_COMPARED 8
/* The longest text of an address, without NUL. */
#define MAX_ADDRESS (INET6_ADDRSTRLEN - 1)

struct refill {
    struct batch arena; /* of all rows */
    struct buffer runs; /* struct batch: views of the arena, one a run of rows of one input */
    struct buffer list; /* pointers to them */
};

static int set_capacity(struct refill *refill, size_t n_bytes)
{
    if (n_bytes > UINT32_MAX)
        return -ENOMEM;
    char *bytes = malloc(n_bytes ? n_bytes : 1);
    if (!bytes)
        return -ENOMEM;
    free(refill->arena.bytes);
    refill->arena.bytes = bytes;
    refill->arena.capacity = (uint32_t)n_bytes;
    return 0;
}

size_t refill_bytes(size_t n_records, size_t n_bytes)
{
    return sizeof(struct refill) + batch_bytes(0, (uint32_t)n_records) + n_bytes;
}

int refill_new(size_t n_records, size_t n_bytes, struct refill **ret_refill)
{
    struct refill *refill = calloc(1, sizeof(*refill));
    if (!refill)
        return -ENOMEM;
    struct batch *arena = &refill->arena;
    arena->max_records = arena->max_peers = arena->max_places = (uint32_t)n_records;
    arena->records = calloc(n_records + 1, sizeof(*arena->records));
    arena->peers = calloc(n_records + 1, sizeof(*arena->peers));
    arena->places = calloc(n_records + 1, sizeof(*arena->places));
    if (!arena->records || !arena->peers || !arena->places || set_capacity(refill, n_bytes) < 0) {
        refill_free(refill);
        return -ENOMEM;
    }
    *ret_refill = refill;
    return 0;
}

struct refill *refill_free(struct refill *refill)
{
    if (!refill)
        return NULL;
    free(refill->arena.bytes);
    free(refill->arena.records);
    free(refill->arena.peers);
    free(refill->arena.places);
    buffer_deinit(&refill->runs);
    buffer_deinit(&refill->list);
    free(refill);
    return NULL;
}

void refill_clear(struct refill *refill)
{
    struct batch *arena = &refill->arena;
    arena->used = arena->n_records = arena->n_peers = arena->n_places = 0;
    refill->runs.len = 0;
}

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static bool same_place(const struct place *a, const struct place *b)
{
    return a->asn == b->asn && a->has_location == b->has_location &&
           memcmp(a->country, b->country, sizeof(a->country)) == 0 &&
           memcmp(&a->lat, &b->lat, sizeof(a->lat)) == 0 &&
           memcmp(&a->lon, &b->lon, sizeof(a->lon)) == 0 && same_text(a->city, b->city) &&
           same_text(a->region, b->region) && same_text(a->org, b->org);
}

/* There is room. */
static struct span put_text(struct batch *arena, struct text text)
{
    struct span span = {arena->used, text.len};
    if (text.len > 0)
        memcpy(arena->bytes + arena->used, text.data, text.len);
    arena->used += text.len;
    return span;
}

/* Returns 1 + its index. */
static uint16_t put_place(struct batch *arena, const struct place *place)
{
    uint32_t n = arena->n_places, oldest = n > PLACES_COMPARED ? n - PLACES_COMPARED : 0;
    for (uint32_t i = n; i > oldest; i--)
        if (same_place(&arena->places[i - 1], place))
            return (uint16_t)i;
    struct place *copy = &arena->places[arena->n_places++];
    *copy = *place;
    copy->city = batch_text(arena, put_text(arena, place->city));
    copy->region = batch_text(arena, put_text(arena, place->region));
    copy->org = batch_text(arena, put_text(arena, place->org));
    return (uint16_t)arena->n_places;
}

static bool is_mapped(const uint8_t ip[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(ip, prefix, sizeof(prefix)) == 0;
}

/* Is this the text of the address? */
static bool is_address(const char *data, size_t len, const uint8_t ip[16])
{
    char text[INET6_ADDRSTRLEN];
    uint8_t parsed[16];
    memcpy(text, data, len);
    text[len] = '\0';
    if (memchr(text, ':', len))
        return inet_pton(AF_INET6, text, parsed) == 1 && memcmp(parsed, ip, 16) == 0;
    return is_mapped(ip) && inet_pton(AF_INET, text, parsed) == 1 &&
           memcmp(parsed, ip + 12, 4) == 0;
}

static bool is_of_address(char byte)
{
    return isxdigit((unsigned char)byte) || byte == ':' || byte == '.';
}

/* In any form: the longest text at the first place that is one. */
static bool find_other_form(struct text message, const uint8_t ip[16], struct span *ret_span)
{
    for (uint32_t start = 0; start < message.len; start++) {
        uint32_t len = 0, left = message.len - start;
        while (len < left && len < MAX_ADDRESS && is_of_address(message.data[start + len]))
            len++;
        for (; len > 1; len--) {
            if (!is_address(message.data + start, len, ip))
                continue;
            *ret_span = (struct span){start, len};
            return true;
        }
    }
    return false;
}

static bool find_address(struct text message, const uint8_t ip[16], struct span *ret_span)
{
    char text[INET6_ADDRSTRLEN];
    if (message.len == 0)
        return false;
    if (is_mapped(ip))
        inet_ntop(AF_INET, ip + 12, text, sizeof(text));
    else
        inet_ntop(AF_INET6, ip, text, sizeof(text));
    const char *at = memmem(message.data, message.len, text, strlen(text));
    if (!at)
        return find_other_form(message, ip, ret_span);
    *ret_span = (struct span){(uint32_t)(at - message.data), (uint32_t)strlen(text)};
    return true;
}

static void set_place(struct batch *arena, struct record *record, const struct store_row *row)
{
    static const uint8_t none[16];
    struct span span;
    record->place = put_place(arena, &row->place);
    if (memcmp(row->geo_ip, none, sizeof(none)) == 0)
        return;
    if (memcmp(row->geo_ip, row->peer.address, sizeof(row->geo_ip)) == 0) {
        record->geo_from = RECORD_GEO_PEER;
    } else if (find_address(row->message, row->geo_ip, &span)) {
        record->geo_from = RECORD_GEO_MESSAGE;
        record->geo_off = span.off;
        record->geo_len = (uint8_t)span.len;
    }
}

static uint64_t bytes_of(const struct store_row *row)
{
    uint64_t n = (uint64_t)row->host.len + row->app.len + row->procid.len + row->msgid.len +
                 row->sd.len + row->message.len;
    if (row->has_place)
        n += (uint64_t)row->place.city.len + row->place.region.len + row->place.org.len;
    return n;
}

/* Returns 0, -ENOSPC, -ENOMEM. */
static int make_room(struct refill *refill, uint64_t n_bytes)
{
    const struct batch *arena = &refill->arena;
    if (!batch_has_record_room(arena))
        return -ENOSPC;
    if (n_bytes <= arena->capacity - arena->used)
        return 0;
    return arena->n_records > 0 ? -ENOSPC : set_capacity(refill, n_bytes);
}

static size_t count_runs(const struct refill *refill)
{
    return refill->runs.len / sizeof(struct batch);
}

/* Counts the row that comes next in a run of its input. */
static int count_in_run(struct refill *refill, uint16_t input)
{
    struct batch *runs = (struct batch *)refill->runs.data;
    size_t n = count_runs(refill);
    if (n > 0 && runs[n - 1].input == input) {
        runs[n - 1].n_records++;
        return 0;
    }
    if (buffer_reserve(&refill->runs, sizeof(*runs)) < 0)
        return -ENOMEM;
    const struct batch run = {
        .bytes = refill->arena.bytes,
        .records = &refill->arena.records[refill->arena.n_records],
        .peers = refill->arena.peers,
        .places = refill->arena.places,
        .n_records = 1,
        .input = input,
    };
    buffer_put(&refill->runs, &run, sizeof(run));
    return 0;
}

int refill_add(struct refill *refill, const struct store_row *row, uint16_t input)
{
    struct batch *arena = &refill->arena;
    int r = make_room(refill, bytes_of(row));
    if (r == 0)
        r = count_in_run(refill, input);
    if (r < 0)
        return r;
    uint32_t start = arena->used;
    struct record *record =
        batch_add_record(arena, start, 0, batch_add_peer(arena, &row->peer), row->received_us);
    record->host = put_text(arena, row->host);
    record->app = put_text(arena, row->app);
    record->procid = put_text(arena, row->procid);
    record->msgid = put_text(arena, row->msgid);
    record->sd = put_text(arena, row->sd);
    record->message = put_text(arena, row->message);
    record->line.len = arena->used - start;
    record->time_ns = row->time_ns;
    record->time_digits = row->time_digits;
    record->flags = row->flags;
    record->format = row->format;
    record->facility = row->facility;
    record->severity = row->severity;
    if (row->has_place)
        set_place(arena, record, row);
    return 0;
}

/* What the runs have in common is known when they are asked for. */
static struct batch *complete_runs(struct refill *refill)
{
    struct batch *runs = (struct batch *)refill->runs.data;
    for (size_t i = 0; i < count_runs(refill); i++) {
        runs[i].n_peers = refill->arena.n_peers;
        runs[i].n_places = refill->arena.n_places;
    }
    return runs;
}

int refill_batches(struct refill *refill, struct batch *const **ret_batches, size_t *ret_n)
{
    struct batch *runs = complete_runs(refill);
    size_t n = count_runs(refill);
    refill->list.len = 0;
    if (buffer_reserve(&refill->list, (n + 1) * sizeof(runs)) < 0)
        return -ENOMEM;
    struct batch **list = (struct batch **)refill->list.data;
    for (size_t i = 0; i < n; i++)
        list[i] = &runs[i];
    *ret_batches = list;
    *ret_n = n;
    return 0;
}

struct batch *refill_batch(struct refill *refill)
{
    return count_runs(refill) > 0 ? complete_runs(refill) : &refill->arena;
}
