/* SPDX-License-Identifier: MIT */
#ifndef FINDER_MODEL_H
#define FINDER_MODEL_H

/*
 * geo_find_address() as its rules are said, dot by dot and colon by colon: what the one that looks
 * at many bytes at once is compared with.
 */

#include <arpa/inet.h>
#include <string.h>
#include "geo/geo.h"

/* The longest text: six groups of four and a dotted quad. */
#define MAX_TEXT6 45

/* BEFORE: what an address does not start after. */
enum { DIGIT = 1, HEX = 2, WORD = 4, BEFORE = 8 };

static const uint8_t classes[256] = {
    ['0' ... '9'] = DIGIT | HEX | WORD | BEFORE,
    ['a' ... 'f'] = HEX | WORD | BEFORE,
    ['A' ... 'F'] = HEX | WORD | BEFORE,
    ['g' ... 'z'] = WORD | BEFORE,
    ['G' ... 'Z'] = WORD | BEFORE,
    ['_'] = WORD | BEFORE,
    ['.'] = BEFORE,
    ['-'] = BEFORE,
};

struct view {
    const char *data;
    size_t len;
};

struct found {
    size_t off, len; /* len 0: nothing */
    uint8_t address[16];
};

static unsigned class_at(struct view text, size_t at)
{
    return at < text.len ? classes[(uint8_t)text.data[at]] : 0;
}

static bool is_at(struct view text, size_t at, char byte)
{
    return at < text.len && text.data[at] == byte;
}

/* May an address start here? Of what is before it, see above. */
static bool may_start(struct view text, size_t at)
{
    if (at == 0)
        return true;
    if (class_at(text, at - 1) & BEFORE)
        return false;
    return text.data[at - 1] != '/' || at < 2 || !(class_at(text, at - 2) & WORD);
}

static bool may_end(struct view text, size_t at)
{
    if (class_at(text, at) & WORD)
        return false;
    return !(is_at(text, at, '.') && class_at(text, at + 1) & DIGIT);
}

/* a.b.c.d at start: its length, or 0. */
static size_t parse4(struct view text, size_t start, uint8_t ret_octets[4])
{
    size_t at = start;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && !is_at(text, at++, '.'))
            return 0;
        unsigned value = 0, n = 0;
        for (; n < 4 && class_at(text, at + n) & DIGIT; n++)
            value = value * 10 + (unsigned)(text.data[at + n] - '0');
        if (n == 0 || n > 3 || value > 255 || (n > 1 && text.data[at] == '0'))
            return 0;
        ret_octets[i] = (uint8_t)value;
        at += n;
    }
    return may_end(text, at) ? at - start : 0;
}

/*
 * Takes the token of hex digits, colons and dots at start as an IPv6 address. *ret_end is past what
 * was looked at in any case.
 */
static bool parse6(struct view text, size_t start, size_t *ret_end, struct found *ret_found)
{
    size_t end = start, n_colons = 0;
    bool gap = false;
    for (; end < text.len && end - start <= MAX_TEXT6 + 1; end++) {
        if (text.data[end] == ':') {
            gap |= n_colons > 0 && text.data[end - 1] == ':';
            n_colons++;
        } else if (text.data[end] != '.' && !(class_at(text, end) & HEX)) {
            break;
        }
    }
    *ret_end = end;
    if (!gap && n_colons < 6) /* six: with a dotted quad */
        return false;
    if (!may_end(text, end))
        return false;
    /* "from 2a00::1: refused." The colon of a sentence, or its full stop. */
    while (end > start && text.data[end - 1] == '.')
        end--;
    if (end - start > 2 && text.data[end - 1] == ':' && text.data[end - 2] != ':')
        end--;
    char copy[MAX_TEXT6 + 1];
    size_t len = end - start;
    if (len >= sizeof(copy))
        return false;
    memcpy(copy, text.data + start, len);
    copy[len] = '\0';
    if (inet_pton(AF_INET6, copy, ret_found->address) != 1)
        return false;
    ret_found->off = start;
    ret_found->len = len;
    return true;
}

/* Is the dotted quad the tail of an IPv6 address? Then it is no address of its own. */
static bool is_tail_of_6(struct view text, const struct found *quad)
{
    size_t head = quad->off, past;
    if (head == 0 || text.data[head - 1] != ':')
        return false;
    while (head > 0 && quad->off - head < MAX_TEXT6 &&
           (text.data[head - 1] == ':' || class_at(text, head - 1) & HEX))
        head--;
    struct found whole;
    return may_start(text, head) && parse6(text, head, &past, &whole) &&
           whole.off + whole.len == quad->off + quad->len;
}

/* Where the one to three digits before at start. */
static size_t start_of_digits(struct view text, size_t at)
{
    size_t start = at - 1;
    while (start > 0 && at - start < 3 && class_at(text, start - 1) & DIGIT)
        start--;
    return start;
}

/* Takes a dot as the first of an address. False: the search goes on at *ret_past. */
static bool take_dot(struct view text, size_t at, size_t *ret_past, struct found *ret_found)
{
    *ret_past = at + 1;
    if (at == 0 || !(class_at(text, at - 1) & class_at(text, at + 1) & DIGIT))
        return false;
    size_t start = start_of_digits(text, at);
    if (!may_start(text, start))
        return false;
    struct found found = {.off = start, .address = {[10] = 0xff, [11] = 0xff}};
    found.len = parse4(text, start, found.address + 12);
    if (found.len == 0)
        return false;
    *ret_past = start + found.len;
    if (!geo_is_public(found.address) || is_tail_of_6(text, &found))
        return false;
    *ret_found = found;
    return true;
}

/* The first public IPv4 address. */
static bool find4(struct view text, struct found *ret_found)
{
    const char *dot;
    size_t from = 0;
    while (from < text.len && (dot = memchr(text.data + from, '.', text.len - from)))
        if (take_dot(text, (size_t)(dot - text.data), &from, ret_found))
            return true;
    return false;
}

/* Can an IPv6 address start here, with n hex digits before its first colon, that is public? */
static bool starts6(struct view text, size_t start, size_t n)
{
    char first = text.data[start];
    bool is_plausible = n == 4   ? first == '2' || first == '3' || first == '0'
                        : n == 1 ? first == '0'
                                 : n == 0;
    if (!is_plausible || !may_start(text, start))
        return false;
    /* "peer:2a00::1" starts after its colon, but the middle of an address does not. */
    return start == 0 || text.data[start - 1] != ':' ||
           !(start < 2 || text.data[start - 2] == ':' || class_at(text, start - 2) & HEX);
}

static size_t end_of_token6(struct view text, size_t at)
{
    while (class_at(text, at) & HEX || is_at(text, at, ':'))
        at++;
    return at;
}

/* Takes a colon as the first of an address. False: the search goes on at *ret_past. */
static bool take_colon(struct view text, size_t at, size_t *ret_past, struct found *ret_found)
{
    size_t start = at;
    *ret_past = at + 1;
    while (start > 0 && at - start < 5 && class_at(text, start - 1) & HEX)
        start--;
    if (start == at && !is_at(text, at + 1, ':')) /* most are like this: a word, a colon, a space */
        return false;
    if (starts6(text, start, at - start))
        return parse6(text, start, ret_past, ret_found) && geo_is_public(ret_found->address);
    if (start < at)
        *ret_past = end_of_token6(text, at); /* 52:54:00:12:34:56 */
    return false;
}

/* The first public IPv6 address whose first colon is before limit. */
static bool find6(struct view text, size_t limit, struct found *ret_found)
{
    const char *colon;
    size_t from = 0;
    while (from < limit && (colon = memchr(text.data + from, ':', limit - from)))
        if (take_colon(text, (size_t)(colon - text.data), &from, ret_found))
            return true;
    return false;
}

static bool model_find_address(const char *text, size_t len, uint32_t *ret_off, uint32_t *ret_len,
                               uint8_t ret_address[16])
{
    struct view view = {text, len};
    struct found found4, found6;
    bool has4 = find4(view, &found4);
    bool has6 = find6(view, has4 ? found4.off : len, &found6);
    if (!has4 && !has6)
        return false;
    const struct found *first = has6 ? &found6 : &found4;
    *ret_off = (uint32_t)first->off;
    *ret_len = (uint32_t)first->len;
    memcpy(ret_address, first->address, sizeof(first->address));
    return true;
}

#endif
