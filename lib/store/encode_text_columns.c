/* SPDX-License-Identifier: MIT */
#include "store/encode_text.h"

#include "store/encode_slots.h"

/*
 * When all rows are there, the templates with too few of them are given up, the values are sorted by
 * column, in the order in which the rows are stored (a counting sort: the places are known), the
 * filter is told of them, and the columns are written (encode_slots.c).
 *
 *   vars      row 0: a0 b0 c0 | row 1: d0 | row 2: a1 b1 c1 | …
 *   columns   template 0: a0 a1 … b0 b1 … c0 c1 … | template 1: d0 …
 *
 * Where a slot had one value in all rows of a block, a second template is made in which that value
 * is static; the tree tries it first. So numbers that never change (HTTP/1.1, a version, the hour)
 * cost nothing from the second block on.
 */

/* Numbers the templates that stay, and gives their columns places. Returns how many stay. */
static uint32_t number_templates(struct text_encoder *encoder)
{
    uint32_t n = 0;
    size_t n_values = 0;
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        struct text_template *template = &encoder->templates[encoder->used[i]];
        bool stays = template->n_rows >= TEXT_TEMPLATE_ROWS ||
                     template->n_skeleton == template->n_slots * SKELETON_SLOT_BYTES;
        template->number = stays ? ++n : 0;
        template->n_seen = 0;
        template->constants = 0;
        template->first_value = n_values;
        n_values += stays ? template->n_rows * (size_t) template->n_slots : 0;
    }
    return n;
}

/* Of one row, to the columns of its template. Returns its entry of the index. */
static uint32_t sort_row(struct text_encoder *encoder, const struct text_row *row)
{
    struct text_template *template = row->template ? &encoder->templates[row->template - 1] : NULL;
    if (!template || template->number == 0) {
        encoder->n_whole++;
        return 0;
    }
    const uint64_t *var = (const uint64_t *)encoder->vars.data + row->first_var;
    uint64_t *value =
        (uint64_t *)encoder->columns.data + template->first_value + template->n_seen++;
    for (uint32_t i = 0; i < template->n_slots; i++, value += template->n_rows)
        *value = var[i];
    return template->number;
}

/* Closes a piece: its length goes to the dict. */
static void end_piece(struct text_encoder *encoder, size_t *start)
{
    buffer_put_varint(&encoder->dict, encoder->statics.len - *start);
    *start = encoder->statics.len;
}

/*
 * One template and its columns. Slots that have the same value in all rows become static text, so
 * the number of slots is known only at the end: it is written in front of the lengths then.
 */
static int put_template(struct text_encoder *encoder, const struct text_template *template,
                        const struct slot_writer *writer)
{
    uint64_t *values = (uint64_t *)encoder->columns.data + template->first_value;
    const char *at = template->skeleton, *end = at + template->n_skeleton;
    size_t start = encoder->statics.len, count_at = encoder->dict.len, n_slots = 0;
    if (buffer_reserve(&encoder->dict, VARINT_BYTES * (template->n_slots + 2)) < 0 ||
        buffer_reserve(&encoder->statics, template->n_skeleton) < 0)
        return -ENOMEM;
    buffer_put_byte(&encoder->dict, 0);
    for (unsigned i = 0;; i++) {
        const char *slot = memchr(at, '\0', (size_t)(end - at));
        buffer_put(&encoder->statics, at, (size_t)((slot ? slot : end) - at));
        if (!slot)
            break;
        int r = template->constants >> i & 1
                    ? slot_put_text(writer, slot[1], values[0], &encoder->statics)
                    : 1;
        at = slot + SKELETON_SLOT_BYTES;
        if (r > 0) {
            end_piece(encoder, &start);
            r = slot_write(writer, slot[1], values, template->n_rows);
            n_slots++;
        } else if (r == 0) {
            r = buffer_reserve(&encoder->statics, (size_t)(end - at));
        }
        if (r < 0)
            return r;
        values += template->n_rows;
    }
    end_piece(encoder, &start);
    encoder->dict.data[count_at] = (uint8_t)n_slots;
    return 0;
}

/* A second template in which the values that did not vary are static. */
static int learn(struct text_encoder *encoder, const struct text_template *template,
                 const struct slot_writer *writer)
{
    struct buffer *skeleton = &encoder->skeleton;
    const uint64_t *values = (const uint64_t *)encoder->columns.data + template->first_value;
    const char *at = template->skeleton, *end = at + template->n_skeleton;
    uint32_t n_slots = 0;
    skeleton->len = 0;
    for (unsigned i = 0;; i++) {
        const char *slot = memchr(at, '\0', (size_t)(end - at));
        const char *behind = slot ? slot : end;
        if (buffer_reserve(skeleton, (size_t)(behind - at) + SKELETON_SLOT_BYTES) < 0)
            return -ENOMEM;
        buffer_put(skeleton, at, (size_t)(behind - at));
        if (!slot)
            break;
        if (!(template->constants >> i & 1)) {
            buffer_put(skeleton, slot, SKELETON_SLOT_BYTES);
            n_slots++;
        } else if (slot_put_text(writer, slot[1], values[0], skeleton) < 0) {
            return -ENOMEM;
        }
        values += template->n_rows;
        at = slot + SKELETON_SLOT_BYTES;
    }
    if (n_slots < template->n_slots && skeleton->len <= SKELETON_BYTES)
        text_encoder_template(encoder, (const char *)skeleton->data, skeleton->len, n_slots);
    return 0;
}

static int learn_all(struct text_encoder *encoder, const struct slot_writer *writer)
{
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        if (template->number > 0 && template->n_rows >= TEXT_LEARN_ROWS && template->constants &&
            learn(encoder, template, writer) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* What is constant, and what the filter has to know, before the columns are written, which changes
 * their values. */
static void look_at_columns(struct text_encoder *encoder, struct text_template *template,
                            const struct slot_writer *writer)
{
    const uint64_t *values = (const uint64_t *)encoder->columns.data + template->first_value;
    const char *at = template->skeleton, *end = at + template->n_skeleton, *slot;
    for (unsigned i = 0; (slot = memchr(at, '\0', (size_t)(end - at))); i++) {
        bool is_constant = slot_is_constant(writer, slot[1], values, template->n_rows);
        template->constants |= (uint64_t)is_constant << i;
        if (encoder->filter)
            slot_filter(writer, slot[1], (struct text){at, (uint32_t)(slot - at)}, values,
                        is_constant ? 1 : template->n_rows, encoder->filter);
        values += template->n_rows;
        at = slot + SKELETON_SLOT_BYTES;
    }
    for (uint32_t i = 0; i < template->n_hashes; i++)
        filter_builder_add(encoder->filter, template->hashes[i]);
}

static int put_templates(struct text_encoder *encoder, uint32_t n, uint64_t n_text_bytes,
                         const struct slot_writer *writer)
{
    struct buffer *dict = &encoder->dict;
    dict->len = encoder->plain.len = encoder->dense.len = 0;
    encoder->statics.len = encoder->heads.len = 0;
    if (buffer_reserve(dict, 2 * VARINT_BYTES) < 0)
        return -ENOMEM;
    buffer_put_varint(dict, n);
    buffer_put_varint(dict, n_text_bytes);
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        if (template->number > 0 && put_template(encoder, template, writer) < 0)
            return -ENOMEM;
    }
    if (buffer_reserve(dict, encoder->statics.len + encoder->heads.len) < 0)
        return -ENOMEM;
    buffer_put(dict, encoder->statics.data, encoder->statics.len);
    buffer_put(dict, encoder->heads.data, encoder->heads.len);
    return 1;
}

/* All rows are of one template: each has its values where its number says. */
static void sort_as_one(struct text_encoder *encoder, const uint32_t *order,
                        const struct text_template *template)
{
    const uint64_t *vars = (const uint64_t *)encoder->vars.data;
    uint64_t *value = (uint64_t *)encoder->columns.data;
    uint32_t *index = (uint32_t *)encoder->index.data;
    size_t n_slots = template->n_slots;
    for (size_t slot = 0; slot < n_slots; slot++)
        for (size_t i = 0; i < encoder->n_rows; i++)
            *value++ = vars[order[i] * n_slots + slot];
    for (size_t i = 0; i < encoder->n_rows; i++)
        index[i] = template->number;
}

static int sort_rows(struct text_encoder *encoder, const uint32_t *order)
{
    if (buffer_reserve(&encoder->columns, encoder->n_vars * sizeof(uint64_t)) < 0 ||
        buffer_reserve(&encoder->index, encoder->n_rows * sizeof(uint32_t)) < 0)
        return -ENOMEM;
    const struct text_row *rows = (const struct text_row *)encoder->rows.data;
    const struct text_template *first =
        encoder->n_used > 0 ? &encoder->templates[encoder->used[0]] : NULL;
    uint32_t *index = (uint32_t *)encoder->index.data;
    if (first && first->n_rows == encoder->n_rows && first->number > 0) {
        sort_as_one(encoder, order, first);
        return 0;
    }
    for (size_t i = 0; i < encoder->n_rows; i++)
        index[i] = sort_row(encoder, &rows[order[i]]);
    return 0;
}

int text_encoder_finish(struct text_encoder *encoder, const uint32_t *order)
{
    const struct slot_writer writer = {&encoder->heads, &encoder->plain, &encoder->dense,
                                       (const char *)encoder->slot_texts.data};
    uint64_t n_text_bytes = 0;
    uint32_t n = number_templates(encoder);
    if (sort_rows(encoder, order) < 0)
        return -ENOMEM;
    if (n == 0)
        return 0;
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        struct text_template *template = &encoder->templates[encoder->used[i]];
        if (template->number == 0)
            continue;
        look_at_columns(encoder, template, &writer);
        n_text_bytes += template->n_text_bytes;
    }
    if (learn_all(encoder, &writer) < 0)
        return -ENOMEM;
    return put_templates(encoder, n, n_text_bytes, &writer);
}
