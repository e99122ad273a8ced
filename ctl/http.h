/* SPDX-License-Identifier: MIT */
#ifndef CTL_HTTP_H
#define CTL_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* Answers longer than this are refused. */
#define HTTP_MAX_BYTES ((size_t)64 << 20)

struct http_response {
    int status;
    char *body; /* NUL-terminated behind body_len bytes */
    size_t body_len;
};

/*
 * Looks for a whole HTTP/1.1 response (RFC 9112) in the bytes that came so far: with
 * Content-Length, chunked, or ended by the end of the connection. The body is decoded in place and
 * points into data, which must have room for one byte more. Pure. Returns 1 (whole), 0 (more must
 * come; data is as it was), -EBADMSG.
 */
int http_parse(char *data, size_t len, bool ended, struct http_response *ret_response);

/*
 * GET target over the Unix socket at path. ret_response->body is the caller's to free. timeout_ms
 * is for all of it. Returns 0, or a negative errno: -ENOENT, -ECONNREFUSED (nobody listens),
 * -EACCES, -ETIMEDOUT, -EBADMSG, -EMSGSIZE, -ENAMETOOLONG, -ENOMEM.
 */
int http_get(const char *path, const char *target, int timeout_ms,
             struct http_response *ret_response);
/* POST with an empty body; the same else. */
int http_post(const char *path, const char *target, int timeout_ms,
              struct http_response *ret_response);

#endif
