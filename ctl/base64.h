/* SPDX-License-Identifier: MIT */
#ifndef CTL_BASE64_H
#define CTL_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/*
 * RFC 4648 base64 with its padding, back to bytes. bytes has room for len; ret_len is how many there
 * are. Returns false when it is no such text.
 */
bool base64_decode(const char *text, size_t len, char *bytes, size_t *ret_len);

#endif
