/* SPDX-License-Identifier: MIT */
#include "store/query/extract.h"

#include <string.h>

#define REPLACEMENT 0xfffdu

static int hex_value(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* The four digits of \uXXXX, whose backslash is at `at`; -1: that is not what stands there. */
static long take_unit(const char *at, const char *end)
{
    long unit = 0;
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
        return -1;
    for (int i = 2; i < 6; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

static char *put_utf8(char *out, unsigned long point)
{
    if (point < 0x80) {
        *out++ = (char)point;
    } else if (point < 0x800) {
        *out++ = (char)(0xc0 | point >> 6);
        *out++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *out++ = (char)(0xe0 | point >> 12);
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    } else {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
        *out++ = (char)(0x80 | (point & 0x3f));
    }
    return out;
}

/* \uXXXX, or two of them that are one character; half of such a pair becomes U+FFFD. Returns how
 * many bytes it took, 0: it is none. */
static size_t take_character(const char *at, const char *end, char **out)
{
    long unit = take_unit(at, end);
    if (unit < 0)
        return 0;
    if (unit < 0xd800 || unit > 0xdfff) {
        *out = put_utf8(*out, (unsigned long)unit);
        return 6;
    }
    long low = unit < 0xdc00 ? take_unit(at + 6, end) : -1;
    bool is_pair = low >= 0xdc00 && low <= 0xdfff;
    *out = put_utf8(*out, is_pair ? 0x10000ul + ((unsigned long)(unit - 0xd800) << 10) +
                                        (unsigned long)(low - 0xdc00)
                                  : REPLACEMENT);
    return is_pair ? 12 : 6;
}

size_t extract_unescape(struct text value, char *out)
{
    static const char letters[] = "\"\\/bfnrt'", meanings[] = "\"\\/\b\f\n\r\t'";
    const char *at = value.data, *end = value.data + value.len;
    char *start = out;
    while (at < end) {
        const char *letter = NULL;
        size_t taken = 0;
        if (*at == '\\' && end - at > 1) {
            letter = memchr(letters, at[1], sizeof(letters) - 1);
            taken = letter == NULL ? take_character(at, end, &out) : 2;
        }
        if (letter != NULL)
            *out++ = meanings[letter - letters];
        if (taken == 0)
            *out++ = *at++;
        at += taken;
    }
    return (size_t)(out - start);
}
