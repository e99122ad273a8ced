/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_GROUPS_H
#define STORE_QUERY_GROUPS_H

/*
 * Groups of rows by the values of some operands, with a state for each function: a hash table. One
 * thread's.
 */

#include "store/query/agg.h"

struct group {
    uint64_t hash;
    uint64_t n;              /* rows */
    union agg_state *states; /* one for each function of the pipe */
    struct query_cell *keys; /* one for each operand */
    size_t bytes;            /* what it takes of the budget */
};

struct groups {
    const struct pipe *pipe;
    struct budget *budget;
    struct group **slots;
    size_t n, room;
    struct buffer scratch[PIPE_MAX_OPERANDS + 1];
    uint64_t n_ungrouped, n_missed; /* as in struct query_notes */
    uint64_t n_rows;                /* that are in groups */
};

void groups_init(struct groups *groups, const struct pipe *pipe, struct budget *budget);
/* May be called twice. */
void groups_deinit(struct groups *groups);

/* keys: one for each operand; copied. Returns NULL when there is no memory. */
struct group *groups_find(struct groups *groups, const struct query_cell *keys);
/* Adds a row to its group. What there is no memory for is counted. Returns 0, -ENOMEM (when a value
 * could not even be read). */
int groups_add(struct groups *groups, const struct query_cell *keys, const struct tuple *tuple);
/* Moves all groups of the other one here; it is empty then. */
void groups_merge(struct groups *groups, struct groups *other);
/* Changes the keys of all groups; those that then have the same ones become one. */
void groups_regroup(struct groups *groups, void (*change)(void *arg, struct query_cell *keys),
                    void *arg);

#endif
