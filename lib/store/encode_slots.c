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
/* Bytes between two looks at whether there are pairs enough. */
#define SAMPLE_STEP 16

/*
 * Few pairs of equal bytes: fewer than one in 64 (random bytes have one in 256) means more than six
 * bits of (collision) entropy a byte. Most planes have enough of them long before the sample ends.
 */
static bool looks_random(const uint8_t *bytes, size_t n)
{
    uint16_t count[256] = {0};
    unsigned pairs = 0, sampled = n < SAMPLE_BYTES ? (unsigned)n : SAMPLE_BYTES;
    unsigned enough = (sampled * sampled + 127) / 128;
    if (n < SAMPLE_LEAST)
        return false;
    for (unsigned i = 0; i < sampled && pairs < enough;) {
        unsigned end = sampled - i < SAMPLE_STEP ? sampled : i + SAMPLE_STEP;
        for (; i < end; i++)
            pairs += count[bytes[i]]++;
    }
    return pairs < enough;
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
        buffer_reserve(writer->plain, n * width) < 0 ||
        buffer_reserve(writer->dense, n * width) < 0)
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

/* What is to be known of a column of numbers. */
struct numbers {
    uint64_t min, max;
    bool any_padded; /* written with more digits than it needs */
    bool same_width;
};

static struct numbers look_at(const uint64_t *values, size_t n)
{
    uint64_t first = values[0] >> VALUE_DIGITS_SHIFT, differing = 0;
    uint64_t min = UINT64_MAX, max = 0;
    bool any_padded = false;
    for (size_t i = 0; i < n; i++) {
        uint64_t n_digits = values[i] >> VALUE_DIGITS_SHIFT, number = values[i] & VALUE_NUMBER;
        differing |= n_digits ^ first;
        any_padded |= number < number_least((unsigned)n_digits);
        min = number < min ? number : min;
        max = number > max ? number : max;
    }
    return (struct numbers){min, max, any_padded, differing == 0};
}

static int write_digits(const struct slot_writer *writer, uint64_t *values, size_t n)
{
    struct numbers numbers = look_at(values, n);
    enum slot_mode mode = !numbers.any_padded  ? MODE_NUMBER
                          : numbers.same_width ? MODE_PADDED
                                               : MODE_DIGITS;
    int r = put_mode(writer, mode);
    if (r == 0 && mode == MODE_PADDED)
        r = put_varint(writer, values[0] >> VALUE_DIGITS_SHIFT);
    if (r == 0 && mode == MODE_DIGITS)
        r = write_widths(writer, values, n);
    /* The widths reach into the highest byte only. */
    for (size_t i = 0; i < n && bytes_of(numbers.max) == sizeof(*values); i++)
        values[i] &= VALUE_NUMBER;
    return r < 0 ? r : put_planes(writer, values, n, numbers.min, numbers.max);
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

#define HEX_LEAST 8

/*
 * Eight lower-case hexadecimal digits as the four bytes they stand for. False if others are among
 * them. Sums do not carry from byte to byte, as none of those that count is above 0x7f.
 */
static bool take_hex8(const char *at, uint8_t *ret_bytes)
{
    const uint64_t each = UINT64_C(0x0101010101010101), top = each * 0x80;
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    word = le64toh(word);
    uint64_t low = word & ~top;
    uint64_t digits = (low + each * (0x80 - '0')) ^ (low + each * (0x7f - '9'));
    uint64_t letters = (low + each * (0x80 - 'a')) ^ (low + each * (0x7f - 'f'));
    if (((digits | letters) & ~word & top) != top)
        return false;
    /* Letters have bit 6, and their lower bits count from 1. */
    uint64_t nibbles = (word & each * 0xf) + (word >> 6 & each) * 9;
    uint64_t pairs = (nibbles << 4 | nibbles >> 8) & UINT64_C(0x00ff00ff00ff00ff);
    pairs = (pairs | pairs >> 8) & UINT64_C(0x0000ffff0000ffff);
    uint32_t bytes = htole32((uint32_t)(pairs | pairs >> 16));
    memcpy(ret_bytes, &bytes, sizeof(bytes));
    return true;
}

/* len: even, at least HEX_LEAST; the last eight digits may be taken twice. */
static bool take_hex(const char *at, size_t len, uint8_t *ret_bytes)
{
    for (size_t i = 0; i + 8 < len; i += 8)
        if (!take_hex8(at + i, ret_bytes + i / 2))
            return false;
    return take_hex8(at + len - 8, ret_bytes + len / 2 - 4);
}

/* Returns 1, 0 (nothing was written: they are not all hexadecimal, and of one length), -ENOMEM. */
static int try_hex(const struct slot_writer *writer, const uint64_t *values, size_t n)
{
    size_t len = values[0] & 0xffff;
    if (len % 2 != 0 || len < HEX_LEAST || len != (values[n - 1] & 0xffff))
        return 0;
    if (buffer_reserve(writer->plain, n * len / 2) < 0)
        return -ENOMEM;
    uint8_t *at = writer->plain->data + writer->plain->len;
    for (size_t i = 0; i < n; i++, at += len / 2) {
        struct text text = text_of(writer, values[i]);
        if (text.len != len || !take_hex(text.data, len, at))
            return 0;
    }
    if (put_mode(writer, MODE_HEX) < 0 || put_varint(writer, len) < 0)
        return -ENOMEM;
    writer->plain->len += n * len / 2;
    return 1;
}

static int write_texts(const struct slot_writer *writer, uint64_t *values, size_t n)
{
    int r = try_hex(writer, values, n);
    if (r != 0)
        return r < 0 ? r : 0;
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
