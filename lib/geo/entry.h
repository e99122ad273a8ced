/* SPDX-License-Identifier: MIT */
#ifndef GEO_ENTRY_H
#define GEO_ENTRY_H

#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

/*
 * The keys of entries are pointers to a few texts, the same in all: what such a text says is
 * remembered by where it stands. Zeroed memory is an empty one; it is about one section, which must
 * not change.
 */
#define GEO_KEYS 32

struct geo_keys {
    struct geo_key {
        uint64_t at;    /* 1 + its offset in the section; 0: none */
        uint8_t member; /* entry.c's number of it */
    } keys[GEO_KEYS];
};

/*
 * Decodes the entry at offset of a MaxMind DB data section (of section_bytes bytes) into a place
 * whose texts point into it. Total: what is damaged, empty or of a wrong type is not known. keys may
 * be NULL: nothing is remembered.
 */
void geo_entry_decode(const uint8_t *section, size_t section_bytes, uint32_t offset,
                      struct geo_keys *keys, struct place *ret_place);

/*
 * Adds what more knows and place does not, in four groups that are not torn: country; city and
 * region; location; asn and org.
 */
void geo_place_merge(struct place *place, const struct place *more);
bool geo_place_is_known(const struct place *place);

#endif
