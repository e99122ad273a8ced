/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "record/pool.h"

static struct batch_pool *pool;

static int make_pool(void **state)
{
    const struct batch_pool_options options = {
        .budget_bytes = 2 * batch_bytes(4096, 32), .capacity = 4096, .max_records = 32};
    return batch_pool_new(&options, &pool);
}

static int free_pool(void **state)
{
    pool = batch_pool_free(pool);
    return 0;
}

static struct peer peer_of(uint8_t last, uint16_t port)
{
    return (struct peer){
        .address = {[10] = 0xff, [11] = 0xff, [12] = 192, [15] = last}, .port = port, .family = 4};
}

static void a_sender_is_one_peer(void **state)
{
    struct batch *batch = batch_pool_take(pool);
    struct peer a = peer_of(1, 514), b = peer_of(2, 514), a_again = peer_of(1, 515);
    assert_int_equal(batch_add_peer(batch, &a), 0);
    assert_int_equal(batch_add_peer(batch, &a), 0);
    assert_int_equal(batch_add_peer(batch, &b), 1);
    assert_int_equal(batch_add_peer(batch, &a), 0);
    assert_int_equal(batch_add_peer(batch, &a_again), 2);
    assert_int_equal(batch->n_peers, 3);
    batch_pool_put(pool, batch);
}

static void as_many_peers_as_records(void **state)
{
    struct batch *batch = batch_pool_take(pool);
    for (unsigned i = 0; batch_has_record_room(batch); i++) {
        struct peer peer = peer_of((uint8_t)i, 514);
        batch_add_record(batch, 0, 0, batch_add_peer(batch, &peer), 0);
    }
    assert_int_equal(batch->n_records, 32);
    assert_int_equal(batch->n_peers, 32);
    batch_pool_put(pool, batch);
}

static void a_new_record_knows_nothing(void **state)
{
    struct batch *batch = batch_pool_take(pool);
    memcpy(batch->bytes, "hello", 5);
    struct record *record = batch_add_record(batch, 0, 5, 0, 1700000000000000);
    assert_memory_equal(batch_text(batch, record->line).data, "hello", 5);
    assert_int_equal(record->facility, RECORD_NO_FACILITY);
    assert_int_equal(record->severity, RECORD_NO_SEVERITY);
    assert_int_equal(record->place, 0);
    assert_int_equal(record->message.len, 0);
    assert_int_equal(record->received_us, 1700000000000000);
    batch_pool_put(pool, batch);
}

static void a_drop_covers_all_lines(void **state)
{
    struct batch *batch = batch_pool_take(pool);
    batch_add_record(batch, 0, 0, 0, 0);
    batch_add_record(batch, 0, 0, 0, 0);
    batch_drop(batch, STAGE_ENRICH, DROP_QUEUE_FULL);
    assert_int_equal(batch->n_dropped, 2);
    assert_int_equal(batch->n_stored, 0);
    assert_int_equal(batch->dropped_at, STAGE_ENRICH);
    assert_int_equal(batch->dropped_for, DROP_QUEUE_FULL);
    batch_pool_put(pool, batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sender_is_one_peer, make_pool, free_pool),
        cmocka_unit_test_setup_teardown(as_many_peers_as_records, make_pool, free_pool),
        cmocka_unit_test_setup_teardown(a_new_record_knows_nothing, make_pool, free_pool),
        cmocka_unit_test_setup_teardown(a_drop_covers_all_lines, make_pool, free_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
