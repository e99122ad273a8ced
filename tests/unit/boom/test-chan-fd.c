/* SPDX-License-Identifier: MIT */
/* Watches for elements, and the channel as an fd. */
#include <boom/chan.h>
#include <boom/select.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "boom-test.h"

static struct boom_chan *new_chan(size_t capacity)
{
    struct boom_chan *chan;

    assert_int_equal(boom_chan_new(sizeof(int), capacity, &chan), 0);
    return chan;
}

static struct boom_chan_fd *new_fd(struct boom_chan *chan, enum boom_chan_event event)
{
    struct boom_chan_fd *fd;

    assert_int_equal(boom_chan_fd_new(chan, event, &fd), 0);
    return fd;
}

static bool is_readable(struct boom_chan_fd *fd)
{
    struct pollfd pollfd = {.fd = boom_chan_fd_get(fd), .events = POLLIN};

    return poll(&pollfd, 1, 0) == 1 && pollfd.revents == POLLIN;
}

/* Hangs if it never is. */
static void await_readable(struct boom_chan_fd *fd)
{
    struct pollfd pollfd = {.fd = boom_chan_fd_get(fd), .events = POLLIN};

    assert_int_equal(poll(&pollfd, 1, -1), 1);
}

static void send_int(struct boom_chan *chan, int value)
{
    assert_int_equal(boom_chan_try_send(chan, &value), 0);
}

static int recv_int(struct boom_chan *chan)
{
    int value = -1;

    assert_int_equal(boom_chan_try_recv(chan, &value), 0);
    return value;
}

static void test_length_and_capacity(void **state)
{
    struct boom_chan *chan = new_chan(3);

    assert_int_equal(boom_chan_capacity(chan), 3);
    assert_int_equal(boom_chan_length(chan), 0);
    send_int(chan, 1);
    send_int(chan, 2);
    assert_int_equal(boom_chan_length(chan), 2);
    recv_int(chan);
    assert_int_equal(boom_chan_length(chan), 1);
    boom_chan_free(chan);
}

static void count_call(void *arg)
{
    atomic_fetch_add((atomic_uint *)arg, 1);
}

/* Each kind is called for its own reason, the other stays armed. */
static void test_watches_of_both_kinds(void **state)
{
    struct boom_chan *chan = new_chan(1);
    atomic_uint n_room = 0, n_elem = 0;
    struct boom_watch room = {.fn = count_call, .arg = &n_room};
    struct boom_watch elem[2] = {{.fn = count_call, .arg = &n_elem},
                                 {.fn = count_call, .arg = &n_elem}};

    assert_int_equal(boom_chan_watch_room(chan, &room), 1);
    assert_int_equal(boom_chan_watch_elem(chan, &elem[0]), 0);
    assert_int_equal(boom_chan_watch_elem(chan, &elem[1]), 0);
    send_int(chan, 1);
    assert_int_equal(n_elem, 2);
    assert_int_equal(boom_chan_watch_elem(chan, &elem[0]), 1);
    assert_int_equal(boom_chan_watch_room(chan, &room), 0);
    recv_int(chan);
    assert_int_equal(n_room, 1);
    assert_int_equal(n_elem, 2);

    send_int(chan, 1);
    assert_int_equal(boom_chan_watch_room(chan, &room), 0);
    recv_int(chan);
    assert_int_equal(boom_chan_watch_elem(chan, &elem[0]), 0);
    boom_chan_unwatch(chan, &elem[0]);
    send_int(chan, 1);
    assert_int_equal(n_elem, 2);
    assert_int_equal(n_room, 2);
    boom_chan_free(chan);
}

static void test_readable_by_an_element(void **state)
{
    struct boom_chan *chan = new_chan(4);
    struct boom_chan_fd *fd = new_fd(chan, BOOM_CHAN_READABLE);

    assert_int_equal(fcntl(boom_chan_fd_get(fd), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_false(is_readable(fd));
    assert_int_equal(boom_chan_fd_arm(fd), 0);
    send_int(chan, 1);
    send_int(chan, 2);
    assert_true(is_readable(fd));
    assert_int_equal(recv_int(chan), 1);
    assert_int_equal(boom_chan_fd_arm(fd), 1); /* one is left */
    assert_true(is_readable(fd));
    assert_int_equal(recv_int(chan), 2);
    assert_true(is_readable(fd)); /* until it is armed */
    assert_int_equal(boom_chan_fd_arm(fd), 0);
    assert_false(is_readable(fd));
    boom_chan_close(chan);
    assert_true(is_readable(fd));
    assert_int_equal(boom_chan_fd_arm(fd), 1);
    assert_true(is_readable(fd));
    boom_chan_fd_free(fd);
    boom_chan_free(chan);
    assert_null(boom_chan_fd_free(NULL));
}

static void test_writable_by_room(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct boom_chan_fd *fd = new_fd(chan, BOOM_CHAN_WRITABLE);

    assert_true(is_readable(fd));
    send_int(chan, 1);
    assert_int_equal(boom_chan_fd_arm(fd), 0);
    assert_false(is_readable(fd));
    recv_int(chan);
    assert_true(is_readable(fd));
    boom_chan_fd_free(fd);
    boom_chan_free(chan);
}

struct peer {
    struct boom_chan *chan;
    enum boom_case_op op;
    int value;
};

static void *select_peer(void *arg)
{
    struct peer *peer = arg;
    struct boom_case cases[] = {{.op = peer->op, .chan = peer->chan, .elem = &peer->value}};
    size_t index;

    assert_int_equal(boom_select(NULL, cases, 1, &index), 0);
    return NULL;
}

/* Peers that wait in a rendezvous are seen, in a select too. */
static void test_rendezvous(void **state)
{
    struct boom_chan *chan = new_chan(0);
    struct boom_chan_fd *in = new_fd(chan, BOOM_CHAN_READABLE);
    struct boom_chan_fd *out = new_fd(chan, BOOM_CHAN_WRITABLE);
    struct peer sender = {chan, BOOM_SEND, 7}, receiver = {chan, BOOM_RECV, 0};
    pthread_t thread;

    assert_false(is_readable(in) || is_readable(out));
    thread = spawn(select_peer, &sender);
    await_readable(in);
    assert_false(is_readable(out));
    assert_int_equal(recv_int(chan), 7);
    join(thread);
    assert_int_equal(boom_chan_fd_arm(in), 0);
    thread = spawn(select_peer, &receiver);
    await_readable(out);
    assert_false(is_readable(in));
    send_int(chan, 8);
    join(thread);
    assert_int_equal(receiver.value, 8);
    boom_chan_fd_free(in);
    boom_chan_fd_free(out);
    boom_chan_free(chan);
}

/* Each time that it is armed anew is an edge, also if there is something already. */
static void test_edge_triggered_epoll(void **state)
{
    struct boom_chan *chan = new_chan(4);
    struct boom_chan_fd *fd = new_fd(chan, BOOM_CHAN_READABLE);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN | EPOLLET};

    assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, boom_chan_fd_get(fd), &event), 0);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
    send_int(chan, 1);
    send_int(chan, 2);
    assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
    recv_int(chan);
    assert_int_equal(boom_chan_fd_arm(fd), 1);
    assert_int_equal(epoll_wait(epoll, &event, 1, -1), 1);
    recv_int(chan);
    assert_int_equal(boom_chan_fd_arm(fd), 0);
    assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
    close(epoll);
    boom_chan_fd_free(fd);
    boom_chan_free(chan);
}

static void test_new_refuses(void **state)
{
    struct boom_chan *chan = new_chan(1);
    struct boom_chan_fd *fd;
    struct rlimit before, none;

    assert_int_equal(boom_chan_fd_new(chan, (enum boom_chan_event)9, &fd), -EINVAL);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    assert_int_equal(boom_chan_fd_new(chan, BOOM_CHAN_READABLE, &fd), -EMFILE);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    boom_chan_free(chan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length_and_capacity),
        cmocka_unit_test(test_watches_of_both_kinds),
        cmocka_unit_test(test_readable_by_an_element),
        cmocka_unit_test(test_writable_by_room),
        cmocka_unit_test(test_rendezvous),
        cmocka_unit_test(test_edge_triggered_epoll),
        cmocka_unit_test(test_new_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
