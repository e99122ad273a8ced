/* SPDX-License-Identifier: MIT */
/* What hangs on the end of a context: values, functions, the fd. */
#include <boom/context.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>

#include "boom-test.h"

static struct boom_ctx *new_ctx(struct boom_ctx *parent)
{
    struct boom_ctx *ctx;

    assert_int_equal(boom_ctx_with_cancel(parent, &ctx), 0);
    return ctx;
}

static void count(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

static void test_timeout(void **state)
{
    struct boom_ctx *ctx;
    int64_t before_ns = boom_now_ns();

    assert_int_equal(boom_ctx_with_timeout(NULL, 5000000000, &ctx), 0);
    assert_true(boom_ctx_deadline(ctx) >= before_ns + 5000000000);
    assert_true(boom_ctx_deadline(ctx) <= boom_now_ns() + 5000000000);
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_timeout(NULL, BOOM_NEVER, &ctx), 0);
    assert_true(boom_ctx_deadline(ctx) == BOOM_NEVER);
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_timeout(NULL, 0, &ctx), 0);
    assert_int_equal(boom_ctx_err(ctx), -ETIMEDOUT);
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_timeout(NULL, INT64_MIN, &ctx), 0);
    assert_int_equal(boom_ctx_err(ctx), -ETIMEDOUT);
    boom_ctx_unref(ctx);
}

static void test_the_nearest_value_counts(void **state)
{
    static const char a, b, c;
    struct boom_ctx *outer, *middle, *inner, *refused;
    atomic_uint one = 0, two = 0;

    assert_int_equal(boom_ctx_with_value(NULL, &a, &one, count, &outer), 0);
    middle = new_ctx(outer);
    assert_int_equal(boom_ctx_with_value(middle, &a, &two, count, &inner), 0);
    assert_ptr_equal(boom_ctx_value(outer, &a), &one);
    assert_ptr_equal(boom_ctx_value(middle, &a), &one);
    assert_ptr_equal(boom_ctx_value(inner, &a), &two);
    assert_null(boom_ctx_value(inner, &b));
    assert_null(boom_ctx_value(NULL, &a));
    assert_null(boom_ctx_value(boom_ctx_background(), NULL));
    assert_null(boom_ctx_value(inner, NULL));
    assert_int_equal(boom_ctx_with_value(inner, NULL, &one, count, &refused), -EINVAL);
    assert_int_equal(boom_ctx_with_value(inner, &c, NULL, NULL, &refused), 0);
    boom_ctx_unref(refused);

    boom_ctx_unref(outer);
    boom_ctx_unref(middle);
    assert_int_equal(one + two, 0); /* inner holds its ancestors */
    boom_ctx_cancel(inner, 0);
    assert_ptr_equal(boom_ctx_value(inner, &a), &two);
    boom_ctx_unref(inner);
    assert_int_equal(one, 1);
    assert_int_equal(two, 1);
}

static void test_function_runs_once(void **state)
{
    struct boom_ctx *root = new_ctx(NULL), *ctx = new_ctx(root);
    atomic_uint n = 0;
    struct boom_after after[2] = {{.fn = count, .arg = &n}, {.fn = count, .arg = &n}};

    boom_ctx_after_func(ctx, &after[0]);
    boom_ctx_after_func(ctx, &after[1]);
    boom_ctx_cancel(root, -EIO);
    assert_int_equal(n, 2);
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(n, 2);
    assert_false(boom_ctx_stop_after(ctx, &after[0]));
    boom_ctx_after_func(ctx, &after[0]); /* at once: it is over */
    assert_int_equal(n, 3);
    assert_false(boom_ctx_stop_after(ctx, &after[0]));
    boom_ctx_unref(ctx);
    boom_ctx_unref(root);
}

static void test_stopped_function_does_not_run(void **state)
{
    struct boom_ctx *ctx = new_ctx(NULL);
    atomic_uint n = 0;
    struct boom_after after = {.fn = count, .arg = &n}, other = after;

    boom_ctx_after_func(ctx, &after);
    boom_ctx_after_func(ctx, &other);
    assert_true(boom_ctx_stop_after(ctx, &after));
    assert_false(boom_ctx_stop_after(ctx, &after));
    boom_ctx_cancel(ctx, 0);
    assert_int_equal(n, 1);
    boom_ctx_after_func(NULL, &after);
    assert_true(boom_ctx_stop_after(NULL, &after));
    assert_false(boom_ctx_stop_after(NULL, &after));
    assert_int_equal(n, 1);
    boom_ctx_unref(ctx);
}

static void test_a_context_that_goes_calls_nothing(void **state)
{
    struct boom_ctx *ctx = new_ctx(NULL);
    atomic_uint n = 0;
    struct boom_after after = {.fn = count, .arg = &n};

    boom_ctx_after_func(ctx, &after);
    boom_ctx_unref(ctx);
    assert_int_equal(n, 0);
}

struct seen {
    struct boom_ctx *ctx, *leaf;
    struct boom_after after;
    int err, leaf_err;
    bool stopped;
};

/* Uses what it hangs on, and lets go of the last reference that is not the canceller's. */
static void look_around(void *arg)
{
    struct seen *seen = arg;

    seen->err = boom_ctx_err(seen->ctx);
    seen->leaf_err = boom_ctx_err(seen->leaf);
    seen->stopped = boom_ctx_stop_after(seen->ctx, &seen->after);
    boom_ctx_cancel(seen->ctx, -EPERM);
    boom_ctx_unref(seen->leaf);
    boom_ctx_unref(seen->ctx);
}

static void test_function_is_called_without_locks_when_all_is_told(void **state)
{
    struct boom_ctx *root = new_ctx(NULL);
    struct seen seen = {.ctx = new_ctx(root), .after = {.fn = look_around, .arg = &seen}};

    seen.leaf = new_ctx(seen.ctx);
    boom_ctx_after_func(seen.ctx, &seen.after);
    boom_ctx_cancel(root, 0);
    assert_int_equal(seen.err, -ECANCELED);
    assert_int_equal(seen.leaf_err, -ECANCELED);
    assert_false(seen.stopped);
    boom_ctx_unref(root);
}

/* The deadline calls nothing; the cancellation after it does, also below a context that was asked.
 */
static void test_functions_after_a_deadline(void **state)
{
    struct boom_ctx *ctx, *child;
    atomic_uint n = 0;
    struct boom_after after = {.fn = count, .arg = &n}, below = after;

    assert_int_equal(boom_ctx_with_timeout(NULL, 1000000, &ctx), 0);
    child = new_ctx(ctx);
    boom_ctx_after_func(ctx, &after);
    boom_ctx_after_func(child, &below);
    AWAIT(boom_ctx_err(ctx) < 0);
    assert_int_equal(n, 0);
    boom_ctx_cancel(ctx, -EIO);
    assert_int_equal(n, 2);
    assert_int_equal(boom_ctx_err(ctx), -ETIMEDOUT);
    assert_int_equal(boom_ctx_cause(ctx), -ETIMEDOUT);
    assert_int_equal(boom_ctx_cause(child), -ETIMEDOUT);
    boom_ctx_unref(child);
    boom_ctx_unref(ctx);
}

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};

    return poll(&pollfd, 1, timeout_ms) == 1 && pollfd.revents == POLLIN;
}

static void test_fd_tells_the_cancellation(void **state)
{
    struct boom_ctx *root = new_ctx(NULL), *ctx = new_ctx(root);
    int fd = boom_ctx_fd(ctx);

    assert_true(fd >= 0);
    assert_int_equal(boom_ctx_fd(ctx), fd);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_false(is_readable(fd, 0));
    boom_ctx_cancel(root, 0);
    assert_true(is_readable(fd, 10000));
    assert_true(is_readable(fd, 0));
    boom_ctx_unref(ctx);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_true(is_readable(boom_ctx_fd(root), 10000)); /* asked for when it was over */
    boom_ctx_unref(root);
    assert_int_equal(boom_ctx_fd(NULL), -EINVAL);
    assert_int_equal(boom_ctx_fd(boom_ctx_background()), -EINVAL);
}

static void test_fd_tells_the_deadline(void **state)
{
    struct boom_ctx *late, *child;
    int fd;

    assert_int_equal(boom_ctx_with_timeout(NULL, 2000000, &late), 0);
    child = new_ctx(late);
    fd = boom_ctx_fd(child);
    assert_true(is_readable(fd, 10000));
    assert_int_equal(boom_ctx_err(child), -ETIMEDOUT);
    boom_ctx_cancel(child, 0);
    assert_true(is_readable(fd, 10000));
    boom_ctx_unref(child);
    boom_ctx_unref(late);
    assert_int_equal(boom_ctx_with_deadline(NULL, INT64_MIN, &late), 0);
    assert_true(is_readable(boom_ctx_fd(late), 10000));
    boom_ctx_unref(late);
}

static void test_no_fd_left(void **state)
{
    struct boom_ctx *ctx = new_ctx(NULL);
    struct rlimit before, none;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(boom_ctx_fd(ctx), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(boom_ctx_fd(ctx) >= 0);
    boom_ctx_unref(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_the_nearest_value_counts),
        cmocka_unit_test(test_function_runs_once),
        cmocka_unit_test(test_stopped_function_does_not_run),
        cmocka_unit_test(test_a_context_that_goes_calls_nothing),
        cmocka_unit_test(test_function_is_called_without_locks_when_all_is_told),
        cmocka_unit_test(test_functions_after_a_deadline),
        cmocka_unit_test(test_fd_tells_the_cancellation),
        cmocka_unit_test(test_fd_tells_the_deadline),
        cmocka_unit_test(test_no_fd_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
