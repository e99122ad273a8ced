/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_VALUE_H
#define STORE_QUERY_VALUE_H

#include "store/query/word.h"

/* Takes a word or /regex/ as a value of the node's field, for its comparison. Returns 0, -ENOMEM,
 * -EINVAL (the error is filled). */
int value_take(struct parser *parser, const struct node *node, bool in_list,
               struct value *ret_value);

#endif
