/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_AGG_UNIQ_H
#define STORE_QUERY_AGG_UNIQ_H

/*
 * How many different values there are, from their 64-bit hashes: exact up to UNIQ_EXACT; beyond, an
 * estimate (HyperLogLog) with a standard error of 0.8 %. What comes out does not depend on the order
 * of values, nor on how they were spread over sets that were merged. At most 64 KiB.
 */

#include <stdint.h>
#include "store/query/budget.h"

#define UNIQ_EXACT     4096
#define UNIQ_BITS      14
#define UNIQ_REGISTERS (1u << UNIQ_BITS)

struct uniq {
    uint64_t *hashes; /* a table of `room` slots; 0 is an empty one */
    uint32_t n, room;
    uint8_t *registers; /* in place of it */
};

/* All zero is an empty set. */
void uniq_deinit(struct uniq *uniq, struct budget *budget);
/* Returns false when there is no memory: the value is not in it then. */
bool uniq_add(struct uniq *uniq, uint64_t hash, struct budget *budget);
/* Returns false when there is no memory: some of the other's values are missing then. */
bool uniq_merge(struct uniq *uniq, const struct uniq *other, struct budget *budget);
uint64_t uniq_count(const struct uniq *uniq);

static inline bool uniq_is_estimate(const struct uniq *uniq)
{
    return uniq->registers != NULL;
}

#endif
