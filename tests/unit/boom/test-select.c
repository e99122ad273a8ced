/* SPDX-License-Identifier: MIT */
#include <boom/select.h>

#include "boom-test.h"

struct call {
    struct boom_ctx *ctx;
    struct boom_case *cases;
    size_t n;
    size_t index;
    int r;
};

static void *select_cases(void *arg)
{
    struct call *call = arg;

    call->r = boom_select(call->ctx, call->cases, call->n, &call->index);
    return NULL;
}

static struct boom_chan *new_chan(size_t capacity)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(sizeof(int), capacity, &chan), 0);
    return chan;
}

static void send_int(struct boom_chan *chan, int value)
{
    assert_int_equal(boom_chan_send(chan, NULL, &value), 0);
}

static void test_default_when_nothing_is_ready(void **state)
{
    struct boom_chan *full = new_chan(1), *empty = new_chan(1), *rendezvous = new_chan(0);
    int in = 1, out = 0;
    size_t index = 77;
    struct boom_case cases[] = {
        BOOM_CASE_SEND(full, &in),        BOOM_CASE_RECV(empty, &out),
        BOOM_CASE_RECV(rendezvous, &out), BOOM_CASE_SEND(rendezvous, &in),
        BOOM_CASE_RECV(NULL, &out),
    };

    send_int(full, 5);
    assert_int_equal(boom_try_select(cases, 5, &index), BOOM_SELECT_DEFAULT);
    assert_int_equal(boom_try_select(NULL, 0, &index), BOOM_SELECT_DEFAULT);
    assert_int_equal(index, 77);
    boom_chan_free(full);
    boom_chan_free(empty);
    boom_chan_free(rendezvous);
}

static void test_refuses_an_op_that_is_none(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct boom_case cases[] = {{.op = (enum boom_case_op)7, .chan = chan}};
    size_t index;

    assert_int_equal(boom_try_select(cases, 1, &index), -EINVAL);
    assert_int_equal(boom_select(NULL, cases, 1, &index), -EINVAL);
    boom_chan_free(chan);
}

static void test_the_ready_case_happens(void **state)
{
    struct boom_chan *a = new_chan(1), *b = new_chan(1);
    int in = 6, out = 0;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_RECV(a, &out), BOOM_CASE_SEND(b, &in)};

    cases[1].result = 99;
    assert_int_equal(boom_select(NULL, cases, 2, &index), 0);
    assert_int_equal(index, 1);
    assert_int_equal(cases[1].result, 0);
    send_int(a, 5);
    cases[1].result = 99;
    assert_int_equal(boom_select(NULL, cases, 2, &index), 0); /* b is full */
    assert_int_equal(index, 0);
    assert_int_equal(out, 5);
    assert_int_equal(cases[1].result, 99);
    assert_int_equal(boom_chan_try_recv(b, &out), 0);
    assert_int_equal(out, 6);
    boom_chan_free(a);
    boom_chan_free(b);
}

static void test_closed_channels_are_ready(void **state)
{
    struct boom_chan *chan = new_chan(1);
    int value = 3;
    size_t index;
    struct boom_case recv[] = {BOOM_CASE_RECV(chan, &value)};
    struct boom_case send[] = {BOOM_CASE_SEND(chan, &value)};

    send_int(chan, 4);
    boom_chan_close(chan);
    assert_int_equal(boom_try_select(send, 1, &index), 0);
    assert_int_equal(send[0].result, -EPIPE);
    assert_int_equal(boom_try_select(recv, 1, &index), 0);
    assert_int_equal(recv[0].result, 0);
    assert_int_equal(value, 4);
    assert_int_equal(boom_select(NULL, recv, 1, &index), 0);
    assert_int_equal(recv[0].result, BOOM_CHAN_CLOSED);
    boom_chan_free(chan);
}

static void test_a_context_that_is_over(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct boom_ctx *cancelled, *late;
    int value = 3;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_SEND(chan, &value)};

    assert_int_equal(boom_ctx_with_cancel(NULL, &cancelled), 0);
    boom_ctx_cancel(cancelled, -EIO);
    assert_int_equal(boom_ctx_with_deadline(NULL, boom_now_ns(), &late), 0);
    assert_int_equal(boom_select(cancelled, cases, 1, &index), -ECANCELED);
    assert_int_equal(boom_select(late, cases, 1, &index), -ETIMEDOUT);
    assert_int_equal(boom_chan_try_recv(chan, &value), BOOM_CHAN_EMPTY);
    boom_ctx_unref(cancelled);
    boom_ctx_unref(late);
    boom_chan_free(chan);
}

static void test_deadline_ends_a_wait(void **state)
{
    struct boom_chan *chan = new_chan(0);
    struct boom_ctx *ctx;
    int value = 3;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_SEND(chan, &value), BOOM_CASE_RECV(chan, &value),
                                BOOM_CASE_RECV(NULL, &value)};
    int64_t at_ns = boom_now_ns() + 2000000;

    assert_int_equal(boom_ctx_with_deadline(NULL, at_ns, &ctx), 0);
    assert_int_equal(boom_select(ctx, cases, 3, &index), -ETIMEDOUT);
    assert_true(boom_now_ns() >= at_ns);
    await_senders(chan, 0);
    await_receivers(chan, 0);
    assert_int_equal(boom_select(ctx, NULL, 0, &index), -ETIMEDOUT);
    boom_ctx_unref(ctx);
    boom_chan_free(chan);
}

static void test_cancellation_wakes(void **state)
{
    struct boom_chan *a = new_chan(0), *b = new_chan(0);
    struct boom_ctx *ctx;
    int value = 3;
    struct boom_case cases[] = {BOOM_CASE_SEND(a, &value), BOOM_CASE_RECV(b, &value)};
    struct call call = {.cases = cases, .n = 2};
    pthread_t thread;

    assert_int_equal(boom_ctx_with_cancel(NULL, &ctx), 0);
    call.ctx = ctx;
    thread = spawn(select_cases, &call);
    await_senders(a, 1);
    await_receivers(b, 1);
    boom_ctx_cancel(ctx, 0);
    join(thread);
    assert_int_equal(call.r, -ECANCELED);
    await_senders(a, 0);
    await_receivers(b, 0);
    boom_ctx_unref(ctx);
    boom_chan_free(a);
    boom_chan_free(b);
}

/* A null channel beside a live one, as in the idiom of switching cases off. */
static void test_woken_by_a_peer(void **state)
{
    struct boom_chan *a = new_chan(0), *b = new_chan(1);
    int value = 0;
    struct boom_case cases[] = {BOOM_CASE_RECV(NULL, &value), BOOM_CASE_RECV(a, &value),
                                BOOM_CASE_RECV(b, &value)};

    for (int i = 1; i <= 2; i++) {
        struct call call = {.cases = cases, .n = 3};
        pthread_t thread = spawn(select_cases, &call);

        await_receivers(a, 1);
        await_receivers(b, 1);
        send_int(i == 1 ? a : b, 10 * i);
        join(thread);
        assert_int_equal(call.r, 0);
        assert_int_equal(call.index, i);
        assert_int_equal(cases[i].result, 0);
        assert_int_equal(value, 10 * i);
        await_receivers(a, 0);
        await_receivers(b, 0);
    }
    boom_chan_free(a);
    boom_chan_free(b);
}

static void test_close_wakes(void **state)
{
    struct boom_chan *a = new_chan(0), *b = new_chan(0);
    int value = 0;
    struct boom_case cases[] = {BOOM_CASE_RECV(a, &value), BOOM_CASE_SEND(b, &value)};
    struct call call = {.cases = cases, .n = 2};
    pthread_t thread = spawn(select_cases, &call);

    await_senders(b, 1);
    boom_chan_close(a);
    join(thread);
    assert_int_equal(call.r, 0);
    assert_int_equal(call.index, 0);
    assert_int_equal(cases[0].result, BOOM_CHAN_CLOSED);

    cases[0].chan = NULL;
    thread = spawn(select_cases, &call);
    await_senders(b, 1);
    boom_chan_close(b);
    join(thread);
    assert_int_equal(call.index, 1);
    assert_int_equal(cases[1].result, -EPIPE);
    boom_chan_free(a);
    boom_chan_free(b);
}

/* What a waiting select was going to send is sent once, though it is listed three times. */
static void test_the_same_channel_in_several_cases(void **state)
{
    struct boom_chan *chan = new_chan(0);
    int in[3] = {1, 2, 3}, out = 0;
    struct boom_case cases[] = {BOOM_CASE_SEND(chan, &in[0]), BOOM_CASE_SEND(chan, &in[1]),
                                BOOM_CASE_SEND(chan, &in[2])};
    struct call call = {.cases = cases, .n = 3};
    pthread_t thread = spawn(select_cases, &call);

    await_senders(chan, 3);
    assert_int_equal(boom_chan_recv(chan, NULL, &out), 0);
    join(thread);
    assert_int_equal(call.index, out - 1);
    assert_int_equal(boom_chan_try_recv(chan, &out), BOOM_CHAN_EMPTY);
    boom_chan_free(chan);
}

/* It does not rendezvous with itself, but with another that does the same. */
static void test_send_and_receive_on_one_rendezvous(void **state)
{
    struct boom_chan *chan = new_chan(0);
    int in[2] = {1, 2}, out[2] = {0, 0};
    struct boom_case a[] = {BOOM_CASE_SEND(chan, &in[0]), BOOM_CASE_RECV(chan, &out[0])};
    struct boom_case b[] = {BOOM_CASE_RECV(chan, &out[1]), BOOM_CASE_SEND(chan, &in[1])};
    struct call call = {.cases = a, .n = 2};
    pthread_t thread = spawn(select_cases, &call);
    size_t index;

    await_senders(chan, 1);
    await_receivers(chan, 1);
    assert_int_equal(boom_select(NULL, b, 2, &index), 0);
    join(thread);
    assert_int_equal(call.r, 0);
    assert_int_equal(index, call.index == 0 ? 0 : 1);
    assert_int_equal(call.index == 0 ? out[1] : out[0], call.index == 0 ? 1 : 2);
    assert_int_equal(call.index == 0 ? out[0] : out[1], 0);
    boom_chan_free(chan);
}

static void count_call(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

/* A waiting receiver is room in a rendezvous; and a select that makes room says so. */
static void test_fires_watches(void **state)
{
    struct boom_chan *rendezvous = new_chan(0), *full = new_chan(1);
    atomic_uint calls = 0;
    struct boom_watch watch = {.fn = count_call, .arg = &calls};
    int value = 0;
    size_t index;
    struct boom_case cases[] = {BOOM_CASE_RECV(rendezvous, &value)};
    struct boom_case other[] = {BOOM_CASE_RECV(full, &value), BOOM_CASE_RECV(rendezvous, &value)};
    struct call call = {.cases = cases, .n = 1};
    pthread_t thread;

    assert_int_equal(boom_chan_watch_room(rendezvous, &watch), 0);
    thread = spawn(select_cases, &call);
    AWAIT(calls == 1);
    assert_int_equal(boom_chan_try_send(rendezvous, &value), 0);
    join(thread);

    send_int(full, 1);
    assert_int_equal(boom_chan_watch_room(full, &watch), 0);
    assert_int_equal(boom_select(NULL, other, 2, &index), 0);
    assert_int_equal(calls, 2);
    boom_chan_free(rendezvous);
    boom_chan_free(full);
}

/* Chi-square over many draws; a fair choice fails this once in some ten thousand runs. */
static void check_uniform(const unsigned *hits, size_t n, unsigned draws, double limit)
{
    double expected = (double)draws / (double)n, chi2 = 0;

    for (size_t i = 0; i < n; i++)
        chi2 += ((double)hits[i] - expected) * ((double)hits[i] - expected) / expected;
    if (chi2 > limit)
        fail_msg("chi-square %.1f over %zu cases", chi2, n);
}

/* Two of seven are never ready: their neighbours must not inherit their share. */
static void test_uniform_among_ready_cases(void **state)
{
    enum { N = 7, DRAWS = 20000 };
    struct boom_chan *closed = new_chan(1), *empty = new_chan(1);
    struct boom_case cases[N];
    unsigned hits[N] = {0}, ready[N - 2], n = 0;
    int value;
    size_t index;

    boom_chan_close(closed);
    for (int i = 0; i < N; i++)
        cases[i] = (struct boom_case)BOOM_CASE_RECV(i == 2 || i == 3 ? empty : closed, &value);
    for (int i = 0; i < DRAWS; i++) {
        assert_int_equal(boom_try_select(cases, N, &index), 0);
        hits[index]++;
    }
    assert_int_equal(hits[2] + hits[3], 0);
    for (int i = 0; i < N; i++)
        if (i != 2 && i != 3)
            ready[n++] = hits[i];
    check_uniform(ready, n, DRAWS, 23.5); /* 4 degrees of freedom: p = 0.0001 */
    boom_chan_free(closed);
    boom_chan_free(empty);
}

/* Channels in falling, rising and mixed order, some of them twice: no self-deadlock. */
static void test_many_channels(void **state)
{
    enum { N = 48 };
    struct boom_chan *chans[N];
    struct boom_case cases[2 * N];
    int values[2 * N];
    bool seen[N] = {false};
    size_t index;

    for (int i = 0; i < N; i++)
        chans[i] = new_chan(1);
    for (int i = 0; i < 2 * N; i++)
        cases[i] = (struct boom_case)BOOM_CASE_RECV(chans[i * 29 % N], &values[i]);
    for (int i = 0; i < N; i++)
        send_int(chans[i], i);
    for (int i = 0; i < N; i++) {
        assert_int_equal(boom_try_select(cases, 2 * N, &index), 0);
        assert_int_equal(values[index], index * 29 % N);
        assert_false(seen[values[index]]);
        seen[values[index]] = true;
    }
    assert_int_equal(boom_try_select(cases, 2 * N, &index), BOOM_SELECT_DEFAULT);
    for (int i = 0; i < N; i++)
        boom_chan_free(chans[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_when_nothing_is_ready),
        cmocka_unit_test(test_refuses_an_op_that_is_none),
        cmocka_unit_test(test_the_ready_case_happens),
        cmocka_unit_test(test_closed_channels_are_ready),
        cmocka_unit_test(test_a_context_that_is_over),
        cmocka_unit_test(test_deadline_ends_a_wait),
        cmocka_unit_test(test_cancellation_wakes),
        cmocka_unit_test(test_woken_by_a_peer),
        cmocka_unit_test(test_close_wakes),
        cmocka_unit_test(test_the_same_channel_in_several_cases),
        cmocka_unit_test(test_send_and_receive_on_one_rendezvous),
        cmocka_unit_test(test_fires_watches),
        cmocka_unit_test(test_uniform_among_ready_cases),
        cmocka_unit_test(test_many_channels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
