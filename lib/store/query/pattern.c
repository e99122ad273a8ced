/* SPDX-License-Identifier: MIT */
/*
 * Substring search, the innermost loop of every text search.
 *
 * Two bytes of the needle, the rarest two in log text, are compared with 16 places at a time, with
 * the case folded by an OR with 0x20 (which folds letters and nothing else into the needle's
 * lower-case letter, because the mask is zero for every other byte of the needle). Only where both
 * fit is the whole needle compared. A needle of any bytes is found: NUL and invalid UTF-8 are bytes
 * like others.
 */
#include "store/query/pattern.h"

#include <errno.h>
#include <string.h>

#include "store/token.h"

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t words2 __attribute__((vector_size(16)));

#define STRIDE sizeof(bytes16)

static bool is_letter(uint8_t byte)
{
    return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* How often a byte stands in log text, roughly: the smaller the better to look for. */
static unsigned commonness(uint8_t byte)
{
    static const char by_frequency[] = "etaoinsrlhdcumpfgy0123bwv456789kx-.:=/\"jqz";
    byte = is_letter(byte) ? byte | 0x20 : byte;
    if (byte == ' ')
        return 100;
    const char *at = byte == 0 ? NULL : strchr(by_frequency, byte);
    return at == NULL ? 0 : (unsigned)(sizeof(by_frequency) - (size_t)(at - by_frequency));
}

static void choose_probes(struct needle *needle)
{
    size_t best = 0, second = needle->len - 1;
    for (size_t i = 1; i < needle->len; i++)
        if (commonness(needle->text[i]) < commonness(needle->text[best]))
            best = i;
    if (second == best)
        second = 0;
    for (size_t i = 0; i < needle->len; i++)
        if (i != best && commonness(needle->text[i]) < commonness(needle->text[second]))
            second = i;
    needle->probe_a = best < second ? best : second;
    needle->probe_b = best < second ? second : best;
}

static int build_needle(struct query *query, const char *text, size_t len, bool fold,
                        struct needle *needle)
{
    uint8_t *bytes = query_alloc(query, 2 * len);
    if (bytes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < len; i++) {
        uint8_t mask = fold && is_letter((uint8_t)text[i]) ? 0x20 : 0;
        bytes[i] = (uint8_t)text[i] | mask;
        bytes[len + i] = mask;
    }
    *needle = (struct needle){.text = bytes, .mask = bytes + len, .len = len};
    choose_probes(needle);
    return 0;
}

int pattern_build(struct query *query, const char *text, const uint8_t *is_star, size_t len,
                  bool fold, struct pattern *ret_pattern)
{
    struct pattern pattern = {.needles = query_alloc(query, (len + 1) * sizeof(struct needle))};
    if (pattern.needles == NULL)
        return -ENOMEM;
    size_t start = 0;
    for (size_t i = 0; i <= len; i++) {
        bool star = i < len && is_star != NULL && is_star[i];
        if (i < len && !star)
            continue;
        if (i > start) {
            int r = build_needle(query, text + start, i - start, fold,
                                 &pattern.needles[pattern.n_needles]);
            if (r < 0)
                return r;
            pattern.n_needles++;
        }
        pattern.open_start |= star && i == 0;
        pattern.open_end |= star && i == len - 1;
        start = i + 1;
    }
    *ret_pattern = pattern;
    return 0;
}

static bool needle_is_at(const struct needle *needle, const uint8_t *text)
{
    for (size_t i = 0; i < needle->len; i++)
        if ((text[i] | needle->mask[i]) != needle->text[i])
            return false;
    return true;
}

static bytes16 load16(const uint8_t *text)
{
    bytes16 bytes;
    memcpy(&bytes, text, sizeof(bytes));
    return bytes;
}

static bytes16 splat16(uint8_t byte)
{
    return (bytes16){0} + byte;
}

size_t needle_find(const struct needle *needle, const char *data, size_t len)
{
    const uint8_t *text = (const uint8_t *)data;
    size_t a = needle->probe_a, b = needle->probe_b;
    if (needle->len == 0)
        return 0;
    if (needle->len > len)
        return SIZE_MAX;
    size_t n_places = len - needle->len + 1, place = 0;
    bytes16 want_a = splat16(needle->text[a]), mask_a = splat16(needle->mask[a]);
    bytes16 want_b = splat16(needle->text[b]), mask_b = splat16(needle->mask[b]);
    for (; place + STRIDE <= n_places; place += STRIDE) {
        bytes16 fits = (bytes16)((load16(text + place + a) | mask_a) == want_a) &
                       (bytes16)((load16(text + place + b) | mask_b) == want_b);
        words2 any = (words2)fits;
        if ((any[0] | any[1]) == 0)
            continue;
        for (size_t i = 0; i < STRIDE; i++)
            if (fits[i] != 0 && needle_is_at(needle, text + place + i))
                return place + i;
    }
    for (; place < n_places; place++)
        if ((text[place + a] | needle->mask[a]) == needle->text[a] &&
            needle_is_at(needle, text + place))
            return place;
    return SIZE_MAX;
}

/* The first hit in text[from, len) beside which no token goes on, at the ends that are bound; or
 * SIZE_MAX. */
static size_t find_bound(const struct needle *needle, const char *text, size_t len, size_t from,
                         bool bound_start, bool bound_end)
{
    size_t at;
    while ((at = needle_find(needle, text + from, len - from)) != SIZE_MAX) {
        at += from;
        size_t end = at + needle->len;
        if (!(bound_start && at > 0 && token_byte(text[at - 1])) &&
            !(bound_end && end < len && token_byte(text[end])))
            return at;
        from = at + 1;
    }
    return SIZE_MAX;
}

/*
 * Needles between the anchored ones are taken leftmost first: when any way of placing them fits,
 * that one does.
 */
bool pattern_matches(const struct pattern *pattern, const char *text, size_t len)
{
    const struct needle *first = pattern->needles, *end = first + pattern->n_needles;
    const struct needle *needle = first, *last = end - 1;
    size_t from = 0, room = len;
    if (needle == end)
        return pattern->open_start ? len > 0 : len == 0;
    if (!pattern->open_start) {
        if (needle->len > len || !needle_is_at(needle, (const uint8_t *)text))
            return false;
        if (pattern->n_needles == 1 && !pattern->open_end)
            return needle->len == len;
        from = needle->len;
        needle++;
    }
    if (!pattern->open_end) {
        if (last->len > len - from || !needle_is_at(last, (const uint8_t *)text + len - last->len))
            return false;
        room -= last->len;
        end--;
    }
    for (; needle < end; needle++) {
        size_t at = find_bound(needle, text, room, from, pattern->bound_start && needle == first,
                               pattern->bound_end && needle == last);
        if (at == SIZE_MAX)
            return false;
        from = at + needle->len;
    }
    return true;
}
