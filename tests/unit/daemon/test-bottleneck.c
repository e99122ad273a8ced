/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/bottleneck.h"

#define SECOND 1000000000ll

static struct boom_stage_stats stages[N_PIPELINE_STAGES];
static struct batch_pool_stats memory;
static struct bottleneck_inputs inputs;

static int setup(void **state)
{
    memory = (struct batch_pool_stats){.budget_bytes = 100 << 20};
    inputs = (struct bottleneck_inputs){.blocking_batches = 16};
    for (int i = 0; i < N_PIPELINE_STAGES; i++)
        stages[i] = (struct boom_stage_stats){
            .name = stage_name(STAGE_PARSE + i), .queue.capacity = 256, .workers = 2};
    return 0;
}

static void none_when_queues_are_short(void **state)
{
    struct bottleneck b = {0};
    bottleneck_update(&b, stages, &memory, &inputs, SECOND);
    assert_string_equal(b.text, "none");
}

static void the_last_full_queue_names_it(void **state)
{
    struct bottleneck b = {0};
    stages[PIPELINE_PARSE].queue.length = 256;
    stages[PIPELINE_ENRICH].queue.length = 192;
    bottleneck_update(&b, stages, &memory, &inputs, SECOND);
    stages[PIPELINE_ENRICH].busy_ns = 19 * SECOND / 10;
    bottleneck_update(&b, stages, &memory, &inputs, 2 * SECOND);
    assert_non_null(strstr(b.text, "enrich: its queue is 75 % full, its 2 workers are 95 % busy"));
}

static void memory_comes_after_the_queues(void **state)
{
    struct bottleneck b = {0};
    memory.used_bytes = 95 << 20;
    bottleneck_update(&b, stages, &memory, &inputs, SECOND);
    assert_non_null(strstr(b.text, "memory: 95 of 100 MiB"));
    stages[PIPELINE_STORE].queue.length = 256;
    bottleneck_update(&b, stages, &memory, &inputs, 2 * SECOND);
    assert_non_null(strstr(b.text, "store: "));
}

static void kernel_drops_of_the_last_second(void **state)
{
    struct bottleneck b = {0};
    inputs.kernel_dropped = 100;
    bottleneck_update(&b, stages, &memory, &inputs, SECOND);
    inputs.kernel_dropped = 142;
    bottleneck_update(&b, stages, &memory, &inputs, 2 * SECOND);
    assert_non_null(strstr(b.text, "the kernel dropped 42 datagrams"));
    bottleneck_update(&b, stages, &memory, &inputs, 3 * SECOND);
    assert_string_equal(b.text, "none");
}

/* An input that blocks never fills a queue of 256, however slow the store is. */
static void a_queue_is_full_of_what_may_be_in_flight(void **state)
{
    struct bottleneck b = {0};
    stages[PIPELINE_STORE].queue.length = 12;
    bottleneck_update(&b, stages, &memory, &inputs, SECOND);
    assert_string_equal(b.text, "none");
    inputs.pauses = 3;
    bottleneck_update(&b, stages, &memory, &inputs, 2 * SECOND);
    assert_non_null(strstr(b.text, "store: its queue is 75 % full"));
    stages[PIPELINE_STORE].queue.length = 20;
    inputs.pauses = 4;
    bottleneck_update(&b, stages, &memory, &inputs, 3 * SECOND);
    assert_non_null(strstr(b.text, "store: its queue is 100 % full"));
    bottleneck_update(&b, stages, &memory, &inputs, 4 * SECOND);
    assert_string_equal(b.text, "none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(none_when_queues_are_short, setup),
        cmocka_unit_test_setup(the_last_full_queue_names_it, setup),
        cmocka_unit_test_setup(memory_comes_after_the_queues, setup),
        cmocka_unit_test_setup(kernel_drops_of_the_last_second, setup),
        cmocka_unit_test_setup(a_queue_is_full_of_what_may_be_in_flight, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
