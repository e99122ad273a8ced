/* SPDX-License-Identifier: MIT */
#ifndef STORE_SPLIT_H
#define STORE_SPLIT_H

/* A text into static pieces and slots (template.h). Pure. */

#include <stdbool.h>
#include <stddef.h>
#include "store/template.h"

struct slot {
    uint32_t token_at; /* where the whole token begins: in front of a DIGITS slot may be letters */
    uint32_t at, end;
    enum slot_class class;
    uint64_t value; /* DIGITS: the number; ADDRESS: its first byte is the highest; TEXT: 0 */
};

struct split {
    uint64_t hash; /* of the pieces and classes: equal texts but for their slots have the same */
    uint32_t n_slots;
    struct slot slots[TEMPLATE_MAX_SLOTS];
};

/* Returns false when the text must be kept whole: it is too long, or has too many slots. */
bool split_text(const char *text, size_t len, struct split *ret_split);

#endif
