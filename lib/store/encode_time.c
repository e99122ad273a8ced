/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

#include "store/ints.h"

/*
 * SECTION_TIME: mode (1 byte, TIME_…) | unit (1 byte: 0, 3, 6 or 9; times are multiples of 10^unit
 * ns) | zigzag varint: the first value | ints: distances of all (the first is 0).
 *
 * Values are times in units. Clocks that tick together are best told from the row's own reception;
 * a sender that replays, or steps evenly, from the row before. Both are tried, by the bits that the
 * distances take. Arithmetic is modulo 2^64 throughout, so that no time is out of range.
 */
static int64_t minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static unsigned bits_of(int64_t value)
{
    uint64_t bits = zigzag(value);
    return 63 - (unsigned)__builtin_clzll(bits | 1) + (bits != 0);
}

static inline int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The loops over times are inlined once for each unit, so that they divide by constants. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

static ALWAYS_INLINE bool all_multiples(const int64_t *times, size_t n, int64_t of)
{
    for (size_t i = 0; i < n; i++)
        if (times[i] % of != 0)
            return false;
    return true;
}

/* The fraction digits that came are a hint; the times themselves decide. */
static unsigned find_unit(const int64_t *times, size_t n, unsigned max_digits)
{
    if (max_digits == 0 && all_multiples(times, n, 1000000000))
        return 9;
    if (max_digits <= 3 && all_multiples(times, n, 1000000))
        return 6;
    if (max_digits <= 6 && all_multiples(times, n, 1000))
        return 3;
    return 0;
}

/* Times in units, and their distances from the receptions in `bases`, which they replace. */
static ALWAYS_INLINE void divide(int64_t *times, int64_t *bases, size_t n, int64_t unit_ns)
{
    for (size_t i = 0; i < n; i++) {
        int64_t time = floor_div(times[i], unit_ns);
        times[i] = time;
        bases[i] = minus(time, floor_div((int64_t)((uint64_t)bases[i] * 1000), unit_ns));
    }
}

static void to_units(int64_t *times, int64_t *bases, size_t n, unsigned unit)
{
    switch (unit) {
    case 3:
        divide(times, bases, n, 1000);
        break;
    case 6:
        divide(times, bases, n, 1000000);
        break;
    case 9:
        divide(times, bases, n, 1000000000);
        break;
    default:
        divide(times, bases, n, 1);
    }
}

/* Fills steps with the distances from the row before. Are those from the reception shorter? */
static bool take_steps(const int64_t *times, const int64_t *bases, int64_t *steps, size_t n)
{
    uint64_t step_bits = 0, offset_bits = 0;
    int64_t first_base = bases[0], first_step = n > 1 ? minus(times[1], times[0]) : 0;
    steps[0] = 0;
    for (size_t i = 1; i < n; i++) {
        int64_t step = minus(times[i], times[i - 1]);
        steps[i] = step;
        step_bits += bits_of(minus(step, first_step));
        offset_bits += bits_of(minus(bases[i], first_base));
    }
    return offset_bits < step_bits;
}

/* Drops the rows whose time is their reception, if that holds for all that say so. */
static size_t skip_flagged(struct rows *rows, size_t n, uint8_t *mode)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++)
        if ((rows->flags[i] & RECORD_TIME_RECEIVED) &&
            rows->time_ns[i] != (int64_t)((uint64_t)rows->received_us[i] * 1000))
            return n;
    for (size_t i = 0; i < n; i++) {
        if (rows->flags[i] & RECORD_TIME_RECEIVED)
            continue;
        rows->time_ns[n_kept] = rows->time_ns[i];
        rows->received_us[n_kept++] = rows->received_us[i];
    }
    *mode |= TIME_SKIPS_FLAGGED;
    return n_kept;
}

/* Takes the times apart in place; rows.received_us must have been written before. */
int encoder_add_time(struct store_encoder *encoder)
{
    struct rows *rows = &encoder->rows;
    int64_t *times = rows->time_ns, *bases = rows->received_us, *steps = rows->scratch;
    uint8_t mode = 0;
    size_t n = skip_flagged(rows, encoder->n_rows, &mode);
    unsigned unit = find_unit(times, n, encoder->max_digits);
    to_units(times, bases, n, unit);
    int64_t first = n ? times[0] : 0;
    if (n > 0 && take_steps(times, bases, steps, n)) {
        mode |= TIME_FROM_RECEIVED;
        first = bases[0];
        for (size_t i = 0; i < n; i++)
            steps[i] = minus(bases[i], first);
    }
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (buffer_reserve(column, 2 + VARINT_BYTES + ints_bound(n, sizeof(*steps))) < 0)
        return -ENOMEM;
    buffer_put_byte(column, mode);
    buffer_put_byte(column, (uint8_t)unit);
    buffer_put_varint(column, zigzag(first));
    ints_put_i64(column, steps, n);
    return encoder_add_column(encoder, SECTION_TIME);
}

int encoder_add_received(struct store_encoder *encoder)
{
    const int64_t *received = encoder->rows.received_us;
    int64_t *steps = encoder->rows.scratch;
    size_t n = encoder->n_rows;
    steps[0] = 0;
    for (size_t i = 1; i < n; i++)
        steps[i] = minus(received[i], received[i - 1]);
    struct buffer *column = &encoder->column;
    column->len = 0;
    if (buffer_reserve(column, VARINT_BYTES + ints_bound(n, sizeof(*steps))) < 0)
        return -ENOMEM;
    buffer_put_varint(column, zigzag(received[0]));
    ints_put_i64(column, steps, n);
    return encoder_add_column(encoder, SECTION_RECEIVED);
}
