/* SPDX-License-Identifier: MIT */
#ifndef GEO_READER_H
#define GEO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/entry.h"
#include "geo/set.h"

/*
 * What one thread needs to ask a set: its counts, and the entries that it decoded of late. Many
 * networks share an entry, so that half of the lookups of random addresses find theirs decoded.
 */

/* What a thread did with one database since it last said so. */
struct geo_tally {
    uint64_t lookups, hits;
};

struct geo_part {
    uint64_t key; /* 1 + the database's index and the entry's offset in it; 0: none */
    struct place place;
};

struct geo_reader {
    struct geo_tally *tallies; /* one a database */
    size_t n_databases;
    struct geo_keys *keys;     /* one a database */
    struct geo_part *parts;    /* direct-mapped by key; NULL: every entry is decoded */
};

#define GEO_READER_NULL ((struct geo_reader){0})

/* Returns 0, -ENOMEM. */
int geo_reader_init(struct geo_reader *reader, size_t n_databases, bool keeps_parts);
void geo_reader_deinit(struct geo_reader *reader);
/* Before the first lookup in another set. */
void geo_reader_forget(struct geo_reader *reader);

/* An address that is asked for, and the answer. */
struct geo_ask {
    uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
    struct place place;  /* points into the set */
    bool is_known;
};

/*
 * Asks each database of the set in order and merges what they know of each address. The more are
 * asked for at once the less each costs, up to GEO_TREE_LANES.
 */
void geo_reader_lookup(struct geo_reader *reader, const struct geo_set *set, struct geo_ask *asks,
                       size_t n_asks);

#endif
