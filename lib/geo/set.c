/* SPDX-License-Identifier: MIT */
#include "geo/set.h"

#include <stdlib.h>

struct geo_set *geo_set_new(size_t n_databases, uint64_t generation)
{
    struct geo_set *set = calloc(1, sizeof(*set) + n_databases * sizeof(struct geo_database *));
    if (!set)
        return NULL;
    atomic_init(&set->n_refs, 1);
    set->generation = generation;
    set->n_databases = n_databases;
    return set;
}

struct geo_set *geo_set_ref(struct geo_set *set)
{
    atomic_fetch_add_explicit(&set->n_refs, 1, memory_order_relaxed);
    return set;
}

struct geo_set *geo_set_unref(struct geo_set *set)
{
    if (!set || atomic_fetch_sub_explicit(&set->n_refs, 1, memory_order_acq_rel) > 1)
        return NULL;
    for (size_t i = 0; i < set->n_databases; i++)
        geo_database_unref(set->databases[i]);
    free(set);
    return NULL;
}
