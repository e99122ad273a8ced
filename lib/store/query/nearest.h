/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_NEAREST_H
#define STORE_QUERY_NEAREST_H

#include <stddef.h>

/* Longest word that is compared; longer ones are near nothing. */
#define NEAREST_MAX 31

/*
 * How many insertions, deletions, replacements and swaps of neighbours make one word the other
 * (optimal string alignment), ASCII case ignored; NEAREST_MAX + 1 when one is too long.
 */
unsigned nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len);

/* How far a misspelt word of this length may be from the one that was meant. */
unsigned nearest_limit(size_t len);

#endif
