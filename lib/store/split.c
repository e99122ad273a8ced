/* SPDX-License-Identifier: MIT */
/*
 * One walk from digit to digit: every token that is a slot has one, so what lies between is static
 * and is only hashed. Eight bytes are looked at together.
 */
#include "store/split.h"

#include <string.h>
#include "store/token.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static uint64_t load8(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    return word;
}

/* The high bit of each byte that is a digit. */
static uint64_t digits_in(uint64_t word)
{
    uint64_t low = word & EACH(0x7f);
    uint64_t other = ((low ^ EACH(0x30)) | ((low + EACH(0x06)) ^ EACH(0x30))) & EACH(0x70);
    return ~((other + EACH(0x7f)) | word) & EACH(0x80);
}

static const char *find_digit(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t found = digits_in(load8(at));
        if (found) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
            return at + __builtin_ctzll(found) / 8;
#else
            return at + __builtin_clzll(found) / 8;
#endif
        }
    }
    while (at < end && !token_digit(*at))
        at++;
    return at;
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9fb21c651e98df25);
    return hash ^ hash >> 29;
}

static uint64_t hash_piece(uint64_t hash, const char *at, size_t len)
{
    uint64_t word = 0;
    for (; len >= 8; at += 8, len -= 8)
        hash = mix(hash, load8(at));
    for (size_t i = 0; i < len; i++)
        word = word << 8 | (uint8_t)at[i];
    return mix(hash, word << 4 | len);
}

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

static uint64_t address(const char *at, const char *end)
{
    uint64_t value = 0, byte = 0;
    for (; at < end; at++) {
        byte = *at == '.' ? 0 : byte * 10 + (unsigned)(*at - '0');
        value = *at == '.' ? value << 8 : (value & ~UINT64_C(0xff)) | byte;
    }
    return value;
}

/* The slot of the token around its first digit; `from` is where the piece in front begins. */
static struct slot take_slot(const char *text, const char *from, const char *digit, const char *end)
{
    const char *token = digit, *behind = digit;
    while (token > from && token_byte(token[-1]))
        token--;
    while (behind < end && token_digit(*behind))
        behind++;
    struct slot slot = {.token_at = (uint32_t)(token - text), .at = (uint32_t)(token - text)};
    bool ends_here = behind == end || !token_byte(*behind);
    size_t quad = token == digit && ends_here && behind < end && *behind == '.'
                      ? token_address(digit, end)
                      : 0;
    if (quad > 0) {
        behind = digit + quad;
        slot.class = SLOT_ADDRESS;
        slot.value = address(digit, behind);
    } else if (ends_here && behind - digit <= SLOT_MAX_DIGITS &&
               (token == digit || is_name(token, digit))) {
        slot.class = SLOT_DIGITS;
        slot.at = (uint32_t)(digit - text);
        slot.value = number(digit, behind);
    } else {
        slot.class = SLOT_TEXT;
        while (behind < end && token_byte(*behind))
            behind++;
    }
    slot.end = (uint32_t)(behind - text);
    return slot;
}

bool split_text(const char *text, size_t len, struct split *split)
{
    const char *at = text, *end = text + len;
    split->n_slots = 0;
    split->hash = 0;
    if (len > TEMPLATE_MAX_BYTES)
        return false;
    for (;;) {
        const char *digit = find_digit(at, end);
        if (digit == end)
            break;
        if (split->n_slots == TEMPLATE_MAX_SLOTS)
            return false;
        struct slot slot = take_slot(text, at, digit, end);
        split->slots[split->n_slots++] = slot;
        split->hash = hash_piece(split->hash, at, (size_t)(text + slot.at - at));
        split->hash = mix(split->hash, slot.class);
        at = text + slot.end;
    }
    split->hash = hash_piece(split->hash, at, (size_t)(end - at));
    return true;
}
