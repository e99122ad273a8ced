/* SPDX-License-Identifier: MIT */
#ifndef STORE_DECODE_TEXT_H
#define STORE_DECODE_TEXT_H

/*
 * A text column, read: its templates are parsed, its columns found; a row's text is put together
 * when it is asked for, once.
 *
 *   templates   [ pieces, columns ]            index[row]: 1 + template, 0: kept whole
 *   columns     mode, where its planes begin   ordinal[row]: its place in the template's columns
 */

#include <stdbool.h>
#include "record/record.h"
#include "store/buffer.h"
#include "store/template.h"

#define SLOT_PLANES 8

/* The values of one slot in all rows of its template. */
struct slot_column {
    const uint8_t *planes[SLOT_PLANES]; /* of the ints */
    uint64_t base;
    uint8_t n_planes, mode;
    uint8_t width; /* MODE_PADDED; MODE_DIGITS: the least */
    uint32_t len;  /* MODE_HEX: of each text */
    const uint8_t *widths; /* MODE_DIGITS: what is added to width; NULL: nothing */
    const uint8_t *bytes;  /* MODE_TEXT, MODE_HEX */
    size_t offsets_at;     /* MODE_TEXT: where its n_rows + 1 offsets are in `offsets` */
};

struct text_template_rows {
    const char *text; /* the pieces, without gaps */
    size_t lens_at;   /* where the lengths of its n_slots + 1 pieces are in `lens` */
    size_t columns_at;
    uint32_t n_slots, n_rows;
};

struct text_rows {
    struct buffer whole, dict, plain, dense; /* raw sections */
    struct buffer templates;                 /* struct text_template_rows */
    struct buffer columns;                   /* struct slot_column */
    struct buffer lens, offsets;             /* uint32_t */
    const char *statics_end, *texts_end;     /* of the bytes that pieces and texts are in */
    uint32_t n_templates;
    uint32_t *index, *ordinal; /* grouped, as all that follow; memory is the block's */
    struct text *texts;        /* data NULL: not put together yet */
    struct buffer built;
};

void text_rows_deinit(struct text_rows *rows);

/* What the sections of a column hold; those that are not there are empty. */
struct text_sections {
    struct cursor dict, plain, dense;
};

/*
 * Takes in the templates for n_rows rows, whose index is filled. Rows kept whole are left to the
 * caller. Returns 0, -EBADMSG, -ENOMEM.
 */
int text_rows_parse(struct text_rows *rows, const struct text_sections *sections, uint32_t n_rows);

/* The text of a row, put together if need be. Empty if the block's sums do not fit. */
struct text text_rows_build(struct text_rows *rows, uint32_t position);

/*
 * Puts the static text of a template (from 0), with a byte `slot` for each of its slots, behind
 * `text`; and whether a slot may hold letters. Returns 0, -ENOMEM.
 */
int text_rows_template(const struct text_rows *rows, uint32_t template, char slot,
                       struct buffer *text, bool *ret_has_words);

/*
 * May a row of a template hold this token, where one of its slots is (a part of) that? ASCII case
 * does not matter. false is certain.
 */
bool text_rows_may_hold(const struct text_rows *rows, uint32_t template, const char *token,
                        size_t len);

static inline const struct text_template_rows *text_rows_templates(const struct text_rows *rows)
{
    return (const struct text_template_rows *)rows->templates.data;
}

/* The columns of a template, and the lengths of its pieces. */
static inline const struct slot_column *text_rows_columns(const struct text_rows *rows,
                                                          const struct text_template_rows *template)
{
    return (const struct slot_column *)rows->columns.data + template->columns_at;
}

static inline const uint32_t *text_rows_lens(const struct text_rows *rows,
                                             const struct text_template_rows *template)
{
    return (const uint32_t *)rows->lens.data + template->lens_at;
}

static inline uint64_t slot_int(const struct slot_column *column, size_t row)
{
    const uint8_t *const *planes = column->planes;
    uint64_t value = 0;
    unsigned plane = column->n_planes;
    switch (plane) {
    default:
        while (plane > 4)
            value = value << 8 | planes[--plane][row];
        value = value << 8 | planes[3][row];
        __attribute__((fallthrough));
    case 3:
        value = value << 8 | planes[2][row];
        __attribute__((fallthrough));
    case 2:
        value = value << 8 | planes[1][row];
        __attribute__((fallthrough));
    case 1:
        value = value << 8 | planes[0][row];
        __attribute__((fallthrough));
    case 0:
        return value + column->base;
    }
}

static inline struct text slot_text(const struct text_rows *rows, const struct slot_column *column,
                                    uint32_t row)
{
    const uint32_t *offsets = (const uint32_t *)rows->offsets.data + column->offsets_at;
    return (struct text){(const char *)column->bytes + offsets[row],
                         offsets[row + 1] - offsets[row]};
}

static inline struct text text_rows_get(struct text_rows *rows, uint32_t position)
{
    struct text text = rows->texts[position];
    return text.data ? text : text_rows_build(rows, position);
}

#endif
