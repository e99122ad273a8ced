/* SPDX-License-Identifier: MIT */
#ifndef GEO_CORE_H
#define GEO_CORE_H

#include "geo/geo.h"
#include "geo/reader.h"

/* Between geo.c and its workers. */

/* A reference to the current set. */
struct geo_set *geo_ref_current(struct geo *geo);
/* The generation of the current set, at the cost of a load. */
uint64_t geo_current_generation(struct geo *geo);
/* Adds to the databases' counters, and sets tallies to zero. */
void geo_add_tallies(struct geo *geo, struct geo_tally *tallies);
void geo_count_worker(struct geo *geo, int change);

#endif
