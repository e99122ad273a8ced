/* SPDX-License-Identifier: MIT */
#include "store/filter_builder.h"

#include <math.h>
#include "store/token.h"

void filter_builder_begin(struct filter_builder *builder)
{
    builder->n_hashes = builder->max = 0;
    builder->is_full = false;
    memset(builder->recent, 0, sizeof(builder->recent));
    builder->recent[0] = UINT64_MAX; /* which belongs elsewhere: zero has not been here */
}

int filter_builder_reserve(struct filter_builder *builder, size_t max)
{
    if (builder->capacity < max) {
        size_t capacity = builder->capacity + builder->capacity / 2;
        capacity = capacity < max ? max : capacity;
        uint64_t *hashes = realloc(builder->hashes, capacity * sizeof(*hashes));
        if (!hashes)
            return -ENOMEM;
        builder->hashes = hashes;
        builder->capacity = capacity;
    }
    builder->max = max;
    return 0;
}

void filter_builder_deinit(struct filter_builder *builder)
{
    free(builder->hashes);
    *builder = (struct filter_builder){0};
}

void filter_builder_add_text(struct filter_builder *builder, const char *text, size_t len)
{
    struct token_walk walk = TOKEN_WALK_INIT(text, len);
    struct token token;
    while (!builder->is_full && token_next(&walk, &token))
        if (token_is_filtered(&token))
            filter_builder_add(builder, filter_hash(FILTER_TOKEN, token.data, token.len));
}

static size_t count_distinct(struct filter_builder *builder)
{
    size_t n_set = 0;
    memset(builder->seen, 0, sizeof(builder->seen));
    for (size_t i = 0; i < builder->n_hashes; i++) {
        uint64_t hash = builder->hashes[i];
        builder->seen[hash % FILTER_COUNT_BITS / 64] |= UINT64_C(1) << (hash % 64);
    }
    for (size_t i = 0; i < FILTER_COUNT_BITS / 64; i++)
        n_set += (size_t)__builtin_popcountll(builder->seen[i]);
    double m = FILTER_COUNT_BITS, zeros = m - (double)n_set;
    double n = zeros < 1 ? (double)builder->n_hashes : -m * log(zeros / m);
    return n < (double)builder->n_hashes ? (size_t)ceil(n) : builder->n_hashes;
}

int filter_builder_finish(struct filter_builder *builder, struct buffer *lines)
{
    if (builder->is_full || builder->n_hashes == 0)
        return 0;
    size_t n_bytes = filter_bytes(count_distinct(builder));
    if (buffer_reserve(lines, n_bytes) < 0)
        return -ENOMEM;
    uint8_t *at = lines->data + lines->len;
    memset(at, 0, n_bytes);
    for (size_t i = 0; i < builder->n_hashes; i++)
        filter_add(at, n_bytes, builder->hashes[i]);
    lines->len += n_bytes;
    return 0;
}
