/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_UTF8_H
#define STORE_SHOW_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Looks at the start of text (len > 0). Returns how many bytes the first character has; or, with
 * *ret_valid false, how many bytes of it are one broken character (the maximal subpart,
 * Unicode 3.9: one U+FFFD).
 */
size_t utf8_next(const char *text, size_t len, bool *ret_valid);

#endif
