/* SPDX-License-Identifier: MIT */
/*
 * A message is walked once, from left to right. Most messages that lack the name are told by a
 * search for its bytes alone, before anything is walked.
 */
#include "store/query/extract.h"

#include <string.h>

#include "store/token.h"

struct scan {
    const char *at, *end;
};

enum found { NOT_FOUND, FOUND, ABSENT, DAMAGED };

static bool is_space(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

static bool is_at(const struct scan *scan, char byte)
{
    return scan->at < scan->end && *scan->at == byte;
}

static bool take(struct scan *scan, char byte)
{
    bool taken = is_at(scan, byte);
    scan->at += taken;
    return taken;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && is_space(*scan->at))
        scan->at++;
}

static struct text text_between(const char *from, const char *to)
{
    return (struct text){from, (uint32_t)(to - from)};
}

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

/* From behind the opening quote to behind the closing one. Returns false when there is none: the
 * value is then what is left. */
static bool take_quoted(struct scan *scan, char quote, struct extract *ret_value)
{
    const char *start = scan->at;
    ret_value->is_escaped = false;
    while (scan->at < scan->end && *scan->at != quote) {
        bool escape = *scan->at == '\\';
        ret_value->is_escaped |= escape;
        scan->at += escape && scan->end - scan->at > 1 ? 2 : 1;
    }
    ret_value->value = text_between(start, scan->at);
    return take(scan, quote);
}

/* An object or array, by its brackets alone. */
static bool skip_container(struct scan *scan)
{
    struct extract string;
    size_t depth = 0;
    do {
        if (scan->at == scan->end)
            return false;
        char byte = *scan->at++;
        if (byte == '"' && !take_quoted(scan, '"', &string))
            return false;
        depth += byte == '{' || byte == '[';
        depth -= byte == '}' || byte == ']';
    } while (depth > 0);
    return true;
}

static bool take_json_value(struct scan *scan, struct extract *ret_value)
{
    const char *start = scan->at;
    if (take(scan, '"'))
        return take_quoted(scan, '"', ret_value);
    if (is_at(scan, '{') || is_at(scan, '[')) {
        if (!skip_container(scan))
            return false;
    } else {
        while (scan->at < scan->end && !is_space(*scan->at) && !is_at(scan, ',') &&
               !is_at(scan, '}') && !is_at(scan, ']'))
            scan->at++;
    }
    *ret_value = (struct extract){.value = text_between(start, scan->at)};
    return scan->at > start && scan->at < scan->end;
}

static enum found find_in_object(struct scan *scan, struct text name, struct extract *ret_value);

static enum found find_in_member(struct scan *scan, struct text key, struct text name,
                                 struct extract *ret_value)
{
    bool leads_on = name.len > key.len && name.data[key.len] == '.' &&
                    memcmp(name.data, key.data, key.len) == 0;
    if (leads_on && is_at(scan, '{')) {
        struct text rest = {name.data + key.len + 1, name.len - key.len - 1};
        return find_in_object(scan, rest, ret_value);
    }
    bool is_string = is_at(scan, '"');
    if (!take_json_value(scan, ret_value))
        return DAMAGED;
    if (!same_text(key, name))
        return NOT_FOUND;
    bool is_null = !is_string && same_text(ret_value->value, (struct text){"null", 4});
    return is_null ? ABSENT : FOUND;
}

/* From the opening brace to behind the closing one, or to what was looked for. As deep as the name
 * has dots. */
static enum found find_in_object(struct scan *scan, struct text name, struct extract *ret_value)
{
    struct extract key;
    scan->at++;
    skip_space(scan);
    if (take(scan, '}'))
        return NOT_FOUND;
    do {
        skip_space(scan);
        if (!take(scan, '"') || !take_quoted(scan, '"', &key))
            return DAMAGED;
        skip_space(scan);
        if (!take(scan, ':'))
            return DAMAGED;
        skip_space(scan);
        enum found found = find_in_member(scan, key.value, name, ret_value);
        if (found != NOT_FOUND)
            return found;
        skip_space(scan);
    } while (take(scan, ','));
    return take(scan, '}') ? NOT_FOUND : DAMAGED;
}

static bool is_key_byte(char byte)
{
    return token_byte(byte) || byte == '.' || byte == '-';
}

static bool is_separator(char byte)
{
    return byte == ',' || byte == ';' || byte == '&' || byte == '|';
}

/* Behind a separator: does the value end there? */
static bool ends_at_separator(struct scan behind)
{
    if (behind.at == behind.end || is_space(*behind.at))
        return true;
    const char *start = behind.at;
    while (behind.at < behind.end && is_key_byte(*behind.at))
        behind.at++;
    return behind.at > start && is_at(&behind, '=');
}

/* A few are enough, and keep the time linear. */
#define MAX_BRACKETS 8

static const char *without_closing_brackets(const char *start, const char *end)
{
    static const char closing[] = ")]}>", opening[] = "([{<";
    for (unsigned i = 0; i < MAX_BRACKETS && end > start; i++) {
        const char *bracket = memchr(closing, end[-1], sizeof(closing) - 1);
        if (bracket == NULL || memchr(start, opening[bracket - closing], (size_t)(end - start)))
            break;
        end--;
    }
    return end;
}

static void take_pair_value(struct scan *scan, struct extract *ret_value)
{
    if (is_at(scan, '"') || is_at(scan, '\'')) {
        char quote = *scan->at++;
        take_quoted(scan, quote, ret_value);
        return;
    }
    const char *start = scan->at;
    for (; scan->at < scan->end && !is_space(*scan->at) && *scan->at != '"'; scan->at++)
        if (is_separator(*scan->at) && ends_at_separator((struct scan){scan->at + 1, scan->end}))
            break;
    const char *end = without_closing_brackets(start, scan->at);
    *ret_value = (struct extract){.value = text_between(start, end)};
}

static bool find_pair(struct scan scan, struct text name, struct extract *ret_value)
{
    while (scan.at < scan.end) {
        const char *start = scan.at;
        while (scan.at < scan.end && is_key_byte(*scan.at))
            scan.at++;
        struct text key = text_between(start, scan.at);
        if (key.len == 0) {
            scan.at++;
        } else if (take(&scan, '=') && !is_at(&scan, '=')) {
            take_pair_value(&scan, ret_value);
            if (same_text(key, name))
                return true;
        }
    }
    return false;
}

static bool begins_object(struct scan *scan)
{
    static const char cee[] = "@cee:";
    skip_space(scan);
    if ((size_t)(scan->end - scan->at) >= sizeof(cee) - 1 &&
        memcmp(scan->at, cee, sizeof(cee) - 1) == 0)
        scan->at += sizeof(cee) - 1;
    skip_space(scan);
    struct scan ahead = *scan;
    if (!take(&ahead, '{'))
        return false;
    skip_space(&ahead);
    return ahead.at == ahead.end || *ahead.at == '"' || *ahead.at == '}';
}

bool extract_find(struct text message, struct text name, struct extract *ret_value)
{
    if (message.len < name.len || name.len == 0 || name.len > EXTRACT_MAX_NAME)
        return false;
    const char *dot = memrchr(name.data, '.', name.len);
    const char *rarest = dot == NULL ? name.data : dot + 1;
    if (memmem(message.data, message.len, rarest, (size_t)(name.data + name.len - rarest)) == NULL)
        return false;
    struct scan scan = {message.data, message.data + message.len};
    struct extract value;
    bool found = begins_object(&scan) ? find_in_object(&scan, name, &value) == FOUND
                                      : find_pair(scan, name, &value);
    if (found)
        *ret_value = value;
    return found;
}
