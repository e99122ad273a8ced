/* SPDX-License-Identifier: MIT */
#include "store/filter.h"

#include <string.h>
#include <xxhash.h>
#include "store/token.h"

/* Bits of a hash that choose one of the 512 bits of a line. */
#define PROBE_BITS 9
/* Spreads the bits that chose the line over those that choose in it (2^64 / golden ratio). */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

uint64_t filter_hash(enum filter_kind kind, const void *data, size_t len)
{
    char folded[TOKEN_HASH_BYTES];
    const char *text = data;
    if (len > sizeof(folded))
        len = sizeof(folded);
    if (kind != FILTER_PEER) {
        for (size_t i = 0; i < len; i++)
            folded[i] = (char)(text[i] | (text[i] >= 'A' && text[i] <= 'Z' ? 0x20 : 0));
        text = folded;
    }
    return XXH3_64bits_withSeed(text, len, kind);
}

size_t filter_bytes(size_t n_entries)
{
    size_t n_bits = n_entries * FILTER_BITS, line_bits = FILTER_LINE_BYTES * 8;
    return (n_bits == 0 ? 1 : (n_bits + line_bits - 1) / line_bits) * FILTER_LINE_BYTES;
}

static size_t line_of(size_t n_bytes, uint64_t hash)
{
    uint64_t n_lines = n_bytes / FILTER_LINE_BYTES;
    return (size_t)(((hash >> 32) * n_lines) >> 32) * FILTER_LINE_BYTES;
}

void filter_add(uint8_t *lines, size_t n_bytes, uint64_t hash)
{
    uint8_t *line = lines + line_of(n_bytes, hash);
    uint64_t bits = hash * SPREAD;
    for (unsigned i = 0; i < FILTER_PROBES; i++, bits >>= PROBE_BITS)
        line[bits >> 3 & 63] |= (uint8_t)(1u << (bits & 7));
}

bool filter_may_hold(const uint8_t *lines, size_t n_bytes, uint64_t hash)
{
    if (n_bytes == 0)
        return true;
    const uint8_t *line = lines + line_of(n_bytes, hash);
    uint64_t bits = hash * SPREAD;
    for (unsigned i = 0; i < FILTER_PROBES; i++, bits >>= PROBE_BITS)
        if (!(line[bits >> 3 & 63] & 1u << (bits & 7)))
            return false;
    return true;
}
