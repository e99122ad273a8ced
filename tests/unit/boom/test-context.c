/* SPDX-License-Identifier: MIT */
#include <boom/context.h>
#include <boom/chan.h>

#include "boom-test.h"

static void test_background(void **state)
{
    struct boom_ctx *ctx = boom_ctx_background();

    for (int i = 0; i < 3; i++)
        assert_null(boom_ctx_unref(ctx));
    boom_ctx_cancel(ctx, -EIO);
    boom_ctx_cancel(NULL, -EIO);
    assert_ptr_equal(boom_ctx_ref(ctx), ctx);
    assert_int_equal(boom_ctx_err(ctx), 0);
    assert_int_equal(boom_ctx_err(NULL), 0);
    assert_int_equal(boom_ctx_cause(ctx), 0);
    assert_int_equal(boom_ctx_cause(NULL), 0);
    assert_true(boom_ctx_deadline(ctx) == BOOM_NEVER);
    assert_true(boom_ctx_deadline(NULL) == BOOM_NEVER);
    assert_null(boom_ctx_unref(NULL));
}

static void test_first_cause_wins(void **state)
{
    struct boom_ctx *ctx;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    assert_int_equal(boom_ctx_err(ctx), 0);
    assert_int_equal(boom_ctx_cause(ctx), 0);
    boom_ctx_cancel(ctx, -EIO);
    boom_ctx_cancel(ctx, -EPERM);
    assert_int_equal(boom_ctx_err(ctx), -ECANCELED);
    assert_int_equal(boom_ctx_cause(ctx), -EIO);
    boom_ctx_unref(ctx);
}

static void test_cause_of_zero_and_of_timeout(void **state)
{
    struct boom_ctx *a, *b;

    assert_int_equal(boom_ctx_with_cancel(NULL, &a), 0);
    assert_int_equal(boom_ctx_with_cancel(NULL, &b), 0);
    boom_ctx_cancel(a, 0);
    boom_ctx_cancel(b, -ETIMEDOUT);
    assert_int_equal(boom_ctx_cause(a), -ECANCELED);
    assert_int_equal(boom_ctx_err(b), -ECANCELED);
    assert_int_equal(boom_ctx_cause(b), -ETIMEDOUT);
    boom_ctx_unref(a);
    boom_ctx_unref(b);
}

static void test_cancel_travels_down_only(void **state)
{
    struct boom_ctx *root, *left, *right, *leaf, *late;

    assert_int_equal(boom_ctx_with_cancel(boom_ctx_background(), &root), 0);
    assert_int_equal(boom_ctx_with_cancel(root, &left), 0);
    assert_int_equal(boom_ctx_with_cancel(root, &right), 0);
    assert_int_equal(boom_ctx_with_cancel(left, &leaf), 0);
    boom_ctx_cancel(leaf, -EBADF);
    assert_int_equal(boom_ctx_err(left), 0);
    boom_ctx_cancel(left, -EIO);
    assert_int_equal(boom_ctx_err(root), 0);
    assert_int_equal(boom_ctx_err(right), 0);
    assert_int_equal(boom_ctx_cause(leaf), -EBADF);
    boom_ctx_cancel(root, -EPERM);
    assert_int_equal(boom_ctx_cause(left), -EIO);
    assert_int_equal(boom_ctx_cause(right), -EPERM);
    assert_int_equal(boom_ctx_with_cancel(left, &late), 0);
    assert_int_equal(boom_ctx_cause(late), -EIO);
    boom_ctx_unref(late);
    boom_ctx_unref(root);
    boom_ctx_unref(right);
    boom_ctx_unref(left);
    boom_ctx_unref(leaf);
}

static void test_child_outlives_parent(void **state)
{
    struct boom_ctx *parent, *child;

    assert_int_equal(boom_ctx_with_cancel(NULL, &parent), 0);
    assert_int_equal(boom_ctx_with_cancel(parent, &child), 0);
    boom_ctx_unref(parent);
    assert_int_equal(boom_ctx_err(child), 0);
    boom_ctx_cancel(child, 0);
    assert_int_equal(boom_ctx_err(child), -ECANCELED);
    boom_ctx_unref(child);
}

static void test_deadline_is_earliest(void **state)
{
    struct boom_ctx *outer, *inner, *never;
    int64_t far = boom_now_ns() + INT64_C(3600000000000);

    assert_int_equal(boom_ctx_with_deadline(NULL, far, &outer), 0);
    assert_int_equal(boom_ctx_with_deadline(outer, far + 1, &inner), 0);
    assert_int_equal(boom_ctx_with_cancel(outer, &never), 0);
    assert_true(boom_ctx_deadline(inner) == far);
    assert_true(boom_ctx_deadline(never) == far);
    assert_int_equal(boom_ctx_err(inner), 0);
    boom_ctx_unref(inner);
    assert_int_equal(boom_ctx_with_deadline(outer, far - 1, &inner), 0);
    assert_true(boom_ctx_deadline(inner) == far - 1);
    boom_ctx_unref(inner);
    boom_ctx_unref(never);
    boom_ctx_unref(outer);
}

static void test_deadline_passed(void **state)
{
    struct boom_ctx *unseen, *cancelled, *child;

    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns(), &unseen), 0);
    boom_ctx_cancel(unseen, -EIO); /* too late, although nobody has asked yet */
    assert_int_equal(boom_ctx_err(unseen), -ETIMEDOUT);
    assert_int_equal(boom_ctx_cause(unseen), -ETIMEDOUT);
    assert_int_equal(boom_ctx_with_cancel(unseen, &child), 0);
    assert_int_equal(boom_ctx_err(child), -ETIMEDOUT);

    int64_t soon = boom_now_ns() + 2000000;

    assert_int_equal(boom_ctx_with_deadline(NULL, soon, &cancelled), 0);
    boom_ctx_cancel(cancelled, -EIO);
    if (boom_now_ns() < soon) { /* else the machine was too slow for the case */
        AWAIT(boom_now_ns() >= soon);
        assert_int_equal(boom_ctx_err(cancelled), -ECANCELED);
    }
    boom_ctx_unref(child);
    boom_ctx_unref(cancelled);
    boom_ctx_unref(unseen);
}

static void test_deadline_before_the_epoch(void **state)
{
    struct boom_ctx *ctx;
    struct boom_chan *chan;
    char elem;

    assert_int_equal(boom_chan_new(1, 1, &chan), 0);
    assert_int_equal(boom_ctx_with_deadline(NULL, INT64_MIN, &ctx), 0);
    assert_int_equal(boom_chan_recv(chan, ctx, &elem), -ETIMEDOUT);
    boom_ctx_unref(ctx);
    boom_chan_free(chan);
}

static void test_deep_tree(void **state)
{
    enum { DEPTH = 100000 };
    struct boom_ctx *root, *ctx, *child;

    assert_int_equal(boom_ctx_with_cancel(NULL, &root), 0);
    ctx = boom_ctx_ref(root);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(boom_ctx_with_cancel(ctx, &child), 0);
        boom_ctx_unref(ctx);
        ctx = child;
    }
    boom_ctx_cancel(root, -EIO);
    assert_int_equal(boom_ctx_cause(ctx), -EIO);
    boom_ctx_unref(root);
    boom_ctx_unref(ctx);
}

struct waiting {
    struct boom_chan *chan;
    struct boom_ctx *ctx;
    int r;
};

static void *receive_one(void *arg)
{
    struct waiting *waiting = arg;
    char elem;

    waiting->r = boom_chan_recv(waiting->chan, waiting->ctx, &elem);
    return NULL;
}

static void test_cancel_wakes_the_waiters_of_descendants(void **state)
{
    enum { N = 8 };
    struct boom_ctx *root;
    struct waiting waiting[N];
    struct boom_chan *chan;
    pthread_t threads[N];

    assert_int_equal(boom_chan_new(1, 1, &chan), 0);
    assert_int_equal(boom_ctx_with_cancel(NULL, &root), 0);
    for (int i = 0; i < N; i++) {
        waiting[i] = (struct waiting){.chan = chan, .r = 1};
        assert_int_equal(boom_ctx_with_cancel(i > 0 ? waiting[i - 1].ctx : root, &waiting[i].ctx),
                         0);
        threads[i] = spawn(receive_one, &waiting[i]);
    }
    await_receivers(chan, N);
    boom_ctx_cancel(root, -EIO);
    for (int i = 0; i < N; i++) {
        join(threads[i]);
        assert_int_equal(waiting[i].r, -ECANCELED);
        boom_ctx_unref(waiting[i].ctx);
    }
    await_receivers(chan, 0);
    boom_ctx_unref(root);
    boom_chan_free(chan);
}

/* Children come and go while their parent is cancelled: for the sanitizers, and none may be missed.
 */
static void *make_children(void *arg)
{
    struct boom_ctx *parent = arg, *child;

    while (boom_ctx_err(parent) == 0) {
        assert_int_equal(boom_ctx_with_cancel(parent, &child), 0);
        boom_ctx_unref(child);
    }
    assert_int_equal(boom_ctx_with_cancel(parent, &child), 0);
    assert_int_equal(boom_ctx_err(child), -ECANCELED);
    boom_ctx_unref(child);
    return NULL;
}

static void test_cancel_races_with_birth_and_death(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct boom_ctx *parent, *kept;
        pthread_t threads[2];

        assert_int_equal(boom_ctx_with_cancel(NULL, &parent), 0);
        assert_int_equal(boom_ctx_with_cancel(parent, &kept), 0);
        for (int i = 0; i < 2; i++)
            threads[i] = spawn(make_children, parent);
        sched_yield();
        boom_ctx_cancel(parent, 0);
        for (int i = 0; i < 2; i++)
            join(threads[i]);
        assert_int_equal(boom_ctx_err(kept), -ECANCELED);
        boom_ctx_unref(parent);
        boom_ctx_unref(kept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_background),
        cmocka_unit_test(test_first_cause_wins),
        cmocka_unit_test(test_cause_of_zero_and_of_timeout),
        cmocka_unit_test(test_cancel_travels_down_only),
        cmocka_unit_test(test_child_outlives_parent),
        cmocka_unit_test(test_deadline_is_earliest),
        cmocka_unit_test(test_deadline_passed),
        cmocka_unit_test(test_deadline_before_the_epoch),
        cmocka_unit_test(test_deep_tree),
        cmocka_unit_test(test_cancel_wakes_the_waiters_of_descendants),
        cmocka_unit_test(test_cancel_races_with_birth_and_death),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
