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

enum { RETRY_NS = 1000000000 };

int crew_init(struct crew *crew)
{
    crew->slots = calloc(crew->max, sizeof(*crew->slots));
    if (!crew->slots)
        return -ENOMEM;
    for (unsigned i = 0; i < crew->max; i++) {
        crew->slots[i].crew = crew;
        crew->slots[i].index = i;
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
    free(crew->slots);
    crew->slots = NULL;
}

static int crew_thread(void *arg)
{
    struct crew_slot *slot = arg;
    struct crew *crew = slot->crew;
    int r = crew->main(crew->arg, slot->index, slot->initial);

    pthread_mutex_lock(&crew->lock);
    slot->taken = false;
    pthread_mutex_unlock(&crew->lock);
    return r;
}

static struct crew_slot *find_slot_locked(struct crew *crew)
{
    for (unsigned i = 0; i < crew->max; i++)
        if (!crew->slots[i].taken)
            return &crew->slots[i];
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

    pthread_mutex_lock(&crew->lock);
    while (n < crew->min && (r = add_worker_locked(crew, true)) == 0)
        n++;
    pthread_mutex_unlock(&crew->lock);
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
    pthread_mutex_lock(&crew->lock);
    if (needs_growth_locked(crew) && add_worker_locked(crew, false) < 0)
        crew->retry_at_ns = boom_now_ns() + RETRY_NS;
    pthread_mutex_unlock(&crew->lock);
}

void crew_growth_failed(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->retry_at_ns = boom_now_ns() + RETRY_NS;
    pthread_mutex_unlock(&crew->lock);
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

bool crew_retire(struct crew *crew)
{
    bool retired = false;

    pthread_mutex_lock(&crew->lock);
    if (crew->n_workers > crew->min) {
        crew->n_idle--;
        retired = queue_is_empty(crew);
        if (retired)
            crew->n_workers--;
        else
            crew->n_idle++;
    }
    pthread_mutex_unlock(&crew->lock);
    return retired;
}

bool crew_leave(struct crew *crew)
{
    bool last;

    pthread_mutex_lock(&crew->lock);
    crew->n_idle--;
    last = --crew->n_workers == 0;
    pthread_mutex_unlock(&crew->lock);
    return last;
}
