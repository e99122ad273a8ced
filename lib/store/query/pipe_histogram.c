/* SPDX-License-Identifier: MIT */
/*
 * Steps of time. They begin at whole multiples of the step since 1970 UTC; whole weeks on Mondays.
 *
 * A step that was not given is chosen so that there are about STEPS_WANTED of them at most. Where the run
 * has no bounds, rows are gathered by minutes, which roll-ups have as well, and when all are in the
 * minutes are put together to what fits the time that they cover.
 */
#include "store/query/pipe_stage.h"

#include <string.h>
#include <time.h>

#define S_NS         1000000000ll
#define DAY_NS       (86400 * S_NS)
#define WEEK_NS      (7 * DAY_NS)
#define FIRST_MONDAY (4 * DAY_NS)
#define STEPS_WANTED 60
/* More rows than this, and empty steps are left out. */
#define MOST_FILLED 20000

int64_t histogram_floor(int64_t time_ns, int64_t step_ns)
{
    int64_t origin = step_ns % WEEK_NS == 0 ? FIRST_MONDAY : 0;
    int64_t since;
    if (__builtin_sub_overflow(time_ns, origin, &since))
        return time_ns;
    int64_t rest = since % step_ns;
    int64_t floor;
    return __builtin_sub_overflow(time_ns, rest < 0 ? rest + step_ns : rest, &floor) ? time_ns
                                                                                     : floor;
}

/* The smallest good step that is no smaller than `least` and needs few enough. */
static int64_t choose_step(int64_t first_ns, int64_t last_ns, int64_t least_ns)
{
    static const int64_t seconds[] = {1,     2,     5,     10,    15,       30,   60,
                                      120,   300,   600,   900,   1800,     3600, 7200,
                                      10800, 21600, 43200, 86400, 2 * 86400};
    uint64_t span = last_ns > first_ns ? (uint64_t)last_ns - (uint64_t)first_ns : 0;
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
        if (seconds[i] * S_NS >= least_ns && span / (uint64_t)(seconds[i] * S_NS) <= STEPS_WANTED)
            return seconds[i] * S_NS;
    int64_t step = WEEK_NS;
    while (span / (uint64_t)step > STEPS_WANTED)
        step += step;
    return step;
}

int64_t histogram_step(const struct pipe *pipe, int64_t since_ns, int64_t until_ns)
{
    struct timespec now;
    if (pipe->step_ns > 0)
        return pipe->step_ns;
    if (since_ns == INT64_MIN)
        return 60 * S_NS;
    if (until_ns == INT64_MAX) {
        clock_gettime(CLOCK_REALTIME, &now);
        until_ns = (int64_t)now.tv_sec * S_NS + now.tv_nsec;
    }
    return choose_step(since_ns, until_ns, S_NS);
}

static void change_time(void *arg, struct query_cell *keys)
{
    keys[0].integer = histogram_floor(keys[0].integer, *(const int64_t *)arg);
}

static bool find_range(const struct groups *groups, int64_t *ret_first, int64_t *ret_last)
{
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < groups->room; i++) {
        if (groups->slots[i] == NULL)
            continue;
        int64_t time_ns = groups->slots[i]->keys[0].integer;
        first = time_ns < first ? time_ns : first;
        last = time_ns > last ? time_ns : last;
    }
    *ret_first = first;
    *ret_last = last;
    return groups->n > 0;
}

static bool same_series(const struct group *a, const struct group *b, size_t n_keys)
{
    for (size_t i = 1; i < n_keys; i++)
        if (!cell_same(&a->keys[i], &b->keys[i]))
            return false;
    return true;
}

/* One group of each series (the keys but time), or NULL when there are more than `most`. */
static struct group **find_series(const struct groups *groups, size_t most, size_t *ret_n)
{
    struct group **series = calloc(most + 1, sizeof(*series));
    size_t n = 0;
    for (size_t i = 0; series != NULL && i < groups->room; i++) {
        struct group *group = groups->slots[i];
        size_t known = 0;
        if (group == NULL)
            continue;
        while (known < n && !same_series(group, series[known], groups->pipe->n_operands))
            known++;
        if (known < n)
            continue;
        if (n == most) {
            free(series);
            return NULL;
        }
        series[n++] = group;
    }
    *ret_n = n;
    return series;
}

static bool fill_step(struct groups *groups, struct group *const *series, size_t n_series,
                      int64_t time_ns)
{
    struct query_cell keys[PIPE_MAX_OPERANDS + 1];
    for (size_t i = 0; i < n_series; i++) {
        memcpy(keys, series[i]->keys, groups->pipe->n_operands * sizeof(*keys));
        keys[0].integer = time_ns;
        if (groups_find(groups, keys) == NULL)
            return false;
    }
    return true;
}

/* Adds the groups that no row has, between the first and the last step. Returns whether all are
 * there. */
static bool fill(struct groups *groups, int64_t first, int64_t last, int64_t step_ns)
{
    uint64_t n_steps = ((uint64_t)last - (uint64_t)first) / (uint64_t)step_ns + 1;
    if (n_steps == 1)
        return true;
    if (n_steps > MOST_FILLED || groups->n > MOST_FILLED)
        return false;
    size_t n_series = 0;
    struct group **series = find_series(groups, MOST_FILLED / n_steps, &n_series);
    bool whole = series != NULL;
    for (uint64_t i = 0; whole && i < n_steps; i++)
        whole =
            fill_step(groups, series, n_series, (int64_t)((uint64_t)first + i * (uint64_t)step_ns));
    free(series);
    return whole;
}

void histogram_finish(struct stage *stage)
{
    int64_t first, last;
    if (!find_range(&stage->groups, &first, &last))
        return;
    int64_t step =
        stage->pipe->step_ns > 0 ? stage->step_ns : choose_step(first, last, stage->step_ns);
    if (step > stage->step_ns) {
        stage->step_ns = step;
        groups_regroup(&stage->groups, change_time, &step);
        find_range(&stage->groups, &first, &last);
    }
    stage->sink->notes.step_ns = stage->step_ns;
    stage->sink->notes.has_gaps = !fill(&stage->groups, first, last, stage->step_ns);
}
