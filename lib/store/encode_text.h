/* SPDX-License-Identifier: MIT */
#ifndef STORE_ENCODE_TEXT_H
#define STORE_ENCODE_TEXT_H

/*
 * A text column on its way into templates (template.h).
 *
 *   text_encoder_begin ─▶ (text_encoder_reserve ─▶ text_encoder_add, row by row) … ─▶ text_encoder_finish
 *
 * Rows are added as they come, while their bytes are warm, and only then: what is needed of them is
 * kept. In which order they are stored is said at the end.
 *
 * The templates that were found stay known from block to block, so that a warm encoder only looks
 * them up; whatever a sender makes up, their number and bytes are bounded, and what finds no room
 * is kept whole. Memory: see text_encoder_bytes().
 */

#include "record/record.h"
#include "store/buffer.h"
#include "store/filter_builder.h"
#include "store/intern.h"
#include "store/template_tree.h"

/* Templates that are known at once: of messages, and of any other column. */
#define TEXT_MESSAGE_TEMPLATES 1024
#define TEXT_OTHER_TEMPLATES   128
/* Bytes of skeleton and hashes, and nodes of the tree, that there is room for, each. */
#define TEXT_TEMPLATE_BYTES 384
#define TEXT_TEMPLATE_NODES 6
/* What is the same in so many rows of a block is taken for static from then on. */
#define TEXT_LEARN_ROWS 16
/* Blocks that go by before it is tried again to find templates where there were none. */
#define TEXT_MAX_REST 63
/* With fewer rows in a block, a template costs more than it saves. */
#define TEXT_TEMPLATE_ROWS 4

struct text_template {
    const uint64_t *hashes; /* of the tokens in its static text */
    const char *skeleton;
    uint32_t n_hashes, n_skeleton, n_slots;
    uint64_t text_slots; /* bit i: slot i is a TEXT */
    /* in this block: */
    uint64_t constants; /* bit i: slot i has one value */
    uint32_t n_rows, n_seen;
    uint64_t n_text_bytes; /* of its rows */
    uint32_t number;       /* 1 + its place on disk; 0: given up */
    size_t first_value;    /* in columns */
};

_Static_assert(TEMPLATE_MAX_SLOTS <= 64, "a bit for each slot");

struct text_row {
    uint32_t template;  /* 1 + index into templates; 0: kept whole */
    uint32_t first_var; /* of its slots */
};

struct text_encoder {
    struct filter_builder *filter; /* NULL: the column is not in the filter */
    struct intern known;           /* index into templates */
    struct text_template *templates;
    uint32_t n_templates, max_templates;
    struct buffer bytes; /* of the templates: skeletons and hashes */
    struct template_tree tree;
    uint32_t *used; /* of this block, in order of appearance */
    uint32_t n_used;

    struct buffer rows;  /* struct text_row, as they were added */
    struct buffer index; /* uint32_t, as they are stored: 1 + the template's number on disk, 0: whole */
    size_t n_rows;
    size_t n_whole; /* of the rows, when the block is done */
    unsigned rest, n_rest; /* blocks for which nothing is learned: in a turn, and left; 0: it learns */
    struct buffer vars, columns; /* uint64_t: the slots' values, row by row; by column */
    size_t n_vars, var_capacity;
    struct buffer slot_texts; /* the bytes of TEXT slots */

    struct buffer dict, plain, dense; /* sections */
    struct buffer statics, heads;     /* what follows in the dict */
    struct buffer skeleton;           /* of a template in the making */
    struct split split;               /* of the row at work */
};

/* Returns 0, -ENOMEM. Nothing to undo but text_encoder_deinit(), which is always allowed. */
int text_encoder_init(struct text_encoder *encoder, struct filter_builder *filter,
                      uint32_t max_templates);
void text_encoder_deinit(struct text_encoder *encoder);

/* Bytes it holds at most for blocks of n_rows whose texts come to n_bytes. */
size_t text_encoder_bytes(uint32_t max_templates, size_t n_rows, size_t n_bytes);

/* Starts a block. Returns 0, -ENOMEM. */
int text_encoder_begin(struct text_encoder *encoder);
/* Makes room for n_rows more, of n_bytes of text. Returns 0, -ENOMEM. */
int text_encoder_reserve(struct text_encoder *encoder, size_t n_rows, size_t n_bytes);
/* The texts of the next rows: n spans of `bytes`, `stride` bytes apart. */
struct text_spans {
    const char *bytes;
    size_t n_readable; /* of them, at least, beside the spans themselves */
    const struct span *first;
    size_t stride, n;
};
/* There must be room. */
void text_encoder_add(struct text_encoder *encoder, const struct text_spans *spans);

/*
 * The index of a skeleton's template, found or made; UINT32_MAX: there is no room for it. A new one is
 * known from the next row on.
 */
uint32_t text_encoder_template(struct text_encoder *encoder, const char *skeleton, size_t n,
                               uint32_t n_slots);

/*
 * order: which row, as counted by text_encoder_add(), is stored first, second, … Fills
 * encoder->index, dict, plain and dense; they are valid until the next begin. Returns 1 (there are
 * templates), 0 (every text is kept whole), -ENOMEM.
 */
int text_encoder_finish(struct text_encoder *encoder, const uint32_t *order);

static inline const uint32_t *text_encoder_index(const struct text_encoder *encoder)
{
    return (const uint32_t *)encoder->index.data;
}

#endif
