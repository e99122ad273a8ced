/* SPDX-License-Identifier: MIT */
#ifndef STORE_HOLD_H
#define STORE_HOLD_H

/* The inside of holds: store.h says what they are for. */

#include <stdbool.h>
#include <stdint.h>

#define MAX_HOLDS       64
#define HOLD_NAME_BYTES 64 /* NUL included */

struct store;
struct store_file;

struct hold {
    char name[HOLD_NAME_BYTES];
    uint64_t first_id, n_lost;
};

/* store.lock guards it. */
struct holds {
    struct hold holds[MAX_HOLDS];
    unsigned n;
    int64_t dirty_since_ns; /* CLOCK_MONOTONIC; 0: as on disk */
};

/* Reads them at open; nobody else is there yet. A damaged file counts as quarantined, and holds
 * nothing. Returns 0, or an errno of reading. */
int holds_read(struct store *store);
/* Writes them if they changed. The lock is not held, and only one thread at a time calls it. Returns
 * 0 or a negative errno, after which they are as dirty as before. */
int holds_write(struct store *store);
/* Is this file, behind which next_id goes on, still needed? */
bool holds_need_locked(const struct store *store, uint64_t next_id);
/* It is to be deleted though: counts what that takes away. */
void holds_lose_locked(struct store *store, const struct store_file *file, uint64_t next_id);

#endif
