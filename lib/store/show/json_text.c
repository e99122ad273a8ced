/* SPDX-License-Identifier: MIT */
/*
 * Pieces of JSON. Text is copied in runs that need no care; what needs it is found by one look into
 * a table a byte.
 */
#include "store/show/json.h"

#include <errno.h>
#include <stdlib.h>

#include "store/show/utf8.h"
#include "store/query/sd.h"

/* What JSON or UTF-8 has to say about a byte: nothing for ' ' to '~' without quote and backslash.
 */
static bool is_plain(unsigned char byte)
{
    return byte >= ' ' && byte < 0x7f && byte != '"' && byte != '\\';
}

/* How many bytes from here on need no care. */
static size_t plain_run(const char *text, size_t len)
{
    typedef uint8_t bytes16 __attribute__((vector_size(16)));
    typedef uint64_t words2 __attribute__((vector_size(16)));
    size_t at = 0;
    for (; len - at >= sizeof(bytes16); at += sizeof(bytes16)) {
        bytes16 bytes;
        memcpy(&bytes, text + at, sizeof(bytes));
        words2 special =
            (words2)((bytes < ' ') | (bytes >= 0x7f) | (bytes == '"') | (bytes == '\\'));
        if ((special[0] | special[1]) != 0)
            break;
    }
    while (at < len && is_plain((unsigned char)text[at]))
        at++;
    return at;
}

static void print_special(struct out *out, char byte)
{
    static const char bytes[] = "\"\\\n\r\t\b\f", letters[] = "\"\\nrtbf";
    const char *at = byte == '\0' ? NULL : strchr(bytes, byte);
    if (at != NULL) {
        out_char(out, '\\');
        out_char(out, letters[at - bytes]);
        return;
    }
    out_string(out, "\\u");
    out_hex(out, (unsigned char)byte, 4);
}

bool print_json_text(struct out *out, struct text text)
{
    bool all_valid = true, valid;
    size_t start = 0, at = 0;
    out_char(out, '"');
    while (at < text.len) {
        at += plain_run(text.data + at, text.len - at);
        if (at == text.len)
            break;
        size_t len = utf8_next(text.data + at, text.len - at, &valid);
        if (!valid || len == 1) {
            out_bytes(out, text.data + start, at - start);
            if (valid)
                print_special(out, text.data[at]);
            else
                out_string(out, "\xef\xbf\xbd");
            start = at + len;
            all_valid = all_valid && valid;
        }
        at += len;
    }
    if (at > start)
        out_bytes(out, text.data + start, at - start);
    out_char(out, '"');
    return all_valid;
}

void print_json_base64(struct out *out, struct text text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *bytes = (const unsigned char *)text.data;
    out_char(out, '"');
    for (size_t i = 0; i < text.len; i += 3) {
        size_t n = text.len - i < 3 ? text.len - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        if (n > 1)
            bits |= (uint32_t)bytes[i + 1] << 8;
        if (n > 2)
            bits |= bytes[i + 2];
        char group[4] = {digits[bits >> 18], digits[(bits >> 12) & 63],
                         n > 1 ? digits[(bits >> 6) & 63] : '=', n > 2 ? digits[bits & 63] : '='};
        out_bytes(out, group, sizeof(group));
    }
    out_char(out, '"');
}

/* A parameter and where it stood, so that sorting keeps the order of those with one name. */
struct entry {
    struct sd_param param;
    size_t position;
};

static int compare_text(struct text a, struct text b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int r = shorter > 0 ? memcmp(a.data, b.data, shorter) : 0;
    return r != 0 ? r : (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int r = compare_text(a->param.id, b->param.id);
    if (r == 0)
        r = compare_text(a->param.name, b->param.name);
    return r != 0 ? r : (a->position > b->position) - (a->position < b->position);
}

/* All parameters, sorted; NULL when the text is no structured data (or there is no memory). */
static struct entry *collect_entries(struct text sd, size_t *ret_n)
{
    struct sd_walk walk = SD_WALK_INIT(sd);
    struct entry *entries = NULL;
    size_t n = 0, room = 0;
    struct sd_param param;
    int r;
    while ((r = sd_next(&walk, &param)) > 0) {
        if (n == room) {
            room = room * 2 + 16;
            struct entry *grown = realloc(entries, room * sizeof(*grown));
            if (grown == NULL)
                break;
            entries = grown;
        }
        entries[n] = (struct entry){param, n};
        n++;
    }
    if (r != 0) {
        free(entries);
        return NULL;
    }
    if (n > 1)
        qsort(entries, n, sizeof(*entries), compare_entries);
    *ret_n = n;
    return entries;
}

static void print_sd_value(struct out *out, struct text value)
{
    char *plain = value.len > 0 && memchr(value.data, '\\', value.len) ? malloc(value.len) : NULL;
    if (plain != NULL)
        value = (struct text){plain, (uint32_t)sd_unescape(value, plain)};
    print_json_text(out, value);
    free(plain);
}

/* A run of entries of one name. Returns how many. */
static size_t print_sd_param(struct out *out, const struct entry *entries, size_t n)
{
    size_t n_same = 1;
    while (n_same < n && compare_text(entries[n_same].param.id, entries[0].param.id) == 0 &&
           compare_text(entries[n_same].param.name, entries[0].param.name) == 0)
        n_same++;
    print_json_text(out, entries[0].param.name);
    out_string(out, n_same > 1 ? ":[" : ":");
    for (size_t i = 0; i < n_same; i++) {
        if (i > 0)
            out_char(out, ',');
        print_sd_value(out, entries[i].param.value);
    }
    if (n_same > 1)
        out_char(out, ']');
    return n_same;
}

/* A run of entries of one element (or of several with one id). Returns how many. */
static size_t print_sd_element(struct out *out, const struct entry *entries, size_t n)
{
    size_t i = 0;
    bool first = true;
    print_json_text(out, entries[0].param.id);
    out_string(out, ":{");
    while (i < n && compare_text(entries[i].param.id, entries[0].param.id) == 0) {
        if (entries[i].param.name.len == 0) {
            i++;
            continue;
        }
        if (!first)
            out_char(out, ',');
        first = false;
        i += print_sd_param(out, entries + i, n - i);
    }
    out_char(out, '}');
    return i;
}

bool print_json_sd(struct out *out, struct text sd)
{
    size_t n = 0;
    struct entry *entries = collect_entries(sd, &n);
    if (entries == NULL)
        return false;
    out_string(out, "\"sd\":{");
    for (size_t i = 0; i < n;) {
        if (i > 0)
            out_char(out, ',');
        i += print_sd_element(out, entries + i, n - i);
    }
    out_char(out, '}');
    free(entries);
    return true;
}
