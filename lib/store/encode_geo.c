/* SPDX-License-Identifier: MIT */
#include "store/encoder.h"

#include <math.h>
#include "store/ints.h"

/*
 * SECTION_PLACES: varint n | countries, first letters then second letters | ints: has_location |
 * ints: asn | coordinates of latitudes | coordinates of longitudes | texts of cities | of regions |
 * of organisations.
 *
 * Coordinates: form (1 byte) and ints: 0: the bits of the double, 1: ten-thousandths of a degree
 * (what MaxMind has), 2: the bits of the float that it was made of. The first of 1, 2, 0 that gives
 * back every double to the bit is taken.
 */
enum coordinate_form { COORDINATE_DOUBLE = 0, COORDINATE_SCALED = 1, COORDINATE_FLOAT = 2 };

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof(a)) == 0;
}

static int64_t bits_of_double(double value)
{
    int64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static int64_t bits_of_float(double value)
{
    float narrow = (float)value;
    int32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    return bits;
}

static bool scales(double value)
{
    return fabs(value) < 1e6 && same_bits((double)llrint(value * 10000) / 10000, value);
}

static bool was_float(double value)
{
    return fabs(value) < 1e6 && same_bits((double)(float)value, value);
}

static void put_coordinates(struct buffer *column, const double *values, int64_t *ints, size_t n)
{
    bool all_scale = true, all_float = true;
    for (size_t i = 0; i < n; i++) {
        all_scale = all_scale && scales(values[i]);
        all_float = all_float && was_float(values[i]);
    }
    buffer_put_byte(column, all_scale   ? COORDINATE_SCALED
                            : all_float ? COORDINATE_FLOAT
                                        : COORDINATE_DOUBLE);
    for (size_t i = 0; i < n; i++)
        ints[i] = all_scale   ? llrint(values[i] * 10000)
                  : all_float ? bits_of_float(values[i])
                              : bits_of_double(values[i]);
    ints_put_i64(column, ints, n);
}

struct scratch {
    int64_t *ints;
    double *values;
    uint32_t *numbers;
    struct text *texts;
    uint8_t *bytes;
};

static int put_places(struct buffer *column, const struct place *places, size_t n,
                      const struct scratch *scratch)
{
    buffer_put_varint(column, n);
    for (size_t letter = 0; letter < 2; letter++)
        for (size_t i = 0; i < n; i++)
            buffer_put_byte(column, (uint8_t)places[i].country[letter]);
    for (size_t i = 0; i < n; i++) {
        scratch->bytes[i] = places[i].has_location;
        scratch->numbers[i] = places[i].asn;
    }
    ints_put_u8(column, scratch->bytes, n);
    ints_put_u32(column, scratch->numbers, n);
    for (size_t i = 0; i < n; i++)
        scratch->values[i] = places[i].has_location ? places[i].lat : 0;
    put_coordinates(column, scratch->values, scratch->ints, n);
    for (size_t i = 0; i < n; i++)
        scratch->values[i] = places[i].has_location ? places[i].lon : 0;
    put_coordinates(column, scratch->values, scratch->ints, n);

    for (size_t i = 0; i < n; i++)
        scratch->texts[i] = places[i].city;
    int r = encoder_put_texts(column, scratch->texts, n);
    for (size_t i = 0; i < n; i++)
        scratch->texts[i] = places[i].region;
    if (r == 0)
        r = encoder_put_texts(column, scratch->texts, n);
    for (size_t i = 0; i < n; i++)
        scratch->texts[i] = places[i].org;
    return r < 0 ? r : encoder_put_texts(column, scratch->texts, n);
}

static int add_dict(struct store_encoder *encoder)
{
    struct buffer *column = &encoder->column;
    size_t n = encoder->n_places;
    column->len = 0;
    size_t bound =
        VARINT_BYTES + 2 * n + ints_bound(n, 1) + ints_bound(n, 4) + 2 * (1 + ints_bound(n, 8));
    char *memory = malloc(n * (8 + 8 + 4 + sizeof(struct text) + 1));
    if (!memory || buffer_reserve(column, bound) < 0) {
        free(memory);
        return -ENOMEM;
    }
    struct scratch scratch = {.ints = (int64_t *)memory};
    scratch.values = (double *)(scratch.ints + n);
    scratch.texts = (struct text *)(scratch.values + n);
    scratch.numbers = (uint32_t *)(scratch.texts + n);
    scratch.bytes = (uint8_t *)(scratch.numbers + n);
    int r = put_places(column, (const struct place *)encoder->places.data, n, &scratch);
    free(memory);
    return r < 0 ? r : encoder_add_column(encoder, SECTION_PLACES);
}

int encoder_add_places(struct store_encoder *encoder)
{
    const struct rows *rows = &encoder->rows;
    if (encoder->n_places == 0)
        return 0;
    int r = add_dict(encoder);
    if (r == 0)
        r = encoder_add_u32(encoder, SECTION_PLACE, rows->place);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_GEO_FROM, rows->geo_from);
    if (r == 0)
        r = encoder_add_u32(encoder, SECTION_GEO_OFF, rows->geo_off);
    if (r == 0)
        r = encoder_add_u8(encoder, SECTION_GEO_LEN, rows->geo_len);
    return r;
}
