/* SPDX-License-Identifier: MIT */
#include "geo/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/entry.h"

#define PART_BITS 12
#define N_PARTS   ((size_t)1 << PART_BITS)

/*
 * Addresses are asked for in groups, in passes over the group: each pass touches memory that the
 * one before has fetched, so that the cache misses of a group overlap.
 *
 *   walk the tree ▶ fetch the parts ▶ fetch the entries of those that are none ▶ decode and merge
 */

/* A group's walks in one database; walk.id is the index of its ask. */
struct group {
    struct geo_reader *reader;
    const struct geo_set *set;
    size_t database;
    struct geo_ask *asks;
    struct geo_walk walks[GEO_TREE_LANES];
    size_t n_walks;
};

int geo_reader_init(struct geo_reader *reader, size_t n_databases, bool keeps_parts)
{
    struct geo_tally *tallies = calloc(n_databases + 1, sizeof(*tallies));
    struct geo_keys *keys = calloc(n_databases + 1, sizeof(*keys));
    struct geo_part *parts = keeps_parts ? calloc(N_PARTS, sizeof(*parts)) : NULL;
    if (!tallies || !keys || (keeps_parts && !parts)) {
        free(tallies);
        free(keys);
        free(parts);
        return -ENOMEM;
    }
    *reader = (struct geo_reader){tallies, n_databases, keys, parts};
    return 0;
}

void geo_reader_deinit(struct geo_reader *reader)
{
    free(reader->tallies);
    free(reader->keys);
    free(reader->parts);
    *reader = GEO_READER_NULL;
}

void geo_reader_forget(struct geo_reader *reader)
{
    memset(reader->keys, 0, (reader->n_databases + 1) * sizeof(*reader->keys));
    if (reader->parts)
        memset(reader->parts, 0, N_PARTS * sizeof(*reader->parts));
}

static uint64_t key_of(size_t database, uint32_t offset)
{
    return 1 + ((uint64_t)database << 32 | offset);
}

static struct geo_part *part_of(struct geo_reader *reader, uint64_t key)
{
    return &reader->parts[key * 0x9e3779b97f4a7c15u >> (64 - PART_BITS)];
}

/* The entry at offset of a database, decoded into *spare unless it is kept. */
static const struct place *decode(struct geo_reader *reader, const struct geo_set *set,
                                  size_t index, uint32_t offset, struct place *spare)
{
    const struct geo_database *database = set->databases[index];
    if (!reader->parts) {
        geo_database_decode(database, offset, &reader->keys[index], spare);
        return spare;
    }
    uint64_t key = key_of(index, offset);
    struct geo_part *part = part_of(reader, key);
    if (part->key != key) {
        geo_database_decode(database, offset, &reader->keys[index], &part->place);
        part->key = key;
    }
    return &part->place;
}

static bool is_mapped_ipv4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

/* Finds the entries of the group; walks that found none are dropped. */
static void find_entries(struct group *group, size_t n_asks)
{
    const struct geo_database *database = group->set->databases[group->database];
    group->n_walks = 0;
    for (size_t i = 0; i < n_asks; i++) {
        const uint8_t *address = group->asks[i].address;
        bool is_ipv4 = is_mapped_ipv4(address);
        if (geo_database_has_family(database, is_ipv4))
            group->walks[group->n_walks++] =
                (struct geo_walk){.address = address, .is_ipv4 = is_ipv4, .id = (uint16_t)i};
    }
    group->reader->tallies[group->database].lookups += group->n_walks;
    geo_database_find(database, group->walks, group->n_walks);
    size_t n_found = 0;
    for (size_t i = 0; i < group->n_walks; i++)
        if (group->walks[i].at != GEO_TREE_NOTHING)
            group->walks[n_found++] = group->walks[i];
    group->n_walks = n_found;
}

static void fetch_entries(struct group *group)
{
    const struct geo_database *database = group->set->databases[group->database];
    const struct geo_part *parts[GEO_TREE_LANES];
    if (!group->reader->parts)
        return;
    for (size_t i = 0; i < group->n_walks; i++) {
        parts[i] = part_of(group->reader, key_of(group->database, group->walks[i].at));
        __builtin_prefetch(parts[i]);
        __builtin_prefetch(&parts[i]->place.country);
    }
    for (size_t i = 0; i < group->n_walks; i++)
        if (parts[i]->key != key_of(group->database, group->walks[i].at))
            geo_database_prefetch(database, group->walks[i].at);
}

static void merge_entries(struct group *group)
{
    for (size_t i = 0; i < group->n_walks; i++) {
        struct geo_ask *ask = &group->asks[group->walks[i].id];
        struct place spare;
        const struct place *part =
            decode(group->reader, group->set, group->database, group->walks[i].at, &spare);
        if (!geo_place_is_known(part))
            continue;
        group->reader->tallies[group->database].hits++;
        geo_place_merge(&ask->place, part);
        ask->is_known = true;
    }
}

void geo_reader_lookup(struct geo_reader *reader, const struct geo_set *set, struct geo_ask *asks,
                       size_t n_asks)
{
    for (size_t i = 0; i < n_asks; i++) {
        asks[i].place = (struct place){0};
        asks[i].is_known = false;
    }
    for (size_t at = 0, n; at < n_asks; at += n) {
        n = n_asks - at < GEO_TREE_LANES ? n_asks - at : GEO_TREE_LANES;
        struct group group = {.reader = reader, .set = set, .asks = asks + at};
        for (; group.database < set->n_databases; group.database++) {
            if (!set->databases[group.database])
                continue;
            find_entries(&group, n);
            fetch_entries(&group);
            merge_entries(&group);
        }
    }
}
