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

/* value is 0 where it does not count; so no class is guessed. */
static inline uint64_t slot_value(const struct slot *slot, uint32_t row)
{
    uint64_t len = slot->end - slot->at;
    uint64_t place = (uint64_t)row << 32 | (uint64_t)slot->at << 16 | len;
    return slot->value | (slot->class == SLOT_DIGITS ? len << VALUE_DIGITS_SHIFT : 0) |
           (slot->class == SLOT_TEXT ? place : 0);
}

struct slot_writer {
    struct buffer *heads, *plain, *dense;
    const struct text_source *source;
};

/* Are n >= 1 values the same? */
bool slot_is_constant(const struct slot_writer *writer, enum slot_class class,
                      const uint64_t *values, size_t n);
/* Puts the text of one value behind `text`. Returns 0, -ENOMEM. */
int slot_put_text(const struct slot_writer *writer, enum slot_class class, uint64_t value,
                  struct buffer *text);
/* Writes n >= 1 values; they are changed. Returns 0, -ENOMEM. */
int slot_write(const struct slot_writer *writer, enum slot_class class, uint64_t *values, size_t n);

#endif
