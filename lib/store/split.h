/* SPDX-License-Identifier: MIT */
#ifndef STORE_SPLIT_H
#define STORE_SPLIT_H

/* A text into static pieces and slots (template.h). Pure. */

#include <stdbool.h>
#include <stddef.h>
#include "store/template.h"

/*
 * Values of slots as columns have them, until they are written:
 *   DIGITS    the number, and from bit VALUE_DIGITS_SHIFT on how many digits it was written with
 *   ADDRESS   the address; its first byte is the highest
 *   TEXT      offset << 16 | length: in the text; in a column, in the bytes of such slots
 */
#define VALUE_DIGITS_SHIFT 58 /* 10^17 < 2^57 */
#define VALUE_NUMBER       ((UINT64_C(1) << VALUE_DIGITS_SHIFT) - 1)

static inline uint64_t value_of_digits(uint64_t number, uint32_t n_digits)
{
    return number | (uint64_t)n_digits << VALUE_DIGITS_SHIFT;
}

static inline uint64_t value_of_text(uint64_t at, uint32_t len)
{
    return at << 16 | len;
}

/* In a skeleton a NUL and the class stand for a slot. */
#define SKELETON_SLOT_BYTES 2
#define SKELETON_BYTES      (TEMPLATE_MAX_BYTES + SKELETON_SLOT_BYTES * TEMPLATE_MAX_SLOTS)
#define SKELETON_SLACK      16

struct split {
    uint32_t n_slots, n_skeleton;
    bool has_chain; /* a dot follows an address: there may be others in it (token.h) */
    uint64_t values[TEMPLATE_MAX_SLOTS];
    /* The text with its slots marked: two texts are of one template if their skeletons are equal. */
    char skeleton[SKELETON_BYTES + SKELETON_SLACK];
};

/* Returns false when the text must be kept whole. */
bool split_text(const char *text, size_t len, struct split *ret_split);

#endif
