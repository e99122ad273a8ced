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

/* The least number that takes so many digits, which are 1 to NUMBER_BYTES. */
static inline uint64_t number_least(unsigned n_digits)
{
    static const uint64_t powers[NUMBER_BYTES] = {
        0u,
        10u,
        100u,
        1000u,
        10000u,
        100000u,
        1000000u,
        10000000u,
        100000000u,
        1000000000u,
        UINT64_C(10000000000),
        UINT64_C(100000000000),
        UINT64_C(1000000000000),
        UINT64_C(10000000000000),
        UINT64_C(100000000000000),
        UINT64_C(1000000000000000),
        UINT64_C(10000000000000000),
        UINT64_C(100000000000000000),
        UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000),
    };
    return powers[n_digits - 1];
}

/* How many digits it takes: guessed from the bits, and one less where that was too much. */
static inline unsigned number_digits(uint64_t value)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233 >> 12; /* log10(2) */
    return guess + (value >= number_least(guess + 1));
}

/* In decimal, with leading zeros up to the width (at most NUMBER_BYTES). */
static inline char *number_put(char *out, uint64_t value, unsigned width)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233"
                                "34353637383940414243444546474849505152535455565758596061626364656667"
                                "6869707172737475767778798081828384858687888990919293949596979899";
    unsigned n = number_digits(value);
    for (; n < width; width--)
        *out++ = '0';
    char *end = out + n, *at = end;
    for (; value >= 100; value /= 100)
        memcpy(at -= 2, pairs + 2 * (value % 100), 2);
    if (value >= 10)
        memcpy(at - 2, pairs + 2 * value, 2);
    else
        at[-1] = (char)('0' + value);
    return end;
}

/* Dotted; the highest of 32 bits first. Nothing depends on how long the numbers are. */
static inline char *number_put_address(char *out, uint64_t address)
{
#define TEN(tens)                                                                                  \
    tens "0", tens "1", tens "2", tens "3", tens "4", tens "5", tens "6", tens "7", tens "8", tens "9"
    static const char octets[256][4] = {
        TEN(""),   TEN("1"),  TEN("2"),  TEN("3"),  TEN("4"),  TEN("5"),  TEN("6"),
        TEN("7"),  TEN("8"),  TEN("9"),  TEN("10"), TEN("11"), TEN("12"), TEN("13"),
        TEN("14"), TEN("15"), TEN("16"), TEN("17"), TEN("18"), TEN("19"), TEN("20"),
        TEN("21"), TEN("22"), TEN("23"), TEN("24"), "250",     "251",     "252",
        "253",     "254",     "255",
    };
#undef TEN
    for (unsigned shift = 24;; shift -= 8) {
        unsigned octet = address >> shift & 0xff;
        memcpy(out, octets[octet], 4);
        out += 1 + (octet > 9) + (octet > 99);
        if (shift == 0)
            return out;
        *out++ = '.';
    }
}

#endif
