/* SPDX-License-Identifier: MIT */
#ifndef STORE_TEMPLATE_H
#define STORE_TEMPLATE_H

/*
 * Templates: how a block keeps texts. Log lines are printed by few formats with many values; what
 * the lines of one format have in common is kept once, and their values column by column.
 *
 *   Failed password for root from 192.0.2.7 port 4711 ssh2
 *   Failed password for root from 198.51.100.80 port 60122 ssh2
 *
 *   template   "Failed password for root from " ADDRESS " port " DIGITS " ssh" DIGITS ""
 *   columns    192.0.2.7, 198.51.100.80 │ 4711, 60122 │ 2, 2
 *
 * n slots stand between n + 1 pieces of static text, which may be empty. A slot holds what varies:
 * every token (token.h) with a digit in it.
 *
 *   DIGITS    a token of 1 to 17 digits, or the digits that end a token whose letters in front
 *             cannot be hexadecimal (ssh2, web01): those letters are static
 *   ADDRESS   the dotted quad that token_address() finds
 *   TEXT      any other token with a digit
 *
 * A column has a mode, chosen from its values; docs/store-format.md has their bytes.
 */

#include <stdint.h>

/* On disk: never renumber. */
enum slot_class { SLOT_DIGITS = 0, SLOT_ADDRESS = 1, SLOT_TEXT = 2, N_SLOT_CLASSES };

enum slot_mode {
    MODE_NUMBER = 0, /* ints; decimal, without leading zeros */
    MODE_PADDED = 1, /* width, ints; decimal with leading zeros up to the width */
    MODE_DIGITS = 2, /* ints of the widths, ints; likewise, each with its own width */
    MODE_ADDRESS = 3, /* ints: the first byte of the address is the highest */
    MODE_TEXT = 4,    /* ints of the lengths, bytes */
    MODE_HEX = 5,     /* length, half as many bytes a value: lower-case hexadecimal digits */
    MODE_SAME = 6,    /* length and bytes of the one text that all rows have */
    N_SLOT_MODES,
};

#define SLOT_MAX_DIGITS 17
/* Texts with more slots, or longer ones, are kept whole. */
#define TEMPLATE_MAX_SLOTS 48
#define TEMPLATE_MAX_BYTES UINT16_MAX

/* The parts of a templated column, as sections that follow one another. */
enum template_section {
    TEMPLATE_DICT = 0,  /* the templates, and the head of each column */
    TEMPLATE_INDEX = 1, /* ints: 0: the row's text is kept whole, else 1 + its template */
    TEMPLATE_PLAIN = 2, /* planes and bytes that do not compress */
    TEMPLATE_DENSE = 3, /* planes and bytes that do */
    N_TEMPLATE_SECTIONS,
};

#endif
