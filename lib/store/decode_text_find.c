/* SPDX-License-Identifier: MIT */
/*
 * Looking for a token in the columns of a template, without putting its rows together.
 *
 *   "job web" DIGITS " ran " HEX      web17      "web" stands in front of the first slot: is 17 in
 *                                                its column?
 *                                     4f3a09c1   its eight digits are those of four bytes: are they
 *                                                in the second column?
 *
 * A slot ends the token that it belongs to, and no slot begins inside of another's token
 * (template.h). So what is left of the token behind the static letters in front of a slot must be
 * all of a value; but an address has tokens of its own.
 */
#include "store/decode_text.h"

#include "store/format.h"
#include "store/token.h"

static uint8_t fold(char byte)
{
    return (uint8_t)(byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte);
}

static bool same_folded(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (fold(a[i]) != fold(b[i]))
            return false;
    return true;
}

/* Leading zeros are not looked at. */
static bool holds_number(const struct slot_column *column, uint32_t n_rows, struct text digits)
{
    uint64_t value = 0;
    if (digits.len > SLOT_MAX_DIGITS)
        return false;
    for (uint32_t i = 0; i < digits.len; i++) {
        if (!token_digit(digits.data[i]))
            return false;
        value = value * 10 + (unsigned)(digits.data[i] - '0');
    }
    for (uint32_t row = 0; row < n_rows; row++)
        if (slot_int(column, row) == value)
            return true;
    return false;
}

/* One of the four numbers? */
static bool may_be_of_address(struct text digits)
{
    for (uint32_t i = 0; i < digits.len; i++)
        if (!token_digit(digits.data[i]))
            return false;
    return digits.len <= 3;
}

/* The value of a hexadecimal digit; -1: it is none. */
static int hex_value(char byte)
{
    uint8_t digit = fold(byte);
    if (token_digit(byte))
        return digit - '0';
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

static bool holds_hex(const struct slot_column *column, uint32_t n_rows, struct text digits)
{
    uint8_t bytes[TEMPLATE_MAX_BYTES / 2];
    size_t n = digits.len / 2;
    if (digits.len != column->len)
        return false;
    for (size_t i = 0; i < n; i++) {
        int high = hex_value(digits.data[2 * i]), low = hex_value(digits.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    for (uint32_t row = 0; row < n_rows; row++)
        if (memcmp(column->bytes + row * n, bytes, n) == 0)
            return true;
    return false;
}

static bool holds_text(const struct text_rows *rows, const struct slot_column *column,
                       uint32_t n_rows, struct text token)
{
    for (uint32_t row = 0; row < n_rows; row++) {
        struct text text = slot_text(rows, column, row);
        if (text.len == token.len && same_folded(text.data, token.data, token.len))
            return true;
    }
    return false;
}

static bool column_may_hold(const struct text_rows *rows, const struct slot_column *column,
                            uint32_t n_rows, struct text value)
{
    switch ((enum slot_mode)column->mode) {
    case MODE_NUMBER:
    case MODE_PADDED:
    case MODE_DIGITS:
        return holds_number(column, n_rows, value);
    case MODE_ADDRESS:
        return may_be_of_address(value);
    case MODE_HEX:
        return holds_hex(column, n_rows, value);
    case MODE_TEXT:
        return holds_text(rows, column, n_rows, value);
    case N_SLOT_MODES:
        break;
    }
    return true;
}

bool text_rows_may_hold(const struct text_rows *rows, uint32_t index, const char *token, size_t len)
{
    const struct text_template_rows *template = &text_rows_templates(rows)[index];
    const struct slot_column *column = text_rows_columns(rows, template);
    const uint32_t *lens = text_rows_lens(rows, template);
    const char *end = template->text;
    for (uint32_t i = 0; i < template->n_slots; i++, column++) {
        const char *start = end, *name = end += lens[i];
        while (name > start && token_byte(name[-1]))
            name--;
        size_t n = (size_t)(end - name);
        if (n < len && same_folded(name, token, n) &&
            column_may_hold(rows, column, template->n_rows,
                            (struct text){token + n, (uint32_t)(len - n)}))
            return true;
    }
    return false;
}
