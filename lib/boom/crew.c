/* SPDX-License-Identifier: MIT */
/*
 * Why no growth is missed. Who puts something in does so under the queue's lock and then reads
 * n_idle; who turns busy lowers n_idle and then reads the queue's length under that lock. Whichever
 * critical section comes second sees what the other did. Retiring follows the same order.
 */
#include "crew.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "chan-impl.h"

enum { RETRY_NS = 1000000000 };

static int add_slot(struct crew *crew)
{
    struct crew_slot *slot = calloc(1, sizeof(*slot));

    if (!slot)
        return -ENOMEM;
    slot->crew = crew;
    slot->index = crew->n_slots;
    crew->slots[crew->n_slots++] = slot;
    return 0;
}

/* Those that are there keep their addresses. */
static int make_slots(struct crew *crew, unsigned n)
{
    struct crew_slot **slots;
    int r = 0;

    if (n <= crew->n_slots)
        return 0;
    slots = reallocarray(crew->slots, n, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    crew->slots = slots;
    while (crew->n_slots < n && r == 0)
        r = add_slot(crew);
    return r;
}

static void free_slots(struct crew *crew)
{
    for (unsigned i = 0; i < crew->n_slots; i++)
        free(crew->slots[i]);
    free(crew->slots);
    crew->slots = NULL;
    crew->n_slots = 0;
}

int crew_init(struct crew *crew)
{
    int r = make_slots(crew, crew->max);

    if (r < 0) {
        free_slots(crew);
        return r;
    }
    pthread_mutex_init(&crew->lock, NULL);
    crew->idle_ns = CREW_IDLE_NS;
    crew->retry_at_ns = 0;
    atomic_init(&crew->n_workers, 0);
    atomic_init(&crew->n_idle, 0);
    return 0;
}

void crew_deinit(struct crew *crew)
{
    if (!crew->slots)
        return;
    pthread_mutex_destroy(&crew->lock);
    free_slots(crew);
}

static int crew_thread(void *arg)
{
    struct crew_slot *slot = arg;
    struct crew *crew = slot->crew;
    int r = crew->main(crew->arg, slot);

    boom_lock(&crew->lock);
    slot->taken = false;
    boom_unlock(&crew->lock);
    return r;
}

static struct crew_slot *find_slot_locked(struct crew *crew)
{
    for (unsigned i = 0; i < crew->n_slots; i++)
        if (!crew->slots[i]->taken)
            return crew->slots[i];
    if (crew->may_add_slots && make_slots(crew, crew->n_slots + 1) == 0)
        return crew->slots[crew->n_slots - 1];
    return NULL;
}

/* A new worker counts, as idle, before its thread runs. */
static int add_worker_locked(struct crew *crew, bool initial)
{
    struct crew_slot *slot = find_slot_locked(crew);
    char name[CREW_NAME_BYTES + 12];
    int r;

    if (!slot)
        return -EAGAIN;
    slot->taken = true;
    slot->doing = boom_now_ns() * 2;
    slot->n_done = 0;
    slot->initial = initial;
    crew->n_workers++;
    crew->n_idle++;
    snprintf(name, sizeof(name), "%s-%u", crew->name, slot->index);
    r = boom_group_go(crew->group, name, crew_thread, slot);
    if (r < 0) {
        crew->n_idle--;
        crew->n_workers--;
        slot->taken = false;
    }
    return r;
}

int crew_start(struct crew *crew, unsigned *ret_n_started)
{
    unsigned n = 0;
    int r = 0;

    boom_lock(&crew->lock);
    while (n < crew->min && (r = add_worker_locked(crew, true)) == 0)
        n++;
    boom_unlock(&crew->lock);
    *ret_n_started = n;
    return r;
}

static bool queue_is_empty(struct crew *crew)
{
    struct boom_chan_stats stats;

    boom_chan_get_stats(crew->queue, &stats);
    return stats.length == 0;
}

static bool needs_growth_locked(struct crew *crew)
{
    return crew->n_workers > 0 && crew->n_workers < crew->max && crew->n_idle == 0 &&
           !queue_is_empty(crew) && boom_now_ns() >= crew->retry_at_ns;
}

void crew_grow(struct crew *crew)
{
    if (crew->n_idle > 0 || crew->n_workers >= crew->max)
        return;
    boom_lock(&crew->lock);
    if (needs_growth_locked(crew) && add_worker_locked(crew, false) < 0)
        crew->retry_at_ns = boom_now_ns() + RETRY_NS;
    boom_unlock(&crew->lock);
}

void crew_growth_failed(struct crew *crew)
{
    boom_lock(&crew->lock);
    crew->retry_at_ns = boom_now_ns() + RETRY_NS;
    boom_unlock(&crew->lock);
}

void crew_busy(struct crew *crew)
{
    crew->n_idle--;
    crew_grow(crew);
}

void crew_idle(struct crew *crew)
{
    crew->n_idle++;
}

int64_t crew_idle_deadline(const struct crew *crew)
{
    return crew->max > crew->min ? boom_now_ns() + crew->idle_ns : BOOM_NEVER;
}

/* The idle one that asks is not needed: others may be busy, but none could grow the crew. */
static bool is_surplus_locked(struct crew *crew, int64_t idle_until_ns)
{
    if (crew_is_over(crew))
        return true;
    return crew->n_workers > crew->min && boom_now_ns() >= idle_until_ns && queue_is_empty(crew);
}

bool crew_retire(struct crew *crew, int64_t idle_until_ns)
{
    bool retired;

    boom_lock(&crew->lock);
    crew->n_idle--;
    retired = is_surplus_locked(crew, idle_until_ns);
    if (retired)
        crew->n_workers--;
    else
        crew->n_idle++;
    boom_unlock(&crew->lock);
    return retired;
}

/* Ends the waits of the idle, as if their time had come. */
static void wake_idle(struct crew *crew)
{
    struct waiter *chain = NULL;
    struct wait_node *node;

    chan_lock(crew->queue);
    while ((node = wait_list_claim(&crew->queue->receivers)))
        wait_node_complete(node, BOOM_CHAN_EMPTY, &chain);
    chan_unlock(crew->queue, chain);
}

static int resize_locked(struct crew *crew, unsigned min, unsigned max)
{
    int r;

    if (crew->n_workers == 0 || boom_chan_is_closed(crew->queue))
        return -EPIPE;
    r = make_slots(crew, max);
    if (r < 0)
        return r;
    crew->min = min;
    crew->max = max;
    while (r == 0 && crew->n_workers < min)
        r = add_worker_locked(crew, false);
    return r;
}

int crew_resize(struct crew *crew, unsigned min, unsigned max)
{
    int r;

    boom_lock(&crew->lock);
    r = resize_locked(crew, min, max);
    boom_unlock(&crew->lock);
    wake_idle(crew);
    crew_grow(crew);
    return r;
}

void crew_each(struct crew *crew, void (*fn)(void *arg, struct crew_slot *slot), void *arg)
{
    bool more = true;

    for (unsigned i = 0; more; i++) {
        struct crew_slot *slot = NULL;

        boom_lock(&crew->lock);
        more = i < crew->n_slots;
        if (more && crew->slots[i]->taken)
            slot = crew->slots[i];
        boom_unlock(&crew->lock);
        if (slot)
            fn(arg, slot);
    }
}

bool crew_leave(struct crew *crew)
{
    bool last;

    boom_lock(&crew->lock);
    crew->n_idle--;
    last = --crew->n_workers == 0;
    boom_unlock(&crew->lock);
    return last;
}
