/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_SCAN_H
#define SYSLOG_SCAN_H

/*
 * Looking for bytes eight at a time. A mask has the top bit set of the bytes that were looked for:
 * the lowest set one is right, those above it may be set by the borrow of the subtraction. So masks
 * may be or-ed, and only scan_first() may be asked. Meant for the short words of a header, for
 * which a call of memchr() is not worth its while.
 */

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SCAN_ONES (UINT64_MAX / 255)
#define SCAN_TOPS (SCAN_ONES << 7)

/* The eight bytes at p, the first one lowest. */
static inline uint64_t scan_load(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof(word));
    return le64toh(word);
}

/* Bytes below limit, which is at most 0x80. */
static inline uint64_t scan_below(uint64_t word, unsigned char limit)
{
    return (word - SCAN_ONES * limit) & ~word & SCAN_TOPS;
}

static inline uint64_t scan_equal(uint64_t word, unsigned char byte)
{
    return scan_below(word ^ SCAN_ONES * byte, 1);
}

/* The index of the first byte found; the mask is not 0. */
static inline size_t scan_first(uint64_t mask)
{
    return (size_t)__builtin_ctzll(mask) / 8;
}

#endif
