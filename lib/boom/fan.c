/* SPDX-License-Identifier: MIT */
/*
 * Fans: a thread that moves elements one by one.
 *
 * The merge in any order sweeps over its inputs, taking one element of each that has some, and
 * waits only when a sweep found nothing: then it enlists one waiter as a receiver of all of them. A
 * peer that wins the waiter hands its element over; if an input turns out to have something while
 * the waiter is being enlisted, the fan tries to win it itself, and sweeps again. An input that is
 * closed and drained is taken out of the list.
 */
#include <boom/fan.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "chan-impl.h"
#include "group-impl.h"
#include "registry-impl.h"

struct fan {
    struct boom_fan_options options;
    struct boom_group *group; /* borrowed, as all channels */
    struct boom_chan *one;
    struct boom_task *task;  /* NULL: not registered */
    void *elem;              /* the one in the fan's hands */
    struct wait_node *nodes; /* n_many at first: one for each input that is waited for */
    size_t n_many;
    struct boom_chan *many[];
};

static void fan_free(struct fan *fan)
{
    free(fan->nodes);
    free(fan->elem);
    free(fan);
}

static int fan_new(struct boom_group *group, struct boom_chan *one, struct boom_chan *const *many,
                   size_t n_many, const struct boom_fan_options *options, struct fan **ret_fan)
{
    struct fan *fan;

    if (n_many == 0)
        return -EINVAL;
    for (size_t i = 0; i < n_many; i++)
        if (many[i]->elem_bytes != one->elem_bytes)
            return -EINVAL;
    fan = calloc(1, sizeof(*fan) + n_many * sizeof(fan->many[0]));
    if (!fan)
        return -ENOMEM;
    if (options)
        fan->options = *options;
    fan->group = group;
    fan->one = one;
    fan->n_many = n_many;
    memcpy(fan->many, many, n_many * sizeof(many[0]));
    fan->elem = malloc(one->elem_bytes);
    fan->nodes = calloc(n_many, sizeof(*fan->nodes));
    if (!fan->elem || !fan->nodes) {
        fan_free(fan);
        return -ENOMEM;
    }
    *ret_fan = fan;
    return 0;
}

static int fan_start(struct fan *fan, const char *name, int (*main)(void *fan))
{
    int r = boom_group_go(fan->group, fan->options.name ? fan->options.name : name, main, fan);

    if (r < 0)
        fan_free(fan);
    return r;
}

static struct boom_ctx *ctx_of(const struct fan *fan)
{
    return boom_group_ctx(fan->group);
}

static void begin(struct fan *fan)
{
    fan->task = boom_registry_self(group_registry(fan->group));
}

static int receive(struct fan *fan, struct boom_chan *from)
{
    return boom_task_recv(fan->task, from, "input", ctx_of(fan), fan->elem);
}

/* Sends what is in the fan's hands; on an error it is dropped. */
static int pass_on(struct fan *fan, struct boom_chan *to)
{
    int r = boom_task_send(fan->task, to, "output", ctx_of(fan), fan->elem);

    if (r < 0 && fan->options.drop)
        fan->options.drop(fan->options.arg, fan->elem);
    return r;
}

static size_t choose_output(const struct fan *fan, uint64_t n_sent)
{
    const struct boom_fan_options *options = &fan->options;

    return (options->key ? options->key(options->arg, fan->elem) : n_sent) % fan->n_many;
}

static int fan_out_main(void *arg)
{
    struct fan *fan = arg;
    uint64_t n_sent = 0;
    int r;

    begin(fan);
    while ((r = receive(fan, fan->one)) == 0) {
        r = pass_on(fan, fan->many[choose_output(fan, n_sent++)]);
        if (r < 0)
            break;
    }
    for (size_t i = 0; i < fan->n_many; i++)
        boom_chan_close(fan->many[i]);
    fan_free(fan);
    return r < 0 ? r : 0;
}

/* Those behind it move up. */
static void forget_input(struct fan *fan, size_t i)
{
    fan->n_many--;
    memmove(&fan->many[i], &fan->many[i + 1], (fan->n_many - i) * sizeof(fan->many[0]));
}

static int fan_in_ordered_main(void *arg)
{
    struct fan *fan = arg;
    size_t at = 0;
    int r = 0;

    begin(fan);
    while (r == 0 && fan->n_many > 0) {
        at %= fan->n_many;
        r = receive(fan, fan->many[at]);
        if (r == 0) {
            r = pass_on(fan, fan->one);
            at++;
        } else if (r == BOOM_CHAN_CLOSED) {
            forget_input(fan, at);
            r = 0;
        }
    }
    boom_chan_close(fan->one);
    fan_free(fan);
    return r;
}

/* One element of each input that has some. ret_found: there was one, or an input has ended. */
static int sweep(struct fan *fan, bool *ret_found)
{
    int r = boom_ctx_err(ctx_of(fan));
    size_t i = 0;

    *ret_found = false;
    while (r == 0 && i < fan->n_many) {
        int got = boom_chan_try_recv(fan->many[i], fan->elem);

        if (got == 0)
            r = pass_on(fan, fan->one);
        if (got == BOOM_CHAN_CLOSED)
            forget_input(fan, i);
        else
            i++;
        if (got != BOOM_CHAN_EMPTY)
            *ret_found = true;
    }
    return r;
}

/* False: chan may have something, and is not waited for. */
static bool enlist(struct boom_chan *chan, struct wait_node *node)
{
    bool empty;

    chan_lock(chan);
    empty = chan->length == 0 && list_is_empty(&chan->senders) && !chan->closed;
    if (empty)
        list_push_back(&chan->receivers, &node->link);
    chan_unlock(chan, NULL);
    return empty;
}

/* Returns how many; fewer than n_many: the next one may have something. */
static size_t enlist_all(struct fan *fan, struct waiter *waiter)
{
    size_t n = 0;

    for (; n < fan->n_many; n++) {
        fan->nodes[n] = (struct wait_node){.waiter = waiter, .elem = fan->elem};
        if (!enlist(fan->many[n], &fan->nodes[n]))
            break;
    }
    return n;
}

static void withdraw_all(struct fan *fan, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        chan_lock(fan->many[i]);
        link_unlink(&fan->nodes[i].link);
        boom_unlock(&fan->many[i]->lock);
    }
}

/* Waits until an input has something. ret_got: it was handed over, and is in the fan's hands. */
static int wait_for_any(struct fan *fan, bool *ret_got)
{
    struct waiter waiter;
    size_t n;
    int r = 0;

    waiter_init(&waiter);
    n = enlist_all(fan, &waiter);
    if (n == fan->n_many || !waiter_claim(&waiter)) {
        boom_task_waits(fan->task, BOOM_DOING_SELECT, fan->one, "inputs of", BOOM_NEVER);
        r = waiter_wait(&waiter, ctx_of(fan), BOOM_NEVER);
        boom_task_runs(fan->task);
    }
    withdraw_all(fan, n);
    *ret_got = waiter.by && waiter.by->result == 0;
    waiter_deinit(&waiter);
    return r;
}

static int fan_in_main(void *arg)
{
    struct fan *fan = arg;
    bool found;
    int r = 0;

    begin(fan);
    while (r == 0 && fan->n_many > 0) {
        r = sweep(fan, &found);
        if (r < 0 || found || fan->n_many == 0)
            continue;
        r = wait_for_any(fan, &found);
        if (r == 0 && found)
            r = pass_on(fan, fan->one);
    }
    boom_chan_close(fan->one);
    fan_free(fan);
    return r;
}

int boom_fan_out(struct boom_group *group, struct boom_chan *in, struct boom_chan *const *outs,
                 size_t n_outs, const struct boom_fan_options *options)
{
    struct fan *fan;
    int r = fan_new(group, in, outs, n_outs, options, &fan);

    return r < 0 ? r : fan_start(fan, "fan-out", fan_out_main);
}

int boom_fan_in(struct boom_group *group, struct boom_chan *const *ins, size_t n_ins,
                struct boom_chan *out, const struct boom_fan_options *options)
{
    struct fan *fan;
    int r = fan_new(group, out, ins, n_ins, options, &fan);

    return r < 0 ? r : fan_start(fan, "fan-in", fan_in_main);
}

int boom_fan_in_ordered(struct boom_group *group, struct boom_chan *const *ins, size_t n_ins,
                        struct boom_chan *out, const struct boom_fan_options *options)
{
    struct fan *fan;
    int r = fan_new(group, out, ins, n_ins, options, &fan);

    return r < 0 ? r : fan_start(fan, "fan-in", fan_in_ordered_main);
}
