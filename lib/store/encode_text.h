/* SPDX-License-Identifier: MIT */
#ifndef STORE_ENCODE_TEXT_H
#define STORE_ENCODE_TEXT_H

/*
 * A text column on its way into templates (template.h).
 *
 *   text_encoder_begin ─▶ text_encoder_add, row by row in grouped order ─▶ text_encoder_finish
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

struct text_template;

struct text_encoder {
    struct filter_builder *filter; /* NULL: the column is not in the filter */
    struct intern known;           /* index into templates */
    struct text_template *templates;
    uint32_t n_templates, max_templates;
    struct buffer bytes; /* of the templates: skeletons and hashes */
    struct template_tree tree;
    uint32_t *used; /* of this block, in order of appearance */
    uint32_t n_used;

    uint32_t *rows; /* of each row: 1 + index into templates, 0: kept whole */
    size_t n_rows, row_capacity;
    size_t n_whole; /* of the rows, when the block is done */
    unsigned rest, n_rest; /* blocks for which nothing is learned: in a turn, and left; 0: it learns */
    uint64_t *vars, *columns; /* the slots' values, by row; by column */
    size_t n_vars, var_capacity;

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

/* Starts a block of at most n_rows, n_bytes of text. Returns 0, -ENOMEM. */
int text_encoder_begin(struct text_encoder *encoder, size_t n_rows, size_t n_bytes);
/* The text of the next row; it must live until text_encoder_finish(). n_readable >= len: bytes at
 * `text` that may be read, of whatever value. */
void text_encoder_add(struct text_encoder *encoder, const char *text, size_t len,
                      size_t n_readable);

/*
 * What is needed to go back to a text: row as counted by text_encoder_add().
 */
struct text_source {
    struct text (*text)(const void *arg, size_t row);
    const void *arg;
};

/*
 * Fills encoder->dict, plain, dense, and rows (now 0, or 1 + the number on disk); they are valid
 * until the next begin. Returns 1 (there are templates), 0 (every text is kept whole), -ENOMEM.
 */
int text_encoder_finish(struct text_encoder *encoder, const struct text_source *source);

#endif
