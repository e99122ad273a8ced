/* SPDX-License-Identifier: MIT */
#ifndef STORE_NUMBER_H
#define STORE_NUMBER_H

/* Numbers and addresses as text. There must be room for NUMBER_BYTES; returns what is behind. */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define NUMBER_BYTES 20

/*
 * Up to eight digits at `at`, of which eight bytes must be readable: how many they are and their
 * value; 8 if there may be more. Which of 0 to 7 they are is not branched on.
 */
static inline unsigned number_take8(const char *at, uint64_t *ret_value)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    word = le64toh(word) ^ each * '0';
    /* The highest bit of the first byte that is above 9; a carry goes only to those behind. */
    uint64_t ends = (word | (word + each * (0x80 - 10))) & each * 0x80;
    unsigned n = 8;
    if (ends) {
        unsigned bit = (unsigned)__builtin_ctzll(ends);
        n = bit / 8;
        word = word << (63 - bit) << 8; /* the digits move to the upper end */
    }
    /* Pairs, fours and eights are added up. */
    word = (word * (10 * 256 + 1)) >> 8 & UINT64_C(0x00ff00ff00ff00ff);
    word = (word * (UINT64_C(100) * 65536 + 1)) >> 16 & UINT64_C(0x0000ffff0000ffff);
    *ret_value = (word * (UINT64_C(10000) * 4294967296 + 1)) >> 32;
    return n;
}

/* In decimal, with leading zeros up to the width (at most NUMBER_BYTES). */
static inline char *number_put(char *out, uint64_t value, unsigned width)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                                "34353637383940414243444546474849505152535455565758596061626364656667"
                                "6869707172737475767778798081828384858687888990919293949596979899";
    char digits[NUMBER_BYTES];
    unsigned at = NUMBER_BYTES;
    for (; value >= 100; value /= 100)
        memcpy(digits + (at -= 2), pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(digits + (at -= 2), pairs + 2 * value, 2);
    else
        digits[--at] = (char)('0' + value);
    while (NUMBER_BYTES - at < width)
        digits[--at] = '0';
    memcpy(out, digits + at, NUMBER_BYTES - at);
    return out + NUMBER_BYTES - at;
}

/* Dotted; the highest of 32 bits first. */
static inline char *number_put_address(char *out, uint64_t address)
{
    for (unsigned shift = 32; shift > 0; shift -= 8) {
        if (shift < 32)
            *out++ = '.';
        out = number_put(out, address >> (shift - 8) & 0xff, 0);
    }
    return out;
}

#endif
