/* SPDX-License-Identifier: MIT */
#include "store/token.h"

#define LETTER TOKEN_BYTE
#define DIGIT  (TOKEN_BYTE | TOKEN_DIGIT)

const uint8_t token_class[256] = {
    ['0' ... '9'] = DIGIT,  ['A' ... 'Z'] = LETTER,  ['_'] = LETTER,
    ['a' ... 'z'] = LETTER, [0x80 ... 0xff] = LETTER,
};

/* A number of 0 to 255 without leading zeros that is a whole token: its length, or 0. */
static size_t octet(const char *at, const char *end)
{
    unsigned value = 0;
    size_t len = 0;
    while (at + len < end && token_digit(at[len]) && len < 4)
        value = value * 10 + (unsigned)(at[len++] - '0');
    bool is_whole = at + len == end || !token_byte(at[len]);
    return len == 0 || len > 3 || value > 255 || !is_whole || (len > 1 && *at == '0') ? 0 : len;
}

size_t token_address(const char *at, const char *end)
{
    const char *start = at;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return 0;
        size_t len = octet(at, end);
        if (len == 0)
            return 0;
        at += len;
    }
    return (size_t)(at - start);
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
