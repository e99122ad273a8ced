/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_VALUE_H
#define STORE_QUERY_VALUE_H

#include "store/query/word.h"

/* Reads a word as a value of the node's field, for its comparison. Returns 0, -ENOMEM, -EINVAL (the
 * error is filled). */
int value_read(struct parser *parser, const struct node *node, const struct word *word,
               struct value *ret_value);

#endif
