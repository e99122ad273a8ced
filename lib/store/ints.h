/* SPDX-License-Identifier: MIT */
#ifndef STORE_INTS_H
#define STORE_INTS_H

/*
 * A column of integers.
 *
 *   width (1 byte, 0-8) | base (zigzag varint) | plane 0: lowest byte of each | plane 1 | … | plane
 * width-1
 *
 * The value is base + the number whose bytes stand in the planes, modulo 2^64. A constant column
 * has width 0. Planes let zstd see the bytes that vary apart from those that do not; the number of
 * values is known to the reader.
 */

#include "store/buffer.h"

#define INTS_HEAD_BYTES (1 + VARINT_BYTES)

static inline size_t ints_bound(size_t n, size_t width)
{
    return INTS_HEAD_BYTES + n * width;
}

/* There must be room for ints_bound(n, size of the type). */
void ints_put_u8(struct buffer *buffer, const uint8_t *values, size_t n);
void ints_put_u32(struct buffer *buffer, const uint32_t *values, size_t n);
void ints_put_i64(struct buffer *buffer, const int64_t *values, size_t n);

/* Return 0, or -EBADMSG: cut short, or a value above the limit. ret_values has room for n. */
int ints_get_u8(struct cursor *cursor, uint8_t *ret_values, size_t n, uint8_t limit);
int ints_get_u32(struct cursor *cursor, uint32_t *ret_values, size_t n, uint32_t limit);
int ints_get_i64(struct cursor *cursor, int64_t *ret_values, size_t n);

#endif
