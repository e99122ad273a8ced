/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_PATTERN_H
#define STORE_QUERY_PATTERN_H

#include "store/query/ast.h"

/*
 * Builds a pattern from len bytes of which those with is_star set are stars (is_star NULL: none
 * are). fold: letters of ASCII fit in either case. Returns 0, -ENOMEM. The memory is the query's.
 */
int pattern_build(struct query *query, const char *text, const uint8_t *is_star, size_t len,
                  bool fold, struct pattern *ret_pattern);
bool pattern_matches(const struct pattern *pattern, const char *text, size_t len);

/* Where the needle first occurs in text, or SIZE_MAX. An empty needle is at 0. */
size_t needle_find(const struct needle *needle, const char *text, size_t len);

#endif
