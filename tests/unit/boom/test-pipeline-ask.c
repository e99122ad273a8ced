/* SPDX-License-Identifier: MIT */
/* BOOM_FULL_ASK: a full queue whose victim a callback chooses; workers as tasks of a registry. */
#include <boom/registry.h>

#include "pipeline-test.h"

/* The first member is what recorder_ops and gated_ops know as their stage. */
struct asked {
    struct recorder recorder;
    size_t answer;
    uintptr_t newcomer, queued[8];
    size_t n_queued;
    unsigned n_asked;
};

static size_t answer(void *stage, const void *const *queued, size_t n_queued, const void *newcomer)
{
    struct asked *asked = stage;

    asked->n_asked++;
    asked->newcomer = (uintptr_t)newcomer;
    asked->n_queued = n_queued;
    for (size_t i = 0; i < n_queued; i++)
        asked->queued[i] = (uintptr_t)queued[i];
    return asked->answer;
}

/* Those that end in 0 must not go. */
static enum boom_full_policy policy(void *stage, const void *item)
{
    return (uintptr_t)item % 10 == 0 ? BOOM_FULL_BLOCK : BOOM_FULL_ASK;
}

static struct boom_stage_options ask_options(struct asked *asked)
{
    struct boom_stage_options options;

    memset(asked, 0, sizeof(*asked));
    recorder_init(&asked->recorder);
    options = recorder_options(&asked->recorder);
    options.ops = &gated_ops;
    options.arg = asked;
    options.queue = 3;
    options.on_full = BOOM_FULL_ASK;
    options.choose_victim = answer;
    return options;
}

/* 1 is being worked on; then the queue is filled with items. */
static struct boom_pipeline *
start_full(struct asked *asked, const struct boom_stage_options *options, const uintptr_t *items)
{
    struct boom_pipeline *p;

    assert_int_equal(boom_pipeline_start(NULL, options, 1, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    wait_sem(&asked->recorder.entered);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(boom_pipeline_submit(p, NULL, (void *)items[i]), 0);
    return p;
}

static void finish(struct asked *asked, struct boom_pipeline *p, const uintptr_t *left)
{
    struct boom_stage_stats stats;

    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    for (unsigned i = 0; i < 4; i++)
        sem_post(&asked->recorder.gate);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_get_stats(p, 0, &stats);
    assert_law(&stats);
    boom_pipeline_free(p);
    assert_int_equal(asked->recorder.n_left, 4);
    assert_memory_equal(asked->recorder.left, left, 4 * sizeof(*left));
    recorder_deinit(&asked->recorder);
}

static void test_needs_a_callback(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p;

    options.choose_victim = NULL;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), -EINVAL);
    options.on_full = (enum boom_full_policy)(BOOM_FULL_ASK + 1);
    options.choose_victim = answer;
    assert_int_equal(boom_pipeline_start(NULL, &options, 1, &p), -EINVAL);
    recorder_deinit(&asked.recorder);
}

static void test_the_chosen_one_goes(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p = start_full(&asked, &options, (uintptr_t[]){11, 21, 31});

    assert_int_equal(asked.n_asked, 0);
    asked.answer = 1;
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)41), 0);
    assert_int_equal(asked.n_asked, 1);
    assert_int_equal(asked.newcomer, 41);
    assert_int_equal(asked.n_queued, 3);
    assert_memory_equal(asked.queued, ((uintptr_t[]){11, 21, 31}), sizeof(uintptr_t[3]));
    assert_int_equal(recorder_dropped(&asked.recorder, 0), 21);
    asked.answer = 2;
    assert_int_equal(boom_pipeline_try_submit(p, (void *)51), 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 1), 41);
    asked.answer = 0;
    assert_int_equal(boom_pipeline_try_submit(p, (void *)61), 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 2), 11);
    finish(&asked, p, (uintptr_t[]){1, 31, 51, 61});
}

static void test_the_newcomer_may_be_chosen(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p = start_full(&asked, &options, (uintptr_t[]){11, 21, 31});

    asked.answer = 3;
    assert_int_equal(boom_pipeline_try_submit(p, (void *)41), 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 0), 41);
    asked.answer = SIZE_MAX; /* beyond: the same */
    assert_int_equal(boom_pipeline_try_submit(p, (void *)51), 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 1), 51);
    finish(&asked, p, (uintptr_t[]){1, 11, 21, 31});
}

static void test_those_that_block_are_not_offered(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p;

    options.policy = policy;
    p = start_full(&asked, &options, (uintptr_t[]){10, 11, 20});
    asked.answer = 0;
    assert_int_equal(boom_pipeline_try_submit(p, (void *)21), 0);
    assert_int_equal(asked.n_queued, 1);
    assert_int_equal(asked.queued[0], 11);
    assert_int_equal(recorder_dropped(&asked.recorder, 0), 11);
    assert_int_equal(boom_pipeline_try_submit(p, (void *)30), BOOM_CHAN_FULL);
    finish(&asked, p, (uintptr_t[]){1, 10, 20, 21});
}

static void test_nobody_to_choose_from(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p;

    options.policy = policy;
    p = start_full(&asked, &options, (uintptr_t[]){10, 20, 30});
    assert_int_equal(boom_pipeline_try_submit(p, (void *)11), 0);
    assert_int_equal(asked.n_asked, 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 0), 11);
    finish(&asked, p, (uintptr_t[]){1, 10, 20, 30});
}

static void test_policy_asks_and_nobody_answers(void **state)
{
    struct asked asked;
    struct boom_stage_options options = ask_options(&asked);
    struct boom_pipeline *p;

    options.policy = policy;
    options.on_full = BOOM_FULL_BLOCK;
    options.choose_victim = NULL;
    p = start_full(&asked, &options, (uintptr_t[]){11, 21, 31});
    assert_int_equal(boom_pipeline_try_submit(p, (void *)41), 0);
    assert_int_equal(recorder_dropped(&asked.recorder, 0), 41);
    finish(&asked, p, (uintptr_t[]){1, 11, 21, 31});
}

struct sight {
    unsigned n, n_run;
};

static void look(void *arg, const struct boom_task_info *info)
{
    struct sight *sight = arg;

    assert_string_equal(info->group, "asked");
    sight->n++;
    sight->n_run += info->doing == BOOM_DOING_RUN;
}

static void test_workers_are_tasks(void **state)
{
    struct asked asked;
    struct boom_stage_options options[2] = {ask_options(&asked)};
    struct sight sight = {.n = 0};
    struct boom_registry *registry;
    struct boom_pipeline *p;

    assert_int_equal(boom_registry_new(&registry), 0);
    options[0].name = "asked";
    options[0].registry = registry;
    options[1] = recorder_options(&asked.recorder);
    options[1].ops = &pass_ops;
    assert_int_equal(boom_pipeline_start(NULL, options, 2, &p), 0);
    assert_int_equal(boom_pipeline_submit(p, NULL, (void *)1), 0);
    wait_sem(&asked.recorder.entered);
    do {
        sight = (struct sight){.n = 0};
        assert_int_equal(boom_registry_each(registry, look, &sight), 0);
        assert_int_equal(sight.n, 2);
    } while (sight.n_run != 1); /* the other turns idle once it has begun */
    sem_post(&asked.recorder.gate);
    assert_int_equal(boom_pipeline_drain(p, NULL), 0);
    boom_pipeline_free(p);
    boom_registry_free(registry);
    recorder_deinit(&asked.recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_a_callback),
        cmocka_unit_test(test_the_chosen_one_goes),
        cmocka_unit_test(test_the_newcomer_may_be_chosen),
        cmocka_unit_test(test_those_that_block_are_not_offered),
        cmocka_unit_test(test_nobody_to_choose_from),
        cmocka_unit_test(test_policy_asks_and_nobody_answers),
        cmocka_unit_test(test_workers_are_tasks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
