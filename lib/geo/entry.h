/* SPDX-License-Identifier: MIT */
#ifndef GEO_ENTRY_H
#define GEO_ENTRY_H

#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

/*
 * Decodes the entry at offset of a MaxMind DB data section (of section_bytes bytes) into a place
 * whose texts point into it. Pure and total: what is damaged, empty or of a wrong type is not
 * known.
 */
void geo_entry_decode(const uint8_t *section, size_t section_bytes, uint32_t offset,
                      struct place *ret_place);

/*
 * Adds what more knows and place does not, in four groups that are not torn: country; city and
 * region; location; asn and org.
 */
void geo_place_merge(struct place *place, const struct place *more);
bool geo_place_is_known(const struct place *place);

#endif
