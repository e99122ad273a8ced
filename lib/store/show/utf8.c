/* SPDX-License-Identifier: MIT */
#include "store/show/utf8.h"

#include <stdint.h>

/* Unicode 3.9, table 3-7: what the second byte may be decides over- and out-of-range forms. */
static const struct form {
    uint8_t first_low, first_high, second_low, second_high;
    size_t len;
} forms[] = {
    {0x00, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static const struct form *form_of(uint8_t first)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        if (first >= forms[i].first_low && first <= forms[i].first_high)
            return &forms[i];
    return NULL;
}

size_t utf8_next(const char *text, size_t len, bool *ret_valid)
{
    const uint8_t *bytes = (const uint8_t *)text;
    const struct form *form = form_of(bytes[0]);
    *ret_valid = false;
    if (form == NULL)
        return 1;
    for (size_t i = 1; i < form->len; i++) {
        uint8_t low = i == 1 ? form->second_low : 0x80, high = i == 1 ? form->second_high : 0xbf;
        if (i == len || bytes[i] < low || bytes[i] > high)
            return i;
    }
    *ret_valid = true;
    return form->len;
}
