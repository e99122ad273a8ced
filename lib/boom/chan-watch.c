/* SPDX-License-Identifier: MIT */
/*
 * One-shot watches for room or an element in a channel.
 *
 * Whoever changed the channel looks, before it lets go of the lock, whether a watch is due. A
 * thread that fires takes those that are over into a `firing` on its stack, and calls them one
 * after another without the lock. A watch is armed as long as it is in a list, the channel's or a
 * firing's, from which unwatch can still take it. Once fn is to be called the watch is touched no
 * more; only its address is kept, for unwatch to know which call to wait for.
 */
#include "chan-impl.h"

struct firing {
    struct link link;
    pthread_t thread;
    struct boom_watch *due;
    const struct boom_watch *current; /* being called; an address, not to be followed */
};

/* Nobody would have to wait for what watch is for. */
static bool is_due_locked(const struct boom_chan *chan, const struct boom_watch *watch)
{
    if (chan->closed)
        return true;
    if (watch->for_elem)
        return chan->length > 0 || !list_is_empty(&chan->senders);
    return chan->length < chan->capacity || !list_is_empty(&chan->receivers);
}

bool chan_is_watch_due_locked(struct boom_chan *chan)
{
    const struct boom_watch *watch = chan->watches;

    while (watch && !is_due_locked(chan, watch))
        watch = watch->next;
    return watch != NULL;
}

/* Takes them out of the list, and keeps their order. */
static struct boom_watch *take_due_locked(struct boom_chan *chan)
{
    struct boom_watch **at = &chan->watches, *due = NULL, **end = &due;

    while (*at) {
        struct boom_watch *watch = *at;

        if (!is_due_locked(chan, watch)) {
            at = &watch->next;
            continue;
        }
        *at = watch->next;
        watch->next = NULL;
        *end = watch;
        end = &watch->next;
    }
    return due;
}

static void call_first_due(struct boom_chan *chan, struct firing *firing)
{
    struct boom_watch *watch = firing->due;
    void (*fn)(void *arg) = watch->fn;
    void *arg = watch->arg;

    firing->due = watch->next;
    firing->current = watch;
    watch->armed = false;
    boom_unlock(&chan->lock);
    fn(arg);
    chan_lock(chan);
    firing->current = NULL;
    pthread_cond_broadcast(&chan->fired);
}

void chan_fire_and_unlock(struct boom_chan *chan)
{
    struct firing firing = {.thread = pthread_self(), .due = take_due_locked(chan)};

    list_push_back(&chan->firings, &firing.link);
    while (firing.due)
        call_first_due(chan, &firing);
    link_unlink(&firing.link);
    boom_unlock(&chan->lock);
}

static int arm(struct boom_chan *chan, struct boom_watch *watch, bool for_elem)
{
    bool due;

    chan_lock(chan);
    watch->for_elem = for_elem;
    due = is_due_locked(chan, watch);
    if (!due) {
        watch->armed = true;
        watch->next = chan->watches;
        chan->watches = watch;
    }
    boom_unlock(&chan->lock);
    return due ? 1 : 0;
}

int boom_chan_watch_room(struct boom_chan *chan, struct boom_watch *watch)
{
    return arm(chan, watch, false);
}

int boom_chan_watch_elem(struct boom_chan *chan, struct boom_watch *watch)
{
    return arm(chan, watch, true);
}

static bool remove_from(struct boom_watch **list, struct boom_watch *watch)
{
    struct boom_watch **at = list;

    while (*at && *at != watch)
        at = &(*at)->next;
    if (!*at)
        return false;
    *at = watch->next;
    return true;
}

static void disarm_locked(struct boom_chan *chan, struct boom_watch *watch)
{
    bool found = remove_from(&chan->watches, watch);

    for (struct link *at = chan->firings.next; !found && at != &chan->firings; at = at->next)
        found = remove_from(&container_of(at, struct firing, link)->due, watch);
    watch->armed = false;
}

/* True: another thread is calling watch now. */
static bool is_being_called(struct boom_chan *chan, const struct boom_watch *watch)
{
    for (struct link *at = chan->firings.next; at != &chan->firings; at = at->next) {
        struct firing *firing = container_of(at, struct firing, link);

        if (firing->current == watch && !pthread_equal(firing->thread, pthread_self()))
            return true;
    }
    return false;
}

void boom_chan_unwatch(struct boom_chan *chan, struct boom_watch *watch)
{
    chan_lock(chan);
    if (watch->armed)
        disarm_locked(chan, watch);
    while (is_being_called(chan, watch))
        pthread_cond_wait(&chan->fired, &chan->lock);
    boom_unlock(&chan->lock);
}
