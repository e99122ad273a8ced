/* SPDX-License-Identifier: MIT */
#ifndef STORE_NAME_H
#define STORE_NAME_H

/*
 * Short texts (names of hosts, of programs) hashed and compared as a few words. The first and the
 * last bytes of a name hold all of it, as far as they overlap or meet, and no byte beyond its ends
 * is read:
 *
 *   1 to 3 bytes   f w 0                the first, the middle and the last
 *   4 to 7         sshd|sshd            4 + 4
 *   8 to 16        fw0.exam|.example    8 + 8
 *   17 to 32       web03.example.ne|eb03.example.net    16 + 16
 */

#include <stdbool.h>
#include <string.h>
#include <xxhash.h>
#include "record/record.h"

#define NAME_WORD_BYTES 32

static inline uint64_t name_word8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint32_t name_word4(const char *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

static inline uint32_t name_word3(const char *at, size_t len)
{
    return (uint32_t)(uint8_t)at[0] << 16 | (uint32_t)(uint8_t)at[len / 2] << 8 |
           (uint8_t)at[len - 1];
}

#define NAME_FACTOR UINT64_C(0x9e3779b97f4a7c15)

/* The second word is turned: bytes that are in both do not cancel each other. */
static inline uint64_t name_fold16(uint64_t first, uint64_t second)
{
    return first * NAME_FACTOR + (second << 29 | second >> 35);
}

/* All of a name in one word, of which the lower bits do not depend on all bytes: mix it. */
static inline uint64_t name_fold(struct text name)
{
    const char *at = name.data;
    size_t len = name.len;
    if (len > NAME_WORD_BYTES)
        return XXH3_64bits(at, len);
    if (len > 16)
        return name_fold16(name_fold16(name_word8(at), name_word8(at + 8)),
                           name_fold16(name_word8(at + len - 16), name_word8(at + len - 8)));
    if (len >= 8)
        return name_fold16(name_word8(at), name_word8(at + len - 8));
    if (len >= 4)
        return (uint64_t)name_word4(at) << 32 | name_word4(at + len - 4);
    return len ? name_word3(at, len) : 0;
}

static inline uint64_t name_mix(uint64_t folded)
{
    uint64_t hash = (folded ^ folded >> 32) * UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 32;
}

static inline bool name_same(struct text a, struct text b)
{
    size_t len = a.len;
    if (len != b.len)
        return false;
    if (len > NAME_WORD_BYTES)
        return memcmp(a.data, b.data, len) == 0;
    const char *a_end = a.data + len, *b_end = b.data + len;
    if (len > 16)
        return ((name_word8(a.data) ^ name_word8(b.data)) |
                (name_word8(a.data + 8) ^ name_word8(b.data + 8)) |
                (name_word8(a_end - 16) ^ name_word8(b_end - 16)) |
                (name_word8(a_end - 8) ^ name_word8(b_end - 8))) == 0;
    if (len >= 8)
        return ((name_word8(a.data) ^ name_word8(b.data)) |
                (name_word8(a_end - 8) ^ name_word8(b_end - 8))) == 0;
    if (len >= 4)
        return ((name_word4(a.data) ^ name_word4(b.data)) |
                (name_word4(a_end - 4) ^ name_word4(b_end - 4))) == 0;
    return len == 0 || name_word3(a.data, len) == name_word3(b.data, len);
}

#endif
