/* SPDX-License-Identifier: MIT */
/*
 * DDSketch (Masson, Rim, Lee: "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with
 * Relative-Error Guarantees", VLDB 2019). A value x > 0 is in range ceil(log_g(x)) with
 * g = (1 + error) / (1 - error), and 2 g^i / (g + 1) is within the error of each value in range i.
 */
#include "store/query/agg_sketch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GAMMA ((1 + SKETCH_ERROR) / (1 - SKETCH_ERROR))
/* A side grows by so many ranges more than it must. */
#define SPARE 32

void sketch_deinit(struct sketch *sketch, struct budget *budget)
{
    size_t bytes = sketch->room * sizeof(*sketch->values) +
                   (size_t)(sketch->negative.n + sketch->positive.n) * sizeof(uint64_t);
    budget_give(budget, bytes);
    free(sketch->values);
    free(sketch->negative.counts);
    free(sketch->positive.counts);
    *sketch = (struct sketch){0};
}

static int range_of(double magnitude)
{
    return (int)ceil(log(magnitude) / log(GAMMA));
}

static double value_of(int range)
{
    return 2 * pow(GAMMA, range) / (GAMMA + 1);
}

/* Makes the side hold a range. */
static bool widen(struct sketch_side *side, int range, struct budget *budget)
{
    if (side->n > 0 && range >= side->first && range < side->first + side->n)
        return true;
    int first = side->n == 0 || range < side->first ? range - SPARE : side->first;
    int end =
        side->n == 0 || range >= side->first + side->n ? range + SPARE : side->first + side->n;
    int n = end - first;
    if (!budget_take(budget, (size_t)(n - side->n) * sizeof(uint64_t)))
        return false;
    uint64_t *counts = calloc((size_t)n, sizeof(*counts));
    if (counts == NULL) {
        budget_give(budget, (size_t)(n - side->n) * sizeof(uint64_t));
        return false;
    }
    if (side->n > 0)
        memcpy(counts + (side->first - first), side->counts, (size_t)side->n * sizeof(*counts));
    free(side->counts);
    *side = (struct sketch_side){counts, first, n};
    return true;
}

static bool count_range(struct sketch_side *side, int range, uint64_t n, struct budget *budget)
{
    if (!widen(side, range, budget))
        return false;
    side->counts[range - side->first] += n;
    return true;
}

static bool count_value(struct sketch *sketch, double value, struct budget *budget)
{
    double magnitude = fabs(value);
    if (magnitude < SKETCH_LEAST) {
        sketch->n_zero++;
        return true;
    }
    return count_range(value < 0 ? &sketch->negative : &sketch->positive,
                       range_of(fmin(magnitude, SKETCH_MOST)), 1, budget);
}

/* From values to ranges. */
static bool estimate(struct sketch *sketch, struct budget *budget)
{
    uint64_t missed = 0;
    sketch->is_estimate = true;
    for (uint64_t i = 0; i < sketch->n_values; i++)
        missed += !count_value(sketch, sketch->values[i], budget);
    sketch->n_values -= missed;
    budget_give(budget, sketch->room * sizeof(*sketch->values));
    free(sketch->values);
    sketch->values = NULL;
    sketch->room = 0;
    return missed == 0;
}

static bool reserve_value(struct sketch *sketch, struct budget *budget)
{
    if (sketch->n_values < sketch->room)
        return true;
    uint32_t room = sketch->room == 0 ? 8 : sketch->room * 2;
    size_t more = (room - sketch->room) * sizeof(*sketch->values);
    if (!budget_take(budget, more))
        return false;
    double *values = realloc(sketch->values, room * sizeof(*values));
    if (values == NULL) {
        budget_give(budget, more);
        return false;
    }
    sketch->values = values;
    sketch->room = room;
    return true;
}

bool sketch_add(struct sketch *sketch, double value, struct budget *budget)
{
    bool whole = true;
    if (!sketch->is_estimate && sketch->n_values == SKETCH_EXACT)
        whole = estimate(sketch, budget);
    if (sketch->is_estimate ? !count_value(sketch, value, budget) : !reserve_value(sketch, budget))
        return false;
    if (!sketch->is_estimate)
        sketch->values[sketch->n_values] = value;
    sketch->least = sketch->n_values == 0 ? value : fmin(sketch->least, value);
    sketch->most = sketch->n_values == 0 ? value : fmax(sketch->most, value);
    sketch->n_values++;
    return whole;
}

static bool merge_side(struct sketch *sketch, struct sketch_side *side,
                       const struct sketch_side *other, struct budget *budget)
{
    bool whole = true;
    for (int i = 0; i < other->n; i++) {
        if (other->counts[i] == 0)
            continue;
        if (count_range(side, other->first + i, other->counts[i], budget))
            sketch->n_values += other->counts[i];
        else
            whole = false;
    }
    return whole;
}

bool sketch_merge(struct sketch *sketch, const struct sketch *other, struct budget *budget)
{
    bool whole = true;
    if (other->n_values == 0)
        return true;
    if (!other->is_estimate) {
        for (uint64_t i = 0; i < other->n_values; i++)
            whole &= sketch_add(sketch, other->values[i], budget);
        return whole;
    }
    if (!sketch->is_estimate)
        whole = estimate(sketch, budget);
    sketch->least = sketch->n_values == 0 ? other->least : fmin(sketch->least, other->least);
    sketch->most = sketch->n_values == 0 ? other->most : fmax(sketch->most, other->most);
    sketch->n_zero += other->n_zero;
    sketch->n_values += other->n_zero;
    whole &= merge_side(sketch, &sketch->negative, &other->negative, budget);
    return merge_side(sketch, &sketch->positive, &other->positive, budget) && whole;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The value of 1-based rank, from the ranges. */
static double value_at_rank(const struct sketch *sketch, uint64_t rank)
{
    const struct sketch_side *negative = &sketch->negative, *positive = &sketch->positive;
    for (int i = negative->n - 1; i >= 0; i--) {
        if (rank <= negative->counts[i])
            return -value_of(negative->first + i);
        rank -= negative->counts[i];
    }
    if (rank <= sketch->n_zero)
        return 0;
    rank -= sketch->n_zero;
    for (int i = 0; i < positive->n; i++) {
        if (rank <= positive->counts[i])
            return value_of(positive->first + i);
        rank -= positive->counts[i];
    }
    return sketch->most;
}

double sketch_quantile(struct sketch *sketch, double part)
{
    /* A rank that should be whole is, whatever 0.99 * 100 makes of it. */
    double exact = part * (double)sketch->n_values;
    uint64_t rank = (uint64_t)ceil(exact - 1e-9 * exact);
    rank = rank < 1 ? 1 : rank > sketch->n_values ? sketch->n_values : rank;
    if (sketch->is_estimate)
        return fmax(sketch->least, fmin(sketch->most, value_at_rank(sketch, rank)));
    qsort(sketch->values, sketch->n_values, sizeof(*sketch->values), compare_doubles);
    return sketch->values[rank - 1];
}
