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

struct filter_builder {
    uint64_t *hashes; /* room for one more than the capacity */
    size_t n_hashes, capacity;
    uint64_t seen[FILTER_COUNT_BITS / 64];
};

/* Starts a filter of at most this many hashes, equal ones counted again. Returns 0, -ENOMEM. */
int filter_builder_begin(struct filter_builder *builder, size_t capacity);
void filter_builder_deinit(struct filter_builder *builder);

/* More than fit: the block goes without a filter. */
static inline bool filter_builder_is_full(const struct filter_builder *builder)
{
    return builder->n_hashes > builder->capacity;
}

/* Without a branch on whether it is wanted. */
static inline void filter_builder_add_if(struct filter_builder *builder, uint64_t hash, bool wanted)
{
    if (filter_builder_is_full(builder))
        return;
    builder->hashes[builder->n_hashes] = hash;
    builder->n_hashes += wanted;
}

static inline void filter_builder_add(struct filter_builder *builder, uint64_t hash)
{
    filter_builder_add_if(builder, hash, true);
}

/* All tokens of a text that a filter knows of. */
void filter_builder_add_text(struct filter_builder *builder, const char *text, size_t len);

/* Puts the filter behind `lines`; nothing, if there is none. Returns 0, -ENOMEM. */
int filter_builder_finish(struct filter_builder *builder, struct buffer *lines);

#endif
