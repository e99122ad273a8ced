/* SPDX-License-Identifier: MIT */
#include "store/token.h"

#include <endian.h>
#include <string.h>
#include "store/byte_masks.h"

#define LETTER TOKEN_BYTE
#define DIGIT  (TOKEN_BYTE | TOKEN_DIGIT)

const uint8_t token_class[256] = {
    ['0' ... '9'] = DIGIT,  ['A' ... 'Z'] = LETTER,   ['_'] = LETTER,
    ['a' ... 'z'] = LETTER, [0x80 ... 0xff] = LETTER,
};

/* The numbers of two octets, each as four bytes: the digits in the upper ones, zeros below. */
static inline uint64_t octets(uint64_t digits)
{
    digits = (digits & UINT64_C(0x0f0f0f0f0f0f0f0f)) * (10 * 256 + 1) >> 8;
    digits = (digits & UINT64_C(0x00ff00ff00ff00ff)) * (UINT64_C(100) * 65536 + 1) >> 16;
    return digits & UINT64_C(0x0000ffff0000ffff);
}

/* The first n bytes at `at`, as the upper bytes of four. */
static inline uint32_t upper_bytes(const char *at, unsigned n)
{
    uint32_t word;
    memcpy(&word, at, sizeof(word));
    return le32toh(word) << (32 - 8 * n);
}

/*
 * Of sixteen bytes, where the dots and the digits are says how long the four numbers are. All are
 * checked and computed before the only branch: which lengths they have cannot be guessed.
 */
static size_t address_of_16(const char *at, uint32_t *ret_value)
{
    struct mask16 mask = mask_16(at);
    unsigned digits = (unsigned)mask.digits, dots = mask_of_byte16(at, '.');
    unsigned second = dots & (dots - 1), third = second & (second - 1);
    if (third == 0)
        return 0;
    unsigned at_1 = (unsigned)__builtin_ctz(dots) + 1, at_2 = (unsigned)__builtin_ctz(second) + 1;
    unsigned at_3 = (unsigned)__builtin_ctz(third) + 1;
    unsigned end = at_3 + (unsigned)__builtin_ctz(~digits >> at_3);
    unsigned len_0 = at_1 - 1, len_1 = at_2 - at_1 - 1, len_2 = at_3 - at_2 - 1, len_3 = end - at_3;
    unsigned starts = 1 | 1u << at_1 | 1u << at_2 | 1u << at_3, before = (1u << end) - 1;
    unsigned padded = mask_of_byte16(at, '0') & starts & digits >> 1;
    bool has_lengths = (len_0 - 1 < 3) & (len_1 - 1 < 3) & (len_2 - 1 < 3) & (len_3 - 1 < 3);
    if (!has_lengths || padded || (~(digits | dots) & before) || (mask.tokens >> end & 1))
        return 0;
    uint64_t high = octets(upper_bytes(at, len_0) | (uint64_t)upper_bytes(at + at_1, len_1) << 32);
    uint64_t low =
        octets(upper_bytes(at + at_2, len_2) | (uint64_t)upper_bytes(at + at_3, len_3) << 32);
    if ((high | low) & UINT64_C(0xffffff00ffffff00))
        return 0;
    *ret_value = (uint32_t)(high << 24 | (high >> 32) << 16 | (low & 0xff) << 8 | low >> 32);
    return end;
}

size_t token_address_value(const char *at, const char *end, uint32_t *ret_value)
{
    char padded[TOKEN_ADDRESS_BYTES] = {0};
    size_t len = (size_t)(end - at);
    if (len >= sizeof(padded))
        return address_of_16(at, ret_value);
    memcpy(padded, at, len);
    return address_of_16(padded, ret_value);
}

bool token_next(struct token_walk *walk, struct token *ret_token)
{
    const char *at = walk->at, *end = walk->end;
    while (at < end && !token_byte(*at))
        at++;
    walk->at = at;
    if (at == end)
        return false;
    size_t address = at == walk->addressed ? 0 : token_address(at, end);
    if (address > 0) {
        walk->addressed = at;
        *ret_token = (struct token){at, address, .is_address = true};
        return true;
    }
    bool is_number = true;
    const char *start = at;
    for (; at < end && token_byte(*at); at++)
        is_number &= token_digit(*at);
    walk->at = at;
    *ret_token = (struct token){start, (size_t)(at - start), .is_number = is_number};
    return true;
}
