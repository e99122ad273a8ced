/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_AGG_SKETCH_H
#define STORE_QUERY_AGG_SKETCH_H

/*
 * Percentiles. Up to SKETCH_EXACT values are kept as they are; of more only how many fell into each
 * of many narrow ranges (DDSketch): a percentile is then off by at most SKETCH_ERROR of itself.
 *
 *   …│ 0.98 … 1.00 │ 1.00 … 1.02 │ 1.02 … 1.04 │…      each range is 2 % wide
 *
 * Values nearer to 0 than SKETCH_LEAST count as 0, and those beyond SKETCH_MOST as that. What comes
 * out does not depend on the order of values, nor on how they were spread over sketches that were
 * merged. Memory is bounded: 8 bytes a value up to SKETCH_EXACT, then at most 56 KiB.
 */

#include <stdint.h>
#include "store/query/budget.h"

#define SKETCH_EXACT 1024
#define SKETCH_ERROR 0.01
#define SKETCH_LEAST 1e-12
#define SKETCH_MOST  1e18

/* Counts of the ranges first … first + n - 1. */
struct sketch_side {
    uint64_t *counts;
    int first, n;
};

struct sketch {
    uint64_t n_values, n_zero;
    double least, most;
    double *values; /* room of them; NULL once they are too many */
    uint32_t room;
    bool is_estimate;
    struct sketch_side negative, positive;
};

/* All zero is an empty sketch. */
void sketch_deinit(struct sketch *sketch, struct budget *budget);
/* Returns false when there is no memory: the value is not in it then. */
bool sketch_add(struct sketch *sketch, double value, struct budget *budget);
/* Returns false when there is no memory: some of the other's values are missing then. */
bool sketch_merge(struct sketch *sketch, const struct sketch *other, struct budget *budget);
/* The smallest value that so large a part of all values (0 to 1) does not exceed. There must be one
 * value. Sorts what is inside. */
double sketch_quantile(struct sketch *sketch, double part);

#endif
