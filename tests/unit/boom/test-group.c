/* SPDX-License-Identifier: MIT */
#include <boom/group.h>

#include <signal.h>
#include "boom-test.h"

static struct boom_group *new_group(void)
{
    struct boom_group *group;

    assert_int_equal(boom_group_new(NULL, &group), 0);
    return group;
}

static int count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
    return 0;
}

static void test_runs_all(void **state)
{
    struct boom_group *group = new_group();
    atomic_uint n = 0;

    for (int i = 0; i < 100; i++)
        assert_int_equal(boom_group_go(group, "counter", count, &n), 0);
    assert_int_equal(boom_group_wait(group), 0);
    assert_int_equal(n, 100);
    assert_int_equal(boom_ctx_err(boom_group_ctx(group)), -ECANCELED);
    boom_group_free(group);
    assert_null(boom_group_free(NULL));
}

static void test_wait_for_nobody(void **state)
{
    struct boom_group *group = new_group();

    assert_int_equal(boom_group_wait(group), 0);
    boom_group_free(group);
}

struct failing {
    struct boom_ctx *ctx;
    sem_t go_on;
    int r;
};

static int fail_when_told(void *arg)
{
    struct failing *failing = arg;

    wait_sem(&failing->go_on);
    return failing->r;
}

static int wait_for_cancel(void *arg)
{
    struct failing *failing = arg;
    struct boom_chan *chan;
    char elem;
    int r;

    assert_int_equal(boom_chan_new(1, 0, &chan), 0);
    r = boom_chan_recv(chan, failing->ctx, &elem);
    boom_chan_free(chan);
    return r;
}

static void test_first_error_cancels_and_is_returned(void **state)
{
    struct boom_group *group = new_group();
    struct failing failing = {.ctx = boom_group_ctx(group), .r = -EIO};

    sem_init(&failing.go_on, 0, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(boom_group_go(group, NULL, wait_for_cancel, &failing), 0);
    assert_int_equal(boom_group_go(group, NULL, fail_when_told, &failing), 0);
    assert_int_equal(boom_ctx_err(failing.ctx), 0);
    sem_post(&failing.go_on);
    assert_int_equal(boom_group_wait(group), -EIO);
    assert_int_equal(boom_ctx_cause(failing.ctx), -EIO);
    boom_group_free(group);
}

static void test_parent_cancels_group(void **state)
{
    struct boom_ctx *parent;
    struct boom_group *group;
    struct failing failing;

    assert_int_equal(boom_ctx_with_cancel(NULL, &parent), 0);
    assert_int_equal(boom_group_new(parent, &group), 0);
    failing.ctx = boom_group_ctx(group);
    assert_int_equal(boom_group_go(group, NULL, wait_for_cancel, &failing), 0);
    boom_ctx_cancel(parent, -EPERM);
    assert_int_equal(boom_group_wait(group), -ECANCELED);
    assert_int_equal(boom_ctx_cause(failing.ctx), -EPERM);
    boom_group_free(group);
    boom_ctx_unref(parent);
}

static void test_limit(void **state)
{
    struct boom_group *group = new_group();
    struct failing held = {.r = 0};
    atomic_uint n = 0;

    sem_init(&held.go_on, 0, 0);
    assert_int_equal(boom_group_set_limit(group, 2), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(boom_group_try_go(group, NULL, fail_when_told, &held), 0);
    assert_int_equal(boom_group_try_go(group, NULL, count, &n), -EBUSY);
    assert_int_equal(boom_group_set_limit(group, 0), -EBUSY);
    sem_post(&held.go_on);
    for (int i = 0; i < 50; i++)
        assert_int_equal(boom_group_go(group, NULL, count, &n), 0);
    sem_post(&held.go_on);
    assert_int_equal(boom_group_wait(group), 0);
    assert_int_equal(n, 50);
    assert_int_equal(boom_group_set_limit(group, 0), 0);
    boom_group_free(group);
}

static int watch_limit(void *arg)
{
    atomic_uint *n = arg;
    unsigned now = atomic_fetch_add(&n[0], 1) + 1, most = n[1];

    while (now > most && !atomic_compare_exchange_weak(&n[1], &most, now))
        ;
    sched_yield();
    atomic_fetch_sub(&n[0], 1);
    return 0;
}

static void test_limit_holds(void **state)
{
    struct boom_group *group = new_group();
    atomic_uint n[2] = {0, 0};

    assert_int_equal(boom_group_set_limit(group, 3), 0);
    for (int i = 0; i < 500; i++)
        assert_int_equal(boom_group_go(group, NULL, watch_limit, n), 0);
    assert_int_equal(boom_group_wait(group), 0);
    assert_true(n[1] > 0 && n[1] <= 3);
    boom_group_free(group);
}

static void test_waiting_for_a_place_ends_with_the_context(void **state)
{
    struct boom_group *group = new_group();
    struct failing failing = {.r = -EIO}, held = {.r = 0};
    atomic_uint n = 0;

    sem_init(&failing.go_on, 0, 0);
    sem_init(&held.go_on, 0, 0);
    assert_int_equal(boom_group_set_limit(group, 1), 0);
    assert_int_equal(boom_group_go(group, NULL, fail_when_told, &held), 0);
    boom_ctx_cancel(boom_group_ctx(group), 0);
    assert_int_equal(boom_group_go(group, NULL, count, &n), -ECANCELED);
    sem_post(&held.go_on);
    assert_int_equal(boom_group_wait(group), 0);
    assert_int_equal(n, 0);
    boom_group_free(group);
}

struct seen {
    char name[16];
    sigset_t blocked;
};

static int look(void *arg)
{
    struct seen *seen = arg;

    pthread_getname_np(pthread_self(), seen->name, sizeof(seen->name));
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    return 0;
}

static void test_name_and_signals(void **state)
{
    struct boom_group *group = new_group();
    struct seen seen;
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(boom_group_go(group, "a-name-that-is-too-long", look, &seen), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_int_equal(boom_group_wait(group), 0);
    assert_string_equal(seen.name, "a-name-that-is-");
    assert_int_equal(sigismember(&seen.blocked, SIGTERM), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGHUP), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGPIPE), 1);
    assert_int_equal(sigismember(&seen.blocked, SIGSEGV), 0);
    assert_int_equal(sigismember(&after, SIGTERM), sigismember(&before, SIGTERM));
    boom_group_free(group);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_all),
        cmocka_unit_test(test_wait_for_nobody),
        cmocka_unit_test(test_first_error_cancels_and_is_returned),
        cmocka_unit_test(test_parent_cancels_group),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_holds),
        cmocka_unit_test(test_waiting_for_a_place_ends_with_the_context),
        cmocka_unit_test(test_name_and_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
