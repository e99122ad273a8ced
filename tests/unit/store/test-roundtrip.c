/* SPDX-License-Identifier: MIT */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "store/encoder.h"

/* Appends the batches as one block and reads it back, whole and column by column. */
static void check_block(struct fixture *fixture, struct batch **batches, size_t n_batches)
{
    struct store *store;
    struct store_encoder *encoder;
    struct store_reader *reader;
    struct store_block_info info;
    struct store_row row;
    struct store_reader_options options = {fixture->path, fixture_report, fixture};
    size_t n_rows = 0;
    assert_int_equal(store_open(&fixture->options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    assert_int_equal(store_reader_open(&options, &reader), 0);
    assert_int_equal(store_reader_seek(reader, UINT64_MAX), 0);
    assert_int_equal(store_encode(encoder, batches, n_batches), 0);
    assert_int_equal(store_append(store, encoder), 0);
    assert_int_equal(store_reader_next(reader, false, &info), 1);
    assert_int_equal(store_reader_load(reader, STORE_ALL), 0);
    for (size_t b = 0; b < n_batches; b++)
        for (uint32_t i = 0; i < batches[b]->n_records; i++) {
            const struct record *record = &batches[b]->records[i];
            store_reader_row(reader, (uint32_t)n_rows, &row);
            assert_int_equal(row.id, info.first_id + n_rows++);
            assert_row(&row, batches[b], record, fixture->options.inputs[batches[b]->input]);
            assert_true(info.min_time_ns <= record->time_ns && record->time_ns <= info.max_time_ns);
            assert_true(info.severities & (record->severity < 8 ? 1u << record->severity : 256));
            assert_true(info.facilities &
                        (record->facility < 24 ? 1u << record->facility : 1u << 24));
        }
    assert_int_equal(info.n_rows, n_rows);
    assert_int_equal(store_reader_next(reader, false, &info), 0);
    store_reader_close(reader);
    store_encoder_free(encoder);
    store_close(store);
    assert_int_equal(fixture->n_reports, 0);
}

static void every_field_comes_back(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    for (unsigned round = 0; round < 60; round++) {
        struct batch *batches[4];
        size_t n_batches = 1 + fixture_random(&fixture, 4);
        for (size_t i = 0; i < n_batches; i++)
            batches[i] = batch_of_oddities(&fixture, 1 + fixture_random(&fixture, 300));
        check_block(&fixture, batches, n_batches);
        for (size_t i = 0; i < n_batches; i++)
            batch_destroy(batches[i]);
    }
    fixture_deinit(&fixture);
}

static void one_row(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    for (unsigned round = 0; round < 50; round++) {
        struct batch *batch = batch_of_oddities(&fixture, 1);
        check_block(&fixture, &batch, 1);
        batch_destroy(batch);
    }
    fixture_deinit(&fixture);
}

/* Every row its own stream, then all rows of one. */
static void most_rows(void **state)
{
    struct fixture fixture;
    fixture_init(&fixture);
    for (unsigned own = 0; own < 2; own++) {
        struct batch *batch = batch_make(STORE_MAX_ROWS * 8, STORE_MAX_ROWS);
        struct peer peer = {0};
        for (uint32_t i = 0; i < STORE_MAX_ROWS; i++) {
            struct record *record =
                batch_add_record(batch, batch->used, 4, batch_add_peer(batch, &peer), T0_US - i);
            record->host = batch_put_text(batch, &i, own ? 4 : 0);
            record->message = batch_put_text(batch, &i, 4);
        }
        check_block(&fixture, &batch, 1);
        batch_destroy(batch);
    }
    fixture_deinit(&fixture);
}

static void huge_line_and_every_byte(void **state)
{
    struct fixture fixture;
    struct batch *batch = batch_make(9u << 20, 4);
    struct peer peer = {0};
    uint8_t *text = malloc(8u << 20);
    fixture_init(&fixture);
    for (size_t i = 0; i < 8u << 20; i++)
        text[i] = (uint8_t)(i < 256 ? i : fixture_random(&fixture, 256));
    batch_add_record(batch, 0, 8u << 20, batch_add_peer(batch, &peer), T0_US)->message =
        batch_put_text(batch, text, 8u << 20);
    batch_add_record(batch, batch->used, 0, 0, T0_US);
    check_block(&fixture, &batch, 1);
    free(text);
    batch_destroy(batch);
    fixture_deinit(&fixture);
}

/* Texts of this column in the later batches only: the rows before have none. */
static void a_column_that_begins_late(void **state)
{
    struct fixture fixture;
    struct batch *batches[3];
    fixture_init(&fixture);
    for (unsigned i = 0; i < 3; i++)
        batches[i] = batch_of_lines(i * 100, 100, T0_US + i * 100);
    batches[1]->records[50].sd = batch_put_text(batches[1], "[a b=\"1\"]", 9);
    for (unsigned i = 0; i < 100; i++)
        batches[2]->records[i].msgid = batch_put_text(batches[2], "ID7", 3);
    check_block(&fixture, batches, 3);
    for (unsigned i = 0; i < 3; i++)
        batch_destroy(batches[i]);
    fixture_deinit(&fixture);
}

/* An encoder holds what was ended well, and nothing else. */
static void begun_and_ended(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    fixture_init(&fixture);
    struct batch *batch = batch_of_lines(0, 40, T0_US), *many = batch_of_lines(40, 65500, T0_US);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    assert_int_equal(store_append(store, encoder), 0);
    assert_int_equal(store_encode_begin(encoder), 0);
    assert_int_equal(store_encode_add(encoder, batch), 0);
    assert_int_equal(store_append(store, encoder), 0); /* not ended: not held */
    assert_int_equal(store_encode_add(encoder, many), -E2BIG);
    assert_int_equal(store_encode_add(encoder, batch), -E2BIG);
    assert_int_equal(store_encode_end(encoder), -E2BIG);
    assert_int_equal(store_append(store, encoder), 0);
    assert_int_equal(store_encode_begin(encoder), 0);
    assert_int_equal(store_encode_end(encoder), 0); /* of no rows */
    assert_int_equal(store_append(store, encoder), 0);
    assert_int_equal(store_encode(encoder, &many, 1), 0);
    assert_int_equal(store_encode(encoder, &batch, 1), 0); /* drops what was held */
    assert_int_equal(store_append(store, encoder), 0);
    assert_int_equal(store_append(store, encoder), 0);
    store_encoder_free(encoder);
    store_close(store);
    assert_lines(&fixture, 0, 40);
    batch_destroy(batch);
    batch_destroy(many);
    fixture_deinit(&fixture);
}

static void too_many_rows(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    fixture_init(&fixture);
    struct batch *batch = batch_of_lines(0, 40000, T0_US), *twice[] = {batch, batch};
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    assert_int_equal(store_encode(encoder, twice, 2), -E2BIG);
    assert_int_equal(store_append(store, encoder), 0); /* holds nothing */
    assert_int_equal(store_encode(encoder, NULL, 0), 0);
    assert_int_equal(store_append(store, encoder), 0);
    append_batch(store, encoder, batch);
    store_encoder_free(encoder);
    store_close(store);
    assert_lines(&fixture, 0, 40000);
    batch_destroy(batch);
    fixture_deinit(&fixture);
}

/* A part of the columns, in any order and repeatedly, is the same as those of all; others are zero.
 */
static void columns_one_by_one(void **state)
{
    struct fixture fixture;
    struct store *store;
    struct store_encoder *encoder;
    struct store_reader *reader;
    struct store_block_info info;
    fixture_init(&fixture);
    struct store_reader_options options = {fixture.path, fixture_report, &fixture};
    struct batch *batch = batch_of_oddities(&fixture, 200);
    assert_int_equal(store_open(&fixture.options, &store), 0);
    assert_int_equal(store_encoder_new(store, &encoder), 0);
    append_batch(store, encoder, batch);
    assert_int_equal(store_reader_open(&options, &reader), 0);
    for (unsigned round = 0; round < 100; round++) {
        assert_int_equal(store_reader_seek(reader, 0), 0);
        assert_int_equal(store_reader_next(reader, false, &info), 1);
        for (unsigned load = 0; load < 3; load++) {
            uint32_t columns = round < 14 ? 1u << round : fixture_random(&fixture, STORE_ALL + 1);
            assert_int_equal(store_reader_load(reader, columns), 0);
            for (uint32_t i = 0; i < 200; i++) {
                struct store_row row;
                const struct record *record = &batch->records[i];
                store_reader_row(reader, i, &row);
                assert_int_equal(row.time_ns, columns & STORE_TIME ? record->time_ns : 0);
                assert_int_equal(row.received_us,
                                 columns & STORE_RECEIVED ? record->received_us : 0);
                assert_int_equal(row.message.len,
                                 columns & STORE_MESSAGE ? record->message.len : 0);
                assert_int_equal(row.sd.len, columns & STORE_SD ? record->sd.len : 0);
                assert_int_equal(row.has_place,
                                 columns & (STORE_GEO | STORE_PLACE) ? record->place > 0 : 0);
                if (row.message.len)
                    assert_memory_equal(row.message.data, batch->bytes + record->message.off,
                                        row.message.len);
            }
        }
    }
    store_reader_close(reader);
    store_encoder_free(encoder);
    store_close(store);
    batch_destroy(batch);
    fixture_deinit(&fixture);
}

static size_t text_encoder_holds(const struct text_encoder *texts)
{
    return (texts->known.mask + 1) * sizeof(struct intern_slot) + texts->bytes.capacity +
           texts->rows.capacity + texts->index.capacity + texts->vars.capacity +
           texts->columns.capacity + texts->slot_texts.capacity + texts->dict.capacity + texts->plain.capacity + texts->dense.capacity;
}

static size_t encoder_holds(const struct store_encoder *encoder)
{
    const struct buffer *buffers[] = {
        &encoder->sources, &encoder->maps,    &encoder->streams, &encoder->hosts,   &encoder->apps,
        &encoder->peers,   &encoder->places,  &encoder->column,  &encoder->group,   &encoder->out,
        &encoder->whole,
    };
    const struct intern *tables[] = {&encoder->streams_table, &encoder->hosts_table,
                                     &encoder->apps_table, &encoder->peers_table,
                                     &encoder->places_table};
    size_t n_bytes = ZSTD_sizeof_CCtx(encoder->zstd) + rows_bytes(encoder->rows.capacity) +
                     encoder->filter.capacity * sizeof(uint64_t);
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        n_bytes += text_encoder_holds(&encoder->texts[i]);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++)
        n_bytes += buffers[i]->capacity;
    for (size_t i = 0; i < 5; i++)
        n_bytes += (tables[i]->mask + 1) * sizeof(struct intern_slot);
    return n_bytes;
}

/* The promise that memory is bounded counts on this figure. */
static void encoder_holds_what_it_says(void **state)
{
    struct fixture fixture;
    struct store_encoder *encoder;
    size_t max_bytes = 0, max_rows = 0;
    fixture_init(&fixture);
    assert_int_equal(encoder_new(&fixture.options, &encoder), 0);
    for (unsigned round = 0; round < 20; round++) {
        struct batch *batch = batch_of_oddities(&fixture, 1 + fixture_random(&fixture, 3000));
        assert_int_equal(store_encode(encoder, &batch, 1), 0);
        max_bytes = batch->used > max_bytes ? batch->used : max_bytes;
        max_rows = batch->n_records > max_rows ? batch->n_records : max_rows;
        assert_true(encoder_holds(encoder) <= store_encoder_bytes(max_bytes, max_rows));
        batch_destroy(batch);
    }
    store_encoder_free(encoder);
    fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_back),
        cmocka_unit_test(one_row),
        cmocka_unit_test(most_rows),
        cmocka_unit_test(huge_line_and_every_byte),
        cmocka_unit_test(a_column_that_begins_late),
        cmocka_unit_test(begun_and_ended),
        cmocka_unit_test(too_many_rows),
        cmocka_unit_test(columns_one_by_one),
        cmocka_unit_test(encoder_holds_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
