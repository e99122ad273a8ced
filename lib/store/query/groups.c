/* SPDX-License-Identifier: MIT */
#include "store/query/groups.h"

#include <string.h>

/* Slots to begin with. */
#define FIRST_ROOM 64

void groups_init(struct groups *groups, const struct pipe *pipe, struct budget *budget)
{
    *groups = (struct groups){.pipe = pipe, .budget = budget};
}

static void free_group(struct groups *groups, struct group *group)
{
    for (size_t i = 0; i < groups->pipe->n_aggs; i++)
        agg_deinit(&groups->pipe->aggs[i], &group->states[i], groups->budget);
    budget_give(groups->budget, group->bytes);
    free(group);
}

void groups_deinit(struct groups *groups)
{
    for (size_t i = 0; i < groups->room; i++)
        if (groups->slots[i] != NULL)
            free_group(groups, groups->slots[i]);
    if (groups->room > 0)
        budget_give(groups->budget, groups->room * sizeof(*groups->slots));
    free(groups->slots);
    groups->slots = NULL;
    groups->n = groups->room = 0;
    for (size_t i = 0; i < PIPE_MAX_OPERANDS + 1; i++)
        buffer_deinit(&groups->scratch[i]);
}

static struct group **slot_of(const struct groups *groups, uint64_t hash,
                              const struct query_cell *keys)
{
    size_t at = hash & (groups->room - 1);
    for (; groups->slots[at] != NULL; at = (at + 1) & (groups->room - 1)) {
        const struct group *group = groups->slots[at];
        size_t i = 0;
        if (group->hash != hash)
            continue;
        while (i < groups->pipe->n_operands && cell_same(&group->keys[i], &keys[i]))
            i++;
        if (i == groups->pipe->n_operands)
            break;
    }
    return &groups->slots[at];
}

/* Room for one more: a quarter of the slots stays empty. */
static bool grow(struct groups *groups)
{
    if (groups->n * 4 < groups->room * 3)
        return true;
    struct groups grown = *groups;
    grown.room = groups->room == 0 ? FIRST_ROOM : groups->room * 2;
    size_t more = (grown.room - groups->room) * sizeof(*grown.slots);
    if (!budget_take(groups->budget, more))
        return false;
    grown.slots = calloc(grown.room, sizeof(*grown.slots));
    if (grown.slots == NULL) {
        budget_give(groups->budget, more);
        return false;
    }
    for (size_t i = 0; i < groups->room; i++)
        if (groups->slots[i] != NULL)
            *slot_of(&grown, groups->slots[i]->hash, groups->slots[i]->keys) = groups->slots[i];
    free(groups->slots);
    *groups = grown;
    return true;
}

/* One allocation: group, states, keys, texts. */
static struct group *new_group(struct groups *groups, uint64_t hash, const struct query_cell *keys)
{
    size_t n_keys = groups->pipe->n_operands, n_aggs = groups->pipe->n_aggs;
    size_t bytes = sizeof(struct group) + n_aggs * sizeof(union agg_state) +
                   n_keys * sizeof(struct query_cell);
    for (size_t i = 0; i < n_keys; i++)
        bytes += cell_text_len(&keys[i]);
    if (!budget_take(groups->budget, bytes))
        return NULL;
    struct group *group = calloc(1, bytes);
    if (group == NULL) {
        budget_give(groups->budget, bytes);
        return NULL;
    }
    *group = (struct group){.hash = hash, .bytes = bytes, .states = (void *)(group + 1)};
    group->keys = (void *)(group->states + n_aggs);
    char *texts = (char *)(group->keys + n_keys);
    for (size_t i = 0; i < n_keys; i++)
        texts = cell_copy(&keys[i], &group->keys[i], texts);
    return group;
}

struct group *groups_find(struct groups *groups, const struct query_cell *keys)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < groups->pipe->n_operands; i++)
        hash = cell_hash(&keys[i], hash);
    if (groups->room > 0) {
        struct group *group = *slot_of(groups, hash, keys);
        if (group != NULL)
            return group;
    }
    if (!grow(groups))
        return NULL;
    struct group **slot = slot_of(groups, hash, keys);
    *slot = new_group(groups, hash, keys);
    groups->n += *slot != NULL;
    return *slot;
}

int groups_add(struct groups *groups, const struct query_cell *keys, const struct tuple *tuple)
{
    const struct pipe *pipe = groups->pipe;
    struct group *group = groups_find(groups, keys);
    if (group == NULL) {
        groups->n_ungrouped += tuple->n;
        return 0;
    }
    group->n += tuple->n;
    groups->n_rows += tuple->n;
    for (size_t i = 0; i < pipe->n_aggs; i++) {
        const struct agg *agg = &pipe->aggs[i];
        struct query_cell cell;
        int r =
            agg->has_operand ? operand_cell(&agg->operand, tuple, &groups->scratch[0], &cell) : 0;
        if (r < 0)
            return r;
        bool added =
            agg_add(agg, &group->states[i], tuple, agg->has_operand ? &cell : NULL, groups->budget);
        groups->n_missed += !added;
    }
    return 0;
}

/* Takes over all of a group, which is freed. */
static void take_group(struct groups *groups, const struct query_cell *keys, struct group *from)
{
    struct group *group = groups_find(groups, keys);
    if (group == NULL) {
        groups->n_ungrouped += from->n;
        groups->n_rows -= from->n;
    } else {
        group->n += from->n;
        for (size_t i = 0; i < groups->pipe->n_aggs; i++)
            groups->n_missed += !agg_merge(&groups->pipe->aggs[i], &group->states[i],
                                           &from->states[i], groups->budget);
    }
    free_group(groups, from);
}

void groups_merge(struct groups *groups, struct groups *other)
{
    groups->n_ungrouped += other->n_ungrouped;
    groups->n_missed += other->n_missed;
    groups->n_rows += other->n_rows;
    if (groups->room == 0) {
        groups->slots = other->slots;
        groups->n = other->n;
        groups->room = other->room;
        other->slots = NULL;
        other->n = other->room = 0;
    }
    for (size_t i = 0; i < other->room; i++) {
        struct group *group = other->slots[i];
        other->slots[i] = NULL;
        if (group != NULL)
            take_group(groups, group->keys, group);
    }
    groups_deinit(other);
}

void groups_regroup(struct groups *groups, void (*change)(void *arg, struct query_cell *keys),
                    void *arg)
{
    struct groups from = *groups;
    struct query_cell keys[PIPE_MAX_OPERANDS + 1];
    groups->slots = NULL;
    groups->n = groups->room = 0;
    for (size_t i = 0; i < from.room; i++) {
        struct group *group = from.slots[i];
        if (group == NULL)
            continue;
        memcpy(keys, group->keys, groups->pipe->n_operands * sizeof(*keys));
        change(arg, keys);
        take_group(groups, keys, group);
    }
    budget_give(groups->budget, from.room * sizeof(*from.slots));
    free(from.slots);
}
