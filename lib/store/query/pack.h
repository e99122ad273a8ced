/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_PACK_H
#define STORE_QUERY_PACK_H

/* Rows with their texts, taken out of their block so that it can be left. */

#include <stddef.h>
#include <stdint.h>
#include "store/reader.h"

struct pack_chunk;

struct pack {
    struct pack *next; /* in a list of its holder */
    struct store_row *rows;
    size_t n_rows, capacity;
    size_t at; /* rows before this one were handed on */
    struct pack_chunk *chunks;
    size_t chunk_left;
    size_t bytes;  /* that it takes */
    size_t charge; /* what its holder paid for it */
};

/* Returns 0, -ENOMEM. */
int pack_new(size_t n_rows, struct pack **ret_pack);
/* Returns NULL. NULL is allowed. */
struct pack *pack_free(struct pack *pack);
/* Appends a copy; the pack grows as it must. Returns 0, -ENOMEM. */
int pack_add(struct pack *pack, const struct store_row *row);

#endif
