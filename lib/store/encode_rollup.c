/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * SECTION_ROLLUP: rollup.h says what it holds.
 */

/* Cells that the table has room for at first. */
#define ROLLUP_CELLS 256

struct cell_key {
    int64_t minute;
    uint8_t severity;
    char country[2];
};

static struct cell_key key_of(const struct store_encoder *encoder, const struct record *record,
                              uint32_t place)
{
    struct cell_key key = {
        .minute = rollup_minute(record->time_ns),
        .severity = record->severity < 8 ? record->severity : PRI_NO_SEVERITY,
    };
    if (place > 0)
        memcpy(key.country, ((const struct place *)encoder->places.data)[place - 1].country, 2);
    return key;
}

static bool has_key(const struct rollup_cell *cell, const struct cell_key *key)
{
    return cell->minute == key->minute && cell->severity == key->severity &&
           memcmp(cell->country, key->country, 2) == 0;
}

static uint64_t hash_key(const struct cell_key *key)
{
    uint64_t hash = (uint64_t)key->minute << 20 ^ (uint64_t)key->severity << 16 ^
                    (uint64_t)(uint8_t)key->country[0] << 8 ^ (uint8_t)key->country[1];
    hash *= UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

/* Returns the cell's index, or -ENOMEM. */
static int64_t find_cell(struct store_encoder *encoder, const struct cell_key *key)
{
    struct rollup *rollup = &encoder->rollup;
    struct intern *table = &encoder->rollup_table;
    uint64_t hash = hash_key(key);
    struct intern_slot *slot = intern_first(table, hash);
    for (; intern_taken(table, slot); slot = intern_next(table, slot))
        if (slot->hash == hash && has_key(&rollup->cells[slot->index], key))
            return slot->index;
    if (rollup_reserve(rollup) < 0)
        return -ENOMEM;
    if (intern_set(table, slot, hash, (uint32_t)rollup->n) < 0)
        return -ENOMEM;
    struct rollup_cell *cell = &rollup->cells[rollup->n];
    *cell = (struct rollup_cell){.minute = key->minute, .severity = key->severity};
    memcpy(cell->country, key->country, 2);
    return (int64_t)rollup->n++;
}

int encoder_begin_rollup(struct store_encoder *encoder)
{
    encoder->rollup.n = 0;
    return intern_clear(&encoder->rollup_table, ROLLUP_CELLS);
}

int encoder_count(struct store_encoder *encoder, const struct record *record, uint32_t place)
{
    struct cell_key key = key_of(encoder, record, place);
    int64_t at = find_cell(encoder, &key);
    if (at < 0)
        return -ENOMEM;
    encoder->rollup.cells[at].n_rows++;
    return 0;
}

int encoder_add_rollup(struct store_encoder *encoder)
{
    struct rollup *rollup = &encoder->rollup;
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (rollup_sort(rollup, &encoder->rollup_scratch) < 0 || rollup_put(rollup, column) < 0)
        return -ENOMEM;
    return encoder_add_column(encoder, SECTION_ROLLUP);
}
