/* SPDX-License-Identifier: MIT */
#include <boom/fan.h>

#include "boom-test.h"

enum { MAX_CHANS = 5 };

struct fans {
    struct boom_group *group;
    struct boom_chan *one;
    struct boom_chan *many[MAX_CHANS];
    unsigned n;
    atomic_uint n_dropped;
    int last_dropped;
};

static void fans_init(struct fans *fans, unsigned n, size_t capacity)
{
    memset(fans, 0, sizeof(*fans));
    fans->n = n;
    assert_int_equal(boom_group_new(NULL, &fans->group), 0);
    assert_int_equal(boom_chan_new(sizeof(int), capacity, &fans->one), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(boom_chan_new(sizeof(int), capacity, &fans->many[i]), 0);
}

static void fans_deinit(struct fans *fans)
{
    boom_group_free(fans->group);
    boom_chan_free(fans->one);
    for (unsigned i = 0; i < fans->n; i++)
        boom_chan_free(fans->many[i]);
}

static void send(struct boom_chan *chan, int value)
{
    assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
}

static int recv(struct boom_chan *chan)
{
    int value;

    assert_int_equal(boom_chan_recv(chan, NULL, &value), 0);
    return value;
}

static void assert_ended(struct boom_chan *chan)
{
    int value;

    assert_int_equal(boom_chan_recv(chan, NULL, &value), BOOM_CHAN_CLOSED);
    assert_int_equal(boom_chan_close(chan), -EALREADY);
}

static void count_drop(void *arg, const void *elem)
{
    struct fans *fans = arg;

    fans->last_dropped = *(const int *)elem;
    fans->n_dropped++;
}

static uint64_t by_tens(void *arg, const void *elem)
{
    return (uint64_t)(*(const int *)elem / 10);
}

static void test_refuses_nothing_and_mixed_sizes(void **state)
{
    struct boom_chan *bytes;
    struct fans fans;

    fans_init(&fans, 2, 1);
    assert_int_equal(boom_chan_new(1, 1, &bytes), 0);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 0, NULL), -EINVAL);
    assert_int_equal(boom_fan_in(fans.group, &bytes, 1, fans.one, NULL), -EINVAL);
    assert_int_equal(boom_fan_in_ordered(fans.group, fans.many, 2, bytes, NULL), -EINVAL);
    assert_int_equal(boom_group_wait(fans.group), 0);
    assert_false(boom_chan_is_closed(fans.one));
    boom_chan_free(bytes);
    fans_deinit(&fans);
}

static void test_round_robin(void **state)
{
    struct fans fans;

    fans_init(&fans, 3, 4);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 3, NULL), 0);
    for (int i = 0; i < 8; i++)
        send(fans.one, i);
    boom_chan_close(fans.one);
    assert_int_equal(boom_group_wait(fans.group), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(recv(fans.many[i % 3]), i);
    for (int i = 0; i < 3; i++)
        assert_ended(fans.many[i]);
    fans_deinit(&fans);
}

static void test_by_key(void **state)
{
    struct boom_fan_options options = {.key = by_tens};
    struct fans fans;

    fans_init(&fans, 3, 16);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 3, &options), 0);
    for (int i = 0; i < 40; i += 3)
        send(fans.one, i);
    boom_chan_close(fans.one);
    assert_int_equal(boom_group_wait(fans.group), 0);
    for (int i = 0; i < 40; i += 3)
        assert_int_equal(recv(fans.many[i / 10 % 3]), i);
    for (int i = 0; i < 3; i++)
        assert_ended(fans.many[i]);
    fans_deinit(&fans);
}

static void merge_values(size_t capacity, bool last_is_late)
{
    struct fans fans;
    unsigned seen = 0;

    fans_init(&fans, 3, capacity);
    assert_int_equal(boom_fan_in(fans.group, fans.many, 3, fans.one, NULL), 0);
    for (int i = 0; i < 3; i++)
        await_receivers(fans.many[i], 1); /* it waits for all */
    boom_chan_close(fans.many[1]);
    await_receivers(fans.many[0], 1);
    for (int i = 0; i < 10; i++) {
        send(fans.many[i % 2 * 2], i);
        seen |= 1u << recv(fans.one);
    }
    assert_int_equal(seen, (1u << 10) - 1);
    boom_chan_close(fans.many[last_is_late ? 0 : 2]);
    await_receivers(fans.many[last_is_late ? 2 : 0], 1);
    assert_false(boom_chan_is_closed(fans.one));
    boom_chan_close(fans.many[last_is_late ? 2 : 0]);
    assert_int_equal(boom_group_wait(fans.group), 0);
    assert_ended(fans.one);
    fans_deinit(&fans);
}

static void test_merge_as_they_come(void **state)
{
    merge_values(4, false);
    merge_values(1, true);
    merge_values(0, true);
}

static void test_merge_is_fair_to_a_slow_input(void **state)
{
    struct fans fans;

    fans_init(&fans, 2, 8);
    for (int i = 0; i < 8; i++)
        send(fans.many[0], i);
    send(fans.many[1], 100);
    for (int i = 0; i < 2; i++)
        boom_chan_close(fans.many[i]);
    assert_int_equal(boom_fan_in(fans.group, fans.many, 2, fans.one, NULL), 0);
    assert_int_equal(recv(fans.one), 0);
    assert_int_equal(recv(fans.one), 100);
    for (int i = 1; i < 8; i++)
        assert_int_equal(recv(fans.one), i);
    assert_ended(fans.one);
    boom_group_wait(fans.group);
    fans_deinit(&fans);
}

static void test_ordered_merge_waits_for_each_in_turn(void **state)
{
    struct fans fans;

    fans_init(&fans, 3, 8);
    assert_int_equal(boom_fan_in_ordered(fans.group, fans.many, 3, fans.one, NULL), 0);
    send(fans.many[2], 2);
    send(fans.many[1], 1);
    await_receivers(fans.many[0], 1);
    send(fans.many[0], 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(recv(fans.one), i);
    /* One that has ended loses its turn; what the others have is not lost. */
    boom_chan_close(fans.many[1]);
    send(fans.many[0], 3);
    send(fans.many[2], 4);
    send(fans.many[2], 6);
    send(fans.many[0], 5);
    for (int i = 3; i < 7; i++)
        assert_int_equal(recv(fans.one), i);
    boom_chan_close(fans.many[0]);
    send(fans.many[2], 7);
    assert_int_equal(recv(fans.one), 7);
    boom_chan_close(fans.many[2]);
    assert_int_equal(boom_group_wait(fans.group), 0);
    assert_ended(fans.one);
    fans_deinit(&fans);
}

static void test_out_and_in_again_keeps_the_order(void **state)
{
    struct boom_chan *back;
    struct fans fans;

    fans_init(&fans, 5, 1);
    assert_int_equal(boom_chan_new(sizeof(int), 0, &back), 0);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 5, NULL), 0);
    assert_int_equal(boom_fan_in_ordered(fans.group, fans.many, 5, back, NULL), 0);
    for (int i = 0; i < 203; i++) {
        send(fans.one, i);
        if (i >= 3)
            assert_int_equal(recv(back), i - 3);
    }
    boom_chan_close(fans.one);
    for (int i = 200; i < 203; i++)
        assert_int_equal(recv(back), i);
    assert_ended(back);
    assert_int_equal(boom_group_wait(fans.group), 0);
    boom_chan_free(back);
    fans_deinit(&fans);
}

static void cancel_and_check(struct fans *fans, int dropped)
{
    boom_ctx_cancel(boom_group_ctx(fans->group), -EIO);
    assert_int_equal(boom_group_wait(fans->group), -ECANCELED);
    assert_int_equal(fans->n_dropped, 1);
    assert_int_equal(fans->last_dropped, dropped);
}

static void test_cancel_ends_fan_out_with_one_in_hand(void **state)
{
    struct fans fans;
    struct boom_fan_options options = {.drop = count_drop, .arg = &fans};

    fans_init(&fans, 2, 0);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 2, &options), 0);
    send(fans.one, 42);
    await_senders(fans.many[0], 1);
    cancel_and_check(&fans, 42);
    assert_ended(fans.many[0]);
    assert_ended(fans.many[1]);
    assert_false(boom_chan_is_closed(fans.one));
    fans_deinit(&fans);
}

static void test_cancel_ends_fan_in(void **state)
{
    struct fans fans;
    struct boom_fan_options options = {.drop = count_drop, .arg = &fans};

    for (int ordered = 0; ordered < 2; ordered++) {
        fans_init(&fans, 2, 0);
        if (ordered)
            assert_int_equal(boom_fan_in_ordered(fans.group, fans.many, 2, fans.one, &options), 0);
        else
            assert_int_equal(boom_fan_in(fans.group, fans.many, 2, fans.one, &options), 0);
        send(fans.many[0], 7);
        await_senders(fans.one, 1);
        cancel_and_check(&fans, 7);
        assert_ended(fans.one);
        fans_deinit(&fans);
    }
}

static void test_cancel_wakes_a_merge_that_waits(void **state)
{
    struct fans fans;

    fans_init(&fans, 3, 2);
    assert_int_equal(boom_fan_in(fans.group, fans.many, 3, fans.one, NULL), 0);
    for (int i = 0; i < 3; i++)
        await_receivers(fans.many[i], 1);
    boom_ctx_cancel(boom_group_ctx(fans.group), 0);
    assert_int_equal(boom_group_wait(fans.group), -ECANCELED);
    assert_ended(fans.one);
    for (int i = 0; i < 3; i++)
        await_receivers(fans.many[i], 0);
    fans_deinit(&fans);
}

static void test_an_output_closed_against_the_rules(void **state)
{
    struct fans fans;
    struct boom_fan_options options = {.drop = count_drop, .arg = &fans};

    fans_init(&fans, 2, 1);
    boom_chan_close(fans.many[0]);
    assert_int_equal(boom_fan_out(fans.group, fans.one, fans.many, 2, &options), 0);
    send(fans.one, 1);
    assert_int_equal(boom_group_wait(fans.group), -EPIPE);
    assert_int_equal(fans.n_dropped, 1);
    assert_ended(fans.many[1]);
    fans_deinit(&fans);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_nothing_and_mixed_sizes),
        cmocka_unit_test(test_round_robin),
        cmocka_unit_test(test_by_key),
        cmocka_unit_test(test_merge_as_they_come),
        cmocka_unit_test(test_merge_is_fair_to_a_slow_input),
        cmocka_unit_test(test_ordered_merge_waits_for_each_in_turn),
        cmocka_unit_test(test_out_and_in_again_keeps_the_order),
        cmocka_unit_test(test_cancel_ends_fan_out_with_one_in_hand),
        cmocka_unit_test(test_cancel_ends_fan_in),
        cmocka_unit_test(test_cancel_wakes_a_merge_that_waits),
        cmocka_unit_test(test_an_output_closed_against_the_rules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
