/* SPDX-License-Identifier: MIT */
#include "store/query/cell.h"

#include <string.h>
#include <xxhash.h>

#include "store/query/extract.h"
#include "store/query/number.h"
#include "store/query/sd.h"

static bool same_text(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static void set_text(struct query_cell *cell, struct text text)
{
    cell->is_null = text.len == 0;
    cell->text = text;
}

static int set_unescaped(struct query_cell *cell, struct text text, struct buffer *scratch,
                         size_t (*unescape)(struct text value, char *out))
{
    scratch->len = 0;
    int r = buffer_reserve(scratch, text.len);
    if (r < 0)
        return r;
    size_t len = unescape(text, (char *)scratch->data);
    set_text(cell, (struct text){(char *)scratch->data, (uint32_t)len});
    return 0;
}

/* Of a parameter that is given twice, the first value. */
static int sd_cell(const struct node *node, struct text sd, struct buffer *scratch,
                   struct query_cell *cell)
{
    struct sd_walk walk = sd.len > 0 ? SD_WALK_INIT(sd) : (struct sd_walk){0};
    struct sd_param param;
    while (sd_next(&walk, &param) == 1) {
        if (!same_text(param.id, node->sd_id) || !same_text(param.name, node->sd_param))
            continue;
        if (param.value.len > 0 && memchr(param.value.data, '\\', param.value.len) != NULL)
            return set_unescaped(cell, param.value, scratch, sd_unescape);
        set_text(cell, param.value);
        return 0;
    }
    cell->is_null = true;
    return 0;
}

static int key_cell(const struct node *node, struct text message, struct buffer *scratch,
                    struct query_cell *cell)
{
    struct extract found;
    cell->is_null = !extract_find(message, node->key, &found);
    if (cell->is_null)
        return 0;
    if (found.is_escaped)
        return set_unescaped(cell, found.value, scratch, extract_unescape);
    set_text(cell, found.value);
    return 0;
}

static int field_cell(const struct node *node, const struct store_row *row, struct buffer *scratch,
                      struct query_cell *cell)
{
    const struct field *field = node->field;
    const uint8_t *address;
    switch (field->type) {
    case FIELD_SD:
        return sd_cell(node, row->sd, scratch, cell);
    case FIELD_KEY:
        return key_cell(node, row->message, scratch, cell);
    case FIELD_TEXT:
        set_text(cell, *(const struct text *)(const void *)((const char *)row + field->offset));
        break;
    case FIELD_COUNTRY:
        set_text(cell,
                 (struct text){row->place.country,
                               row->has_place ? (uint32_t)strnlen(row->place.country, 2) : 0});
        break;
    case FIELD_DOUBLE:
        cell->is_null = !field->decimal(row, &cell->number);
        break;
    case FIELD_ADDRESS:
        address = field->address(row);
        cell->is_null = address == NULL;
        if (address != NULL)
            memcpy(cell->address, address, sizeof(cell->address));
        break;
    case FIELD_ID:
        cell->is_null = false;
        cell->integer = (int64_t)row->id;
        break;
    default:
        cell->is_null = !field->number(row, &cell->integer);
        break;
    }
    return 0;
}

int operand_cell(const struct operand *operand, const struct tuple *tuple, struct buffer *scratch,
                 struct query_cell *ret_cell)
{
    if (operand->node == NULL) {
        *ret_cell = tuple->cells[operand->column];
        return 0;
    }
    *ret_cell = (struct query_cell){.type = operand->type};
    return field_cell(operand->node, tuple->row, scratch, ret_cell);
}

uint32_t operand_columns(const struct operand *operand)
{
    return operand->node == NULL ? 0 : operand->node->field->column;
}

static int order(bool less, bool greater)
{
    return (int)greater - (int)less;
}

static int compare_texts(struct text a, struct text b)
{
    double x, y;
    bool a_number = number_parse(a.data, a.len, &x), b_number = number_parse(b.data, b.len, &y);
    if (a_number != b_number)
        return a_number ? -1 : 1;
    if (a_number && x != y)
        return order(x<y, x> y);
    size_t len = a.len < b.len ? a.len : b.len;
    int r = len == 0 ? 0 : memcmp(a.data, b.data, len);
    return r != 0 ? r : order(a.len<b.len, a.len> b.len);
}

int cell_compare(const struct query_cell *a, const struct query_cell *b)
{
    if (a->is_null || b->is_null)
        return (int)a->is_null - (int)b->is_null;
    switch (a->type) {
    case QUERY_TEXT:
        return compare_texts(a->text, b->text);
    case QUERY_DOUBLE:
        return order(a->number<b->number, a->number> b->number);
    case QUERY_ADDRESS:
        return memcmp(a->address, b->address, sizeof(a->address));
    case QUERY_ID:
        return order((uint64_t)a->integer<(uint64_t)b->integer, (uint64_t)a->integer>(uint64_t)
                         b->integer);
    default:
        return order(a->integer<b->integer, a->integer> b->integer);
    }
}

bool cell_same(const struct query_cell *a, const struct query_cell *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    switch (a->type) {
    case QUERY_TEXT:
        return same_text(a->text, b->text);
    case QUERY_DOUBLE:
        return a->number == b->number;
    case QUERY_ADDRESS:
        return memcmp(a->address, b->address, sizeof(a->address)) == 0;
    default:
        return a->integer == b->integer;
    }
}

uint64_t cell_hash(const struct query_cell *cell, uint64_t seed)
{
    double number = cell->number + 0.0; /* there are two zeros */
    if (cell->is_null)
        return XXH3_64bits_withSeed("", 0, seed + 1);
    switch (cell->type) {
    case QUERY_TEXT:
        return XXH3_64bits_withSeed(cell->text.data, cell->text.len, seed);
    case QUERY_ADDRESS:
        return XXH3_64bits_withSeed(cell->address, sizeof(cell->address), seed);
    case QUERY_DOUBLE:
        return XXH3_64bits_withSeed(&number, sizeof(number), seed);
    default:
        return XXH3_64bits_withSeed(&cell->integer, sizeof(cell->integer), seed);
    }
}

bool cell_number(const struct query_cell *cell, double *ret_number)
{
    if (cell->is_null || cell->type == QUERY_ADDRESS)
        return false;
    if (cell->type == QUERY_TEXT)
        return number_parse(cell->text.data, cell->text.len, ret_number);
    *ret_number = cell->type == QUERY_DOUBLE ? cell->number : (double)cell->integer;
    return true;
}

char *cell_copy(const struct query_cell *from, struct query_cell *to, char *at)
{
    size_t len = cell_text_len(from);
    *to = *from;
    if (len > 0) {
        memcpy(at, from->text.data, len);
        to->text.data = at;
    }
    return at + len;
}
