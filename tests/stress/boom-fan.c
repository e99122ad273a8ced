/* SPDX-License-Identifier: MIT */
/*
 * Rounds of source ─▶ fan_out ─▶ relays ─▶ fan_in ─▶ sink, with random widths and capacities, by
 * round robin or by key, merged in any order or in input order, registered and looked at all the
 * while, and cancelled in the middle now and then. In a round that is left alone every number
 * arrives exactly once; in order where both fans keep it, and in order for each key where the first
 * one does.
 */
#include <boom/fan.h>
#include <boom/registry.h>

#include "stress/stress.h"

enum { MAX_WIDTH = 6, N_KEYS = 7, MAX_ITEMS = 2000 };

struct round {
    struct boom_registry *registry;
    struct boom_group *group;
    struct boom_chan *source, *outs[MAX_WIDTH], *ins[MAX_WIDTH], *sink;
    unsigned width;
    uint32_t n_items;
    bool by_key, ordered;
    atomic_uint n_dropped;
    uint32_t n_sent; /* source's; read after the group was waited for */
    bool seen[MAX_ITEMS];
    uint32_t n_seen;
    int64_t last, last_of_key[N_KEYS];
};

struct relay {
    struct round *round;
    unsigned index;
};

static uint64_t key_of(void *arg, const void *elem)
{
    return *(const uint32_t *)elem % N_KEYS;
}

static void drop(void *arg, const void *elem)
{
    atomic_fetch_add(&((struct round *)arg)->n_dropped, 1);
}

static int source_main(void *arg)
{
    struct round *round = arg;
    struct boom_task *self = boom_registry_self(round->registry);
    int r = 0;

    for (uint32_t i = 0; r == 0 && i < round->n_items; i++) {
        r = boom_task_send(self, round->source, "source", boom_group_ctx(round->group), &i);
        round->n_sent += r == 0;
    }
    CHECK(boom_chan_close(round->source) == 0);
    return r;
}

static int relay_main(void *arg)
{
    struct relay *relay = arg;
    struct round *round = relay->round;
    struct boom_task *self = boom_registry_self(round->registry);
    struct boom_ctx *ctx = boom_group_ctx(round->group);
    uint32_t item;
    int r;

    while ((r = boom_task_recv(self, round->outs[relay->index], "out", ctx, &item)) == 0) {
        r = boom_task_send(self, round->ins[relay->index], "in", ctx, &item);
        if (r < 0)
            break;
    }
    CHECK(boom_chan_close(round->ins[relay->index]) == 0);
    return r < 0 ? r : 0;
}

static void see(struct round *round, uint32_t item)
{
    int64_t *last_of_key = &round->last_of_key[item % N_KEYS];

    CHECK(item < round->n_items && !round->seen[item]);
    round->seen[item] = true;
    round->n_seen++;
    if (round->by_key)
        CHECK(item > *last_of_key);
    if (round->ordered && !round->by_key)
        CHECK(item == round->last + 1);
    *last_of_key = round->last = item;
}

static void count_task(void *arg, const struct boom_task_info *info)
{
    CHECK(strcmp(info->group, "fans") == 0 && info->id > 0);
    ++*(unsigned *)arg;
}

static void look_around(struct round *round)
{
    struct boom_stall_detector detector = {.stuck = false};
    unsigned n = 0;

    CHECK(boom_registry_each(round->registry, count_task, &n) == 0);
    CHECK(n <= MAX_WIDTH + 3);
    CHECK(boom_registry_look(round->registry, "fans", &detector) == 0);
}

static void drain_sink(struct round *round, struct random *random, uint32_t cancel_after)
{
    uint32_t item;

    while (boom_chan_recv(round->sink, NULL, &item) == 0) {
        see(round, item);
        if (round->n_seen == cancel_after)
            boom_ctx_cancel(boom_group_ctx(round->group), -EIO);
        if (random_below(random, 64) == 0)
            look_around(round);
        random_yield(random);
    }
}

static void new_chan(struct random *random, struct boom_chan **chan)
{
    CHECK(boom_chan_new(sizeof(uint32_t), random_below(random, 4), chan) == 0);
}

static void start(struct round *round, struct relay *relays)
{
    struct boom_fan_options options = {
        .key = round->by_key ? key_of : NULL, .drop = drop, .arg = round};
    int (*fan_in)(struct boom_group * group, struct boom_chan *const *ins, size_t n_ins,
                  struct boom_chan *out, const struct boom_fan_options *options) =
        round->ordered ? boom_fan_in_ordered : boom_fan_in;

    CHECK(boom_group_go(round->group, "source", source_main, round) == 0);
    CHECK(boom_fan_out(round->group, round->source, round->outs, round->width, &options) == 0);
    for (unsigned i = 0; i < round->width; i++) {
        relays[i] = (struct relay){round, i};
        CHECK(boom_group_go(round->group, "relay", relay_main, &relays[i]) == 0);
    }
    CHECK(fan_in(round->group, round->ins, round->width, round->sink, &options) == 0);
}

static void finish(struct round *round, bool cancelled)
{
    int r = boom_group_wait(round->group);

    if (cancelled) {
        CHECK(r == 0 || r == -ECANCELED);
        CHECK(round->n_seen + round->n_dropped <= round->n_sent);
    } else {
        CHECK(r == 0 && round->n_seen == round->n_items && round->n_dropped == 0);
    }
    CHECK(boom_chan_close(round->sink) == -EALREADY);
    for (unsigned i = 0; i < round->width; i++)
        CHECK(boom_chan_close(round->outs[i]) == -EALREADY);
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    struct relay relays[MAX_WIDTH];
    uint32_t cancel_after = UINT32_MAX;

    memset(round, 0, sizeof(*round));
    memset(round->last_of_key, -1, sizeof(round->last_of_key));
    round->last = -1;
    round->width = 1 + (unsigned)random_below(random, MAX_WIDTH);
    round->n_items = 1 + (uint32_t)random_below(random, MAX_ITEMS);
    round->ordered = random_below(random, 2);
    /* By key an ordered merge would wait for an input whose key does not come. */
    round->by_key = !round->ordered && random_below(random, 2);
    if (random_below(random, 3) == 0)
        cancel_after = (uint32_t)random_below(random, round->n_items) + 1;
    CHECK(boom_group_new(NULL, &round->group) == 0);
    CHECK(boom_registry_new(&round->registry) == 0);
    CHECK(boom_group_set_registry(round->group, round->registry, "fans") == 0);
    new_chan(random, &round->source);
    new_chan(random, &round->sink);
    for (unsigned i = 0; i < round->width; i++) {
        new_chan(random, &round->outs[i]);
        new_chan(random, &round->ins[i]);
    }
    start(round, relays);
    drain_sink(round, random, cancel_after);
    finish(round, cancel_after != UINT32_MAX);
    for (unsigned i = 0; i < round->width; i++) {
        boom_chan_free(round->outs[i]);
        boom_chan_free(round->ins[i]);
    }
    boom_chan_free(round->source);
    boom_chan_free(round->sink);
    boom_group_free(round->group);
    boom_registry_free(round->registry);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-fan", play_round, &round);
}
