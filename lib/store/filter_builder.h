/* SPDX-License-Identifier: MIT */
#ifndef STORE_FILTER_BUILDER_H
#define STORE_FILTER_BUILDER_H

/*
 * A block's filter in the making: hashes are gathered, then the filter is made as large as their
 * number asks for. Equal ones come often and are counted once, by what they leave of a bitmap
 * (linear counting: n = -m ln(zeros / m); within some percent).
 */

#include <stdbool.h>
#include "store/buffer.h"
#include "store/filter.h"

#define FILTER_COUNT_BITS (1u << 16)

/* Hashes that may be added without asking whether they fit, after filter_builder_is_full() said no. */
#define FILTER_SLACK 64

struct filter_builder {
    uint64_t *hashes; /* capacity + FILTER_SLACK */
    size_t n_hashes, max, capacity;
    uint64_t seen[FILTER_COUNT_BITS / 64];
};

/* Starts a filter of no hashes. */
void filter_builder_begin(struct filter_builder *builder);
/*
 * At most this many hashes from now on, equal ones counted again; one that was full stays so. Returns
 * 0, -ENOMEM.
 */
int filter_builder_reserve(struct filter_builder *builder, size_t max);
void filter_builder_deinit(struct filter_builder *builder);

/* More than fit: the block goes without a filter. */
static inline bool filter_builder_is_full(const struct filter_builder *builder)
{
    return builder->n_hashes > builder->max;
}

/* One of FILTER_SLACK, if it is wanted, which is not branched on. */
static inline void filter_builder_put(struct filter_builder *builder, uint64_t hash, bool wanted)
{
    builder->hashes[builder->n_hashes] = hash;
    builder->n_hashes += wanted;
}

static inline void filter_builder_add(struct filter_builder *builder, uint64_t hash)
{
    if (!filter_builder_is_full(builder))
        filter_builder_put(builder, hash, true);
}

/* All tokens of a text that a filter knows of. */
void filter_builder_add_text(struct filter_builder *builder, const char *text, size_t len);

/* Puts the filter behind `lines`; nothing, if there is none. Returns 0, -ENOMEM. */
int filter_builder_finish(struct filter_builder *builder, struct buffer *lines);

#endif
