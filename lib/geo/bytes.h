/* SPDX-License-Identifier: MIT */
#ifndef GEO_BYTES_H
#define GEO_BYTES_H

/* Many bytes of a text at once. Which are of a kind is said by bitmaps: bit i speaks of byte i. */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <immintrin.h>

/* Which of sixteen bytes are this one. */
static inline unsigned bytes_equal16(const char *at, char byte)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
}

/* Which of sixteen bytes are digits. */
static inline unsigned bytes_digits16(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i from_0 = _mm_sub_epi8(bytes, _mm_set1_epi8('0'));
    __m128i clipped = _mm_min_epu8(from_0, _mm_set1_epi8(9));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(clipped, from_0));
}

/*
 * Four numbers of up to three digits, each with its digits in the upper bytes of four and zeros
 * below, as four octets in order of memory. False: one of them is above 255.
 */
static inline bool bytes_octets(const uint32_t digits[4], uint32_t *ret_octets)
{
    __m128i bytes = _mm_set_epi32((int)digits[3], (int)digits[2], (int)digits[1], (int)digits[0]);
    __m128i tens = _mm_and_si128(bytes, _mm_set1_epi32(0x000f0000));
    __m128i others = _mm_srli_epi16(_mm_and_si128(bytes, _mm_set1_epi32(0x0f000f00)), 8);
    __m128i numbers = _mm_add_epi32(_mm_madd_epi16(tens, _mm_set1_epi32(10 << 16)),
                                    _mm_madd_epi16(others, _mm_set1_epi32(1 << 16 | 100)));
    __m128i words = _mm_packs_epi32(numbers, numbers);
    *ret_octets = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(words, words));
    return _mm_movemask_epi8(_mm_cmpgt_epi32(numbers, _mm_set1_epi32(255))) == 0;
}
#else
static inline unsigned bytes_equal16(const char *at, char byte)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(at[i] == byte) << i;
    return mask;
}

static inline unsigned bytes_digits16(const char *at)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(at[i] >= '0' && at[i] <= '9') << i;
    return mask;
}

static inline bool bytes_octets(const uint32_t digits[4], uint32_t *ret_octets)
{
    uint8_t octets[4];
    uint32_t all = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t n = digits[i] & 0x0f0f0f00;
        n = (n >> 8 & 15) * 100 + (n >> 16 & 15) * 10 + (n >> 24);
        octets[i] = (uint8_t)n;
        all |= n;
    }
    memcpy(ret_octets, octets, sizeof(octets));
    return all <= 255;
}
#endif

/* Which of 64 bytes are this one. */
static inline uint64_t bytes_equal64(const char *at, char byte)
{
    uint64_t low = bytes_equal16(at, byte) | bytes_equal16(at + 16, byte) << 16;
    uint64_t high = bytes_equal16(at + 32, byte) | bytes_equal16(at + 48, byte) << 16;
    return high << 32 | low;
}

#endif
