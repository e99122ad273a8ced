/* SPDX-License-Identifier: MIT */
#include <boom/chan.h>

#include "boom-test.h"

struct call {
    struct boom_chan *chan;
    struct boom_ctx *ctx;
    int value;
    int r;
};

static void *send_value(void *arg)
{
    struct call *call = arg;

    call->r = boom_chan_send(call->chan, call->ctx, &call->value);
    return NULL;
}

static void *recv_value(void *arg)
{
    struct call *call = arg;

    call->r = boom_chan_recv(call->chan, call->ctx, &call->value);
    return NULL;
}

static struct boom_chan *new_chan(size_t capacity)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(sizeof(int), capacity, &chan), 0);
    return chan;
}

static int recv_int(struct boom_chan *chan)
{
    int value;

    assert_int_equal(boom_chan_recv(chan, NULL, &value), 0);
    return value;
}

static void test_new_refuses(void **state)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(0, 1, &chan), -EINVAL);
    assert_int_equal(boom_chan_new(2, SIZE_MAX, &chan), -ENOMEM);
    assert_int_equal(boom_chan_new(1, SIZE_MAX, &chan), -ENOMEM);
    assert_null(boom_chan_free(NULL));
}

static void test_fifo_around_the_ring(void **state)
{
    struct boom_chan *chan = new_chan(3);
    struct boom_chan_stats stats;
    int next_in = 0, next_out = 0, value;

    for (int round = 0; round < 10; round++) {
        while (boom_chan_try_send(chan, &next_in) == 0)
            next_in++;
        assert_int_equal(next_in - next_out, 3);
        assert_int_equal(boom_chan_try_send(chan, &next_in), BOOM_CHAN_FULL);
        for (int i = 0; i < 2; i++)
            assert_int_equal(recv_int(chan), next_out++);
    }
    boom_chan_get_stats(chan, &stats);
    assert_int_equal(stats.length, 1);
    assert_int_equal(stats.capacity, 3);
    assert_int_equal(stats.high_water, 3);
    assert_int_equal(stats.sent, next_in);
    assert_int_equal(stats.received, next_out);
    assert_int_equal(boom_chan_try_recv(chan, &value), 0);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_EMPTY);
    boom_chan_free(chan);
}

static void test_elements_of_odd_size(void **state)
{
    struct boom_chan *chan;
    unsigned char in[13], out[13];

    assert_int_equal(boom_chan_new(sizeof(in), 2, &chan), 0);
    for (unsigned char round = 0; round < 5; round++) {
        memset(in, round, sizeof(in));
        assert_int_equal(boom_chan_send(chan, NULL, in), 0);
        assert_int_equal(boom_chan_recv(chan, NULL, out), 0);
        assert_memory_equal(in, out, sizeof(in));
    }
    boom_chan_free(chan);
}

static void test_close_drains_then_says_so(void **state)
{
    struct boom_chan *chan = new_chan(2);
    int value = 7;

    assert_false(boom_chan_is_closed(chan));
    assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
    assert_int_equal(boom_chan_close(chan), 0);
    assert_true(boom_chan_is_closed(chan));
    assert_int_equal(boom_chan_close(chan), -EALREADY);
    assert_int_equal(boom_chan_send(chan, NULL, &value), -EPIPE);
    assert_int_equal(boom_chan_try_send(chan, &value), -EPIPE);
    assert_int_equal(recv_int(chan), 7);
    assert_int_equal(boom_chan_recv(chan, NULL, &value), BOOM_CHAN_CLOSED);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_CLOSED);
    boom_chan_free(chan);
}

static void test_a_context_that_is_over(void **state)
{
    struct boom_chan *chan = new_chan(2);
    struct boom_ctx *cancelled, *late;
    size_t n;
    int value = 7;

    assert_int_equal(boom_ctx_with_cancel(NULL, &cancelled), 0);
    boom_ctx_cancel(cancelled, -EIO);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns(), &late), 0);
    assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
    assert_int_equal(boom_chan_send(chan, cancelled, &value), -ECANCELED);
    assert_int_equal(boom_chan_send(chan, late, &value), -ETIMEDOUT);
    assert_int_equal(boom_chan_recv(chan, cancelled, &value), -ECANCELED);
    assert_int_equal(boom_chan_recv_many(chan, late, &value, 1, &n), -ETIMEDOUT);
    assert_int_equal(recv_int(chan), 7);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_EMPTY);
    boom_ctx_unref(cancelled);
    boom_ctx_unref(late);
    boom_chan_free(chan);
}

static void test_deadline_ends_a_wait(void **state)
{
    struct boom_chan *chan = new_chan(0);
    int64_t at_ns = boom_now_ns() + 2000000;
    struct boom_ctx *ctx;
    int value = 0;

    assert_int_equal(boom_ctx_with_deadline(NULL, at_ns, &ctx), 0);
    assert_int_equal(boom_chan_recv(chan, ctx, &value), -ETIMEDOUT);
    assert_true(boom_now_ns() >= at_ns);
    boom_ctx_unref(ctx);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns() + 1000000, &ctx), 0);
    assert_int_equal(boom_chan_send(chan, ctx, &value), -ETIMEDOUT);
    boom_ctx_unref(ctx);
    assert_int_equal(list_length(chan, &chan->senders) + list_length(chan, &chan->receivers), 0);
    boom_chan_free(chan);
}

static void test_recv_many(void **state)
{
    struct boom_chan *chan = new_chan(5);
    int values[8] = {0};
    size_t n;

    for (int i = 1; i <= 5; i++)
        assert_int_equal(boom_chan_send(chan, NULL, &i), 0);
    assert_int_equal(boom_chan_recv_many(chan, NULL, values, 3, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(boom_chan_recv_many(chan, NULL, values + 3, 5, &n), 0);
    assert_int_equal(n, 2);
    for (int i = 0; i < 5; i++)
        assert_int_equal(values[i], i + 1);
    boom_chan_close(chan);
    assert_int_equal(boom_chan_recv_many(chan, NULL, values, 3, &n), BOOM_CHAN_CLOSED);
    boom_chan_free(chan);
}

static void test_recv_many_takes_from_waiting_senders(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct call calls[3];
    pthread_t threads[3];
    int values[8], first = 0;
    size_t n;

    assert_int_equal(boom_chan_send(chan, NULL, &first), 0);
    for (int i = 0; i < 3; i++) {
        calls[i] = (struct call){.chan = chan, .value = i + 1, .r = 9};
        threads[i] = spawn(send_value, &calls[i]);
        await_senders(chan, (unsigned)i + 1);
    }
    assert_int_equal(boom_chan_recv_many(chan, NULL, values, 8, &n), 0);
    assert_int_equal(n, 4);
    for (int i = 0; i < 4; i++)
        assert_int_equal(values[i], i);
    for (int i = 0; i < 3; i++) {
        join(threads[i]);
        assert_int_equal(calls[i].r, 0);
    }
    boom_chan_free(chan);
}

static void test_waiting_senders_are_served_in_order(void **state)
{
    enum { N = 5 };

    for (size_t capacity = 0; capacity < 3; capacity++) {
        struct boom_chan *chan = new_chan(capacity);
        struct call calls[N];
        pthread_t threads[N];
        int filler = -1;

        for (size_t i = 0; i < capacity; i++)
            assert_int_equal(boom_chan_try_send(chan, &filler), 0);
        for (int i = 0; i < N; i++) {
            calls[i] = (struct call){.chan = chan, .value = i, .r = 9};
            threads[i] = spawn(send_value, &calls[i]);
            await_senders(chan, (unsigned)i + 1);
        }
        assert_int_equal(boom_chan_try_send(chan, &filler), BOOM_CHAN_FULL);
        for (size_t i = 0; i < capacity; i++)
            assert_int_equal(recv_int(chan), -1);
        for (int i = 0; i < N; i++)
            assert_int_equal(recv_int(chan), i);
        for (int i = 0; i < N; i++) {
            join(threads[i]);
            assert_int_equal(calls[i].r, 0);
        }
        boom_chan_free(chan);
    }
}

static void test_waiting_receivers_are_served_in_order(void **state)
{
    enum { N = 4 };
    struct boom_chan *chan = new_chan(0);
    struct call calls[N];
    pthread_t threads[N];

    for (int i = 0; i < N; i++) {
        calls[i] = (struct call){.chan = chan, .r = 9};
        threads[i] = spawn(recv_value, &calls[i]);
        await_receivers(chan, (unsigned)i + 1);
    }
    for (int i = 0; i < N; i++)
        assert_int_equal(boom_chan_try_send(chan, &i), 0);
    for (int i = 0; i < N; i++) {
        join(threads[i]);
        assert_int_equal(calls[i].value, i);
    }
    boom_chan_free(chan);
}

static void test_rendezvous_needs_a_receiver(void **state)
{
    struct boom_chan *chan = new_chan(0);
    struct boom_chan_stats stats;
    struct call call = {.chan = chan, .value = 5};
    pthread_t thread;
    int value = 4;

    assert_int_equal(boom_chan_try_send(chan, &value), BOOM_CHAN_FULL);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_EMPTY);
    thread = spawn(send_value, &call);
    await_senders(chan, 1);
    assert_int_equal(boom_chan_try_recv(chan, &value), 0);
    assert_int_equal(value, 5);
    join(thread);
    boom_chan_get_stats(chan, &stats);
    assert_int_equal(stats.sent, 1);
    assert_int_equal(stats.received, 1);
    assert_int_equal(stats.high_water, 0);
    boom_chan_free(chan);
}

static void end_of_waits(void (*end)(struct boom_chan *chan, struct boom_ctx *ctx), int r_send,
                         int r_recv)
{
    for (int sending = 0; sending < 2; sending++) {
        struct boom_chan *chan = new_chan(0);
        struct call calls[3];
        pthread_t threads[3];
        struct boom_ctx *ctx;

        assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
        for (unsigned i = 0; i < 3; i++) {
            calls[i] = (struct call){.chan = chan, .ctx = ctx, .r = 9};
            threads[i] = spawn(sending ? send_value : recv_value, &calls[i]);
            AWAIT(list_length(chan, sending ? &chan->senders : &chan->receivers) == i + 1);
        }
        end(chan, ctx);
        for (int i = 0; i < 3; i++) {
            join(threads[i]);
            assert_int_equal(calls[i].r, sending ? r_send : r_recv);
        }
        boom_ctx_unref(ctx);
        boom_chan_free(chan);
    }
}

static void end_by_close(struct boom_chan *chan, struct boom_ctx *ctx)
{
    assert_int_equal(boom_chan_close(chan), 0);
}

static void end_by_cancel(struct boom_chan *chan, struct boom_ctx *ctx)
{
    boom_ctx_cancel(ctx, -EIO);
}

static void test_close_wakes_all(void **state)
{
    end_of_waits(end_by_close, -EPIPE, BOOM_CHAN_CLOSED);
}

static void test_cancel_wakes_all(void **state)
{
    end_of_waits(end_by_cancel, -ECANCELED, -ECANCELED);
}

static void test_a_cancelled_sender_does_not_send(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct call gone = {.chan = chan, .value = 1}, stays = {.chan = chan, .value = 2};
    pthread_t threads[2];
    int value = 0;

    assert_int_equal(boom_ctx_with_cancel(NULL, &gone.ctx), 0);
    assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
    threads[0] = spawn(send_value, &gone);
    await_senders(chan, 1);
    threads[1] = spawn(send_value, &stays);
    await_senders(chan, 2);
    boom_ctx_cancel(gone.ctx, 0);
    join(threads[0]);
    assert_int_equal(gone.r, -ECANCELED);
    assert_int_equal(recv_int(chan), 0);
    assert_int_equal(recv_int(chan), 2);
    join(threads[1]);
    boom_ctx_unref(gone.ctx);
    boom_chan_free(chan);
}

/* Cancellation against hand-over: what the sender was told is what the receiver saw. */
static void test_cancel_races_with_hand_over(void **state)
{
    unsigned n_sent = 0, n_cancelled = 0;

    for (int round = 0; round < 2000; round++) {
        struct boom_chan *chan = new_chan(0);
        struct call call = {.chan = chan, .value = round, .r = 9};
        pthread_t thread;
        int value = -1, r;

        assert_int_equal(boom_ctx_with_cancel(NULL, &call.ctx), 0);
        thread = spawn(send_value, &call);
        if (round % 2)
            await_senders(chan, 1);
        if (round % 3 == 0)
            sched_yield();
        if (round % 5 == 0) {
            boom_ctx_cancel(call.ctx, 0);
            r = boom_chan_try_recv(chan, &value);
        } else {
            r = boom_chan_try_recv(chan, &value);
            boom_ctx_cancel(call.ctx, 0);
        }
        join(thread);
        assert_int_equal(call.r, r == 0 ? 0 : -ECANCELED);
        assert_int_equal(value, r == 0 ? round : -1);
        n_sent += r == 0;
        n_cancelled += r != 0;
        boom_ctx_unref(call.ctx);
        boom_chan_free(chan);
    }
    assert_true(n_sent > 0 && n_cancelled > 0);
}

static void *close_and_count(void *arg)
{
    struct call *call = arg;

    call->r = boom_chan_close(call->chan);
    return NULL;
}

static void test_only_one_closes(void **state)
{
    for (int round = 0; round < 200; round++) {
        struct boom_chan *chan = new_chan(1);
        struct call calls[3];
        pthread_t threads[3];
        int n_closed = 0;

        for (int i = 0; i < 3; i++) {
            calls[i] = (struct call){.chan = chan};
            threads[i] = spawn(close_and_count, &calls[i]);
        }
        for (int i = 0; i < 3; i++) {
            join(threads[i]);
            n_closed += calls[i].r == 0;
        }
        assert_int_equal(n_closed, 1);
        boom_chan_free(chan);
    }
}

/* For the pipeline: a receive that is out of time, the tickets, and taking a victim out. */
static void test_take_with_a_deadline(void **state)
{
    struct boom_chan *chan = new_chan(2);
    uint64_t ticket = 99;
    int values[2], value = 3;
    size_t n;

    assert_int_equal(chan_take(chan, NULL, boom_now_ns() + 1000000, values, 2, &n, &ticket),
                     BOOM_CHAN_EMPTY);
    assert_int_equal(chan_take(chan, NULL, 0, values, 2, &n, &ticket), BOOM_CHAN_EMPTY);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
        assert_int_equal(chan_take(chan, NULL, 0, values, 2, &n, &ticket), 0);
        assert_int_equal(ticket, i);
    }
    boom_chan_free(chan);
}

static bool is_odd(void *arg, const void *elem)
{
    return *(const int *)elem % 2;
}

static void test_evict(void **state)
{
    struct boom_chan *chan = new_chan(4);
    struct boom_chan_stats stats;
    int skipped, value;

    for (int i = 0; i < 3; i++) { /* so that the ring is turned */
        assert_int_equal(boom_chan_try_send(chan, &i), 0);
        assert_int_equal(boom_chan_try_recv(chan, &skipped), 0);
    }
    for (int i = 2; i < 6; i++)
        assert_int_equal(boom_chan_try_send(chan, &i), 0);
    chan_lock(chan);
    assert_true(chan_evict_locked(chan, is_odd, NULL, &value) && value == 3);
    assert_true(chan_evict_locked(chan, is_odd, NULL, &value) && value == 5);
    assert_false(chan_evict_locked(chan, is_odd, NULL, &value));
    chan_unlock(chan, NULL);
    assert_int_equal(recv_int(chan), 2);
    assert_int_equal(recv_int(chan), 4);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_EMPTY);
    boom_chan_get_stats(chan, &stats);
    assert_int_equal(stats.sent, 7);
    assert_int_equal(stats.received, 7);
    boom_chan_free(chan);
}

struct entries {
    int n;
    bool late[4];
};

static void note_entry(void *arg, void *elem, bool late)
{
    struct entries *entries = arg;

    (void)elem;
    entries->late[entries->n++] = late;
}

/* Into a receiver's hands, into the ring, and into it after a wait for room. */
static void test_who_waited_enters_late(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct call receiver = {.chan = chan}, sender = {.chan = chan, .value = 3};
    struct entries entries = {0};
    pthread_t thread;

    chan->entered = note_entry;
    chan->entered_arg = &entries;
    thread = spawn(recv_value, &receiver);
    await_receivers(chan, 1);
    assert_int_equal(boom_chan_try_send(chan, &(int){1}), 0);
    join(thread);
    assert_int_equal(boom_chan_try_send(chan, &(int){2}), 0);
    thread = spawn(send_value, &sender);
    await_senders(chan, 1);
    assert_int_equal(recv_int(chan), 2);
    join(thread);
    assert_int_equal(entries.n, 3);
    assert_false(entries.late[0] || entries.late[1]);
    assert_true(entries.late[2]);
    boom_chan_free(chan);
}

static void *get_length(void *arg)
{
    struct call *call = arg;

    call->value = (int)boom_chan_length(call->chan);
    return NULL;
}

/* Longer than anybody pauses for it: until what was asked for under it is there. */
static void test_a_lock_that_is_held_for_long(void **state)
{
    enum { N = 3 };
    struct boom_chan *chan = new_chan(2);
    struct call calls[N], receiver = {.chan = chan};
    pthread_t threads[N], thread = spawn(recv_value, &receiver);
    int64_t until_ns;

    await_receivers(chan, 1); /* so that the channel is known to be shared */
    assert_int_equal(boom_chan_try_send(chan, &(int){1}), 0);
    join(thread);
    assert_true(chan->is_shared);
    chan_lock(chan);
    for (int i = 0; i < N; i++) {
        calls[i] = (struct call){.chan = chan, .value = -1};
        threads[i] = spawn(get_length, &calls[i]);
    }
    until_ns = boom_now_ns() + 2000000;
    AWAIT(boom_now_ns() >= until_ns);
    for (int i = 0; i < N; i++)
        assert_int_equal(calls[i].value, -1);
    assert_int_equal(chan_send_locked(chan, &(int){2}, &(struct waiter *){NULL}), 0);
    chan_unlock(chan, NULL);
    for (int i = 0; i < N; i++) {
        join(threads[i]);
        assert_int_equal(calls[i].value, 1);
    }
    boom_chan_free(chan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_new_refuses),
        cmocka_unit_test(test_fifo_around_the_ring),
        cmocka_unit_test(test_elements_of_odd_size),
        cmocka_unit_test(test_close_drains_then_says_so),
        cmocka_unit_test(test_a_context_that_is_over),
        cmocka_unit_test(test_deadline_ends_a_wait),
        cmocka_unit_test(test_recv_many),
        cmocka_unit_test(test_recv_many_takes_from_waiting_senders),
        cmocka_unit_test(test_waiting_senders_are_served_in_order),
        cmocka_unit_test(test_waiting_receivers_are_served_in_order),
        cmocka_unit_test(test_rendezvous_needs_a_receiver),
        cmocka_unit_test(test_close_wakes_all),
        cmocka_unit_test(test_cancel_wakes_all),
        cmocka_unit_test(test_a_cancelled_sender_does_not_send),
        cmocka_unit_test(test_cancel_races_with_hand_over),
        cmocka_unit_test(test_only_one_closes),
        cmocka_unit_test(test_take_with_a_deadline),
        cmocka_unit_test(test_evict),
        cmocka_unit_test(test_who_waited_enters_late),
        cmocka_unit_test(test_a_lock_that_is_held_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
