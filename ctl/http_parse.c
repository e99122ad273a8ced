/* SPDX-License-Identifier: MIT */
#include "ctl/http.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

struct head {
    int status;
    bool chunked, has_length;
    size_t length;
    size_t size; /* of the head itself, with the empty line */
};

static bool has_name(const char *line, size_t len, const char *name, const char **ret_value)
{
    size_t name_len = strlen(name);
    if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
        return false;
    for (*ret_value = line + name_len + 1; **ret_value == ' ' || **ret_value == '\t';)
        (*ret_value)++;
    return true;
}

/* Digits of a base, ended by anything else. */
static bool read_size(const char *text, const char *end, unsigned base, size_t *ret_size)
{
    size_t size = 0;
    const char *at = text;
    for (; at < end && isxdigit((unsigned char)*at); at++) {
        unsigned digit = isdigit((unsigned char)*at) ? (unsigned)(*at - '0')
                                                     : (unsigned)(tolower(*at) - 'a' + 10);
        if (digit >= base)
            return false;
        size = size * base + digit;
        if (size > HTTP_MAX_BYTES)
            return false;
    }
    *ret_size = size;
    return at > text;
}

static int read_header(const char *line, size_t len, struct head *head)
{
    const char *value;
    if (has_name(line, len, "content-length", &value)) {
        head->has_length = true;
        return read_size(value, line + len, 10, &head->length) ? 0 : -EBADMSG;
    }
    if (has_name(line, len, "transfer-encoding", &value))
        head->chunked = (size_t)(line + len - value) >= 7 && strncasecmp(value, "chunked", 7) == 0;
    return 0;
}

/* "HTTP/1.1 200", and whatever follows. Returns the status, or -EBADMSG. */
static int read_status(const char *line, size_t len)
{
    size_t digits;
    if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
        !read_size(line + 9, line + 12, 10, &digits))
        return -EBADMSG;
    return digits >= 100 ? (int)digits : -EBADMSG;
}

/* Status line and headers, to the empty line. Returns 1, 0 (not all of it is there), -EBADMSG. */
static int read_head(const char *data, size_t len, struct head *head)
{
    const char *line = data, *end = data + len, *line_end;
    *head = (struct head){0};
    while ((line_end = memmem(line, (size_t)(end - line), "\r\n", 2)) != line) {
        if (line_end == NULL)
            return 0;
        size_t line_len = (size_t)(line_end - line);
        int r = line == data ? read_status(line, line_len) : read_header(line, line_len, head);
        if (r < 0)
            return r;
        if (line == data)
            head->status = r;
        line = line_end + 2;
    }
    head->size = (size_t)(line_end - data) + 2;
    return line == data ? -EBADMSG : 1;
}

/*
 * Walks over the chunks; out (may be data itself, NULL: only look) takes their content. Returns 1,
 * 0, -EBADMSG.
 */
static int walk_chunks(const char *data, size_t len, char *out, size_t *ret_len)
{
    size_t at = 0, n = 0, size;
    for (;;) {
        const char *line_end = memmem(data + at, len - at, "\r\n", 2);
        if (line_end == NULL)
            return 0;
        if (!read_size(data + at, line_end, 16, &size))
            return -EBADMSG;
        at = (size_t)(line_end - data) + 2;
        if (size == 0)
            break;
        if (len - at < size + 2)
            return 0;
        if (memcmp(data + at + size, "\r\n", 2) != 0)
            return -EBADMSG;
        if (out != NULL)
            memmove(out + n, data + at, size);
        n += size;
        at += size + 2;
    }
    *ret_len = n;
    return 1;
}

int http_parse(char *data, size_t len, bool ended, struct http_response *ret_response)
{
    struct head head;
    if (len == 0)
        return ended ? -EBADMSG : 0;
    int r = read_head(data, len, &head);
    if (r <= 0)
        return r == 0 && ended ? -EBADMSG : r;
    struct http_response response = {.status = head.status, .body = data + head.size};
    size_t rest = len - head.size;
    if (head.chunked) {
        r = walk_chunks(response.body, rest, NULL, &response.body_len);
        if (r <= 0)
            return r == 0 && ended ? -EBADMSG : r;
        walk_chunks(response.body, rest, response.body, &response.body_len);
    } else if (head.has_length) {
        if (rest < head.length)
            return ended ? -EBADMSG : 0;
        response.body_len = head.length;
    } else {
        if (!ended)
            return 0;
        response.body_len = rest;
    }
    response.body[response.body_len] = '\0';
    *ret_response = response;
    return 1;
}
