/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_NUMBER_H
#define STORE_QUERY_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A decimal number as JSON writes it, leading zeros and a plus sign allowed: 500 -0.25 1.5e-3. The
 * whole text must be one, and finite. Within one unit in the last place; exact up to 15 digits.
 * Pure: no locale.
 */
bool number_parse(const char *text, size_t len, double *ret_number);

#endif
