/* SPDX-License-Identifier: MIT */
/*
 * One channel into four, and four into one: nanoseconds for an element, from the thread that sends it
 * to the one that receives it, beside a thread of one's own that does the same over queues made of
 * a mutex and condition variables. Starting and ending the threads is part of it. BENCH_OPS: how many
 * elements (200000).
 */
#include <boom/fan.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "best.h"
#include "queues.h"

enum { LANES = 4, REPEATS = 10 };

/* One end of a lane, or the hand-written fan between all lanes. */
struct lane {
    struct boom_chan *chan; /* NULL: it is a queue */
    void *queue;
    size_t n; /* elements that go through it */
};

static struct boom_chan *new_chan(void)
{
    struct boom_chan *chan;

    if (boom_chan_new(sizeof(void *), QUEUE_CAPACITY, &chan) < 0)
        abort();
    return chan;
}

static void must(int r)
{
    if (r < 0)
        abort();
}

static int send_all(void *arg)
{
    struct lane *lane = arg;

    for (size_t i = 0; i < lane->n; i++) {
        void *elem = (void *)(uintptr_t)i;

        if (lane->queue)
            plain_queue.send(lane->queue, elem);
        else
            must(boom_chan_send(lane->chan, NULL, &elem));
    }
    return lane->queue ? 0 : boom_chan_close(lane->chan);
}

static int recv_all(void *arg)
{
    struct lane *lane = arg;
    size_t n = 0;
    void *elem;

    for (; lane->queue && n < lane->n; n++)
        plain_queue.recv(lane->queue);
    for (; lane->chan && boom_chan_recv(lane->chan, NULL, &elem) == 0; n++)
        ;
    lane->n = n;
    return 0;
}

struct by_hand {
    void *one, *many[LANES];
    size_t n;
};

static int deal_by_hand(void *arg)
{
    struct by_hand *fan = arg;

    for (size_t i = 0; i < fan->n; i++)
        plain_queue.send(fan->many[i % LANES], plain_queue.recv(fan->one));
    return 0;
}

static int collect_by_hand(void *arg)
{
    struct by_hand *fan = arg;

    for (size_t i = 0; i < fan->n; i++)
        plain_queue.send(fan->one, plain_queue.recv(fan->many[i % LANES]));
    return 0;
}

static uint64_t key(void *arg, const void *elem)
{
    (void)arg;
    return *(const uintptr_t *)elem;
}

/* The fan goes from one lane to LANES (out), or from LANES to one. */
struct setting {
    const char *name;
    bool out;
    int (*by_hand)(void *arg); /* NULL: in the first place a fan of libboom */
    const struct boom_fan_options *options;
    int (*fan_in)(struct boom_group *group, struct boom_chan *const *ins, size_t n_ins,
                  struct boom_chan *out, const struct boom_fan_options *options);
    size_t n;
};

static void start_fan(struct boom_group *group, const struct setting *setting, struct lane *one,
                      struct lane *many, struct by_hand *by_hand)
{
    struct boom_chan *chans[LANES];

    for (int i = 0; i < LANES; i++) {
        chans[i] = many[i].chan;
        by_hand->many[i] = many[i].queue;
    }
    by_hand->one = one->queue;
    by_hand->n = one->n;
    if (setting->by_hand)
        must(boom_group_go(group, "by hand", setting->by_hand, by_hand));
    else if (setting->out)
        must(boom_fan_out(group, one->chan, chans, LANES, setting->options));
    else
        must(setting->fan_in(group, chans, LANES, one->chan, setting->options));
}

static struct lane new_lane(const struct setting *setting, size_t n)
{
    struct lane lane = {.n = n};

    if (setting->by_hand)
        lane.queue = plain_queue.make();
    else
        lane.chan = new_chan();
    return lane;
}

static void free_lane(struct lane *lane)
{
    if (lane->queue)
        plain_queue.free(lane->queue);
    boom_chan_free(lane->chan);
}

static double measure(void *arg)
{
    const struct setting *setting = arg;
    struct lane one = new_lane(setting, setting->n), many[LANES];
    struct by_hand by_hand;
    struct boom_group *group;
    int64_t begin_ns;

    for (int i = 0; i < LANES; i++)
        many[i] = new_lane(setting, setting->n / LANES);
    must(boom_group_new(NULL, &group));
    begin_ns = boom_now_ns();
    start_fan(group, setting, &one, many, &by_hand);
    for (int i = 0; i < LANES; i++)
        must(boom_group_go(group, "lane", setting->out ? recv_all : send_all, &many[i]));
    must(setting->out ? send_all(&one) : recv_all(&one));
    must(boom_group_wait(group));
    begin_ns = boom_now_ns() - begin_ns;
    if (one.n != setting->n || many[0].n != setting->n / LANES)
        abort();
    boom_group_free(group);
    free_lane(&one);
    for (int i = 0; i < LANES; i++)
        free_lane(&many[i]);
    return (double)begin_ns / (double)setting->n;
}

int main(void)
{
    static const struct boom_fan_options by_key = {.key = key};
    struct setting settings[] = {
        {"out, round robin, by hand", true, deal_by_hand, NULL, NULL, 0},
        {"out, round robin", true, NULL, NULL, NULL, 0},
        {"out, by key", true, NULL, &by_key, NULL, 0},
        {"in, in the order of the inputs, by hand", false, collect_by_hand, NULL, NULL, 0},
        {"in, in the order of the inputs", false, NULL, NULL, boom_fan_in_ordered, 0},
        {"in, in any order", false, NULL, NULL, boom_fan_in, 0},
    };

    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        settings[i].n = bench_ops(200000) / LANES * LANES;
        printf("%s: %.0f ns\n", settings[i].name, best_of(REPEATS, measure, &settings[i]));
    }
    return 0;
}
