/* SPDX-License-Identifier: MIT */
#ifndef STORE_ENCODE_SLOTS_H
#define STORE_ENCODE_SLOTS_H

/*
 * One column of slot values (split.h): encode_slots.c chooses its mode (template.h) and writes it,
 * encode_slot_filter.c says which tokens it has.
 */

#include "store/encode_text.h"

struct slot_writer {
    struct buffer *heads, *plain, *dense;
    const char *texts; /* what the values of TEXT slots point into */
};

/* Are n >= 1 values the same? */
bool slot_is_constant(const struct slot_writer *writer, enum slot_class class,
                      const uint64_t *values, size_t n);
/*
 * Tells the filter of n values, which stand behind this piece of static text: letters that end it
 * belong to the token of a DIGITS slot.
 */
void slot_filter(const struct slot_writer *writer, enum slot_class class, struct text piece,
                 const uint64_t *values, size_t n, struct filter_builder *filter);
/* Puts the text of one value behind `text`. Returns 0, -ENOMEM. */
int slot_put_text(const struct slot_writer *writer, enum slot_class class, uint64_t value,
                  struct buffer *text);
/* Writes n >= 1 values; they are changed. Returns 0, -ENOMEM. */
int slot_write(const struct slot_writer *writer, enum slot_class class, uint64_t *values, size_t n);

#endif
