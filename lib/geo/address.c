/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include <arpa/inet.h>
#include <string.h>

/*
 * The search stands on two bytes that addresses cannot do without: '.' and ':'. memchr() leaps
 * from one to the next, and a look at their neighbours refuses most of them at once:
 *
 *   IPv4  the first dot of a.b.c.d: a digit on both sides, one to three of them on the left
 *   IPv6  the first colon of an address that can be public: 2xxx: or 3xxx: on the left, or
 *         what can lead to ::ffff:a.b.c.d, that is :: or 0:
 *
 * Only what passes is parsed. IPv4 is searched first, as it is what most lines have; IPv6 then only
 * up to where an IPv4 address was found. All steps look at bytes of bounded number around a dot or colon, or
 * at a token from its start to its end once, so that the time is linear in the length.
 *
 * Edges. An address ends before what is no part of a word, and starts after it: not after a
 * letter, digit, '_', '.' or '-', and not after "word/" (Chrome/126.0.6478.1), but after "://".
 * It is not followed by a letter, digit or '_', nor by '.' and a digit. Bytes from 0x80 on are
 * taken as no part of a word: many scripts do without spaces.
 */

/* The longest text: six groups of four and a dotted quad. */
#define MAX_TEXT6 45

enum { DIGIT = 1, HEX = 2, WORD = 4 };

#define DIGITS DIGIT | HEX | WORD
#define HEXES  HEX | WORD

static const uint8_t classes[256] = {
    ['0'... '9'] = DIGITS, ['a'... 'f'] = HEXES, ['A'... 'F'] = HEXES,
    ['g'... 'z'] = WORD,   ['G'... 'Z'] = WORD,  ['_'] = WORD,
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
    char before = text.data[at - 1];
    if (before == '.' || before == '-' || class_at(text, at - 1) & WORD)
        return false;
    return before != '/' || at < 2 || !(class_at(text, at - 2) & WORD);
}

static bool may_end(struct view text, size_t at)
{
    if (class_at(text, at) & WORD)
        return false;
    return !(is_at(text, at, '.') && class_at(text, at + 1) & DIGIT);
}

/* 0-255 without leading zeros, followed by what is no digit. Moves *at past it. */
static bool parse_octet(struct view text, size_t *at, uint8_t *ret_octet)
{
    size_t start = *at, i = start;
    unsigned value = 0;
    while (i < start + 3 && class_at(text, i) & DIGIT)
        value = value * 10 + (unsigned)(text.data[i++] - '0');
    bool leading_zero = i > start + 1 && text.data[start] == '0';
    if (i == start || value > 255 || leading_zero || class_at(text, i) & DIGIT)
        return false;
    *at = i;
    *ret_octet = (uint8_t)value;
    return true;
}

/* a.b.c.d at start; its end, or 0. */
static size_t parse4(struct view text, size_t start, uint8_t ret_octets[4])
{
    size_t at = start;
    for (unsigned i = 0; i < 4; i++) {
        if (i > 0 && !is_at(text, at++, '.'))
            return 0;
        if (!parse_octet(text, &at, &ret_octets[i]))
            return 0;
    }
    return may_end(text, at) ? at : 0;
}

/* Takes the token of hex digits, colons and dots at start as an IPv6 address. Always moves *ret_end past what was looked at. */
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

/* Is the dotted quad [start, end) the tail of an IPv6 address? Then it is no address of its own. */
static bool is_tail_of_6(struct view text, size_t start, size_t end)
{
    size_t head = start;
    while (head > 0 && start - head < MAX_TEXT6 &&
           (text.data[head - 1] == ':' || class_at(text, head - 1) & HEX))
        head--;
    struct found whole;
    size_t past;
    return may_start(text, head) && parse6(text, head, &past, &whole) &&
           whole.off + whole.len == end;
}

/* The first public IPv4 address. */
static bool find4(struct view text, struct found *ret_found)
{
    const char *from = text.data, *dot;
    const char *limit = text.data + text.len;
    while (from < limit && (dot = memchr(from, '.', (size_t)(limit - from)))) {
        size_t at = (size_t)(dot - text.data), start = at;
        from = dot + 1;
        if (at == 0 || !(class_at(text, at - 1) & DIGIT) || !(class_at(text, at + 1) & DIGIT))
            continue;
        while (start > 0 && at - start < 4 && class_at(text, start - 1) & DIGIT)
            start--;
        struct found found = {.off = start, .address = {[10] = 0xff, [11] = 0xff}};
        size_t end;
        if (at - start > 3 || !may_start(text, start) ||
            !(end = parse4(text, start, found.address + 12)))
            continue;
        from = text.data + end;
        if (!geo_is_public(found.address))
            continue;
        if (start > 0 && text.data[start - 1] == ':' && is_tail_of_6(text, start, end))
            continue;
        found.len = end - start;
        *ret_found = found;
        return true;
    }
    return false;
}

/* Where an IPv6 address starts that has its first colon here and that can be public. */
static bool starts6(struct view text, size_t colon, size_t *ret_start)
{
    size_t start = colon;
    while (start > 0 && colon - start < 5 && class_at(text, start - 1) & HEX)
        start--;
    size_t n = colon - start;
    char first = text.data[start];
    bool plausible = n == 4   ? first == '2' || first == '3' || first == '0'
                     : n == 1 ? first == '0'
                     : n == 0 ? is_at(text, colon + 1, ':')
                              : false;
    if (!plausible || !may_start(text, start))
        return false;
    /* "peer:2a00::1" starts after its colon, but the middle of an address does not. */
    if (start > 0 && text.data[start - 1] == ':' &&
        (start < 2 || text.data[start - 2] == ':' || class_at(text, start - 2) & HEX))
        return false;
    *ret_start = start;
    return true;
}

/* The first public IPv6 address whose first colon is before limit. */
static bool find6(struct view text, size_t limit, struct found *ret_found)
{
    const char *from = text.data, *end = text.data + limit, *colon;
    while (from < end && (colon = memchr(from, ':', (size_t)(end - from)))) {
        size_t start, past;
        from = colon + 1;
        if (!starts6(text, (size_t)(colon - text.data), &start))
            continue;
        bool parsed = parse6(text, start, &past, ret_found);
        if (parsed && geo_is_public(ret_found->address))
            return true;
        if (text.data + past > from)
            from = text.data + past;
    }
    return false;
}

bool geo_find_address(const char *text, size_t len, uint32_t *ret_off, uint32_t *ret_len,
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
