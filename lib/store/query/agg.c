/* SPDX-License-Identifier: MIT */
/*
 * Absent values (null) are passed over by every function but count, and so are texts that are no
 * numbers where numbers are wanted.
 */
#include "store/query/agg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Neumaier's sum: right to the last digit or so, in whatever order. */
static void add_to_sum(double *sum, double *lost, double value)
{
    double next = *sum + value;
    *lost += fabs(*sum) >= fabs(value) ? (*sum - next) + value : (value - next) + *sum;
    *sum = next;
}

static void add_total(union agg_state *state, const struct query_cell *cell)
{
    double number;
    if (!cell_number(cell, &number))
        return;
    add_to_sum(&state->total.sum, &state->total.lost, number);
    state->total.n++;
}

/* A text that may be a number is compared as one. */
static void add_extreme(const struct agg *agg, union agg_state *state,
                        const struct query_cell *cell)
{
    struct query_cell value = *cell;
    if (cell->is_null)
        return;
    if (cell->type != agg->type) {
        value = (struct query_cell){.type = agg->type};
        if (!cell_number(cell, &value.number))
            return;
    }
    int order = state->extreme.is_set ? cell_compare(&value, &state->extreme.cell) : 0;
    if (!state->extreme.is_set || (agg->func == AGG_MIN ? order < 0 : order > 0))
        state->extreme.cell = value;
    state->extreme.is_set = true;
}

static bool is_picked(const struct agg *agg, const union agg_state *state, int64_t time_ns,
                      uint64_t sequence)
{
    if (!state->pick.is_set)
        return true;
    bool earlier = time_ns < state->pick.time_ns ||
                   (time_ns == state->pick.time_ns && sequence < state->pick.sequence);
    return earlier == (agg->func == AGG_FIRST);
}

static bool add_pick(const struct agg *agg, union agg_state *state, const struct tuple *tuple,
                     const struct query_cell *cell, struct budget *budget)
{
    int64_t time_ns = tuple->row != NULL ? tuple->row->time_ns : 0;
    uint64_t sequence = tuple->row != NULL ? tuple->row->id : tuple->sequence;
    if (cell->is_null || !is_picked(agg, state, time_ns, sequence))
        return true;
    size_t len = cell_text_len(cell), before = cell_text_len(&state->pick.cell);
    if (len > before && !budget_take(budget, len - before))
        return false;
    char *memory = len > 0 ? realloc(state->pick.text_memory, len > before ? len : before) : NULL;
    if (len > 0 && memory == NULL) {
        budget_give(budget, len > before ? len - before : 0);
        return false;
    }
    if (len < before)
        budget_give(budget, before - len);
    if (len > 0)
        state->pick.text_memory = memory;
    cell_copy(cell, &state->pick.cell, memory);
    state->pick.time_ns = time_ns;
    state->pick.sequence = sequence;
    state->pick.is_set = true;
    return true;
}

/* Memory for a state that is too large to be part of a group. */
static void *new_state(size_t size, struct budget *budget)
{
    if (!budget_take(budget, size))
        return NULL;
    void *state = calloc(1, size);
    if (state == NULL)
        budget_give(budget, size);
    return state;
}

static bool add_uniq(union agg_state *state, const struct query_cell *cell, struct budget *budget)
{
    if (cell->is_null)
        return true;
    if (state->uniq == NULL)
        state->uniq = new_state(sizeof(*state->uniq), budget);
    return state->uniq != NULL && uniq_add(state->uniq, cell_hash(cell, 0), budget);
}

static bool add_quantile(union agg_state *state, const struct query_cell *cell,
                         struct budget *budget)
{
    double number;
    if (!cell_number(cell, &number))
        return true;
    if (state->sketch == NULL)
        state->sketch = new_state(sizeof(*state->sketch), budget);
    return state->sketch != NULL && sketch_add(state->sketch, number, budget);
}

bool agg_add(const struct agg *agg, union agg_state *state, const struct tuple *tuple,
             const struct query_cell *cell, struct budget *budget)
{
    switch (agg->func) {
    case AGG_COUNT:
        state->n += cell == NULL || !cell->is_null ? tuple->n : 0;
        return true;
    case AGG_SUM:
    case AGG_AVG:
        add_total(state, cell);
        return true;
    case AGG_MIN:
    case AGG_MAX:
        add_extreme(agg, state, cell);
        return true;
    case AGG_FIRST:
    case AGG_LAST:
        return add_pick(agg, state, tuple, cell, budget);
    case AGG_UNIQ:
        return add_uniq(state, cell, budget);
    case AGG_QUANTILE:
        return add_quantile(state, cell, budget);
    case N_AGG_FUNCS:
        break;
    }
    return false;
}

static void merge_pick(const struct agg *agg, union agg_state *state, union agg_state *other,
                       struct budget *budget)
{
    if (!other->pick.is_set || !is_picked(agg, state, other->pick.time_ns, other->pick.sequence)) {
        agg_deinit(agg, other, budget);
        return;
    }
    agg_deinit(agg, state, budget);
    *state = *other;
    *other = (union agg_state){0};
}

static bool merge_uniq(union agg_state *state, union agg_state *other, struct budget *budget)
{
    if (state->uniq != NULL)
        return other->uniq == NULL || uniq_merge(state->uniq, other->uniq, budget);
    state->uniq = other->uniq;
    other->uniq = NULL;
    return true;
}

static bool merge_sketch(union agg_state *state, union agg_state *other, struct budget *budget)
{
    if (state->sketch != NULL)
        return other->sketch == NULL || sketch_merge(state->sketch, other->sketch, budget);
    state->sketch = other->sketch;
    other->sketch = NULL;
    return true;
}

bool agg_merge(const struct agg *agg, union agg_state *state, union agg_state *other,
               struct budget *budget)
{
    bool whole = true;
    switch (agg->func) {
    case AGG_COUNT:
        state->n += other->n;
        break;
    case AGG_SUM:
    case AGG_AVG:
        add_to_sum(&state->total.sum, &state->total.lost, other->total.sum);
        state->total.lost += other->total.lost;
        state->total.n += other->total.n;
        break;
    case AGG_MIN:
    case AGG_MAX:
        if (other->extreme.is_set)
            add_extreme(agg, state, &other->extreme.cell);
        break;
    case AGG_FIRST:
    case AGG_LAST:
        merge_pick(agg, state, other, budget);
        break;
    case AGG_UNIQ:
        whole = merge_uniq(state, other, budget);
        break;
    case AGG_QUANTILE:
        whole = merge_sketch(state, other, budget);
        break;
    case N_AGG_FUNCS:
        break;
    }
    agg_deinit(agg, other, budget);
    return whole;
}

static struct query_cell result_of_total(const struct agg *agg, const union agg_state *state)
{
    double sum = state->total.sum + state->total.lost;
    double number =
        agg->func == AGG_SUM || state->total.n == 0 ? sum : sum / (double)state->total.n;
    return (struct query_cell){.type = QUERY_DOUBLE,
                               .is_null = state->total.n == 0 || !isfinite(number),
                               .number = number};
}

static struct query_cell result_of_quantile(const struct agg *agg, const union agg_state *state,
                                            bool *ret_is_estimate)
{
    struct sketch *sketch = state->sketch;
    if (sketch == NULL || sketch->n_values == 0)
        return (struct query_cell){.type = QUERY_DOUBLE, .is_null = true};
    *ret_is_estimate |= sketch->is_estimate;
    return (struct query_cell){.type = QUERY_DOUBLE,
                               .number = sketch_quantile(sketch, agg->quantile)};
}

struct query_cell agg_result(const struct agg *agg, const union agg_state *state,
                             bool *ret_is_estimate)
{
    struct query_cell cell = {.type = agg->type};
    switch (agg->func) {
    case AGG_COUNT:
        cell.integer = (int64_t)state->n;
        break;
    case AGG_SUM:
    case AGG_AVG:
        return result_of_total(agg, state);
    case AGG_MIN:
    case AGG_MAX:
        cell = state->extreme.cell;
        cell.type = agg->type;
        cell.is_null = !state->extreme.is_set;
        break;
    case AGG_FIRST:
    case AGG_LAST:
        cell = state->pick.cell;
        cell.type = agg->type;
        cell.is_null = !state->pick.is_set;
        break;
    case AGG_UNIQ:
        *ret_is_estimate |= state->uniq != NULL && uniq_is_estimate(state->uniq);
        cell.integer = state->uniq == NULL ? 0 : (int64_t)uniq_count(state->uniq);
        break;
    case AGG_QUANTILE:
        return result_of_quantile(agg, state, ret_is_estimate);
    case N_AGG_FUNCS:
        break;
    }
    return cell;
}

void agg_deinit(const struct agg *agg, union agg_state *state, struct budget *budget)
{
    if (agg->func == AGG_UNIQ && state->uniq != NULL) {
        uniq_deinit(state->uniq, budget);
        budget_give(budget, sizeof(*state->uniq));
        free(state->uniq);
    } else if (agg->func == AGG_QUANTILE && state->sketch != NULL) {
        sketch_deinit(state->sketch, budget);
        budget_give(budget, sizeof(*state->sketch));
        free(state->sketch);
    } else if (agg->func == AGG_FIRST || agg->func == AGG_LAST) {
        budget_give(budget, cell_text_len(&state->pick.cell));
        free(state->pick.text_memory);
    }
    *state = (union agg_state){0};
}

uint32_t agg_columns(const struct agg *agg)
{
    return agg->func == AGG_FIRST || agg->func == AGG_LAST ? STORE_TIME : 0;
}
