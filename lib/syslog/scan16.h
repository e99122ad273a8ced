/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_SCAN16_H
#define SYSLOG_SCAN16_H

/*
 * Looking for bytes sixteen at a time, in SSE2, which every x86-64 has, or in plain C (also with
 * SCAN16_PLAIN defined, for tests). The answer is a bit for each byte, the lowest for the first, so
 * all finds of a stretch are known at once, and the next one is a matter of clearing a bit. Where
 * words are short, that costs less than a loop for each of them, and leaves no end of a loop to be
 * guessed wrong.
 *
 *   scan16_load(p)                 the sixteen bytes at p
 *   scan16_equal(bytes, byte)      those that are `byte`
 *   scan16_at_most(bytes, limit)   those that are not above limit, unsigned; limit is below 0x80
 *   scan16_either(a, b)            those that are in one of the two
 *   scan16_bits(found)             as bits 0 to 15
 */

#include <stdint.h>

#if defined(__SSE2__) && !defined(SCAN16_PLAIN)

#include <immintrin.h>

typedef __m128i scan16;

static inline scan16 scan16_load(const char *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

static inline scan16 scan16_equal(scan16 bytes, char byte)
{
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte));
}

static inline scan16 scan16_at_most(scan16 bytes, char limit)
{
    return _mm_cmpeq_epi8(_mm_min_epu8(bytes, _mm_set1_epi8(limit)), bytes);
}

static inline scan16 scan16_either(scan16 a, scan16 b)
{
    return _mm_or_si128(a, b);
}

static inline uint64_t scan16_bits(scan16 found)
{
    return (unsigned)_mm_movemask_epi8(found);
}

#else

#include "syslog/scan.h"

/* Two words of eight bytes. What is found has a 1 in the top bit of its byte, exactly. */
typedef struct {
    uint64_t low, high;
} scan16;

static inline scan16 scan16_load(const char *p)
{
    return (scan16){scan_load(p), scan_load(p + 8)};
}

/* Nothing is carried from one byte into the next: the sums stay below 256. */
static inline uint64_t scan8_at_most(uint64_t word, unsigned limit)
{
    return ~(((word & ~SCAN_TOPS) + SCAN_ONES * (0x7f - limit)) | word) & SCAN_TOPS;
}

static inline scan16 scan16_at_most(scan16 bytes, char limit)
{
    return (scan16){scan8_at_most(bytes.low, (unsigned char)limit),
                    scan8_at_most(bytes.high, (unsigned char)limit)};
}

static inline scan16 scan16_equal(scan16 bytes, char byte)
{
    uint64_t word = SCAN_ONES * (unsigned char)byte;
    return (scan16){scan8_at_most(bytes.low ^ word, 0), scan8_at_most(bytes.high ^ word, 0)};
}

static inline scan16 scan16_either(scan16 a, scan16 b)
{
    return (scan16){a.low | b.low, a.high | b.high};
}

/* The product brings the eight bits together in its top byte. */
static inline uint64_t scan8_bits(uint64_t found)
{
    return (found >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline uint64_t scan16_bits(scan16 found)
{
    return scan8_bits(found.low) | scan8_bits(found.high) << 8;
}

#endif

/* A stretch that fills a word with its bits. */
#define SCAN_WINDOW 64

static inline uint64_t scan_join(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return a | b << 16 | c << 32 | d << 48;
}

#endif
