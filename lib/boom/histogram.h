/* SPDX-License-Identifier: MIT */
#ifndef BOOM_HISTOGRAM_H
#define BOOM_HISTOGRAM_H

/*
 * Counts of durations in buckets that grow with the value: 8 to each power of two, so that a
 * percentile is at most 1/8 above the truth. Not locked: the owner's affair.
 */

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 62 * 8 };

struct histogram {
    uint64_t n;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Negative values count as 0. */
void histogram_add(struct histogram *histogram, int64_t value_ns);
/* The largest value of the bucket in which the percentile (1 .. 100) lies; 0 when empty. */
uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent);

#endif
