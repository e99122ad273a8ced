/* SPDX-License-Identifier: MIT */
#ifndef STORE_ENCODE_SLOTS_H
#define STORE_ENCODE_SLOTS_H

/*
 * One column of slot values: chooses its mode (template.h) and writes it.
 *
 * A value is eight bytes until then:
 *   DIGITS    the number, and from bit VALUE_DIGITS_SHIFT on how many digits it was written with
 *   ADDRESS   the address
 *   TEXT      row << 32 | offset << 16 | length: where its text is
 */

#include "store/encode_text.h"

#define VALUE_DIGITS_SHIFT 58 /* 10^17 < 2^57 */

static inline uint64_t slot_value(const struct slot *slot, uint32_t row)
{
    if (slot->class == SLOT_DIGITS)
        return slot->value | (uint64_t)(slot->end - slot->at) << VALUE_DIGITS_SHIFT;
    if (slot->class == SLOT_ADDRESS)
        return slot->value;
    return (uint64_t)row << 32 | (uint64_t)slot->at << 16 | (slot->end - slot->at);
}

struct slot_writer {
    struct buffer *heads, *plain, *dense;
    const struct text_source *source;
};

/* Writes n >= 1 values; they are changed. Returns 0, -ENOMEM. */
int slot_write(const struct slot_writer *writer, enum slot_class class, uint64_t *values, size_t n);

#endif
