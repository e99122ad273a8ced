/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BEST_H
#define BENCH_BEST_H

/* The least of `times` measurements: the one that a busy machine disturbed least. */
static inline double best_of(unsigned times, double (*measure)(void *arg), void *arg)
{
    double least = measure(arg);

    for (unsigned i = 1; i < times; i++) {
        double ns = measure(arg);

        least = ns < least ? ns : least;
    }
    return least;
}

#endif
