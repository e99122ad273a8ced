/* SPDX-License-Identifier: MIT */
#ifndef GEO_GEO_H
#define GEO_GEO_H

/*
 * Address → place, from one or more MaxMind databases.
 *
 *   geo ──▶ set (generation 7) ──▶ city-v4.mmdb, city-v6.mmdb, asn.mmdb      immutable, counted
 *    │        ▲        ▲
 *    │     worker    batch      each holds the set that its places point into
 *    └─ swap: opens a new set, then lets the old one go; its last holder unmaps it
 *
 * Layouts are told apart by the data: MaxMind's (country.iso_code, city.names.en, …) and the flat
 * one of the @ip-location-db packages (country_code, city, state1, latitude, …); ASN databases
 * (autonomous_system_number / _organization). What one database does not know the next may: of
 * country, city with region, location, and ASN with organization each comes from the first that
 * knows it. Files of one family each may be listed together.
 *
 * A database file has to be replaced by rename, never written in place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include "record/batch.h"

struct geo;

struct geo_database_stats {
    const char *path;      /* valid as long as geo */
    /* its own word for itself; "" while it is not open; valid as long as geo */
    const char *type;
    bool open;
    int error;             /* 0, or why it could not be opened: a negative errno; with open: the older
                              one is still in use */
    time_t build_time;     /* seconds since 1970 UTC */
    uint64_t generation;   /* of the current set */
    uint64_t lookups, hits; /* since start; what a worker's cache answered is not counted; hits: that
                               found something in it */
};

/*
 * Opens n_paths databases (checks each: readable, metadata sane); paths are copied. Returns 0 even
 * when some could not be opened: they are missing from the set and say so in their stats (the
 * caller reports them): -EINVAL is no regular file, -EBADMSG no MaxMind DB, else what stat() or
 * open() says. -ENOMEM.
 */
int geo_new(const char *const *paths, size_t n_paths, struct geo **ret_geo);
/* No worker may exist; batches may still hold sets. Returns NULL. */
struct geo *geo_free(struct geo *geo);
size_t geo_n_databases(struct geo *geo);
void geo_get_stats(struct geo *geo, size_t database, struct geo_database_stats *ret_stats);

/*
 * Opens the databases again that are new (by device, inode, mtime and size) and makes them, with
 * the others, the current set of the next generation; when none is new, the generation stays. A
 * database that cannot be opened now stays as it was. Any thread; reads files, waits for no worker.
 * Returns how many are new, or -ENOMEM (nothing changed).
 */
int geo_swap(struct geo *geo);

/* Which addresses, in this order; the first that is public and that a database knows wins. */
enum geo_lookup { GEO_LOOKUP_PEER, GEO_LOOKUP_MESSAGE };

/*
 * A worker: a cache of its own (address → place, for one generation), for one thread at a time. It
 * notices a swap at its next batch, and until then keeps the old databases mapped. Of scratch it
 * has about 36 KiB, whatever a batch holds; an open database with IPv4 has a table of 256 KiB,
 * shared.
 */
struct geo_worker;
/* cache_entries: rounded up to a power of two; 0 means 4096. Returns 0, -ENOMEM. */
int geo_worker_new(struct geo *geo, const enum geo_lookup *lookup, size_t n_lookup,
                   size_t cache_entries, struct geo_worker **ret_worker);
struct geo_worker *geo_worker_free(struct geo_worker *worker);

/*
 * Sets place, geo_from, geo_off, geo_len of every record that has a known place, and the batch's
 * places (one an address) and geo_owner (unless no place is known). Once a batch.
 */
void geo_enrich_batch(struct geo_worker *worker, struct batch *batch);

/*
 * One address, public or not, for tests and tools: true when something is known. The texts live
 * until the worker's next call.
 */
bool geo_lookup_address(struct geo_worker *worker, const uint8_t address[16],
                        struct place *ret_place);

/*
 * The first public address in text, IPv4 or IPv6. Pure. Returns true and where it is (without port,
 * brackets, zone or prefix length; at most 45 bytes); what only looks like one (versions, times,
 * MAC addresses, 1.2.3.4.5) and private, reserved or documentation ranges are skipped.
 */
bool geo_find_address(const char *text, size_t len, uint32_t *ret_off, uint32_t *ret_len,
                      uint8_t ret_address[16]);
/*
 * Globally reachable unicast by IANA's special-purpose registries? address: IPv4 as ::ffff:a.b.c.d.
 * 6to4, Teredo and NAT64 are not. Pure.
 */
bool geo_is_public(const uint8_t address[16]);

#endif
