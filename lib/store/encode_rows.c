/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

/*
 * What rows keep of the numbers of records, and what a block's header says of them all. A batch is gone
 * through a few columns at a time, as many as there are registers for.
 */

/* The arrays of struct rows, in one allocation behind one another, the widest elements first. */
static const struct array {
    uint16_t at, size;
} arrays[] = {
#define ARRAY(name)                                                                                \
    {                                                                                              \
        offsetof(struct rows, name), sizeof(*((struct rows *)NULL)->name)                          \
    }
    ARRAY(time_ns),  ARRAY(received_us), ARRAY(scratch), ARRAY(stream), ARRAY(input),
    ARRAY(peer),     ARRAY(place),       ARRAY(geo_off), ARRAY(order),  ARRAY(starts),
    ARRAY(len),      ARRAY(digits),      ARRAY(flags),   ARRAY(pri),    ARRAY(format),
    ARRAY(geo_from), ARRAY(geo_len),
#undef ARRAY
};

#define N_ARRAYS (sizeof(arrays) / sizeof(arrays[0]))

/* rows.starts wants one more. */
size_t rows_bytes(size_t n_rows)
{
    size_t n_bytes = 0;
    for (size_t i = 0; i < N_ARRAYS; i++)
        n_bytes += arrays[i].size;
    return (n_rows + 1) * n_bytes;
}

void rows_deinit(struct rows *rows)
{
    free(rows->memory);
    *rows = (struct rows){0};
}

int rows_reserve(struct rows *rows, size_t n_kept, size_t n_rows)
{
    if (rows->capacity >= n_rows)
        return 0;
    size_t capacity = rows->capacity + rows->capacity / 2;
    capacity = capacity < n_rows ? n_rows : capacity;
    char *memory = malloc(rows_bytes(capacity)), *at = memory;
    if (!memory)
        return -ENOMEM;
    for (size_t i = 0; i < N_ARRAYS; i++) {
        char *pointer = (char *)rows + arrays[i].at;
        void *array;
        memcpy(&array, pointer, sizeof(array));
        if (n_kept > 0)
            memcpy(at, array, n_kept * arrays[i].size);
        memcpy(pointer, &at, sizeof(at));
        at += (capacity + 1) * arrays[i].size;
    }
    free(rows->memory);
    rows->memory = memory;
    rows->capacity = capacity;
    return 0;
}

static void add_times(struct store_encoder *encoder, const struct chunk *chunk)
{
    const struct record *records = chunk->records;
    int64_t *time_ns = encoder->rows.time_ns + chunk->row;
    int64_t *received_us = encoder->rows.received_us + chunk->row;
    struct store_block_info info = encoder->header.info;
    uint64_t raw_bytes = 0;
    for (uint32_t i = 0; i < chunk->n; i++) {
        int64_t time = records[i].time_ns, received = records[i].received_us;
        time_ns[i] = time;
        received_us[i] = received;
        info.min_time_ns = time < info.min_time_ns ? time : info.min_time_ns;
        info.max_time_ns = time > info.max_time_ns ? time : info.max_time_ns;
        info.min_received_us = received < info.min_received_us ? received : info.min_received_us;
        info.max_received_us = received > info.max_received_us ? received : info.max_received_us;
        raw_bytes += records[i].line.len;
    }
    encoder->header.info = info;
    encoder->header.raw_bytes += raw_bytes;
}

static void add_codes(struct store_encoder *encoder, const struct chunk *chunk)
{
    const struct record *records = chunk->records;
    uint8_t *digits = encoder->rows.digits + chunk->row;
    uint8_t *flags = encoder->rows.flags + chunk->row;
    uint8_t *pri = encoder->rows.pri + chunk->row;
    uint8_t *format = encoder->rows.format + chunk->row;
    uint8_t max_digits = encoder->max_digits;
    for (uint32_t i = 0; i < chunk->n; i++) {
        const struct record *record = &records[i];
        unsigned facility = record->facility < 24 ? record->facility : PRI_NO_FACILITY;
        unsigned severity = record->severity < 8 ? record->severity : PRI_NO_SEVERITY;
        unsigned code = facility * PRI_SEVERITIES + severity;
        encoder->codes[code] = true;
        pri[i] = (uint8_t)code;
        digits[i] = record->time_digits;
        flags[i] = record->flags;
        format[i] = record->format;
        if (record->time_digits > max_digits && !(record->flags & RECORD_TIME_RECEIVED))
            max_digits = record->time_digits;
    }
    encoder->max_digits = max_digits;
}

static int add_senders(struct store_encoder *encoder, const struct chunk *chunk)
{
    const struct record *records = chunk->records;
    uint32_t *peer = encoder->rows.peer + chunk->row;
    uint32_t *input = encoder->rows.input + chunk->row;
    for (uint32_t i = 0; i < chunk->n; i++) {
        input[i] = chunk->source->input;
        if (encoder_peer(encoder, chunk->source, records[i].peer, &peer[i]) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int add_places(struct store_encoder *encoder, const struct chunk *chunk)
{
    uint32_t *place = encoder->rows.place + chunk->row;
    uint32_t *geo_off = encoder->rows.geo_off + chunk->row;
    uint8_t *geo_len = encoder->rows.geo_len + chunk->row;
    uint8_t *geo_from = encoder->rows.geo_from + chunk->row;
    if (chunk->source->batch->n_places == 0) {
        memset(place, 0, chunk->n * sizeof(*place));
        memset(geo_off, 0, chunk->n * sizeof(*geo_off));
        memset(geo_len, 0, chunk->n);
        memset(geo_from, RECORD_GEO_NONE, chunk->n);
        return 0;
    }
    for (uint32_t i = 0; i < chunk->n; i++) {
        const struct record *record = &chunk->records[i];
        if (encoder_place(encoder, chunk->source, record->place, &place[i]) < 0)
            return -ENOMEM;
        bool in_message = place[i] && record->geo_from == RECORD_GEO_MESSAGE;
        geo_from[i] = place[i] ? record->geo_from : RECORD_GEO_NONE;
        geo_off[i] = in_message ? record->geo_off : 0;
        geo_len[i] = in_message ? record->geo_len : 0;
    }
    return 0;
}

int encoder_add_numbers(struct store_encoder *encoder, const struct chunk *chunk)
{
    add_times(encoder, chunk);
    add_codes(encoder, chunk);
    if (add_senders(encoder, chunk) < 0 || add_places(encoder, chunk) < 0)
        return -ENOMEM;
    return encoder_count(encoder, chunk);
}

void encoder_sum_up(struct store_encoder *encoder)
{
    struct store_block_info *info = &encoder->header.info;
    info->n_rows = (uint32_t)encoder->n_rows;
    for (unsigned code = 0; code < PRI_CODES; code++) {
        if (encoder->codes[code]) {
            info->severities |= (uint16_t)(1u << code % PRI_SEVERITIES);
            info->facilities |= 1u << code / PRI_SEVERITIES;
        }
    }
}
