/* SPDX-License-Identifier: MIT */
#ifndef GEO_QUAD_H
#define GEO_QUAD_H

/* a.b.c.d: from text to octets. */

#include <endian.h>
#include "geo/bytes.h"

/* The one to three bytes before end, as the upper ones of four; a fourth is there. */
static inline uint32_t bytes_before(const char *end, unsigned n)
{
    static const uint32_t kept[4] = {0, 0xff000000, 0xffff0000, 0xffffff00};
    uint32_t word;
    memcpy(&word, end - sizeof(word), sizeof(word));
    return le32toh(word) & kept[n];
}

/* The first one to three bytes of four, as the upper ones. */
static inline uint32_t first_bytes(const char *at, unsigned n)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return le32toh(word) << (32 - 8 * n);
}

/*
 * a.b.c.d at the start of sixteen bytes, of which three dots are among the first twelve: its
 * length, or 0. How long the numbers are is anybody's guess, the processor's too; so there are no
 * branches on it. Of the stops, which are no digits, the lowest three should be the dots, and the
 * fourth is the end.
 */
static inline unsigned quad_parse(const char *at, uint32_t *ret_address)
{
    unsigned digits = bytes_digits16(at), dots = bytes_equal16(at, '.');
    unsigned stops = ~digits, starts = stops << 1 | 1, pairs = digits & digits >> 1;
    unsigned stops_2 = stops & (stops - 1), stops_3 = stops_2 & (stops_2 - 1);
    unsigned dot_1 = (unsigned)__builtin_ctz(stops), dot_2 = (unsigned)__builtin_ctz(stops_2);
    unsigned dot_3 = (unsigned)__builtin_ctz(stops_3);
    unsigned end = (unsigned)__builtin_ctz(stops_3 & (stops_3 - 1));
    unsigned padded = bytes_equal16(at, '0') & starts & pairs, too_long = pairs & pairs >> 2;
    unsigned empty = stops & starts, other = stops & ~dots & ~(1u << end);
    if ((padded | too_long | empty | other) & ((2u << end) - 1))
        return 0;
    const uint32_t octets[4] = {
        first_bytes(at, dot_1),
        first_bytes(at + dot_1 + 1, dot_2 - dot_1 - 1),
        bytes_before(at + dot_3, dot_3 - dot_2 - 1),
        bytes_before(at + end, end - dot_3 - 1),
    };
    return bytes_octets(octets, ret_address) ? end : 0;
}

#endif
