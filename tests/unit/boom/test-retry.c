/* SPDX-License-Identifier: MIT */
#include <boom/retry.h>

#include "test-clock.h"

static const int64_t MS = 1000000;

/* What fn does, and what it saw. */
struct script {
    struct test_clock clock;
    struct boom_retry_options options;
    int results[64]; /* of attempt 1, 2, …; then 0 */
    unsigned n_calls;
    int64_t at_ns[64]; /* since the first */
    int64_t t0;
    uint64_t drawn; /* what random returns */
    struct boom_retry_report report;
};

static int play(struct boom_ctx *ctx, void *arg, unsigned attempt)
{
    struct script *script = arg;

    assert_int_equal(attempt, ++script->n_calls);
    assert_true(attempt < 64);
    script->at_ns[attempt - 1] = script->clock.now_ns - script->t0;
    return script->results[attempt - 1];
}

static uint64_t draw(void *arg)
{
    return ((struct script *)arg)->drawn;
}

static bool is_eperm(void *arg, int err)
{
    return err == -EPERM;
}

static int setup(void **state)
{
    struct script *script = calloc(1, sizeof(*script));

    test_clock_init(&script->clock);
    script->t0 = script->clock.now_ns;
    script->options = (struct boom_retry_options){
        .base_ns = 10 * MS, .random = draw, .arg = script, .clock = &script->clock.clock};
    for (unsigned i = 0; i < 64; i++)
        script->results[i] = -EAGAIN;
    *state = script;
    return 0;
}

static int teardown(void **state)
{
    struct script *script = *state;

    test_clock_deinit(&script->clock);
    free(script);
    return 0;
}

static int retry(struct script *script, struct boom_ctx *ctx)
{
    return boom_retry(ctx, &script->options, play, script, &script->report);
}

static void assert_report(struct script *script, enum boom_retry_end end, unsigned attempts,
                          int last)
{
    assert_int_equal(script->report.end, end);
    assert_int_equal(script->report.attempts, attempts);
    assert_int_equal(script->report.last, last);
    assert_int_equal(script->n_calls, attempts);
    assert_int_equal(script->report.elapsed_ns, script->clock.now_ns - script->t0);
}

static void test_first_success(void **state)
{
    struct script *script = *state;

    script->results[0] = 0;
    assert_int_equal(retry(script, NULL), 0);
    assert_report(script, BOOM_RETRY_SUCCESS, 1, 0);
    assert_int_equal(script->clock.n_waits, 0);
}

static void test_pauses_may_be_none(void **state)
{
    struct script *script = *state;

    script->options.max_pause_ns = 35 * MS;
    script->results[5] = 0;
    script->drawn = 0;
    assert_int_equal(retry(script, NULL), 0);
    assert_report(script, BOOM_RETRY_SUCCESS, 6, 0);
    assert_int_equal(script->report.paused_ns, 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(script->at_ns[i], 0);
}

/* The longest pause that the nth may be. */
static uint64_t draw_longest(void *arg)
{
    struct script *script = arg;
    static const int64_t ceilings_ms[] = {10, 20, 35, 35, 35};

    return (uint64_t)(ceilings_ms[script->n_calls - 1] * MS);
}

static void test_longest_pauses_double_up_to_the_limit(void **state)
{
    struct script *script = *state;
    static const int64_t at_ms[] = {0, 10, 30, 65, 100, 135};

    script->options.max_pause_ns = 35 * MS;
    script->options.random = draw_longest;
    script->results[5] = 0;
    assert_int_equal(retry(script, NULL), 0);
    for (int i = 0; i < 6; i++)
        assert_int_equal(script->at_ns[i], at_ms[i] * MS);
    assert_int_equal(script->report.paused_ns, 135 * MS);
}

static void test_one_more_than_the_ceiling_is_no_pause(void **state)
{
    struct script *script = *state;

    script->drawn = (uint64_t)(10 * MS) + 1;
    script->results[1] = 0;
    assert_int_equal(retry(script, NULL), 0);
    assert_int_equal(script->report.paused_ns, 0);
}

static void test_ceiling_saturates(void **state)
{
    struct script *script = *state;

    script->options.base_ns = INT64_MAX - 5;
    script->drawn = 3;
    script->results[60] = 0;
    assert_int_equal(retry(script, NULL), 0);
    assert_int_equal(script->report.attempts, 61);
    script->options.base_ns = -1;
    assert_int_equal(retry(script, NULL), -EINVAL);
    assert_int_equal(script->report.attempts, 0);
}

static void test_attempts_are_limited(void **state)
{
    struct script *script = *state;

    script->options.max_attempts = 3;
    script->results[2] = -EIO;
    assert_int_equal(retry(script, NULL), -EIO);
    assert_report(script, BOOM_RETRY_ATTEMPTS, 3, -EIO);
}

static void test_permanent_errors_end_it(void **state)
{
    struct script *script = *state;

    script->results[1] = 7;
    assert_int_equal(retry(script, NULL), 7);
    assert_report(script, BOOM_RETRY_PERMANENT, 2, 7);

    script->n_calls = 0;
    script->results[1] = -EPERM;
    script->options.is_permanent = is_eperm;
    assert_int_equal(retry(script, NULL), -EPERM);
    assert_int_equal(script->report.end, BOOM_RETRY_PERMANENT);
    assert_int_equal(script->report.attempts, 2);
}

static void test_elapsed_time_is_limited(void **state)
{
    struct script *script = *state;

    script->options.max_elapsed_ns = 30 * MS;
    script->options.random = draw_longest;
    script->options.max_pause_ns = 35 * MS;
    assert_int_equal(retry(script, NULL), -EAGAIN);
    /* at 0, 10 and exactly 30 ms */
    assert_report(script, BOOM_RETRY_ELAPSED, 3, -EAGAIN);
    assert_int_equal(script->report.elapsed_ns, 30 * MS);
}

static void test_deadline_that_the_pause_would_reach(void **state)
{
    struct script *script = *state;
    struct boom_ctx *ctx;

    script->drawn = (uint64_t)(10 * MS);
    assert_int_equal(boom_ctx_with_deadline(NULL, script->t0 + 10 * MS, &ctx), 0);
    assert_int_equal(retry(script, ctx), -ETIMEDOUT);
    assert_report(script, BOOM_RETRY_CONTEXT, 1, -EAGAIN);
    assert_int_equal(script->clock.n_waits, 0);
    boom_ctx_unref(ctx);
}

static void test_cancelled_before(void **state)
{
    struct script *script = *state;
    struct boom_ctx *ctx;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(retry(script, ctx), -ECANCELED);
    assert_report(script, BOOM_RETRY_CONTEXT, 0, 0);
    boom_ctx_unref(ctx);
}

static void *cancel_when_it_waits(void *arg)
{
    struct script *script = ((void **)arg)[0];

    AWAIT(script->clock.n_waits == 1);
    boom_ctx_cancel(((void **)arg)[1], 0);
    return NULL;
}

static void test_cancellation_wakes_the_pause(void **state)
{
    struct script *script = *state;
    struct boom_ctx *ctx;
    pthread_t thread;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    script->clock.held = true;
    script->drawn = 5;
    thread = spawn(cancel_when_it_waits, (void *[]){script, ctx});
    assert_int_equal(retry(script, ctx), -ECANCELED);
    join(thread);
    assert_report(script, BOOM_RETRY_CONTEXT, 1, -EAGAIN);
    assert_int_equal(script->report.paused_ns, 0);
    boom_ctx_unref(ctx);
}

static void test_budget_limits_the_share_of_retries(void **state)
{
    struct script *script = *state;
    unsigned n_retries = 0;

    assert_int_equal(boom_retry_budget_new(10, 3, &script->options.budget), 0);
    for (int i = 0; i < 100; i++) {
        script->n_calls = 0;
        assert_int_equal(retry(script, NULL), -EAGAIN);
        assert_int_equal(script->report.end, BOOM_RETRY_BUDGET);
        n_retries += script->report.attempts - 1;
        assert_true(n_retries * 100 <= (unsigned)(i + 1) * 10 + 300);
    }
    assert_int_equal(n_retries, 12); /* the first call earned nothing: the reserve was full */
    boom_retry_budget_free(script->options.budget);
}

static void test_budget_keeps_no_more_than_its_reserve(void **state)
{
    struct boom_retry_budget *budget;
    unsigned n = 0;

    assert_int_equal(boom_retry_budget_new(1001, 0, &budget), -EINVAL);
    assert_int_equal(boom_retry_budget_new(0, 1000001, &budget), -EINVAL);
    assert_int_equal(boom_retry_budget_new(50, 0, &budget), 0);
    assert_false(boom_retry_budget_take(budget));
    for (int i = 0; i < 1000; i++)
        boom_retry_budget_call(budget);
    while (boom_retry_budget_take(budget))
        n++;
    assert_int_equal(n, 1);
    assert_null(boom_retry_budget_free(budget));
    assert_null(boom_retry_budget_free(NULL));
}

static int fail_once(struct boom_ctx *ctx, void *arg, unsigned attempt)
{
    return attempt == 1 ? -EAGAIN : 0;
}

static void test_real_clock_and_random(void **state)
{
    struct boom_retry_options options = {.base_ns = 1000};
    struct boom_retry_report report;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(boom_retry(NULL, &options, fail_once, NULL, &report), 0);
        assert_true(report.paused_ns <= 1000 && report.elapsed_ns >= report.paused_ns);
    }
    options = BOOM_RETRY_OPTIONS_DEFAULT;
    assert_int_equal(options.max_attempts, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_first_success),
        TEST(test_pauses_may_be_none),
        TEST(test_longest_pauses_double_up_to_the_limit),
        TEST(test_one_more_than_the_ceiling_is_no_pause),
        TEST(test_ceiling_saturates),
        TEST(test_attempts_are_limited),
        TEST(test_permanent_errors_end_it),
        TEST(test_elapsed_time_is_limited),
        TEST(test_deadline_that_the_pause_would_reach),
        TEST(test_cancelled_before),
        TEST(test_cancellation_wakes_the_pause),
        TEST(test_budget_limits_the_share_of_retries),
        TEST(test_budget_keeps_no_more_than_its_reserve),
        TEST(test_real_clock_and_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
