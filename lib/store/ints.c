/* SPDX-License-Identifier: MIT */
#include "store/ints.h"

#include <stdbool.h>
#include "store/byte_planes.h"

static unsigned width_of(uint64_t value)
{
    return value ? (unsigned)(71 - __builtin_clzll(value)) / 8 : 0;
}

static void put_head(struct buffer *buffer, unsigned width, int64_t base)
{
    buffer_put_byte(buffer, (uint8_t)width);
    buffer_put_varint(buffer, zigzag(base));
}

static bool is_constant(const void *values, size_t size, size_t n)
{
    return memcmp(values, (const char *)values + size, (n - 1) * size) == 0;
}

void ints_put_u8(struct buffer *buffer, const uint8_t *values, size_t n)
{
    if (n == 0 || is_constant(values, sizeof(*values), n)) {
        put_head(buffer, 0, n ? values[0] : 0);
        return;
    }
    put_head(buffer, 1, 0);
    buffer_put(buffer, values, n);
}

void ints_put_u32(struct buffer *buffer, const uint32_t *values, size_t n)
{
    if (n == 0 || is_constant(values, sizeof(*values), n)) {
        put_head(buffer, 0, n ? values[0] : 0);
        return;
    }
    uint32_t min = UINT32_MAX, max = 0;
    for (size_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    unsigned width = width_of(max - min);
    /* Small numbers as they are: what two blocks have in common stays the same bytes. */
    uint32_t base = width && width_of(max) == width ? 0 : min;
    put_head(buffer, width, base);
    for (unsigned plane = 0; plane < width; plane++, buffer->len += n)
        plane_put32(buffer->data + buffer->len, values, n, base, 8 * plane);
}

void ints_put_i64(struct buffer *buffer, const int64_t *values, size_t n)
{
    if (n == 0 || is_constant(values, sizeof(*values), n)) {
        put_head(buffer, 0, n ? values[0] : 0);
        return;
    }
    int64_t min = INT64_MAX, max = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    unsigned width = width_of((uint64_t)max - (uint64_t)min);
    put_head(buffer, width, min);
    for (unsigned plane = 0; plane < width; plane++, buffer->len += n)
        plane_put64(buffer->data + buffer->len, (const uint64_t *)values, n, (uint64_t)min,
                    8 * plane);
}

struct head {
    unsigned width;
    int64_t base;
    const uint8_t *planes;
};

static int get_head(struct cursor *cursor, size_t n, unsigned max_width, struct head *ret_head)
{
    uint64_t base;
    const uint8_t *width = cursor_take(cursor, 1);
    if (!width || *width > max_width || cursor_varint(cursor, &base) < 0)
        return -EBADMSG;
    const uint8_t *planes = cursor_take(cursor, n * *width);
    if (!planes)
        return -EBADMSG;
    *ret_head = (struct head){*width, unzigzag(base), planes};
    return 0;
}

int ints_get_u8(struct cursor *cursor, uint8_t *ret_values, size_t n, uint8_t limit)
{
    struct head head;
    if (get_head(cursor, n, 1, &head) < 0 || head.base < 0 || head.base > limit)
        return -EBADMSG;
    unsigned max = 0;
    if (head.width == 0) {
        memset(ret_values, (int)head.base, n);
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        max = head.planes[i] > max ? head.planes[i] : max;
        ret_values[i] = (uint8_t)(head.planes[i] + (unsigned)head.base);
    }
    return max + (unsigned)head.base <= limit ? 0 : -EBADMSG;
}

int ints_get_u32(struct cursor *cursor, uint32_t *ret_values, size_t n, uint32_t limit)
{
    struct head head;
    if (get_head(cursor, n, 4, &head) < 0 || head.base < 0 || head.base > limit)
        return -EBADMSG;
    uint32_t base = (uint32_t)head.base, max = 0;
    memset(ret_values, 0, n * sizeof(*ret_values));
    for (unsigned plane = 0; plane < head.width; plane++)
        for (size_t i = 0; i < n; i++)
            ret_values[i] |= (uint32_t)head.planes[plane * n + i] << (8 * plane);
    for (size_t i = 0; i < n; i++) {
        max = ret_values[i] > max ? ret_values[i] : max;
        ret_values[i] += base;
    }
    return max <= limit - base ? 0 : -EBADMSG;
}

int ints_get_i64(struct cursor *cursor, int64_t *ret_values, size_t n)
{
    struct head head;
    if (get_head(cursor, n, 8, &head) < 0)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++)
        ret_values[i] = 0;
    for (unsigned plane = 0; plane < head.width; plane++)
        for (size_t i = 0; i < n; i++)
            ret_values[i] |= (int64_t)((uint64_t)head.planes[plane * n + i] << (8 * plane));
    for (size_t i = 0; i < n; i++)
        ret_values[i] = (int64_t)((uint64_t)ret_values[i] + (uint64_t)head.base);
    return 0;
}
