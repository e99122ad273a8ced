/* SPDX-License-Identifier: MIT */
#include "geo/set.h"

#include <stdlib.h>
#include <string.h>
#include "geo/entry.h"

struct geo_set *geo_set_new(size_t n_databases, uint64_t generation)
{
    struct geo_set *set = calloc(1, sizeof(*set) + n_databases * sizeof(set->databases[0]));
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

static bool is_mapped_ipv4(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(address, prefix, sizeof(prefix)) == 0;
}

bool geo_set_lookup(const struct geo_set *set, const uint8_t address[16],
                    struct geo_tally *tallies, struct place *ret_place)
{
    bool is_ipv4 = is_mapped_ipv4(address), is_known = false;
    struct place part;
    *ret_place = (struct place){0};
    for (size_t i = 0; i < set->n_databases; i++) {
        const struct geo_database *database = set->databases[i];
        if (!database || !geo_database_has_family(database, is_ipv4))
            continue;
        tallies[i].lookups++;
        if (!geo_database_lookup(database, address, is_ipv4, &part))
            continue;
        tallies[i].hits++;
        geo_place_merge(ret_place, &part);
        is_known = true;
    }
    return is_known;
}
