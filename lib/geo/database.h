/* SPDX-License-Identifier: MIT */
#ifndef GEO_DATABASE_H
#define GEO_DATABASE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include "geo/tree.h"
#include "record/record.h"

/*
 * One mapped MaxMind DB file: immutable, reference counted, usable from any thread. libmaxminddb is
 * known to database.c only.
 */
struct geo_database;
struct geo_keys;

/*
 * Opens and maps a regular file. Returns 0, -EINVAL (not a regular file), -EBADMSG (not a MaxMind
 * DB, or a damaged one), -ENOMEM, or the errno of stat, open or mmap.
 */
int geo_database_open(const char *path, struct geo_database **ret_database);
struct geo_database *geo_database_ref(struct geo_database *database);
/* The last one unmaps it. NULL is allowed. Returns NULL. */
struct geo_database *geo_database_unref(struct geo_database *database);

/* Is what path names now the file (by device, inode, mtime and size) that is open? */
bool geo_database_is_current(const struct geo_database *database, const char *path);
const char *geo_database_type(const struct geo_database *database);
time_t geo_database_build_time(const struct geo_database *database);
/* Can it know addresses of this family at all? An IPv4 file knows no IPv6 address. */
bool geo_database_has_family(const struct geo_database *database, bool is_ipv4);
/* Looks for the entries of n (up to GEO_TREE_LANES) addresses at once, see tree.h. */
void geo_database_find(const struct geo_database *database, struct geo_walk *walks, size_t n);
/* Fetches an entry that will be decoded soon. */
void geo_database_prefetch(const struct geo_database *database, uint32_t offset);
/* The entry at an offset that was found. keys: as in geo_entry_decode(), of this database. */
void geo_database_decode(const struct geo_database *database, uint32_t offset,
                         struct geo_keys *keys, struct place *ret_place);

#endif
