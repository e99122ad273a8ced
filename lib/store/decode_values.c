/* SPDX-License-Identifier: MIT */
#include "store/block.h"

#include "store/ints.h"

/* The other side of encode_time.c, encode_dicts.c and encode_geo.c, where the layouts are
 * described. */

static int64_t plus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t times(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

int block_decode_received(struct block *block)
{
    struct cursor bytes;
    uint64_t first;
    int64_t *received = block->received_us;
    uint32_t n_rows = block->header.info.n_rows;
    int r = block_section(block, SECTION_RECEIVED, &block->scratch, &bytes);
    if (r < 0)
        return r;
    if (r == 0 || cursor_varint(&bytes, &first) < 0 || ints_get_i64(&bytes, received, n_rows) < 0)
        return -EBADMSG;
    received[0] = unzigzag(first);
    for (uint32_t i = 1; i < n_rows; i++)
        received[i] = plus(received[i], received[i - 1]);
    return 0;
}

static int64_t floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static bool is_left_out(const struct block *block, uint32_t row, uint8_t mode)
{
    return (mode & TIME_SKIPS_FLAGGED) &&
           (block->flags[block->position[row]] & RECORD_TIME_RECEIVED);
}

/* Steps become times, from the back to the front of the array where rows were left out. */
static void spread_times(struct block *block, uint8_t mode, int64_t unit_ns, int64_t first,
                         const int64_t *steps)
{
    int64_t value = first;
    for (uint32_t i = 0; i < block->header.info.n_rows; i++) {
        int64_t reception_ns = times(block->received_us[i], 1000);
        if (is_left_out(block, i, mode)) {
            block->time_ns[i] = reception_ns;
        } else if (mode & TIME_FROM_RECEIVED) {
            value = plus(plus(first, *steps++), floor_div(reception_ns, unit_ns));
            block->time_ns[i] = times(value, unit_ns);
        } else {
            value = plus(value, *steps++);
            block->time_ns[i] = times(value, unit_ns);
        }
    }
}

int block_decode_time(struct block *block)
{
    static const int64_t unit_ns[] = {[0] = 1, [3] = 1000, [6] = 1000000, [9] = 1000000000};
    struct cursor bytes;
    struct buffer steps = {0};
    uint64_t first;
    uint32_t n = 0;
    int r = block_section(block, SECTION_TIME, &block->scratch, &bytes);
    if (r < 0)
        return r;
    const uint8_t *head = r ? cursor_take(&bytes, 2) : NULL;
    if (!head || head[1] > 9 || head[1] % 3 != 0 || cursor_varint(&bytes, &first) < 0)
        return -EBADMSG;
    for (uint32_t i = 0; i < block->header.info.n_rows; i++)
        n += !is_left_out(block, i, head[0]);
    if (buffer_reserve(&steps, (n + 1) * sizeof(int64_t)) < 0)
        return -ENOMEM;
    r = ints_get_i64(&bytes, (int64_t *)steps.data, n);
    if (r == 0)
        spread_times(block, head[0], unit_ns[head[1]], unzigzag(first),
                     (const int64_t *)steps.data);
    buffer_deinit(&steps);
    return r;
}

int block_decode_texts(struct block *block, struct cursor *bytes, uint32_t n, struct dict *dict)
{
    struct buffer lens_buffer = {0};
    dict->texts.len = 0;
    if (buffer_reserve(&dict->texts, n * sizeof(struct text)) < 0 ||
        buffer_reserve(&lens_buffer, n * sizeof(uint32_t)) < 0) {
        buffer_deinit(&lens_buffer);
        return -ENOMEM;
    }
    uint32_t *lens = (uint32_t *)lens_buffer.data;
    struct text *texts = (struct text *)dict->texts.data;
    int r = ints_get_u32(bytes, lens, n, MAX_SECTION_BYTES);
    for (uint32_t i = 0; r == 0 && i < n; i++) {
        const uint8_t *data = cursor_take(bytes, lens[i]);
        texts[i] = (struct text){(const char *)data, lens[i]};
        r = data ? 0 : -EBADMSG;
    }
    dict->n = n;
    buffer_deinit(&lens_buffer);
    return r;
}

/* How many entries a dictionary says it has: no more than there are rows. */
static int get_count(const struct block *block, struct cursor *bytes, uint32_t *ret_n)
{
    uint64_t n;
    if (cursor_varint(bytes, &n) < 0 || n == 0 || n > block->header.info.n_rows)
        return -EBADMSG;
    *ret_n = (uint32_t)n;
    return 0;
}

int block_decode_dict(struct block *block, enum section_id id, struct dict *dict)
{
    struct cursor bytes;
    uint32_t n;
    int r = block_section(block, id, &dict->raw, &bytes);
    if (r < 0)
        return r;
    if (r == 0 || get_count(block, &bytes, &n) < 0)
        return -EBADMSG;
    return block_decode_texts(block, &bytes, n, dict);
}

int block_decode_peers(struct block *block)
{
    struct cursor bytes;
    uint32_t n;
    int r = block_section(block, SECTION_PEERS, &block->scratch, &bytes);
    if (r < 0)
        return r;
    if (r == 0 || get_count(block, &bytes, &n) < 0)
        return -EBADMSG;
    const uint8_t *planes = cursor_take(&bytes, 19 * (size_t)n);
    if (!planes)
        return -EBADMSG;
    block->peers.len = 0;
    if (buffer_reserve(&block->peers, n * sizeof(struct peer)) < 0)
        return -ENOMEM;
    struct peer *peers = (struct peer *)block->peers.data;
    for (uint32_t i = 0; i < n; i++) {
        for (unsigned byte = 0; byte < 16; byte++)
            peers[i].address[byte] = planes[byte * n + i];
        peers[i].port = (uint16_t)(planes[16 * n + i] | planes[17 * n + i] << 8);
        peers[i].family = planes[18 * n + i];
    }
    block->n_peers = n;
    return 0;
}

static double coordinate(uint8_t form, int64_t number)
{
    double value;
    if (form == 1)
        return (double)number / 10000;
    if (form == 2) {
        float narrow;
        int32_t bits = (int32_t)number;
        memcpy(&narrow, &bits, sizeof(narrow));
        return narrow;
    }
    memcpy(&value, &number, sizeof(value));
    return value;
}

static int get_coordinates(struct cursor *bytes, int64_t *numbers, uint32_t n, double *values)
{
    const uint8_t *form = cursor_take(bytes, 1);
    if (!form || *form > 2 || ints_get_i64(bytes, numbers, n) < 0)
        return -EBADMSG;
    for (uint32_t i = 0; i < n; i++)
        values[i] = coordinate(*form, numbers[i]);
    return 0;
}

struct place_columns {
    double *lat, *lon;
    int64_t *numbers;
    uint32_t *asn;
    uint8_t *has_location;
};

static int get_places(struct block *block, struct cursor *bytes, uint32_t n,
                      const struct place_columns *columns)
{
    const uint8_t *countries = cursor_take(bytes, 2 * (size_t)n);
    if (!countries || ints_get_u8(bytes, columns->has_location, n, 1) < 0 ||
        ints_get_u32(bytes, columns->asn, n, UINT32_MAX) < 0 ||
        get_coordinates(bytes, columns->numbers, n, columns->lat) < 0 ||
        get_coordinates(bytes, columns->numbers, n, columns->lon) < 0)
        return -EBADMSG;
    int r = block_decode_texts(block, bytes, n, &block->cities);
    if (r == 0)
        r = block_decode_texts(block, bytes, n, &block->regions);
    if (r == 0)
        r = block_decode_texts(block, bytes, n, &block->orgs);
    if (r < 0)
        return r;
    struct place *places = (struct place *)block->places.data;
    for (uint32_t i = 0; i < n; i++)
        places[i] = (struct place){
            .city = ((const struct text *)block->cities.texts.data)[i],
            .region = ((const struct text *)block->regions.texts.data)[i],
            .org = ((const struct text *)block->orgs.texts.data)[i],
            .lat = columns->lat[i],
            .lon = columns->lon[i],
            .asn = columns->asn[i],
            .country = {(char)countries[i], (char)countries[n + i]},
            .has_location = columns->has_location[i],
        };
    return 0;
}

int block_decode_places(struct block *block)
{
    struct cursor bytes;
    uint32_t n;
    block->n_places = 0;
    int r = block_section(block, SECTION_PLACES, &block->places_raw, &bytes);
    if (r <= 0)
        return r;
    if (get_count(block, &bytes, &n) < 0)
        return -EBADMSG;
    block->places.len = 0;
    char *memory = malloc(n * (2 * sizeof(double) + sizeof(int64_t) + sizeof(uint32_t) + 1));
    if (!memory || buffer_reserve(&block->places, n * sizeof(struct place)) < 0) {
        free(memory);
        return -ENOMEM;
    }
    struct place_columns columns = {.lat = (double *)memory};
    columns.lon = columns.lat + n;
    columns.numbers = (int64_t *)(columns.lon + n);
    columns.asn = (uint32_t *)(columns.numbers + n);
    columns.has_location = (uint8_t *)(columns.asn + n);
    r = get_places(block, &bytes, n, &columns);
    free(memory);
    block->n_places = r < 0 ? 0 : n;
    return r;
}
