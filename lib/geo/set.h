/* SPDX-License-Identifier: MIT */
#ifndef GEO_SET_H
#define GEO_SET_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "geo/database.h"

/*
 * The databases that are looked up together, in the order of the configuration. Immutable once it
 * is the current one; its places are valid as long as a reference to it is held. Knows nothing of
 * struct geo, so that batches may outlive that.
 */
struct geo_set {
    atomic_uint n_refs;
    uint64_t generation;
    size_t n_databases;
    struct geo_database *databases[]; /* NULL: could not be opened */
};

/* An empty set with one reference; NULL when memory is short. */
struct geo_set *geo_set_new(size_t n_databases, uint64_t generation);
struct geo_set *geo_set_ref(struct geo_set *set);
/* NULL is allowed. Returns NULL. */
struct geo_set *geo_set_unref(struct geo_set *set);

#endif
