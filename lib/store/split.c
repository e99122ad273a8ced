/* SPDX-License-Identifier: MIT */
/*
 * Bitmaps of the digits and token bytes are made first, sixteen bytes at a time; then the walk goes
 * from digit to digit, since every token that is a slot has one.
 */
#include "store/split.h"

#include <string.h>
#include "store/byte_masks.h"

static bool is_hex_letter(char byte)
{
    char letter = (char)(byte | 0x20);
    return letter >= 'a' && letter <= 'f';
}

/* Letters in front of a digit that stay static. */
static bool is_name(const char *at, const char *digit)
{
    for (; at < digit; at++)
        if (!is_hex_letter(*at))
            return true;
    return false;
}

static uint64_t number(const char *at, const char *end)
{
    uint64_t value = 0;
    for (; at < end; at++)
        value = value * 10 + (unsigned)(*at - '0');
    return value;
}

/* Of an address whose first number is [at, end): its length, or 0. Looks for the second dot first,
 * since most that has one dot is a version or a fraction. */
static size_t find_address(const char *text, size_t len, const struct byte_masks *masks, size_t at,
                           size_t end, uint32_t *ret_value)
{
    if (end - at > 3 || end == len || text[end] != '.')
        return 0;
    size_t second = mask_next_clear(masks->digits, end + 1);
    if (second == end + 1 || second >= len || text[second] != '.')
        return 0;
    return token_address_value(text + at, text + len, ret_value);
}

/* Copies a piece; may write up to SKELETON_SLACK bytes more. */
static char *copy_piece(char *out, const char *from, size_t n, const char *end)
{
    if ((size_t)(end - from) < n + 16) {
        memcpy(out, from, n);
        return out + n;
    }
    for (size_t i = 0; i < n; i += 16)
        memcpy(out + i, from + i, 16);
    return out + n;
}

struct slot {
    size_t at, end;
    enum slot_class class;
    uint64_t value;
};

/* The slot of the token around its first digit, which no piece in front of `from` belongs to. */
static struct slot take_slot(const char *text, size_t len, const struct byte_masks *masks,
                             size_t from, size_t digit)
{
    size_t token = mask_run_start(masks->tokens, digit, from);
    size_t behind = mask_next_clear(masks->digits, digit);
    size_t end = mask_next_clear(masks->tokens, behind);
    struct slot slot = {token, end, SLOT_TEXT, value_of_text(token, (uint32_t)(end - token))};
    if (end != behind || behind - digit > SLOT_MAX_DIGITS)
        return slot;
    uint32_t value;
    size_t quad = token == digit ? find_address(text, len, masks, digit, behind, &value) : 0;
    if (quad > 0)
        slot = (struct slot){digit, digit + quad, SLOT_ADDRESS, value};
    else if (token == digit || is_name(text + token, text + digit))
        slot = (struct slot){
            digit, end, SLOT_DIGITS,
            value_of_digits(number(text + digit, text + behind), (uint32_t)(behind - digit))};
    return slot;
}

bool split_text(const char *text, size_t len, struct split *split)
{
    struct byte_masks masks;
    char *out = split->skeleton;
    size_t at = 0;
    split->n_slots = 0;
    split->has_chain = false;
    if (len > TEMPLATE_MAX_BYTES)
        return false;
    byte_masks_fill(&masks, text, len);
    if (masks.has_nul)
        return false;
    for (;;) {
        size_t digit = mask_next_set(masks.digits, at, len);
        if (digit == len)
            break;
        if (split->n_slots == TEMPLATE_MAX_SLOTS)
            return false;
        struct slot slot = take_slot(text, len, &masks, at, digit);
        split->values[split->n_slots++] = slot.value;
        split->has_chain |= slot.class == SLOT_ADDRESS && slot.end < len && text[slot.end] == '.';
        out = copy_piece(out, text + at, slot.at - at, text + len);
        *out++ = '\0';
        *out++ = (char)slot.class;
        at = slot.end;
    }
    out = copy_piece(out, text + at, len - at, text + len);
    split->n_skeleton = (uint32_t)(out - split->skeleton);
    return true;
}
