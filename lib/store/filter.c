/* SPDX-License-Identifier: MIT */
#include "store/filter.h"

#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include "store/template.h"
#include "store/token.h"

/* Bits of a hash that choose one of the 512 bits of a line. */
#define PROBE_BITS 9
/* Spreads the bits that chose the line over those that choose in it (2^64 / golden ratio). */
#define SPREAD UINT64_C(0x9e3779b97f4a7c15)

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Upper-case letters of eight bytes to lower case. */
static uint64_t fold8(uint64_t word)
{
    uint64_t low = word & EACH(0x7f);
    uint64_t from_a = low + EACH(0x80 - 'A'), behind_z = low + EACH(0x80 - 'Z' - 1);
    return word | ((from_a & ~behind_z & ~word & EACH(0x80)) >> 2);
}

/* Tokens that are hashed by value. */
static bool has_value(const char *text, size_t len, uint64_t *ret_hash)
{
    uint32_t address;
    uint64_t number = 0;
    size_t n = 0;
    if (len == 0 || len > SLOT_MAX_DIGITS)
        return false;
    for (; n < len && token_digit(text[n]); n++)
        number = number * 10 + (unsigned)(text[n] - '0');
    if (n == len) {
        *ret_hash = filter_hash_number(number);
        return *text != '0' || len == 1;
    }
    if (text[n] != '.' || token_address_value(text, text + len, &address) != len)
        return false;
    *ret_hash = filter_hash_address(address);
    return true;
}

uint64_t filter_hash(enum filter_kind kind, const void *data, size_t len)
{
    uint64_t folded[TOKEN_HASH_BYTES / 8];
    uint64_t hash;
    if (kind == FILTER_TOKEN && has_value(data, len, &hash))
        return hash;
    if (len > sizeof(folded))
        len = sizeof(folded);
    if (kind == FILTER_PEER)
        return XXH3_64bits_withSeed(data, len, kind);
    size_t n_words = (len + 7) / 8;
    if (n_words > 0) {
        folded[n_words - 1] = 0;
        memcpy(folded, data, len);
    }
    for (size_t i = 0; i < n_words; i++)
        folded[i] = fold8(folded[i]);
    return XXH3_64bits_withSeed(folded, len, kind);
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
