/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_HIGHLIGHT_H
#define STORE_QUERY_HIGHLIGHT_H

/*
 * What an expression found in a message, for a terminal to show: the bytes that its text terms and
 * regular expressions on the message match. Terms under `not` show nothing.
 */

#include "record/record.h"
#include "store/query.h"

struct highlighter;

/* The query is borrowed. Returns 0, -ENOMEM. */
int highlighter_new(const struct query *query, struct highlighter **ret_highlighter);
/* Returns NULL. NULL is allowed. */
struct highlighter *highlighter_free(struct highlighter *highlighter);

/*
 * Up to max spans of the text, in their order, which do not overlap and are not empty. Returns how
 * many. One thread at a time.
 */
size_t highlight(struct highlighter *highlighter, const char *text, size_t len, struct span *spans,
                 size_t max);

#endif
