/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/budget.h"
#include "daemon/receiver.h"
#include "daemon/stages.h"
#include "record/batch.h"

#define MIB ((uint64_t)1 << 20)

static struct config_input input;
static struct config config;
static struct budget budget;
static size_t least;

static int setup(void **state)
{
    input = (struct config_input){.name = (char *)"net", .max_line = 64 << 10};
    config = (struct config){.workers = 2, .memory = 256 * MIB, .inputs = &input, .n_inputs = 1};
    config.store_stage = (struct config_stage){.workers_min = 1, .workers_max = 2, .queue = 256};
    memset(&budget, 0, sizeof(budget));
    return 0;
}

static size_t all_parts(void)
{
    size_t encoder =
        store_encoder_bytes(budget.run_bytes + budget.batch_bytes,
                            stages_run_records(budget.run_bytes, budget.batch_records));
    return 2 * encoder + 2 * receiver_bytes(budget.datagrams, input.max_line) + budget.carry_bytes +
           budget.pool_bytes;
}

static void the_parts_are_the_whole(void **state)
{
    static const uint64_t sizes[] = {32 * MIB, 127 * MIB, 128 * MIB, 256 * MIB, 4096 * MIB};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        config.memory = sizes[i];
        assert_int_equal(budget_divide(&config, &budget, &least), 0);
        assert_true(all_parts() <= config.memory);
        assert_true(all_parts() > config.memory - MIB);
    }
}

static void a_run_fits_into_a_block(void **state)
{
    config.memory = 16384 * MIB;
    assert_int_equal(budget_divide(&config, &budget, &least), 0);
    assert_true(stages_run_records(budget.run_bytes, budget.batch_records) <= STORE_MAX_ROWS);
}

static void each_lane_has_a_batch(void **state)
{
    struct config_input inputs[10];
    for (size_t i = 0; i < 10; i++)
        inputs[i] = input;
    config.inputs = inputs;
    config.n_inputs = 10;
    config.memory = 1 * MIB;
    assert_int_equal(budget_divide(&config, &budget, &least), -ENOSPC);
    config.memory = least + MIB;
    assert_int_equal(budget_divide(&config, &budget, &least), 0);
    size_t n_batches = budget.pool_bytes / batch_bytes(budget.batch_bytes, budget.batch_records);
    assert_true(n_batches >= config.n_inputs * budget_receivers(&config));
    assert_true(budget.run_batches >= 2 && budget.run_batches <= n_batches / 4);
}

static size_t n_batches(void)
{
    return budget.pool_bytes / batch_bytes(budget.batch_bytes, budget.batch_records);
}

static void inputs_that_block_leave_half_to_others(void **state)
{
    struct config_input inputs[10];
    for (size_t i = 0; i < 10; i++) {
        inputs[i] = input;
        inputs[i].on_full = i < 8 ? ON_FULL_BLOCK : ON_FULL_DROP;
    }
    config.inputs = inputs;
    config.n_inputs = 10;
    for (config.memory = 64 * MIB; config.memory <= 1024 * MIB; config.memory *= 2) {
        assert_int_equal(budget_divide(&config, &budget, &least), 0);
        assert_true(budget.blocking_batches > config.workers);
        assert_true(8 * budget.blocking_batches + 2 * config.workers <= n_batches());
    }
    /* However much there is: what is in flight is to stay warm. */
    assert_true(budget.blocking_batches * budget.batch_bytes <= 8 * MIB);
    assert_true(budget.blocking_batches * budget.batch_bytes >= 2 * budget.run_bytes);
}

static void the_longest_line_fits_twice(void **state)
{
    input.max_line = 1 << 20;
    assert_int_equal(budget_divide(&config, &budget, &least), 0);
    assert_true(budget.batch_bytes >= 2 * input.max_line);
}

static void too_little_says_how_much(void **state)
{
    config.memory = 4 * MIB;
    assert_int_equal(budget_divide(&config, &budget, &least), -ENOSPC);
    assert_true(least > config.memory);
    config.memory = least + MIB;
    assert_int_equal(budget_divide(&config, &budget, &least), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_parts_are_the_whole, setup),
        cmocka_unit_test_setup(a_run_fits_into_a_block, setup),
        cmocka_unit_test_setup(each_lane_has_a_batch, setup),
        cmocka_unit_test_setup(inputs_that_block_leave_half_to_others, setup),
        cmocka_unit_test_setup(the_longest_line_fits_twice, setup),
        cmocka_unit_test_setup(too_little_says_how_much, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
