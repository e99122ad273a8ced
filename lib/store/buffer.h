/* SPDX-License-Identifier: MIT */
#ifndef STORE_BUFFER_H
#define STORE_BUFFER_H

/* Bytes that grow. Kept from block to block, so that a warm encoder or reader allocates nothing. */

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct buffer {
    uint8_t *data;
    size_t len, capacity;
};

static inline void buffer_deinit(struct buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct buffer){0};
}

/* Makes room for n_bytes more. Returns 0, -ENOMEM. */
static inline int buffer_reserve(struct buffer *buffer, size_t n_bytes)
{
    if (buffer->capacity - buffer->len >= n_bytes)
        return 0;
    size_t capacity = buffer->len + n_bytes;
    if (capacity < buffer->capacity + buffer->capacity / 2)
        capacity = buffer->capacity + buffer->capacity / 2;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data)
        return -ENOMEM;
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

/* There must be room. */
static inline void buffer_put(struct buffer *buffer, const void *data, size_t len)
{
    if (len > 0)
        memcpy(buffer->data + buffer->len, data, len);
    buffer->len += len;
}

static inline void buffer_put_byte(struct buffer *buffer, uint8_t byte)
{
    buffer->data[buffer->len++] = byte;
}

#define VARINT_BYTES 10

/* There must be room for VARINT_BYTES. */
static inline void buffer_put_varint(struct buffer *buffer, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buffer_put_byte(buffer, (uint8_t)(value | 0x80));
    buffer_put_byte(buffer, (uint8_t)value);
}

static inline uint64_t zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
}

static inline int64_t unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ -(value & 1));
}

/* Untrusted bytes, read from front to back. */
struct cursor {
    const uint8_t *at, *end;
};

static inline size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* The next len bytes, or NULL. */
static inline const uint8_t *cursor_take(struct cursor *cursor, size_t len)
{
    if (cursor_left(cursor) < len)
        return NULL;
    const uint8_t *at = cursor->at;
    cursor->at += len;
    return at;
}

/* Returns 0, -EBADMSG. */
static inline int cursor_varint(struct cursor *cursor, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return 0;
        }
    }
    return -EBADMSG;
}

#endif
