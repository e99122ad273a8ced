/* SPDX-License-Identifier: MIT */
/*
 * Event loops that know a small channel by its fd only, some on either end, beside threads that
 * wait in it, by select or plainly. They sleep in poll without a limit of time: a lost wake-up is a
 * hang.
 */
#include <boom/chan.h>
#include <boom/select.h>

#include <poll.h>

#include "stress/stress.h"

enum { N_EACH = 2, PER_SENDER = 1500 };

struct end {
    struct boom_chan *chan;
    struct random random;
    atomic_uint *n_received;
};

static void await_fd(struct boom_chan_fd *fd)
{
    struct pollfd pollfd = {.fd = boom_chan_fd_get(fd), .events = POLLIN};

    while (poll(&pollfd, 1, -1) < 0)
        CHECK(errno == EINTR);
}

/* Some arm before they have seen FULL: they must not be told less for it. */
static void *loop_sends(void *arg)
{
    struct end *end = arg;
    struct boom_chan_fd *fd;

    CHECK(boom_chan_fd_new(end->chan, BOOM_CHAN_WRITABLE, &fd) == 0);
    for (unsigned i = 0; i < PER_SENDER;) {
        await_fd(fd);
        while (i < PER_SENDER && boom_chan_try_send(end->chan, &i) == 0) {
            i++;
            if (random_below(&end->random, 4) == 0)
                break;
        }
        random_yield(&end->random);
        boom_chan_fd_arm(fd);
    }
    boom_chan_fd_free(fd);
    return NULL;
}

static void *loop_receives(void *arg)
{
    struct end *end = arg;
    struct boom_chan_fd *fd;
    unsigned value;
    int r = 0;

    CHECK(boom_chan_fd_new(end->chan, BOOM_CHAN_READABLE, &fd) == 0);
    while (r != BOOM_CHAN_CLOSED) {
        await_fd(fd);
        while ((r = boom_chan_try_recv(end->chan, &value)) == 0) {
            atomic_fetch_add(end->n_received, 1);
            if (random_below(&end->random, 4) == 0)
                break;
        }
        random_yield(&end->random);
        boom_chan_fd_arm(fd);
    }
    boom_chan_fd_free(fd);
    return NULL;
}

static void *thread_sends(void *arg)
{
    struct end *end = arg;
    size_t index;

    for (unsigned i = 0; i < PER_SENDER; i++) {
        struct boom_case cases[] = {BOOM_CASE_SEND(NULL, &i), BOOM_CASE_SEND(end->chan, &i)};

        if (random_below(&end->random, 2) == 0)
            CHECK(boom_chan_send(end->chan, NULL, &i) == 0);
        else
            CHECK(boom_select(NULL, cases, 2, &index) == 0 && cases[1].result == 0);
    }
    return NULL;
}

static void *thread_receives(void *arg)
{
    struct end *end = arg;
    struct boom_case cases[1];
    unsigned value;
    size_t index;

    cases[0] = (struct boom_case)BOOM_CASE_RECV(end->chan, &value);
    while (boom_select(NULL, cases, 1, &index) == 0 && cases[0].result == 0) {
        atomic_fetch_add(end->n_received, 1);
        random_yield(&end->random);
    }
    return NULL;
}

/* What kinds there are differs: loops at both ends of a rendezvous would wait for each other. */
static void play_round(void *arg, struct random *random)
{
    enum { N = 4 * N_EACH };
    static void *(*const mains[])(void *) = {loop_sends, thread_sends, loop_receives,
                                             thread_receives};
    size_t capacity = random_below(random, 3);
    unsigned first = capacity == 0 ? (unsigned)random_below(random, 2) : 0;
    struct end ends[N];
    pthread_t threads[N];
    struct boom_chan *chan;
    atomic_uint n_received = 0;
    unsigned n_sent = 0;

    CHECK(boom_chan_new(sizeof(unsigned), capacity, &chan) == 0);
    for (unsigned i = 0; i < N; i++) {
        /* rendezvous: only threads send (1), or only threads receive (0) */
        unsigned kind = capacity > 0 ? i % 4 : (unsigned[]){first, 1, 3 - first, 3}[i % 4];

        ends[i] = (struct end){chan, {random_next(random)}, &n_received};
        threads[i] = stress_thread(mains[kind], &ends[i]);
    }
    for (unsigned i = 0; i < N; i++)
        if (i % 4 < 2) {
            pthread_join(threads[i], NULL);
            n_sent += PER_SENDER;
        }
    CHECK(boom_chan_close(chan) == 0);
    for (unsigned i = 0; i < N; i++)
        if (i % 4 >= 2)
            pthread_join(threads[i], NULL);
    CHECK(n_received == n_sent);
    boom_chan_free(chan);
}

int main(void)
{
    return stress_run("boom-chan-fd", play_round, NULL);
}
