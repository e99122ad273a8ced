/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "daemon/ledger.h"

static struct ledger ledger;
static struct ledger_input inputs[2];
static struct ledger_totals totals;

static int setup(void **state)
{
    return ledger_init(&ledger, 2);
}

static int teardown(void **state)
{
    ledger_deinit(&ledger);
    ledger_deinit(&ledger); /* legal twice */
    return 0;
}

static struct batch batch_of(uint16_t input, uint32_t n_records)
{
    return (struct batch){.input = input, .n_records = n_records};
}

static void lines_come_in_and_go_out(void **state)
{
    struct batch batch = batch_of(1, 10);
    ledger_receive(&ledger, &batch, 1000, 2);
    ledger_read(&ledger, inputs, &totals);
    assert_int_equal(totals.received, 10);
    assert_int_equal(totals.in_flight, 10);
    assert_int_equal(totals.residual, 0);
    assert_int_equal(inputs[1].bytes, 1000);
    assert_int_equal(inputs[1].cut, 2);
    assert_int_equal(inputs[0].received, 0);

    batch.n_stored = 10;
    ledger_settle(&ledger, &batch);
    ledger_read(&ledger, inputs, &totals);
    assert_int_equal(totals.stored, 10);
    assert_int_equal(totals.in_flight, 0);
    assert_int_equal(totals.residual, 0);
}

static void a_drop_has_a_stage_and_a_reason(void **state)
{
    struct batch batch = batch_of(0, 7);
    ledger_receive(&ledger, &batch, 70, 0);
    batch_drop(&batch, STAGE_ENRICH, DROP_QUEUE_FULL);
    ledger_settle(&ledger, &batch);
    ledger_refuse(&ledger, 0, DROP_EMPTY, 3, 0);
    ledger_read(&ledger, inputs, &totals);
    assert_int_equal(inputs[0].dropped[STAGE_ENRICH][DROP_QUEUE_FULL], 7);
    assert_int_equal(inputs[0].dropped[STAGE_INPUT][DROP_EMPTY], 3);
    assert_int_equal(ledger_input_dropped(&inputs[0]), 10);
    assert_int_equal(totals.received, 10);
    assert_int_equal(totals.dropped, 10);
    assert_int_equal(totals.residual, 0);
}

static void a_line_without_an_outcome_shows(void **state)
{
    struct batch batch = batch_of(0, 5);
    ledger_receive(&ledger, &batch, 50, 0);
    batch.n_stored = 4;
    ledger_settle(&ledger, &batch);
    ledger_read(&ledger, inputs, &totals);
    assert_int_equal(totals.residual, 1);
}

static void an_unused_batch_is_nothing(void **state)
{
    struct batch batch = batch_of(0, 0);
    ledger_settle(&ledger, &batch);
    ledger_read(&ledger, inputs, &totals);
    assert_int_equal(totals.received, 0);
    assert_int_equal(totals.residual, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_come_in_and_go_out, setup, teardown),
        cmocka_unit_test_setup_teardown(a_drop_has_a_stage_and_a_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(a_line_without_an_outcome_shows, setup, teardown),
        cmocka_unit_test_setup_teardown(an_unused_batch_is_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
