/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include <arpa/inet.h>
#include <string.h>
#include "geo/bytes.h"
#include "geo/quad.h"

/*
 * Most bytes of a log line are no part of an address, and most of its dots and colons are not
 * either: versions, times, names, JSON. So the text is looked at in windows of 64 bytes, as bitmaps
 * of dots and of colons, in which what an address cannot do without is seen at once:
 *
 *   IPv4  three dots, each two to four bytes behind the one before
 *   IPv6  two colons in a row, or six, each two to five bytes behind the one before
 *
 * Windows overlap by the eight bytes that two dots may be behind the first, so that all three are
 * in one window. A chain of six colons may be longer: of those that reach an edge of the window,
 * three are enough.
 *
 * IPv4 is searched first, as it is what most lines have; IPv6 then only up to where an IPv4 address
 * was found. Three such dots are parsed at once. In a text with such colons each colon is looked at
 * with its neighbours, which refuse most of them:
 *
 *   2xxx: or 3xxx: on the left, or what can lead to ::ffff:a.b.c.d, that is :: or 0:
 *
 * All steps look at bytes of bounded number around a dot or colon, or at a token from its start to
 * its end once, so that the time is linear in the length.
 *
 * Edges. An address ends before what is no part of a word, and starts after it: not after a
 * letter, digit, '_', '.' or '-', and not after "word/" (Chrome/126.0.6478.1), but after "://".
 * It is not followed by a letter, digit or '_', nor by '.' and a digit. Bytes from 0x80 on are
 * taken as no part of a word: many scripts do without spaces.
 */

/* The longest text: six groups of four and a dotted quad. */
#define MAX_TEXT6 45

/* Bytes that are looked at at once, and how many of them again in the next window. */
#define WINDOW_BYTES  64
#define OVERLAP_BYTES 8

/* Of few lines: kept out of the way of the others. */
#define RARE __attribute__((noinline))

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
static inline bool may_start(struct view text, size_t at)
{
    if (at == 0)
        return true;
    if (class_at(text, at - 1) & BEFORE)
        return false;
    return text.data[at - 1] != '/' || at < 2 || !(class_at(text, at - 2) & WORD);
}

static inline bool may_end(struct view text, size_t at)
{
    if (class_at(text, at) & WORD)
        return false;
    return !(is_at(text, at, '.') && class_at(text, at + 1) & DIGIT);
}

RARE static const char *copy_rest(struct view text, size_t start, char copy[16])
{
    memset(copy, 0, 16);
    return memcpy(copy, text.data + start, text.len - start);
}

/* a.b.c.d at start, with three dots among twelve bytes: its length, or 0. */
static unsigned parse4(struct view text, size_t start, uint32_t *ret_address)
{
    char copy[16];
    bool has_16 = text.len - start >= sizeof(copy);
    const char *at = has_16 ? text.data + start : copy_rest(text, start, copy);
    unsigned len = quad_parse(at, ret_address);
    return len > 0 && may_end(text, start + len) ? len : 0;
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

/* Is the dotted quad the tail of an IPv6 address, of which head is a part? */
RARE static bool ends_address6(struct view text, size_t head, const struct found *quad)
{
    size_t past;
    while (head > 0 && quad->off - head < MAX_TEXT6 &&
           (text.data[head - 1] == ':' || class_at(text, head - 1) & HEX))
        head--;
    struct found whole;
    return may_start(text, head) && parse6(text, head, &past, &whole) &&
           whole.off + whole.len == quad->off + quad->len;
}

/*
 * Where the one to three digits before at start; a fourth is for may_start() to see. Without
 * branches on their number, as above; before the text's start there are none, as that wraps to
 * beyond its end.
 */
static size_t start_of_digits(struct view text, size_t at)
{
    _Static_assert(DIGIT == 1, "counted as one");
    size_t second = class_at(text, at - 2) & DIGIT;
    size_t third = second & class_at(text, at - 3);
    return at - 1 - second - third;
}

/*
 * Takes a dot, which two others follow at a distance of two to four bytes each, as the first of an
 * address.
 */
static __attribute__((noinline)) bool take_dot(struct view text, size_t at, struct found *ret_found)
{
    if (at == 0 || !(class_at(text, at - 1) & DIGIT))
        return false;
    size_t start = start_of_digits(text, at);
    if (!may_start(text, start))
        return false;
    uint32_t address;
    unsigned len = parse4(text, start, &address);
    if (len == 0)
        return false;
    *ret_found = (struct found){start, len, {[10] = 0xff, [11] = 0xff}};
    memcpy(ret_found->address + 12, &address, sizeof(address));
    bool may_be_tail = start > 0 && text.data[start - 1] == ':';
    return geo_is_public(ret_found->address) &&
           !(may_be_tail && ends_address6(text, start, ret_found));
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

/* Of 64 bytes, the first dots of three that are two to four bytes apart each. */
static uint64_t dots_of_quads(uint64_t dots)
{
    uint64_t before_1 = dots & (dots >> 2 | dots >> 3 | dots >> 4);
    return dots & (before_1 >> 2 | before_1 >> 3 | before_1 >> 4);
}

/* Those of 64 colons that are two to five bytes behind one of others. */
static uint64_t behind(uint64_t colons, uint64_t others)
{
    uint64_t pairs = others | others << 1;
    return colons & (pairs | pairs << 2) << 2;
}

/*
 * Of 64 bytes, colons that may belong to an IPv6 address: two in a row, the sixth of a chain, or a
 * third one where the chain may go on beyond an edge. Three of six are always in one window.
 */
static uint64_t colons_of_6(uint64_t colons)
{
    const uint64_t edges = (uint64_t)31 << 59 | ((1 << 15) - 1);
    uint64_t thirds = behind(colons, behind(colons, colons)), sixths = thirds;
    if (thirds)
        sixths = behind(colons, behind(colons, behind(colons, thirds)));
    return (colons & colons << 1) | sixths | (thirds & edges);
}

RARE static uint64_t mask_of_short(struct view text, char byte)
{
    char copy[WINDOW_BYTES] = {0};
    memcpy(copy, text.data, text.len);
    return bytes_equal64(copy, byte);
}

/* Which bytes of the window at `at` are this one; past the text there are none. */
static inline uint64_t window_mask(struct view text, size_t at, char byte)
{
    size_t len = text.len - at;
    if (len >= WINDOW_BYTES)
        return bytes_equal64(text.data + at, byte);
    if (text.len >= WINDOW_BYTES)
        return bytes_equal64(text.data + text.len - WINDOW_BYTES, byte) >> (WINDOW_BYTES - len);
    return mask_of_short(text, byte);
}

/* The first public IPv4 address. */
static bool find4(struct view text, struct found *ret_found)
{
    for (size_t at = 0;; at += WINDOW_BYTES - OVERLAP_BYTES) {
        uint64_t dots = dots_of_quads(window_mask(text, at, '.'));
        for (; dots; dots &= dots - 1)
            if (take_dot(text, at + (size_t)__builtin_ctzll(dots), ret_found))
                return true;
        if (text.len - at <= WINDOW_BYTES)
            return false;
    }
}

/* The first public IPv6 address whose first colon is before limit, colon by colon. */
RARE static bool find6_slowly(struct view text, size_t limit, struct found *ret_found)
{
    const char *colon;
    size_t from = 0;
    while (from < limit && (colon = memchr(text.data + from, ':', limit - from)))
        if (take_colon(text, (size_t)(colon - text.data), &from, ret_found))
            return true;
    return false;
}

/* The same, but most texts have nothing that could be one. */
static bool find6(struct view text, size_t limit, struct found *ret_found)
{
    for (size_t at = 0; at < limit; at += WINDOW_BYTES - OVERLAP_BYTES) {
        uint64_t colons = window_mask(text, at, ':');
        if (limit - at < WINDOW_BYTES)
            colons &= ((uint64_t)1 << (limit - at)) - 1;
        if (colons & (colons - 1) && colons_of_6(colons))
            return find6_slowly(text, limit, ret_found);
    }
    return false;
}

bool geo_find_address(const char *text, size_t len, uint32_t *ret_off, uint32_t *ret_len,
                      uint8_t ret_address[16])
{
    if (len == 0)
        return false;
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
