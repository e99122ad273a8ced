/* SPDX-License-Identifier: MIT */
#ifndef STORE_ROLLUP_H
#define STORE_ROLLUP_H

/*
 * Counts of rows by minute of their time, severity and country, so that histograms and maps need no
 * scan. A block has them as a section; a sealed file sums them up in its tail.
 */

#include <stddef.h>
#include <stdint.h>

struct rollup_cell {
    int64_t minute;  /* of the row's time, rounded down: minutes since 1970 UTC */
    uint32_t n_rows;
    uint8_t severity; /* 0-7; 8: none */
    char country[2];  /* NUL NUL: not known */
};

#endif
