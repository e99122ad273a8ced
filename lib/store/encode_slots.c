/* SPDX-License-Identifier: MIT */
#include "store/encode_slots.h"

#include "store/byte_planes.h"
#include "store/number.h"

/*
 * Integers are written in planes, as ints.h draws them, but plane by plane to where they are best
 * off: bytes that look random (the lower ones of a port, of an address) are only copied, so that
 * zstd need not find out, and its statistics are those of the planes that compress.
 *
 *   ints head   width (1 byte, 0-8) | mask (1 byte; bit p: plane p is plain) | base (zigzag varint)
 */
#define HEAD_BYTES (2 + VARINT_BYTES)

/* A plane is looked at so far. */
#define SAMPLE_BYTES 256
/* Fewer bytes do not tell. */
#define SAMPLE_LEAST 64

/*
 * Few pairs of equal bytes: fewer than one in 64 (random bytes have one in 256) means more than six
 * bits of (collision) entropy a byte.
 */
static bool looks_random(const uint8_t *bytes, size_t n)
{
    uint16_t count[256] = {0};
    unsigned pairs = 0, sampled = n < SAMPLE_BYTES ? (unsigned)n : SAMPLE_BYTES;
    if (n < SAMPLE_LEAST)
        return false;
    for (unsigned i = 0; i < sampled; i++)
        pairs += count[bytes[i]]++;
    return pairs * 2 * 64 < sampled * sampled;
}

static unsigned bytes_of(uint64_t value)
{
    return value ? (unsigned)(71 - __builtin_clzll(value)) / 8 : 0;
}

static int put_planes(const struct slot_writer *writer, const uint64_t *values, size_t n,
                      uint64_t min, uint64_t max)
{
    unsigned width = bytes_of(max - min);
    /* Small numbers as they are: what blocks have in common stays the same bytes. */
    uint64_t base = width && bytes_of(max) == width ? 0 : min;
    if (buffer_reserve(writer->heads, HEAD_BYTES) < 0 ||
        buffer_reserve(writer->plain, n * width) < 0 || buffer_reserve(writer->dense, n * width) < 0)
        return -ENOMEM;
    buffer_put_byte(writer->heads, (uint8_t)width);
    size_t mask_at = writer->heads->len;
    buffer_put_byte(writer->heads, 0);
    buffer_put_varint(writer->heads, zigzag((int64_t)base));
    for (unsigned plane = 0; plane < width; plane++) {
        uint8_t *at = writer->dense->data + writer->dense->len;
        plane_put64(at, values, n, base, 8 * plane);
        if (looks_random(at, n)) {
            writer->heads->data[mask_at] |= (uint8_t)(1u << plane);
            buffer_put(writer->plain, at, n);
        } else {
            writer->dense->len += n;
        }
    }
    return 0;
}

static int put_ints(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    uint64_t min = UINT64_MAX, max = 0;
    for (size_t i = 0; i < n; i++) {
        min = values[i] < min ? values[i] : min;
        max = values[i] > max ? values[i] : max;
    }
    return put_planes(writer, values, n, min, max);
}

static int put_mode(const struct slot_writer *writer, enum slot_mode mode)
{
    if (buffer_reserve(writer->heads, 1) < 0)
        return -ENOMEM;
    buffer_put_byte(writer->heads, (uint8_t)mode);
    return 0;
}

static int put_varint(const struct slot_writer *writer, uint64_t value)
{
    if (buffer_reserve(writer->heads, VARINT_BYTES) < 0)
        return -ENOMEM;
    buffer_put_varint(writer->heads, value);
    return 0;
}

/* Written with more digits than it needs? */
static bool is_padded(uint64_t number, unsigned n_digits)
{
    return n_digits > number_digits(number);
}

/* As MODE_DIGITS: each number has its own width. */
static int write_widths(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    uint64_t *widths = malloc(n * sizeof(*widths));
    if (!widths)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        widths[i] = values[i] >> VALUE_DIGITS_SHIFT;
    int r = put_ints(writer, widths, n);
    free(widths);
    return r;
}

static int write_digits(const struct slot_writer *writer, uint64_t *values, size_t n)
{
    unsigned first = (unsigned)(values[0] >> VALUE_DIGITS_SHIFT);
    bool any_padded = false, same_width = true;
    for (size_t i = 0; i < n; i++) {
        unsigned n_digits = (unsigned)(values[i] >> VALUE_DIGITS_SHIFT);
        same_width &= n_digits == first;
        any_padded |= is_padded(values[i] & VALUE_NUMBER, n_digits);
    }
    enum slot_mode mode = !any_padded ? MODE_NUMBER : same_width ? MODE_PADDED : MODE_DIGITS;
    int r = put_mode(writer, mode);
    if (r == 0 && mode == MODE_PADDED)
        r = put_varint(writer, first);
    if (r == 0 && mode == MODE_DIGITS)
        r = write_widths(writer, values, n);
    for (size_t i = 0; i < n; i++)
        values[i] &= VALUE_NUMBER;
    return r < 0 ? r : put_ints(writer, values, n);
}

static struct text text_of(const struct slot_writer *writer, uint64_t value)
{
    return (struct text){writer->texts + (value >> 16), value & 0xffff};
}

static bool all_same(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    struct text first = text_of(writer, values[0]);
    for (size_t i = 1; i < n; i++) {
        struct text text = text_of(writer, values[i]);
        if (text.len != first.len || memcmp(text.data, first.data, first.len) != 0)
            return false;
    }
    return true;
}

bool slot_is_constant(const struct slot_writer *writer, enum slot_class class,
                      const uint64_t *values, size_t n)
{
    if (class == SLOT_TEXT)
        return all_same(writer, values, n);
    for (size_t i = 1; i < n; i++)
        if (values[i] != values[0])
            return false;
    return true;
}

int slot_put_text(const struct slot_writer *writer, enum slot_class class, uint64_t value,
                  struct buffer *text)
{
    char number[NUMBER_BYTES];
    struct text found = {number, 0};
    if (class == SLOT_TEXT)
        found = text_of(writer, value);
    else if (class == SLOT_ADDRESS)
        found.len = (uint32_t)(number_put_address(number, value) - number);
    else
        found.len = (uint32_t)(number_put(number, value & VALUE_NUMBER,
                                          (unsigned)(value >> VALUE_DIGITS_SHIFT)) -
                               number);
    if (buffer_reserve(text, found.len) < 0)
        return -ENOMEM;
    buffer_put(text, found.data, found.len);
    return 0;
}

/* 1 + the value of a lower-case hexadecimal digit; 0: it is none. */
static const uint8_t hex_digits[256] = {
    ['0'] = 1, ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9, ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static unsigned hex_value(char digit)
{
    return hex_digits[(uint8_t)digit] - 1u;
}

#define HEX_LEAST 8

static bool all_hex(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    size_t len = values[0] & 0xffff;
    if (len % 2 != 0 || len < HEX_LEAST || len != (values[n - 1] & 0xffff))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct text text = text_of(writer, values[i]);
        if (text.len != len)
            return false;
        for (size_t at = 0; at < len; at++)
            if (hex_digits[(uint8_t)text.data[at]] == 0)
                return false;
    }
    return true;
}

static int write_hex(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    size_t len = values[0] & 0xffff;
    if (put_mode(writer, MODE_HEX) < 0 || put_varint(writer, len) < 0 ||
        buffer_reserve(writer->plain, n * len / 2) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct text text = text_of(writer, values[i]);
        for (size_t at = 0; at < len; at += 2)
            buffer_put_byte(writer->plain, (uint8_t)(hex_value(text.data[at]) << 4 |
                                                     hex_value(text.data[at + 1])));
    }
    return 0;
}

static int write_texts(const struct slot_writer *writer, uint64_t *values, size_t n)
{
    if (all_hex(writer, values, n))
        return write_hex(writer, values, n);
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++)
        n_bytes += values[i] & 0xffff;
    if (put_mode(writer, MODE_TEXT) < 0 || put_varint(writer, n_bytes) < 0 ||
        buffer_reserve(writer->dense, n_bytes) < 0)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct text text = text_of(writer, values[i]);
        buffer_put(writer->dense, text.data, text.len);
        values[i] = text.len;
    }
    return put_ints(writer, values, n);
}

int slot_write(const struct slot_writer *writer, enum slot_class class, uint64_t *values, size_t n)
{
    switch (class) {
    case SLOT_DIGITS:
        return write_digits(writer, values, n);
    case SLOT_ADDRESS: {
        int r = put_mode(writer, MODE_ADDRESS);
        return r < 0 ? r : put_ints(writer, values, n);
    }
    case SLOT_TEXT:
    case N_SLOT_CLASSES:
        break;
    }
    return write_texts(writer, values, n);
}
