/* SPDX-License-Identifier: MIT */
/*
 * "Event loops" that fill a small channel by try_send and sleep until their watch fires, beside
 * senders that block, against a few receivers. A lost wake-up is a hang; a watch that is called
 * after unwatch is a use after free, which the sanitizers see.
 */
#include <boom/chan.h>

#include <semaphore.h>

#include "stress/stress.h"

enum { N_LOOPS = 3, N_SENDERS = 2, N_RECEIVERS = 2, PER_LOOP = 2000 };

struct loop {
    struct boom_chan *chan;
    struct random random;
};

struct waking {
    struct boom_watch watch;
    sem_t room;
};

static void wake(void *arg)
{
    sem_post(&((struct waking *)arg)->room);
}

/* Waits until there may be room; or gives up at once, with the watch armed, to test unwatch. */
static void await_room(struct loop *loop)
{
    struct waking *waking = calloc(1, sizeof(*waking));

    CHECK(waking);
    sem_init(&waking->room, 0, 0);
    waking->watch = (struct boom_watch){.fn = wake, .arg = waking};
    if (boom_chan_watch_room(loop->chan, &waking->watch) == 0) {
        random_yield(&loop->random);
        if (random_below(&loop->random, 4) > 0)
            while (sem_wait(&waking->room) < 0)
                CHECK(errno == EINTR);
        boom_chan_unwatch(loop->chan, &waking->watch);
    }
    sem_destroy(&waking->room);
    free(waking);
}

static void *loop_main(void *arg)
{
    struct loop *loop = arg;

    for (unsigned i = 0; i < PER_LOOP; i++)
        while (boom_chan_try_send(loop->chan, &i) == BOOM_CHAN_FULL)
            await_room(loop);
    return NULL;
}

static void *sender_main(void *arg)
{
    struct loop *loop = arg;

    for (unsigned i = 0; i < PER_LOOP; i++)
        CHECK(boom_chan_send(loop->chan, NULL, &i) == 0);
    return NULL;
}

static void *receiver_main(void *arg)
{
    struct loop *loop = arg;
    unsigned value;

    while (boom_chan_recv(loop->chan, NULL, &value) == 0)
        random_yield(&loop->random);
    return NULL;
}

static void play_round(void *arg, struct random *random)
{
    enum { N = N_LOOPS + N_SENDERS, N_ALL = N + N_RECEIVERS };
    struct loop loops[N_ALL];
    pthread_t threads[N_ALL];
    struct boom_chan_stats stats;
    struct boom_chan *chan;

    CHECK(boom_chan_new(sizeof(unsigned), random_below(random, 4), &chan) == 0);
    for (unsigned i = 0; i < N_ALL; i++) {
        void *(*fn)(void *arg) = i < N_LOOPS ? loop_main : i < N ? sender_main : receiver_main;

        loops[i] = (struct loop){chan, {random_next(random)}};
        threads[i] = stress_thread(fn, &loops[i]);
    }
    stress_join(threads, N);
    CHECK(boom_chan_close(chan) == 0);
    stress_join(threads + N, N_RECEIVERS);
    boom_chan_get_stats(chan, &stats);
    CHECK(stats.received == N * PER_LOOP);
    boom_chan_free(chan);
}

int main(void)
{
    return stress_run("boom-watch", play_round, NULL);
}
