/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_MATCH_H
#define STORE_QUERY_MATCH_H

#include "store/query/ast.h"

/* Does one value of a text field fit this text? An absent text is an empty one. */
bool value_fits_text(enum compare op, const struct value *value, const char *text, size_t len);

#endif
