/* SPDX-License-Identifier: MIT */
#ifndef STORE_FILTER_BUILDER_H
#define STORE_FILTER_BUILDER_H

/*
 * A block's filter in the making: hashes are gathered, then the filter is made as large as their
 * number asks for. Equal ones come often: most of them find the same hash in a small table of recent
 * ones, and are gathered once. Those that do not are counted once, by what they leave of a bitmap
 * (linear counting: n = -m ln(zeros / m); within some percent).
 */

#include <stdbool.h>
#include "store/buffer.h"
#include "store/filter.h"

#define FILTER_COUNT_BITS (1u << 16)

#define FILTER_RECENT_BITS 10

struct filter_builder {
    uint64_t *hashes;
    size_t n_hashes, max, capacity;
    bool is_full; /* more came than fit: the block goes without a filter */
    uint64_t recent[1u << FILTER_RECENT_BITS]; /* by a hash's upper bits */
    uint64_t seen[FILTER_COUNT_BITS / 64];
};

/* Starts a filter of no hashes. */
void filter_builder_begin(struct filter_builder *builder);
/* At most this many hashes from now on; one that was full stays so. Returns 0, -ENOMEM. */
int filter_builder_reserve(struct filter_builder *builder, size_t max);
void filter_builder_deinit(struct filter_builder *builder);

static inline void filter_builder_add(struct filter_builder *builder, uint64_t hash)
{
    uint64_t *recent = &builder->recent[hash >> (64 - FILTER_RECENT_BITS)];
    if (*recent == hash)
        return;
    *recent = hash;
    if (builder->n_hashes == builder->max)
        builder->is_full = true;
    else
        builder->hashes[builder->n_hashes++] = hash;
}

/* All tokens of a text that a filter knows of. */
void filter_builder_add_text(struct filter_builder *builder, const char *text, size_t len);

/* Puts the filter behind `lines`; nothing, if there is none. Returns 0, -ENOMEM. */
int filter_builder_finish(struct filter_builder *builder, struct buffer *lines);

#endif
