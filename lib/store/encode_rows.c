/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

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
