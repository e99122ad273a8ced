/* SPDX-License-Identifier: MIT */
#include "store/encode_slots.h"

#include "store/number.h"
#include "store/token.h"

static struct text name_of(struct text piece)
{
    uint32_t n = 0;
    while (n < piece.len && token_byte(piece.data[piece.len - 1 - n]))
        n++;
    return (struct text){piece.data + piece.len - n, n};
}

/* The name, as far as it is hashed, and the number behind it as it was written. */
static uint64_t hash_as_text(struct text name, uint64_t value)
{
    char token[TOKEN_HASH_BYTES + NUMBER_BYTES], *end = token;
    uint32_t len = name.len < TOKEN_HASH_BYTES ? name.len : TOKEN_HASH_BYTES;
    if (len > 0)
        memcpy(token, name.data, len);
    end = number_put(token + len, value & VALUE_NUMBER, (unsigned)(value >> VALUE_DIGITS_SHIFT));
    return filter_hash(FILTER_TOKEN, token, (size_t)(end - token));
}

static void add_numbers(const uint64_t *values, size_t n, struct filter_builder *filter)
{
    for (size_t i = 0; i < n; i++) {
        unsigned n_digits = (unsigned)(values[i] >> VALUE_DIGITS_SHIFT);
        uint64_t number = values[i] & VALUE_NUMBER;
        if (n_digits > TOKEN_SHORT_DIGITS)
            filter_builder_add(filter, number_digits(number) == n_digits
                                           ? filter_hash_number(number)
                                           : hash_as_text((struct text){NULL, 0}, values[i]));
    }
}

void slot_filter(const struct slot_writer *writer, enum slot_class class, struct text piece,
                 const uint64_t *values, size_t n, struct filter_builder *filter)
{
    struct text name = name_of(piece);
    if (class == SLOT_DIGITS && name.len == 0) {
        add_numbers(values, n, filter);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        if (class == SLOT_DIGITS)
            filter_builder_add(filter, hash_as_text(name, values[i]));
        else if (class == SLOT_ADDRESS)
            filter_builder_add(filter, filter_hash_address((uint32_t)values[i]));
        else
            filter_builder_add(filter, filter_hash(FILTER_TOKEN, writer->texts + (values[i] >> 16),
                                                   values[i] & 0xffff));
    }
}
