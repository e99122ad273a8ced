/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_TOKENS_H
#define STORE_QUERY_TOKENS_H

#include "store/query/ast.h"
#include "store/token.h"

/* Fills the value's tokens (ast.h). Returns 0, -ENOMEM. */
int tokens_of_value(struct query *query, const struct node *node, struct value *value);

#endif
