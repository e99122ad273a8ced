/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_NEED_H
#define STORE_QUERY_NEED_H

/*
 * What a block must hold, so that a row of it can match: derived from the expression once, asked of
 * each block's filter (filter.h).
 *
 *   host=web01 and ("failed password" or app=sshd) and not root
 *
 *   ALL ─┬─ host web01
 *        └─ ANY ─┬─ ALL ─┬─ token failed
 *                │       └─ token password
 *                └─ app sshd
 */

#include <stdio.h>
#include "store/filter.h"
#include "store/query/ast.h"

enum need_kind { NEED_ENTRY, NEED_ALL, NEED_ANY };

struct need {
    enum need_kind kind;
    enum filter_kind filter; /* NEED_ENTRY, as hash and text */
    uint64_t hash;
    struct text text;
    struct need *child, *next;
};

/* Lives in the query's memory. ret_need: NULL: nothing is needed. Returns 0, -ENOMEM. */
int need_derive(struct query *query, const struct node *node, struct need **ret_need);
/* NULL: true. Pure. */
bool need_may_hold(const struct need *need, const uint8_t *lines, size_t n_bytes);
/* "failed AND (password OR host:web01)" */
void need_print(const struct need *need, FILE *out);

#endif
