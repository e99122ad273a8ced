/* SPDX-License-Identifier: MIT */
#include <boom/chan.h>

#include "boom-test.h"

struct watcher {
    struct boom_watch watch;
    struct boom_chan *chan;
    atomic_uint n_calls;
    sem_t called, go_on;
    sem_t unwatching;
    atomic_bool unwatched;
};

static void count_call(void *arg)
{
    struct watcher *watcher = arg;

    atomic_fetch_add(&watcher->n_calls, 1);
    sem_post(&watcher->called);
}

static void watcher_init(struct watcher *watcher, struct boom_chan *chan, void (*fn)(void *arg))
{
    *watcher = (struct watcher){.watch = {.fn = fn, .arg = watcher}, .chan = chan};
    sem_init(&watcher->called, 0, 0);
    sem_init(&watcher->go_on, 0, 0);
    sem_init(&watcher->unwatching, 0, 0);
}

static struct boom_chan *new_full(size_t capacity)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(1, capacity, &chan), 0);
    while (boom_chan_try_send(chan, "") == 0)
        ;
    return chan;
}

static void test_called_once_for_room(void **state)
{
    struct boom_chan *chan = new_full(2);
    struct watcher watcher;
    char elem;

    watcher_init(&watcher, chan, count_call);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watcher.n_calls, 1);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watcher.n_calls, 1);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 1);
    boom_chan_unwatch(chan, &watcher.watch);
    assert_int_equal(watcher.n_calls, 1);
    boom_chan_free(chan);
}

static void test_called_for_close(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher watcher;

    watcher_init(&watcher, chan, count_call);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    assert_int_equal(boom_chan_close(chan), 0);
    assert_int_equal(watcher.n_calls, 1);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 1);
    boom_chan_free(chan);
}

static void test_all_watchers_are_called(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher watchers[3];
    char elem;

    for (int i = 0; i < 3; i++) {
        watcher_init(&watchers[i], chan, count_call);
        assert_int_equal(boom_chan_watch_room(chan, &watchers[i].watch), 0);
    }
    boom_chan_unwatch(chan, &watchers[1].watch);
    boom_chan_unwatch(chan, &watchers[1].watch);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watchers[0].n_calls, 1);
    assert_int_equal(watchers[1].n_calls, 0);
    assert_int_equal(watchers[2].n_calls, 1);
    boom_chan_free(chan);
}

static void *receive(void *arg)
{
    char elem;

    assert_int_equal(boom_chan_recv(arg, NULL, &elem), 0);
    return NULL;
}

static void test_a_receiver_is_room_in_a_rendezvous(void **state)
{
    struct boom_chan *chan = new_full(0);
    struct watcher watcher;
    pthread_t thread;

    watcher_init(&watcher, chan, count_call);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    thread = spawn(receive, chan);
    wait_sem(&watcher.called);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 1);
    assert_int_equal(boom_chan_try_send(chan, ""), 0);
    join(thread);
    boom_chan_free(chan);
}

static void *send_one(void *arg)
{
    assert_int_equal(boom_chan_send(arg, NULL, ""), 0);
    return NULL;
}

static void test_waiting_senders_come_first(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher watcher;
    pthread_t thread = spawn(send_one, chan);
    char elem;

    await_senders(chan, 1);
    watcher_init(&watcher, chan, count_call);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0); /* its place is the sender's */
    assert_int_equal(watcher.n_calls, 0);
    join(thread);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watcher.n_calls, 1);
    boom_chan_free(chan);
}

static void refill_and_watch_again(void *arg)
{
    struct watcher *watcher = arg;

    count_call(watcher);
    assert_int_equal(boom_chan_try_send(watcher->chan, ""), 0);
    assert_int_equal(boom_chan_watch_room(watcher->chan, &watcher->watch), 0);
}

static void test_fn_may_arm_again_and_disarm(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher watcher;
    char elem;

    watcher_init(&watcher, chan, refill_and_watch_again);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    for (unsigned i = 1; i <= 5; i++) {
        assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
        assert_int_equal(watcher.n_calls, i);
    }
    boom_chan_unwatch(chan, &watcher.watch);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watcher.n_calls, 5);
    boom_chan_free(chan);
}

static void unwatch_itself(void *arg)
{
    struct watcher *watcher = arg;

    boom_chan_unwatch(watcher->chan, &watcher->watch);
    count_call(watcher);
}

static void test_fn_may_unwatch_itself(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher watcher;
    char elem;

    watcher_init(&watcher, chan, unwatch_itself);
    assert_int_equal(boom_chan_watch_room(chan, &watcher.watch), 0);
    assert_int_equal(boom_chan_try_recv(chan, &elem), 0);
    assert_int_equal(watcher.n_calls, 1);
    boom_chan_free(chan);
}

static void hold_still(void *arg)
{
    struct watcher *watcher = arg;

    sem_post(&watcher->called);
    wait_sem(&watcher->go_on);
    atomic_fetch_add(&watcher->n_calls, 1);
}

static void *unwatch(void *arg)
{
    struct watcher *watcher = arg;

    sem_post(&watcher->unwatching);
    boom_chan_unwatch(watcher->chan, &watcher->watch);
    watcher->unwatched = true;
    return NULL;
}

static void test_unwatch_waits_for_a_call_under_way(void **state)
{
    struct boom_chan *chan = new_full(1);
    struct watcher held, due;
    pthread_t receiver, unwatcher;

    /* newest first: `held` is called, `due` would be next */
    watcher_init(&due, chan, count_call);
    assert_int_equal(boom_chan_watch_room(chan, &due.watch), 0);
    watcher_init(&held, chan, hold_still);
    assert_int_equal(boom_chan_watch_room(chan, &held.watch), 0);
    receiver = spawn(receive, chan);
    wait_sem(&held.called);
    unwatcher = spawn(unwatch, &held);
    boom_chan_unwatch(chan, &due.watch); /* taken out of the hands of the firing thread */
    wait_sem(&held.unwatching);
    for (int i = 0; i < 1000; i++) {
        assert_false(held.unwatched);
        sched_yield();
    }
    sem_post(&held.go_on);
    join(unwatcher);
    join(receiver);
    assert_int_equal(held.n_calls, 1);
    assert_int_equal(due.n_calls, 0);
    boom_chan_free(chan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_called_once_for_room),
        cmocka_unit_test(test_called_for_close),
        cmocka_unit_test(test_all_watchers_are_called),
        cmocka_unit_test(test_a_receiver_is_room_in_a_rendezvous),
        cmocka_unit_test(test_waiting_senders_come_first),
        cmocka_unit_test(test_fn_may_arm_again_and_disarm),
        cmocka_unit_test(test_fn_may_unwatch_itself),
        cmocka_unit_test(test_unwatch_waits_for_a_call_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
