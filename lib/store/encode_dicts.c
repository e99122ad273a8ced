/* SPDX-License-Identifier: MIT */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "store/encoder.h"
#include "store/ints.h"

/*
 * Dictionaries: each distinct value of a block is stored once, rows hold its index. Keys are
 * compared, never only their hashes: senders choose them. Streams are (host, app) pairs and find
 * their parts in dictionaries of hosts and of apps, so that a reader prunes on either. On disk they
 * are ordered by app: what one program writes on many hosts lies together, which compresses better
 * than host by host.
 */

/* Entries that tables have room for at first. */
#define DICT_ENTRIES 128

int encoder_clear_dicts(struct store_encoder *encoder)
{
    struct intern *tables[] = {&encoder->streams_table, &encoder->hosts_table, &encoder->apps_table,
                               &encoder->peers_table, &encoder->places_table};
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
        if (intern_clear(tables[i], DICT_ENTRIES) < 0)
            return -ENOMEM;
    encoder->streams.len = encoder->hosts.len = encoder->apps.len = 0;
    encoder->inputs_used.len = encoder->peers.len = encoder->places.len = 0;
    encoder->n_streams = encoder->n_hosts = encoder->n_apps = 0;
    encoder->n_inputs_used = encoder->n_peers = encoder->n_places = 0;
    return 0;
}

/* Appends an element to an array of n. */
static int append(struct buffer *array, size_t *n, const void *element, size_t size)
{
    if (buffer_reserve(array, size) < 0)
        return -ENOMEM;
    buffer_put(array, element, size);
    ++*n;
    return 0;
}

static int find_name(struct intern *table, struct buffer *names, size_t *n, struct text name,
                     uint64_t hash, uint32_t *ret_index)
{
    struct intern_slot *slot = intern_first(table, hash);
    for (; intern_taken(table, slot); slot = intern_next(table, slot)) {
        if (slot->hash == hash && name_same(((struct text *)names->data)[slot->index], name)) {
            *ret_index = slot->index;
            return 0;
        }
    }
    *ret_index = (uint32_t)*n;
    if (intern_set(table, slot, hash, (uint32_t)*n) < 0)
        return -ENOMEM;
    return append(names, n, &name, sizeof(name));
}

int encoder_stream(struct store_encoder *encoder, struct text host, struct text app,
                   uint32_t *ret_stream)
{
    uint64_t host_folded = name_fold(host), app_folded = name_fold(app);
    uint64_t hash = name_mix(host_folded * NAME_FACTOR + app_folded);
    struct intern *table = &encoder->streams_table;
    struct intern_slot *slot = intern_first(table, hash);
    for (; intern_taken(table, slot); slot = intern_next(table, slot)) {
        struct stream *stream = (struct stream *)encoder->streams.data + slot->index;
        if (slot->hash == hash && name_same(stream->host, host) && name_same(stream->app, app)) {
            stream->n_rows++;
            *ret_stream = slot->index;
            return 0;
        }
    }
    struct stream stream = {.host = host, .app = app, .n_rows = 1};
    if (find_name(&encoder->hosts_table, &encoder->hosts, &encoder->n_hosts, host,
                  name_mix(host_folded), &stream.host_index) < 0 ||
        find_name(&encoder->apps_table, &encoder->apps, &encoder->n_apps, app, name_mix(app_folded),
                  &stream.app_index) < 0)
        return -ENOMEM;
    *ret_stream = (uint32_t)encoder->n_streams;
    if (intern_set(table, slot, hash, *ret_stream) < 0)
        return -ENOMEM;
    return append(&encoder->streams, &encoder->n_streams, &stream, sizeof(stream));
}

static bool same_peer(const struct peer *a, const struct peer *b)
{
    return a->port == b->port && a->family == b->family &&
           memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

int encoder_find_peer(struct store_encoder *encoder, const struct peer *peer, uint32_t *ret_index)
{
    uint64_t hash = XXH3_64bits_withSeed(peer->address, sizeof(peer->address),
                                         (uint64_t)peer->port << 8 | peer->family);
    const struct peer *peers = (const struct peer *)encoder->peers.data;
    struct intern_slot *slot = intern_first(&encoder->peers_table, hash);
    for (; intern_taken(&encoder->peers_table, slot);
         slot = intern_next(&encoder->peers_table, slot)) {
        if (slot->hash == hash && same_peer(&peers[slot->index], peer)) {
            *ret_index = slot->index;
            return 0;
        }
    }
    *ret_index = (uint32_t)encoder->n_peers;
    if (intern_set(&encoder->peers_table, slot, hash, *ret_index) < 0)
        return -ENOMEM;
    return append(&encoder->peers, &encoder->n_peers, peer, sizeof(*peer));
}

/*
 * Places are told apart by where their texts are, not by what they say: a geo database holds each
 * text once, and reading it here would cost a cache miss a text. Two databases that say the same
 * give two entries, which does no harm.
 */
static bool is_text_at(struct text a, struct text b)
{
    return a.data == b.data && a.len == b.len;
}

static bool same_place(const struct place *a, const struct place *b)
{
    return memcmp(a->country, b->country, sizeof(a->country)) == 0 && a->asn == b->asn &&
           a->has_location == b->has_location && memcmp(&a->lat, &b->lat, sizeof(a->lat)) == 0 &&
           memcmp(&a->lon, &b->lon, sizeof(a->lon)) == 0 && is_text_at(a->city, b->city) &&
           is_text_at(a->region, b->region) && is_text_at(a->org, b->org);
}

static uint64_t hash_place(const struct place *place)
{
    uint64_t key[6] = {(uintptr_t)place->city.data, (uintptr_t)place->region.data,
                       (uintptr_t)place->org.data,
                       (uint64_t)place->asn << 32 | (uint8_t)place->country[0] << 8 |
                           (uint8_t)place->country[1]};
    memcpy(&key[4], &place->lat, sizeof(place->lat));
    memcpy(&key[5], &place->lon, sizeof(place->lon));
    return XXH3_64bits(key, sizeof(key));
}

int encoder_find_place(struct store_encoder *encoder, const struct place *place,
                       uint32_t *ret_index)
{
    uint64_t hash = hash_place(place);
    const struct place *places = (const struct place *)encoder->places.data;
    struct intern_slot *slot = intern_first(&encoder->places_table, hash);
    for (; intern_taken(&encoder->places_table, slot);
         slot = intern_next(&encoder->places_table, slot)) {
        if (slot->hash == hash && same_place(&places[slot->index], place)) {
            *ret_index = slot->index;
            return 0;
        }
    }
    *ret_index = (uint32_t)encoder->n_places;
    if (intern_set(&encoder->places_table, slot, hash, *ret_index) < 0)
        return -ENOMEM;
    return append(&encoder->places, &encoder->n_places, place, sizeof(*place));
}

int encoder_input(struct store_encoder *encoder, uint16_t index, uint32_t *ret_input)
{
    const char *name = index < encoder->n_inputs ? encoder->inputs[index] : "";
    struct text text = {name, (uint32_t)strlen(name)};
    const struct text *used = (const struct text *)encoder->inputs_used.data;
    for (uint32_t i = 0; i < encoder->n_inputs_used; i++) {
        if (same_text(used[i], text)) {
            *ret_input = i;
            return 0;
        }
    }
    *ret_input = (uint32_t)encoder->n_inputs_used;
    return append(&encoder->inputs_used, &encoder->n_inputs_used, &text, sizeof(text));
}

/* Two counting sorts: streams by app (keeping their order of appearance), then the places of their
 * rows. */
void encoder_rank_streams(struct store_encoder *encoder)
{
    struct stream *streams = (struct stream *)encoder->streams.data;
    uint32_t *count = encoder->rows.starts;
    memset(count, 0, (encoder->n_apps + 1) * sizeof(*count));
    for (size_t i = 0; i < encoder->n_streams; i++)
        count[streams[i].app_index + 1]++;
    for (size_t i = 1; i < encoder->n_apps; i++)
        count[i] += count[i - 1];
    for (size_t i = 0; i < encoder->n_streams; i++)
        streams[i].rank = count[streams[i].app_index]++;

    uint32_t *starts = encoder->rows.starts;
    for (size_t i = 0; i < encoder->n_streams; i++)
        starts[streams[i].rank] = streams[i].n_rows;
    uint32_t at = 0;
    for (size_t i = 0; i < encoder->n_streams; i++) {
        uint32_t n_rows = starts[i];
        starts[i] = at;
        at += n_rows;
    }
}

int encoder_put_texts(struct buffer *column, const struct text *texts, size_t n)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++)
        n_bytes += texts[i].len;
    uint32_t *lens = malloc((n + 1) * sizeof(*lens));
    if (!lens || buffer_reserve(column, ints_bound(n, sizeof(*lens)) + n_bytes) < 0) {
        free(lens);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        lens[i] = texts[i].len;
    ints_put_u32(column, lens, n);
    for (size_t i = 0; i < n; i++)
        buffer_put(column, texts[i].data, texts[i].len);
    free(lens);
    return 0;
}

/* varint n, then the texts. */
static int add_dict(struct store_encoder *encoder, enum section_id id, const struct buffer *texts,
                    size_t n)
{
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (buffer_reserve(column, VARINT_BYTES) < 0)
        return -ENOMEM;
    buffer_put_varint(column, n);
    int r = encoder_put_texts(column, (const struct text *)texts->data, n);
    return r < 0 ? r : encoder_add_column(encoder, id);
}

int encoder_add_streams(struct store_encoder *encoder)
{
    const struct stream *streams = (const struct stream *)encoder->streams.data;
    size_t n = encoder->n_streams;
    uint32_t *pairs =
        encoder->rows.starts; /* done with: a block has at least as many rows as streams */
    struct buffer *column = &encoder->column;
    int r = add_dict(encoder, SECTION_HOSTS, &encoder->hosts, encoder->n_hosts);
    if (r == 0)
        r = add_dict(encoder, SECTION_APPS, &encoder->apps, encoder->n_apps);
    column->len = 0;
    if (r < 0 || buffer_reserve(column, VARINT_BYTES + 2 * ints_bound(n, sizeof(*pairs))) < 0)
        return -ENOMEM;
    buffer_put_varint(column, n);
    for (size_t i = 0; i < n; i++)
        pairs[streams[i].rank] = streams[i].host_index;
    ints_put_u32(column, pairs, n);
    for (size_t i = 0; i < n; i++)
        pairs[streams[i].rank] = streams[i].app_index;
    ints_put_u32(column, pairs, n);
    r = encoder_add_column(encoder, SECTION_STREAMS);
    return r < 0 ? r
                 : encoder_add_ints(encoder, SECTION_STREAM, encoder->rows.stream, encoder->n_rows);
}

int encoder_add_inputs(struct store_encoder *encoder)
{
    int r = add_dict(encoder, SECTION_INPUTS, &encoder->inputs_used, encoder->n_inputs_used);
    return r < 0 ? r : encoder_add_u32(encoder, SECTION_INPUT, encoder->rows.input);
}

/* Plane by plane, as ints: the addresses of one network differ in few bytes. */
int encoder_add_peers(struct store_encoder *encoder)
{
    const struct peer *peers = (const struct peer *)encoder->peers.data;
    size_t n = encoder->n_peers;
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (buffer_reserve(column, VARINT_BYTES + 19 * n) < 0)
        return -ENOMEM;
    buffer_put_varint(column, n);
    for (size_t byte = 0; byte < sizeof(peers->address); byte++)
        for (size_t i = 0; i < n; i++)
            buffer_put_byte(column, peers[i].address[byte]);
    for (unsigned byte = 0; byte < 2; byte++)
        for (size_t i = 0; i < n; i++)
            buffer_put_byte(column, (uint8_t)(peers[i].port >> (8 * byte)));
    for (size_t i = 0; i < n; i++)
        buffer_put_byte(column, peers[i].family);
    int r = encoder_add_column(encoder, SECTION_PEERS);
    return r < 0 ? r : encoder_add_u32(encoder, SECTION_PEER, encoder->rows.peer);
}
