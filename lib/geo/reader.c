/* SPDX-License-Identifier: MIT */
#include "geo/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "geo/entry.h"

#define PART_BITS 12
#define N_PARTS   ((size_t)1 << PART_BITS)

int geo_reader_init(struct geo_reader *reader, size_t n_databases, bool keeps_parts)
{
    struct geo_tally *tallies = calloc(n_databases + 1, sizeof(*tallies));
    struct geo_part *parts = keeps_parts ? calloc(N_PARTS, sizeof(*parts)) : NULL;
    if (!tallies || (keeps_parts && !parts)) {
        free(tallies);
        free(parts);
        return -ENOMEM;
    }
    *reader = (struct geo_reader){tallies, parts};
    return 0;
}

void geo_reader_deinit(struct geo_reader *reader)
{
    free(reader->tallies);
    free(reader->parts);
    *reader = GEO_READER_NULL;
}

void geo_reader_forget(struct geo_reader *reader)
{
    if (reader->parts)
        memset(reader->parts, 0, N_PARTS * sizeof(*reader->parts));
}

/* The entry at offset of a database, decoded into *spare unless it is kept. */
static const struct place *decode(struct geo_reader *reader, const struct geo_set *set,
                                  size_t index, uint32_t offset, struct place *spare)
{
    const struct geo_database *database = set->databases[index];
    if (!reader->parts) {
        geo_database_decode(database, offset, spare);
        return spare;
    }
    uint64_t key = 1 + ((uint64_t)index << 32 | offset);
    struct geo_part *part = &reader->parts[key * 0x9e3779b97f4a7c15u >> (64 - PART_BITS)];
    if (part->key != key) {
        geo_database_decode(database, offset, &part->place);
        part->key = key;
    }
    return &part->place;
}

static bool is_mapped_ipv4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

bool geo_reader_lookup(struct geo_reader *reader, const struct geo_set *set,
                       const uint8_t address[16], struct place *ret_place)
{
    bool is_ipv4 = is_mapped_ipv4(address), is_known = false;
    *ret_place = (struct place){0};
    for (size_t i = 0; i < set->n_databases; i++) {
        const struct geo_database *database = set->databases[i];
        struct place spare;
        uint32_t offset;
        if (!database || !geo_database_has_family(database, is_ipv4))
            continue;
        reader->tallies[i].lookups++;
        if (!geo_database_find(database, address, is_ipv4, &offset))
            continue;
        const struct place *part = decode(reader, set, i, offset, &spare);
        if (!geo_place_is_known(part))
            continue;
        reader->tallies[i].hits++;
        geo_place_merge(ret_place, part);
        is_known = true;
    }
    return is_known;
}
