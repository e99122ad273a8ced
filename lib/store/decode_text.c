/* SPDX-License-Identifier: MIT */
#include "store/decode_text.h"

#include "store/format.h"
#include "store/ints.h"
#include "store/number.h"

void text_rows_deinit(struct text_rows *rows)
{
    struct buffer *buffers[] = {&rows->whole,   &rows->dict, &rows->plain,   &rows->dense,
                                &rows->templates, &rows->columns, &rows->lens, &rows->offsets,
                                &rows->built};
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        buffer_deinit(buffers[i]);
}

/*
 * ---- parsing
 * ----------------------------------------------------------------------------------------------
 */

struct parse {
    struct text_rows *rows;
    struct cursor dict, plain, dense;
};

static struct text_template_rows *templates_of(const struct text_rows *rows)
{
    return (struct text_template_rows *)rows->templates.data;
}

static int take_u32(struct cursor *cursor, uint32_t max, uint32_t *ret_value)
{
    uint64_t value;
    if (cursor_varint(cursor, &value) < 0 || value > max)
        return -EBADMSG;
    *ret_value = (uint32_t)value;
    return 0;
}

static int take_byte(struct cursor *cursor, uint8_t max, uint8_t *ret_value)
{
    const uint8_t *at = cursor_take(cursor, 1);
    if (!at || *at > max)
        return -EBADMSG;
    *ret_value = *at;
    return 0;
}

/* Head of ints, and the n bytes of each of its planes. */
static int take_ints(struct parse *parse, size_t n, struct slot_column *column)
{
    uint8_t mask;
    uint64_t base;
    if (take_byte(&parse->dict, SLOT_PLANES, &column->n_planes) < 0 ||
        take_byte(&parse->dict, UINT8_MAX, &mask) < 0 || cursor_varint(&parse->dict, &base) < 0)
        return -EBADMSG;
    column->base = (uint64_t)unzigzag(base);
    for (unsigned i = 0; i < column->n_planes; i++) {
        column->planes[i] = cursor_take(mask & 1u << i ? &parse->plain : &parse->dense, n);
        if (!column->planes[i])
            return -EBADMSG;
    }
    return 0;
}

/* Lengths become offsets, and must add up. */
static int take_texts(struct parse *parse, size_t n, struct slot_column *column)
{
    struct buffer *offsets = &parse->rows->offsets;
    uint32_t n_bytes;
    if (take_u32(&parse->dict, MAX_SECTION_BYTES, &n_bytes) < 0)
        return -EBADMSG;
    column->bytes = cursor_take(&parse->dense, n_bytes);
    if (!column->bytes || take_ints(parse, n, column) < 0)
        return -EBADMSG;
    if (buffer_reserve(offsets, (n + 1) * sizeof(uint32_t)) < 0)
        return -ENOMEM;
    column->offsets_at = offsets->len / sizeof(uint32_t);
    uint32_t *at = (uint32_t *)offsets->data + column->offsets_at;
    offsets->len += (n + 1) * sizeof(uint32_t);
    uint64_t sum = 0;
    for (size_t i = 0; i <= n; i++) {
        at[i] = (uint32_t)sum;
        uint64_t len = i < n ? slot_int(column, i) : 0;
        if (len > n_bytes - sum)
            return -EBADMSG;
        sum += len;
    }
    return sum == n_bytes ? 0 : -EBADMSG;
}

static int take_widths(struct parse *parse, size_t n, struct slot_column *column)
{
    struct slot_column widths = {0};
    if (take_ints(parse, n, &widths) < 0 || widths.n_planes > 1 || widths.base > SLOT_MAX_DIGITS)
        return -EBADMSG;
    column->width = (uint8_t)widths.base;
    column->widths = widths.n_planes ? widths.planes[0] : NULL;
    return take_ints(parse, n, column);
}

static int take_column(struct parse *parse, size_t n, struct slot_column *column)
{
    *column = (struct slot_column){0};
    if (take_byte(&parse->dict, N_SLOT_MODES - 1, &column->mode) < 0)
        return -EBADMSG;
    switch ((enum slot_mode)column->mode) {
    case MODE_PADDED:
        if (take_byte(&parse->dict, SLOT_MAX_DIGITS, &column->width) < 0)
            return -EBADMSG;
        return take_ints(parse, n, column);
    case MODE_DIGITS:
        return take_widths(parse, n, column);
    case MODE_TEXT:
        return take_texts(parse, n, column);
    case MODE_HEX:
        if (take_u32(&parse->dict, TEMPLATE_MAX_BYTES, &column->len) < 0 || column->len % 2 != 0)
            return -EBADMSG;
        column->bytes = cursor_take(&parse->plain, n * (column->len / 2));
        return column->bytes ? 0 : -EBADMSG;
    case MODE_NUMBER:
    case MODE_ADDRESS:
    case N_SLOT_MODES:
        break;
    }
    return take_ints(parse, n, column);
}

/* Numbers of slots and the lengths of pieces, then the pieces themselves. */
static int take_templates(struct parse *parse)
{
    struct text_rows *rows = parse->rows;
    struct buffer *lens = &rows->lens;
    size_t n_columns = 0;
    for (uint32_t i = 0; i < rows->n_templates; i++) {
        struct text_template_rows *template = &templates_of(rows)[i];
        if (template->n_rows == 0 ||
            take_u32(&parse->dict, TEMPLATE_MAX_SLOTS, &template->n_slots) < 0)
            return -EBADMSG;
        template->lens_at = lens->len / sizeof(uint32_t);
        template->columns_at = n_columns;
        n_columns += template->n_slots;
        if (buffer_reserve(lens, (template->n_slots + 1) * sizeof(uint32_t)) < 0)
            return -ENOMEM;
        for (uint32_t piece = 0; piece <= template->n_slots; piece++) {
            uint32_t len;
            if (take_u32(&parse->dict, TEMPLATE_MAX_BYTES, &len) < 0)
                return -EBADMSG;
            buffer_put(lens, &len, sizeof(len));
        }
    }
    for (uint32_t i = 0; i < rows->n_templates; i++) {
        struct text_template_rows *template = &templates_of(rows)[i];
        const uint32_t *pieces = text_rows_lens(rows, template);
        size_t n_bytes = 0;
        for (uint32_t piece = 0; piece <= template->n_slots; piece++)
            n_bytes += pieces[piece];
        template->text = (const char *)cursor_take(&parse->dict, n_bytes);
        if (!template->text)
            return -EBADMSG;
    }
    /* One more, so that there is memory to point at. */
    return buffer_reserve(&rows->columns, (n_columns + 1) * sizeof(struct slot_column));
}

static int take_columns(struct parse *parse)
{
    struct text_rows *rows = parse->rows;
    struct slot_column *column = (struct slot_column *)rows->columns.data;
    for (uint32_t i = 0; i < rows->n_templates; i++) {
        const struct text_template_rows *template = &templates_of(rows)[i];
        for (uint32_t slot = 0; slot < template->n_slots; slot++) {
            int r = take_column(parse, template->n_rows, column++);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Every row's place among those of its template. */
static int count_rows(struct text_rows *rows, uint32_t n_rows)
{
    struct text_template_rows *templates = templates_of(rows);
    memset(templates, 0, rows->n_templates * sizeof(*templates));
    for (uint32_t i = 0; i < n_rows; i++) {
        if (rows->index[i] > rows->n_templates)
            return -EBADMSG;
        if (rows->index[i] > 0)
            rows->ordinal[i] = templates[rows->index[i] - 1].n_rows++;
    }
    return 0;
}

int text_rows_parse(struct text_rows *rows, const struct text_sections *sections, uint32_t n_rows)
{
    struct parse parse = {rows, sections->dict, sections->plain, sections->dense};
    uint32_t n_bytes;
    rows->templates.len = rows->columns.len = rows->lens.len = 0;
    rows->offsets.len = rows->built.len = 0;
    rows->statics_end = (const char *)parse.dict.end;
    rows->texts_end = (const char *)parse.dense.end;
    if (take_u32(&parse.dict, n_rows, &rows->n_templates) < 0 || rows->n_templates == 0 ||
        take_u32(&parse.dict, n_rows * TEMPLATE_MAX_BYTES, &n_bytes) < 0)
        return -EBADMSG;
    if (buffer_reserve(&rows->templates, rows->n_templates * sizeof(struct text_template_rows)) <
            0 ||
        buffer_reserve(&rows->built, (size_t)n_bytes + NUMBER_BYTES) < 0)
        return -ENOMEM;
    int r = count_rows(rows, n_rows);
    if (r == 0)
        r = take_templates(&parse);
    return r < 0 ? r : take_columns(&parse);
}

/*
 * ---- putting together
 * ----------------------------------------------------------------------------------------------
 */

static char *put_hex(char *out, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    return out;
}

/* Copies n bytes of what ends at `end`; may write up to 15 more. */
static char *put_bytes(char *out, const char *from, size_t n, const char *end)
{
    if ((size_t)(end - from) < n + 15) {
        memcpy(out, from, n);
        return out + n;
    }
    for (size_t i = 0; i < n; i += 16)
        memcpy(out + i, from + i, 16);
    return out + n;
}

/* Behind `out`; NULL: no room before `limit`, behind which there is still room for a number. */
static char *put_slot(const struct text_rows *rows, const struct slot_column *column, uint32_t row,
                      char *out, const char *limit)
{
    struct text text;
    switch ((enum slot_mode)column->mode) {
    case MODE_NUMBER:
        return number_put(out, slot_int(column, row), 0);
    case MODE_PADDED:
        return number_put(out, slot_int(column, row), column->width);
    case MODE_DIGITS: {
        unsigned width = column->width + (column->widths ? column->widths[row] : 0u);
        return number_put(out, slot_int(column, row),
                          width > SLOT_MAX_DIGITS ? SLOT_MAX_DIGITS : width);
    }
    case MODE_ADDRESS:
        return number_put_address(out, slot_int(column, row));
    case MODE_HEX:
        if ((size_t)(limit - out) < column->len)
            return NULL;
        return put_hex(out, column->bytes + row * (size_t)(column->len / 2), column->len / 2);
    case MODE_TEXT:
    case N_SLOT_MODES:
        break;
    }
    text = slot_text(rows, column, row);
    if ((size_t)(limit - out) < text.len)
        return NULL;
    return put_bytes(out, text.data, text.len, rows->texts_end);
}

static char *put_row(const struct text_rows *rows, const struct text_template_rows *template,
                     uint32_t row, char *out, const char *limit)
{
    const struct slot_column *column = text_rows_columns(rows, template);
    const uint32_t *lens = text_rows_lens(rows, template);
    const char *piece = template->text;
    for (uint32_t i = 0;; i++, column++) {
        if (out > limit || (size_t)(limit - out) < lens[i])
            return NULL;
        out = put_bytes(out, piece, lens[i], rows->statics_end);
        piece += lens[i];
        if (i == template->n_slots)
            return out;
        out = put_slot(rows, column, row, out, limit);
        if (!out)
            return NULL;
    }
}

struct text text_rows_build(struct text_rows *rows, uint32_t position)
{
    struct text *text = &rows->texts[position];
    const struct text_template_rows *template = &templates_of(rows)[rows->index[position] - 1];
    if (template->n_slots == 0)
        return *text = (struct text){template->text, *text_rows_lens(rows, template)};
    char *start = (char *)rows->built.data + rows->built.len;
    const char *limit = (const char *)rows->built.data + rows->built.capacity - NUMBER_BYTES;
    char *end = put_row(rows, template, rows->ordinal[position], start, limit);
    *text = (struct text){end ? start : "", end ? (uint32_t)(end - start) : 0};
    rows->built.len += text->len;
    return *text;
}

int text_rows_template(const struct text_rows *rows, uint32_t index, char slot,
                       struct buffer *text, bool *ret_has_words)
{
    const struct text_template_rows *template = &templates_of(rows)[index];
    const struct slot_column *column = text_rows_columns(rows, template);
    const uint32_t *lens = text_rows_lens(rows, template);
    const char *piece = template->text;
    bool has_words = false;
    for (uint32_t i = 0; i <= template->n_slots; i++) {
        if (buffer_reserve(text, lens[i] + 1u) < 0)
            return -ENOMEM;
        buffer_put(text, piece, lens[i]);
        piece += lens[i];
        if (i == template->n_slots)
            break;
        buffer_put_byte(text, (uint8_t)slot);
        has_words |= column[i].mode == MODE_TEXT || column[i].mode == MODE_HEX;
    }
    *ret_has_words = has_words;
    return 0;
}
