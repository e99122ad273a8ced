/* SPDX-License-Identifier: MIT */
#ifndef STORE_BYTE_PLANES_H
#define STORE_BYTE_PLANES_H

/*
 * One byte of each of many integers, behind one another (ints.h). Eight or sixteen of them at a time
 * where the processor can.
 *
 *   values - base   0x0001a2b3  0x0001a2b4  0x0002c0c1  …
 *   plane 0         b3 b4 c1 …
 *   plane 1         a2 a2 c0 …
 */

#include <stddef.h>
#include <stdint.h>

#ifdef __SSE2__
#include <immintrin.h>

/* The byte that is to be kept of each of the lanes, in their lowest byte, the others zero. */
static inline __m128i plane_lanes64(const uint64_t *values, __m128i base, __m128i shift)
{
    __m128i lanes = _mm_loadu_si128((const __m128i *)(const void *)values);
    lanes = _mm_srl_epi64(_mm_sub_epi64(lanes, base), shift);
    return _mm_and_si128(lanes, _mm_set1_epi64x(0xff));
}

static inline __m128i plane_lanes32(const uint32_t *values, __m128i base, __m128i shift)
{
    __m128i lanes = _mm_loadu_si128((const __m128i *)(const void *)values);
    lanes = _mm_srl_epi32(_mm_sub_epi32(lanes, base), shift);
    return _mm_and_si128(lanes, _mm_set1_epi32(0xff));
}

/* Returns how many of n values were taken. */
static inline size_t plane_put64_wide(uint8_t *at, const uint64_t *values, size_t n, uint64_t base,
                                      unsigned shift)
{
    __m128i from = _mm_set1_epi64x((long long)base), by = _mm_cvtsi32_si128((int)shift);
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m128i a = _mm_packs_epi32(plane_lanes64(values + i, from, by),
                                    plane_lanes64(values + i + 2, from, by));
        __m128i b = _mm_packs_epi32(plane_lanes64(values + i + 4, from, by),
                                    plane_lanes64(values + i + 6, from, by));
        a = _mm_packs_epi32(a, b);
        _mm_storel_epi64((__m128i *)(void *)(at + i), _mm_packus_epi16(a, a));
    }
    return i;
}

static inline size_t plane_put32_wide(uint8_t *at, const uint32_t *values, size_t n, uint32_t base,
                                      unsigned shift)
{
    __m128i from = _mm_set1_epi32((int)base), by = _mm_cvtsi32_si128((int)shift);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        __m128i a = _mm_packs_epi32(plane_lanes32(values + i, from, by),
                                    plane_lanes32(values + i + 4, from, by));
        __m128i b = _mm_packs_epi32(plane_lanes32(values + i + 8, from, by),
                                    plane_lanes32(values + i + 12, from, by));
        _mm_storeu_si128((__m128i *)(void *)(at + i), _mm_packus_epi16(a, b));
    }
    return i;
}
#else
static inline size_t plane_put64_wide(uint8_t *at, const uint64_t *values, size_t n, uint64_t base,
                                      unsigned shift)
{
    return 0;
}

static inline size_t plane_put32_wide(uint8_t *at, const uint32_t *values, size_t n, uint32_t base,
                                      unsigned shift)
{
    return 0;
}
#endif

/* Bits shift to shift + 7 of values[i] - base, for i < n. */
static inline void plane_put64(uint8_t *at, const uint64_t *values, size_t n, uint64_t base,
                               unsigned shift)
{
    for (size_t i = plane_put64_wide(at, values, n, base, shift); i < n; i++)
        at[i] = (uint8_t)((values[i] - base) >> shift);
}

static inline void plane_put32(uint8_t *at, const uint32_t *values, size_t n, uint32_t base,
                               unsigned shift)
{
    for (size_t i = plane_put32_wide(at, values, n, base, shift); i < n; i++)
        at[i] = (uint8_t)((values[i] - base) >> shift);
}

#endif
