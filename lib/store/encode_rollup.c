/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * SECTION_ROLLUP: rollup.h says what it holds.
 *
 * Rows are counted as they come. The key of a cell is one number, with which its hash is one for
 * one (intern.h): nothing is compared.
 */

/* Cells that the table has room for at first. */
#define ROLLUP_CELLS 256
#define MINUTE_NS    UINT64_C(60000000000)

/* Counts a row in the cell of this key, which `cell` is but for the number of rows. Returns 0,
 * -ENOMEM. */
static inline int count(struct store_encoder *encoder, uint64_t key, const struct rollup_cell *cell)
{
    struct rollup *rollup = &encoder->rollup;
    struct intern *table = &encoder->rollup_table;
    uint64_t hash = intern_hash(key);
    struct intern_slot *slot = intern_first(table, hash);
    for (; intern_taken(table, slot); slot = intern_next(table, slot)) {
        if (slot->hash == hash) {
            rollup->cells[slot->index].n_rows++;
            return 0;
        }
    }
    if (rollup_reserve(rollup) < 0 || intern_set(table, slot, hash, (uint32_t)rollup->n) < 0)
        return -ENOMEM;
    rollup->cells[rollup->n++] = *cell;
    return 0;
}

int encoder_begin_rollup(struct store_encoder *encoder)
{
    encoder->rollup.n = 0;
    return intern_clear(&encoder->rollup_table, ROLLUP_CELLS);
}

int encoder_count(struct store_encoder *encoder, const struct chunk *chunk)
{
    const struct place *places = (const struct place *)encoder->places.data;
    const uint32_t *place = encoder->rows.place + chunk->row;
    int64_t minute = 0;
    for (uint32_t i = 0; i < chunk->n; i++) {
        const struct record *record = &chunk->records[i];
        uint8_t severity = record->severity < 8 ? record->severity : PRI_NO_SEVERITY;
        uint16_t country = 0;
        if (place[i])
            memcpy(&country, places[place[i] - 1].country, sizeof(country));
        if ((uint64_t)record->time_ns - (uint64_t)minute * MINUTE_NS >= MINUTE_NS)
            minute = rollup_minute(record->time_ns);
        struct rollup_cell cell = {.minute = minute, .n_rows = 1, .severity = severity};
        memcpy(cell.country, &country, sizeof(country));
        uint64_t key = (uint64_t)minute << 20 | (uint64_t)severity << 16 | country;
        if (count(encoder, key, &cell) < 0)
            return -ENOMEM;
    }
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
