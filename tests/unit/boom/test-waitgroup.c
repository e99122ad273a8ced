/* SPDX-License-Identifier: MIT */
#include <boom/waitgroup.h>

#include "boom-test.h"

struct call {
    struct boom_waitgroup *group;
    struct boom_ctx *ctx;
    atomic_int r;
    sem_t returned;
};

enum { WAITING = 1 };

static void *wait_for_group(void *arg)
{
    struct call *call = arg;

    call->r = boom_waitgroup_wait(call->group, call->ctx);
    sem_post(&call->returned);
    return NULL;
}

static void *say_done(void *arg)
{
    assert_int_equal(boom_waitgroup_done(arg), 0);
    return NULL;
}

static struct boom_waitgroup *new_group(int64_t count)
{
    struct boom_waitgroup *group;

    assert_int_equal(boom_waitgroup_new(&group), 0);
    assert_int_equal(boom_waitgroup_add(group, count), 0);
    return group;
}

static pthread_t spawn_waiter(struct call *call)
{
    sem_init(&call->returned, 0, 0);
    call->r = WAITING;
    return spawn(wait_for_group, call);
}

static void test_zero_does_not_wait(void **state)
{
    struct boom_waitgroup *group = new_group(0);
    struct boom_ctx *ctx;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(boom_waitgroup_wait(group, NULL), 0);
    assert_int_equal(boom_waitgroup_wait(group, ctx), 0);
    assert_int_equal(boom_waitgroup_add(group, 1), 0);
    assert_int_equal(boom_waitgroup_wait(group, ctx), -ECANCELED);
    boom_ctx_unref(ctx);
    boom_waitgroup_free(group);
    assert_null(boom_waitgroup_free(NULL));
}

static void test_negative_is_an_error(void **state)
{
    struct boom_waitgroup *group = new_group(2);

    assert_int_equal(boom_waitgroup_add(group, -3), -EINVAL);
    assert_int_equal(boom_waitgroup_add(group, INT64_MIN), -EINVAL);
    assert_int_equal(boom_waitgroup_add(group, INT64_MAX), -EOVERFLOW);
    assert_int_equal(boom_waitgroup_add(group, -2), 0);
    assert_int_equal(boom_waitgroup_done(group), -EINVAL);
    assert_int_equal(boom_waitgroup_wait(group, NULL), 0);
    boom_waitgroup_free(group);
}

static void test_the_last_done_wakes_all(void **state)
{
    struct boom_waitgroup *group = new_group(3);
    struct call calls[4];
    pthread_t waiters[4], workers[3];

    for (int i = 0; i < 4; i++) {
        calls[i] = (struct call){.group = group};
        waiters[i] = spawn_waiter(&calls[i]);
    }
    for (int i = 0; i < 2; i++)
        workers[i] = spawn(say_done, group);
    for (int i = 0; i < 2; i++)
        join(workers[i]);
    for (int i = 0; i < 4; i++)
        assert_int_equal(calls[i].r, WAITING);
    workers[2] = spawn(say_done, group);
    join(workers[2]);
    for (int i = 0; i < 4; i++) {
        join(waiters[i]);
        assert_int_equal(calls[i].r, 0);
    }
    boom_waitgroup_free(group);
}

static void test_context_ends_the_wait(void **state)
{
    struct boom_waitgroup *group = new_group(1);
    struct boom_ctx *cancelled, *late;
    struct call call = {.group = group};
    pthread_t thread;

    assert_int_equal(boom_ctx_with_cancel(NULL, &cancelled), 0);
    call.ctx = cancelled;
    thread = spawn_waiter(&call);
    boom_ctx_cancel(cancelled, -EIO);
    join(thread);
    assert_int_equal(call.r, -ECANCELED);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns() + 1000000, &late), 0);
    assert_int_equal(boom_waitgroup_wait(group, late), -ETIMEDOUT);
    assert_int_equal(boom_waitgroup_done(group), 0);
    assert_int_equal(boom_waitgroup_wait(group, NULL), 0);
    boom_ctx_unref(cancelled);
    boom_ctx_unref(late);
    boom_waitgroup_free(group);
}

/* Round after round without a pause: the counter rises again while those of before still return. */
static void test_reuse_while_waiters_return(void **state)
{
    struct boom_waitgroup *group = new_group(0);

    for (int round = 0; round < 300; round++) {
        struct call call = {.group = group};
        pthread_t thread;

        assert_int_equal(boom_waitgroup_add(group, 1), 0);
        thread = spawn_waiter(&call);
        assert_int_equal(boom_waitgroup_done(group), 0);
        if (round % 2) { /* the waiter may or may not have come in time; another zero lets it go */
            assert_int_equal(boom_waitgroup_add(group, 1), 0);
            assert_int_equal(boom_waitgroup_done(group), 0);
        }
        wait_sem(&call.returned);
        assert_int_equal(call.r, 0);
        join(thread);
    }
    boom_waitgroup_free(group);
}

/* Who was told that all is done may free the group at once: done has let go of it. */
static void test_free_after_wait(void **state)
{
    for (int i = 0; i < 300; i++) {
        struct boom_waitgroup *group = new_group(1);
        pthread_t thread = spawn(say_done, group);

        assert_int_equal(boom_waitgroup_wait(group, NULL), 0);
        boom_waitgroup_free(group);
        join(thread);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zero_does_not_wait),
        cmocka_unit_test(test_negative_is_an_error),
        cmocka_unit_test(test_the_last_done_wakes_all),
        cmocka_unit_test(test_context_ends_the_wait),
        cmocka_unit_test(test_reuse_while_waiters_return),
        cmocka_unit_test(test_free_after_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
