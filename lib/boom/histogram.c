/* SPDX-License-Identifier: MIT */
/*
 * Values below 8 have a bucket each; above, the bucket is the exponent and the three bits after the
 * leading one:  1 b b b x x x … x  →  (exponent - 2) * 8 + bbb.
 */
#include "histogram.h"

static unsigned bucket_of(uint64_t value)
{
    unsigned exponent;

    if (value < 8)
        return (unsigned)value;
    exponent = 63 - (unsigned)__builtin_clzll(value);
    return (exponent - 2) * 8 + (unsigned)((value >> (exponent - 3)) & 7);
}

static uint64_t largest_in(unsigned bucket)
{
    unsigned shift;

    if (bucket < 8)
        return bucket;
    shift = bucket / 8 - 1;
    return ((uint64_t)(8 + bucket % 8 + 1) << shift) - 1;
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
    histogram->n++;
    histogram->buckets[bucket_of(value_ns > 0 ? (uint64_t)value_ns : 0)]++;
}

uint64_t histogram_percentile(const struct histogram *histogram, unsigned percent)
{
    uint64_t rank = (histogram->n * percent + 99) / 100, seen = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS && rank > 0; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank)
            return largest_in(i);
    }
    return 0;
}
