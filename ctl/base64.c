/* SPDX-License-Identifier: MIT */
#include "ctl/base64.h"

#include <stdint.h>

static int digit(char letter)
{
    if (letter >= 'A' && letter <= 'Z')
        return letter - 'A';
    if (letter >= 'a' && letter <= 'z')
        return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9')
        return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

bool base64_decode(const char *text, size_t len, char *bytes, size_t *ret_len)
{
    size_t n = 0, n_padding = 0;
    if (len % 4 != 0)
        return false;
    while (n_padding < 2 && n_padding < len && text[len - 1 - n_padding] == '=')
        n_padding++;
    for (size_t at = 0; at < len; at += 4) {
        size_t n_digits = at + 4 == len ? 4 - n_padding : 4;
        uint32_t bits = 0;
        for (size_t i = 0; i < 4; i++) {
            int value = i < n_digits ? digit(text[at + i]) : 0;
            if (value < 0)
                return false;
            bits = bits << 6 | (uint32_t)value;
        }
        for (size_t i = 0; i + 1 < n_digits; i++)
            bytes[n++] = (char)(bits >> (16 - 8 * i));
    }
    *ret_len = n;
    return true;
}
