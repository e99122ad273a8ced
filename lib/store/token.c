/* SPDX-License-Identifier: MIT */
#include "store/token.h"

#define LETTER TOKEN_BYTE
#define DIGIT  (TOKEN_BYTE | TOKEN_DIGIT)

const uint8_t token_class[256] = {
    ['0' ... '9'] = DIGIT,  ['A' ... 'Z'] = LETTER,  ['_'] = LETTER,
    ['a' ... 'z'] = LETTER, [0x80 ... 0xff] = LETTER,
};

size_t token_address_value(const char *at, const char *end, uint32_t *ret_value)
{
    const char *start = at;
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && (at == end || *at++ != '.'))
            return 0;
        const char *first = at;
        unsigned octet = 0;
        while (at < end && token_digit(*at) && at - first < 3)
            octet = octet * 10 + (unsigned)(*at++ - '0');
        if (at == first || octet > 255 || (*first == '0' && at - first > 1))
            return 0;
        if (at < end && token_byte(*at))
            return 0;
        value = value << 8 | octet;
    }
    *ret_value = value;
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
