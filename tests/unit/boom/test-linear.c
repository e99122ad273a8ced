/* SPDX-License-Identifier: MIT */
/*
 * The checker of the stress test boom-linear, given histories made by hand: the legal ones must be
 * let through, and each illegal one refused.
 */
#include <boom/chan.h>

#include "boom-test.h"
#include "stress/linear.h"

#define OP(called, returned, kind, value, result)                                                  \
    {                                                                                              \
        LINEAR_##kind, 0, (value), (result), (called), (returned)                                  \
    }

#define ASSERT_LEGAL(capacity, ...)                                                                \
    assert_true(is_legal((capacity), (struct linear_op[]){__VA_ARGS__},                            \
                         sizeof((struct linear_op[]){__VA_ARGS__})))
#define ASSERT_ILLEGAL(capacity, ...)                                                              \
    assert_false(is_legal((capacity), (struct linear_op[]){__VA_ARGS__},                           \
                          sizeof((struct linear_op[]){__VA_ARGS__})))

static bool is_legal(size_t capacity, const struct linear_op *ops, size_t bytes)
{
    struct linear_history history = {.capacity = capacity, .n_ops = bytes / sizeof(*ops)};

    memcpy(history.ops, ops, bytes);
    return linear_check(&history);
}

static void test_fifo(void **state)
{
    ASSERT_LEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, SEND, 1, 0), OP(5, 6, RECV, 0, 0),
                 OP(7, 8, TRY_RECV, 1, 0));
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, SEND, 1, 0), OP(5, 6, RECV, 1, 0),
                   OP(7, 8, RECV, 0, 0));
    /* Sent at the same time: in either order. */
    ASSERT_LEGAL(2, OP(1, 3, SEND, 0, 0), OP(2, 4, SEND, 1, 0), OP(5, 6, RECV, 1, 0),
                 OP(7, 8, RECV, 0, 0));
    /* But in one and the same. */
    ASSERT_ILLEGAL(3, OP(1, 3, SEND, 0, 0), OP(2, 4, SEND, 1, 0), OP(5, 6, SEND, 2, 0),
                   OP(7, 8, RECV, 1, 0), OP(9, 10, RECV, 2, 0), OP(11, 12, RECV, 0, 0));
}

static void test_element_lost(void **state)
{
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, TRY_RECV, 0, BOOM_CHAN_EMPTY));
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, SEND, 1, 0), OP(5, 6, RECV, 1, 0));
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, CLOSE, 0, 0),
                   OP(5, 6, RECV, 0, BOOM_CHAN_CLOSED));
    ASSERT_LEGAL(2, OP(1, 3, SEND, 0, 0), OP(2, 4, TRY_RECV, 0, BOOM_CHAN_EMPTY));
}

static void test_element_twice_or_from_nowhere(void **state)
{
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 5, RECV, 0, 0), OP(4, 6, RECV, 0, 0));
    ASSERT_ILLEGAL(0, OP(1, 6, SEND, 0, 0), OP(2, 4, RECV, 0, 0), OP(3, 5, RECV, 0, 0));
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, RECV, 1, 0));
    /* Received before it was sent. */
    ASSERT_ILLEGAL(2, OP(1, 2, RECV, 0, 0), OP(3, 4, SEND, 0, 0));
}

static void test_capacity(void **state)
{
    ASSERT_LEGAL(1, OP(1, 2, TRY_SEND, 0, 0), OP(3, 4, TRY_SEND, 1, BOOM_CHAN_FULL));
    ASSERT_ILLEGAL(2, OP(1, 2, TRY_SEND, 0, 0), OP(3, 4, TRY_SEND, 1, BOOM_CHAN_FULL));
    ASSERT_ILLEGAL(1, OP(1, 2, SEND, 0, 0), OP(3, 4, SEND, 1, 0), OP(5, 6, RECV, 0, 0));
    ASSERT_LEGAL(1, OP(1, 2, SEND, 0, 0), OP(3, 6, SEND, 1, 0), OP(4, 5, RECV, 0, 0));
    /* What waits is not told that it would have to. */
    ASSERT_ILLEGAL(1, OP(1, 2, SEND, 0, 0), OP(3, 4, SEND, 1, BOOM_CHAN_FULL));
    ASSERT_ILLEGAL(1, OP(1, 2, RECV, 0, BOOM_CHAN_EMPTY));
}

static void test_close(void **state)
{
    ASSERT_LEGAL(1, OP(1, 2, SEND, 0, 0), OP(3, 4, CLOSE, 0, 0), OP(5, 6, RECV, 0, 0),
                 OP(7, 8, RECV, 0, BOOM_CHAN_CLOSED), OP(9, 10, TRY_RECV, 0, BOOM_CHAN_CLOSED),
                 OP(11, 12, CLOSE, 0, -EALREADY), OP(13, 14, SEND, 1, -EPIPE));
    /* Sent, although it is closed. */
    ASSERT_ILLEGAL(1, OP(1, 2, CLOSE, 0, 0), OP(3, 4, SEND, 0, 0));
    ASSERT_ILLEGAL(1, OP(1, 2, CLOSE, 0, 0), OP(3, 4, TRY_SEND, 0, BOOM_CHAN_FULL));
    ASSERT_ILLEGAL(0, OP(1, 2, CLOSE, 0, 0), OP(3, 5, SEND, 0, 0), OP(4, 6, RECV, 0, 0));
    /* Something came out of it after it was drained. */
    ASSERT_ILLEGAL(2, OP(1, 2, SEND, 0, 0), OP(3, 4, CLOSE, 0, 0),
                   OP(5, 6, RECV, 0, BOOM_CHAN_CLOSED), OP(7, 8, RECV, 0, 0));
    /* Nobody closed it, or two did, or it was told to the second only. */
    ASSERT_ILLEGAL(1, OP(1, 2, SEND, 0, -EPIPE), OP(3, 4, CLOSE, 0, 0));
    ASSERT_ILLEGAL(0, OP(1, 2, RECV, 0, BOOM_CHAN_CLOSED));
    ASSERT_ILLEGAL(1, OP(1, 3, CLOSE, 0, 0), OP(2, 4, CLOSE, 0, 0));
    ASSERT_ILLEGAL(1, OP(1, 2, CLOSE, 0, -EALREADY), OP(3, 4, CLOSE, 0, 0));
    ASSERT_ILLEGAL(1, OP(1, 2, CLOSE, 0, 0), OP(3, 4, TRY_RECV, 0, BOOM_CHAN_EMPTY));
}

static void test_rendezvous(void **state)
{
    ASSERT_LEGAL(0, OP(1, 3, SEND, 0, 0), OP(2, 4, RECV, 0, 0));
    ASSERT_LEGAL(0, OP(1, 4, SEND, 0, 0), OP(2, 3, TRY_RECV, 0, 0));
    ASSERT_LEGAL(0, OP(1, 4, RECV, 0, 0), OP(2, 3, TRY_SEND, 0, 0));
    ASSERT_LEGAL(0, OP(1, 2, TRY_SEND, 0, BOOM_CHAN_FULL), OP(3, 4, TRY_RECV, 0, BOOM_CHAN_EMPTY));
    /* Both are under way at that moment. */
    ASSERT_ILLEGAL(0, OP(1, 2, SEND, 0, 0), OP(3, 4, RECV, 0, 0));
    ASSERT_ILLEGAL(0, OP(1, 2, SEND, 0, 0));
    /* Two that do not wait do not meet. */
    ASSERT_ILLEGAL(0, OP(1, 3, TRY_SEND, 0, 0), OP(2, 4, TRY_RECV, 0, 0));
    /* One receive for two sends. */
    ASSERT_ILLEGAL(0, OP(1, 4, SEND, 0, 0), OP(2, 5, SEND, 1, 0), OP(3, 6, RECV, 0, 0));
    /* The second pair met after the close, which came after the first. */
    ASSERT_ILLEGAL(0, OP(1, 3, SEND, 0, 0), OP(2, 4, RECV, 0, 0), OP(5, 6, CLOSE, 0, 0),
                   OP(7, 9, SEND, 1, 0), OP(8, 10, RECV, 1, 0));
}

static void test_cancel(void **state)
{
    ASSERT_LEGAL(1, OP(1, 3, RECV, 0, -ECANCELED), OP(2, 4, CANCEL, 0, 0));
    ASSERT_ILLEGAL(1, OP(1, 2, RECV, 0, -ECANCELED), OP(3, 4, CANCEL, 0, 0));
    /* It took nothing, and put nothing in. */
    ASSERT_ILLEGAL(1, OP(1, 2, CANCEL, 0, 0), OP(3, 4, SEND, 0, -ECANCELED),
                   OP(5, 6, TRY_RECV, 0, 0));
    ASSERT_ILLEGAL(1, OP(1, 2, SEND, 0, 0), OP(3, 4, CANCEL, 0, 0), OP(5, 6, RECV, 0, -ECANCELED),
                   OP(7, 8, TRY_RECV, 0, BOOM_CHAN_EMPTY));
    /* What has no context to wait with. */
    ASSERT_ILLEGAL(1, OP(1, 2, CANCEL, 0, 0), OP(3, 4, TRY_RECV, 0, -ECANCELED));
}

/* The first order that is tried goes wrong at its end only. */
static void test_goes_back(void **state)
{
    ASSERT_LEGAL(3, OP(1, 10, SEND, 0, 0), OP(2, 11, SEND, 1, 0), OP(3, 12, SEND, 2, 0),
                 OP(13, 14, RECV, 2, 0), OP(15, 16, RECV, 0, 0), OP(17, 18, RECV, 1, 0));
    ASSERT_ILLEGAL(3, OP(1, 10, SEND, 0, 0), OP(2, 11, SEND, 1, 0), OP(3, 12, SEND, 2, 0),
                   OP(13, 14, RECV, 2, 0), OP(15, 16, RECV, 0, 0), OP(17, 18, RECV, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fifo),
        cmocka_unit_test(test_element_lost),
        cmocka_unit_test(test_element_twice_or_from_nowhere),
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_close),
        cmocka_unit_test(test_rendezvous),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_goes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
