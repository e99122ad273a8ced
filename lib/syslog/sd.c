/* SPDX-License-Identifier: MIT */
#include "syslog/sd.h"

#include <errno.h>

#include "syslog/scan.h"
#include "syslog/scan16.h"

/* RFC 5424's SD-NAME: printable, but not '=', ' ', ']' or '"'; and bytes >= 0x80. */
static const bool is_name_byte[256] = {
    ['!'] = true,         ['#' ... '<'] = true,   ['>' ... '\\'] = true,
    ['^' ... '~'] = true, [0x80 ... 0xff] = true,
};

static bool is_escaped(char c)
{
    return c == '"' || c == '\\' || c == ']';
}

/* Moves *at behind a SD-NAME; false when there is none. */
static bool read_name(const char **at, const char *end, struct text *ret_name)
{
    const char *p = *at;
    while (p < end && is_name_byte[(unsigned char)*p])
        p++;
    *ret_name = (struct text){*at, (uint32_t)(p - *at)};
    *at = p;
    return ret_name->len > 0;
}

/* The quote that ends the value, or end. Whatever follows a backslash does not end it. */
static const char *value_end(const char *at, const char *end)
{
    while (at < end && *at != '"') {
        if (*at == '\\') {
            at += end - at > 1 ? 2 : 1;
        } else if (end - at >= 8) {
            uint64_t word = scan_load(at);
            uint64_t mask = scan_equal(word, '"') | scan_equal(word, '\\');
            at += mask ? scan_first(mask) : 8;
        } else {
            at++;
        }
    }
    return at;
}

/* Moves *at behind ="PARAM-VALUE"; false when it is not one. */
static bool read_value(const char **at, const char *end, struct text *ret_value)
{
    const char *p = *at;
    if (end - p < 3 || p[0] != '=' || p[1] != '"')
        return false;
    const char *value = p + 2;
    p = value_end(value, end);
    if (p == end)
        return false;
    *ret_value = (struct text){value, (uint32_t)(p - value)};
    *at = p + 1;
    return true;
}

/* No element begins here, and none goes on. */
static inline bool is_at_end(const struct syslog_sd *iterator)
{
    return !iterator->in_element && (iterator->at == iterator->end || *iterator->at != '[');
}

static int read_element(struct syslog_sd *iterator, struct text *ret_name)
{
    if (is_at_end(iterator))
        return SYSLOG_SD_END;
    const char *p = iterator->at + 1;
    struct text name;
    if (!read_name(&p, iterator->end, &name))
        return -EBADMSG;
    *ret_name = name;
    iterator->at = p;
    iterator->in_element = true;
    return SYSLOG_SD_ELEMENT;
}

int syslog_sd_next(struct syslog_sd *iterator, struct text *ret_name, struct text *ret_value)
{
    if (!iterator->in_element)
        return read_element(iterator, ret_name);
    const char *p = iterator->at;
    while (p < iterator->end && *p == ' ')
        p++;
    if (p < iterator->end && *p == ']') {
        iterator->at = p + 1;
        iterator->in_element = false;
        return read_element(iterator, ret_name);
    }
    struct text name, value;
    if (p == iterator->at || !read_name(&p, iterator->end, &name) ||
        !read_value(&p, iterator->end, &value))
        return -EBADMSG;
    *ret_name = name;
    *ret_value = value;
    iterator->at = p;
    return SYSLOG_SD_PARAM;
}

/* The bytes of a window that end a name, and those that end a plain value or make it none. */
struct ends {
    uint64_t name, value;
};

static inline struct ends find_ends_16(const char *at)
{
    scan16 bytes = scan16_load(at), quotes = scan16_equal(bytes, '"');
    scan16 marks = scan16_either(scan16_equal(bytes, '='), scan16_equal(bytes, ']'));
    scan16 unprintable = scan16_either(scan16_at_most(bytes, ' '), scan16_equal(bytes, 0x7f));
    return (struct ends){
        scan16_bits(scan16_either(quotes, scan16_either(marks, unprintable))),
        scan16_bits(scan16_either(quotes, scan16_equal(bytes, '\\'))),
    };
}

static inline struct ends find_ends(const char *at)
{
    struct ends a = find_ends_16(at), b = find_ends_16(at + 16), c = find_ends_16(at + 32),
                d = find_ends_16(at + 48);
    return (struct ends){scan_join(a.name, b.name, c.name, d.name),
                         scan_join(a.value, b.value, c.value, d.value)};
}

/*
 * Where the parameter ends that follows the space at window[at]; `at` when it is not plain, or its
 * end is not in the window.
 */
static inline unsigned skip_plain_param(const char *window, struct ends ends, unsigned at)
{
    uint64_t name_ends = ends.name & -UINT64_C(2) << at;
    unsigned stop = name_ends ? (unsigned)__builtin_ctzll(name_ends) : at + 1;
    if (stop == at + 1 || window[stop] != '=' || window[stop + 1] != '"')
        return at;
    uint64_t value_ends = ends.value & -UINT64_C(4) << stop;
    unsigned quote = value_ends ? (unsigned)__builtin_ctzll(value_ends) : stop;
    return window[quote] == '"' ? quote + 1 : at;
}

/* The same for the name of the element that begins at window[at]. */
static inline unsigned skip_id(struct ends ends, unsigned at)
{
    uint64_t name_ends = ends.name & -UINT64_C(2) << at;
    unsigned stop = name_ends ? (unsigned)__builtin_ctzll(name_ends) : at;
    return stop == at + 1 ? at : stop;
}

static inline unsigned skip_plain_params(const char *window, struct ends ends, unsigned at)
{
    while (window[at] == ' ') {
        unsigned next = skip_plain_param(window, ends, at);
        if (next == at)
            break;
        at = next;
    }
    return at;
}

/*
 * Passes over what is plain, which is one space before a parameter and no backslash in its value,
 * as far as one window reaches. What follows is syslog_sd_next()'s, plain or not.
 *
 * Ends in the last two bytes are overlooked: so the byte behind an end is in the window, always.
 */
static void skip_plain(struct syslog_sd *iterator)
{
    const char *window = iterator->at;
    if (iterator->end - window < SCAN_WINDOW)
        return;
    struct ends ends = find_ends(window);
    ends.name &= UINT64_MAX >> 2;
    ends.value &= UINT64_MAX >> 2;
    bool in_element = iterator->in_element;
    unsigned at = 0, next;
    for (;; at++, in_element = false) {
        if (!in_element) {
            if (window[at] != '[' || (next = skip_id(ends, at)) == at)
                break;
            at = next;
            in_element = true;
        }
        at = skip_plain_params(window, ends, at);
        if (window[at] != ']')
            break;
    }
    iterator->at = window + at;
    iterator->in_element = in_element;
}

size_t syslog_sd_len(const char *data, size_t len)
{
    struct syslog_sd iterator = SYSLOG_SD_INIT(data, len);
    struct text name, value;
    for (;;) {
        skip_plain(&iterator);
        if (is_at_end(&iterator))
            return (size_t)(iterator.at - data);
        if (syslog_sd_next(&iterator, &name, &value) < 0)
            return 0;
    }
}

size_t syslog_sd_unescape(const char *value, size_t len, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (value[i] == '\\' && i + 1 < len && is_escaped(value[i + 1]))
            i++;
        out[n++] = value[i];
    }
    return n;
}
