/* SPDX-License-Identifier: MIT */
#ifndef STORE_BYTE_MASKS_H
#define STORE_BYTE_MASKS_H

/*
 * Which bytes of a text are digits, and which are part of tokens (token.h), as bitmaps: bit i of
 * word w speaks of byte 64 w + i. Looking for the next change is then a shift and a count of zeros.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "store/template.h"
#include "store/token.h"

#define MASK_WORDS (TEMPLATE_MAX_BYTES / 64 + 1)

struct byte_masks {
    uint64_t digits[MASK_WORDS], tokens[MASK_WORDS]; /* zero behind the text */
    bool has_nul;
};

struct mask16 {
    uint64_t digits, tokens, nuls;
};

#ifdef __SSE2__
#include <immintrin.h>

/* Bytes from low to low + n, as unsigned ones. */
static inline __m128i mask_range(__m128i bytes, char low, char n)
{
    __m128i from_low = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(from_low, _mm_set1_epi8(n)), from_low);
}

static inline struct mask16 mask_16(const char *at)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
    __m128i digits = mask_range(bytes, '0', 9);
    __m128i letters = mask_range(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 25);
    __m128i others = _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('_')), bytes);
    __m128i tokens = _mm_or_si128(_mm_or_si128(digits, letters), others);
    __m128i nuls = _mm_cmpeq_epi8(bytes, _mm_setzero_si128());
    return (struct mask16){(unsigned)_mm_movemask_epi8(digits), (unsigned)_mm_movemask_epi8(tokens),
                           (unsigned)_mm_movemask_epi8(nuls)};
}

/* Which of sixteen bytes are equal. */
static inline unsigned mask_equal16(const char *a, const char *b)
{
    __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)a),
                                   _mm_loadu_si128((const __m128i *)(const void *)b));
    return (unsigned)_mm_movemask_epi8(equal);
}

/* Which of sixteen bytes are this one. */
static inline unsigned mask_of_byte16(const char *at, char byte)
{
    __m128i equal = _mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(const void *)at),
                                   _mm_set1_epi8(byte));
    return (unsigned)_mm_movemask_epi8(equal);
}
#else
static inline struct mask16 mask_16(const char *at)
{
    struct mask16 mask = {0};
    for (unsigned i = 0; i < 16; i++) {
        mask.digits |= (uint64_t)token_digit(at[i]) << i;
        mask.tokens |= (uint64_t)token_byte(at[i]) << i;
        mask.nuls |= (uint64_t)(at[i] == '\0') << i;
    }
    return mask;
}

static inline unsigned mask_equal16(const char *a, const char *b)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(a[i] == b[i]) << i;
    return mask;
}

static inline unsigned mask_of_byte16(const char *at, char byte)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 16; i++)
        mask |= (unsigned)(at[i] == byte) << i;
    return mask;
}
#endif

/* len: at most TEMPLATE_MAX_BYTES. */
static inline void byte_masks_fill(struct byte_masks *masks, const char *text, size_t len)
{
    uint64_t nuls = 0;
    size_t n_words = len / 64 + 1;
    for (size_t word = 0; word < n_words; word++)
        masks->digits[word] = masks->tokens[word] = 0;
    for (size_t at = 0; at < len; at += 16) {
        char last[16] = {0};
        struct mask16 mask;
        if (len - at >= 16) {
            mask = mask_16(text + at);
        } else {
            memcpy(last, text + at, len - at);
            mask = mask_16(last);
            mask.nuls &= (1u << (len - at)) - 1;
        }
        masks->digits[at / 64] |= mask.digits << (at % 64);
        masks->tokens[at / 64] |= mask.tokens << (at % 64);
        nuls |= mask.nuls;
    }
    masks->has_nul = nuls != 0;
}

/* The first set bit at or behind `at`; len where there is none. */
static inline size_t mask_next_set(const uint64_t *words, size_t at, size_t len)
{
    size_t word = at / 64;
    uint64_t bits = words[word] >> (at % 64);
    if (bits)
        return at + (unsigned)__builtin_ctzll(bits);
    while (++word * 64 < len)
        if (words[word])
            return word * 64 + (unsigned)__builtin_ctzll(words[word]);
    return len;
}

/* The first clear bit at or behind `at`, at most len: bits behind the text are clear. */
static inline size_t mask_next_clear(const uint64_t *words, size_t at)
{
    size_t word = at / 64;
    uint64_t bits = ~words[word] >> (at % 64);
    if (bits)
        return at + (unsigned)__builtin_ctzll(bits);
    while (words[++word] == UINT64_MAX)
        ;
    return word * 64 + (unsigned)__builtin_ctzll(~words[word]);
}

/* The beginning of the run of set bits that `at` is in, but not in front of `from`. */
static inline size_t mask_run_start(const uint64_t *words, size_t at, size_t from)
{
    size_t word = at / 64;
    uint64_t clear = ~words[word] << (63 - at % 64);
    while (clear == 0 && word * 64 > from)
        clear = ~words[--word], at = word * 64 + 63;
    size_t start = clear ? at + 1 - (unsigned)__builtin_clzll(clear) : word * 64;
    return start > from ? start : from;
}

#endif
