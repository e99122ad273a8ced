/* SPDX-License-Identifier: MIT */
#include "daemon/lane.h"

#include <errno.h>
#include <time.h>

#include "daemon/receiver.h"

/* At most this often a batch leaves that is not full. */
#define HAND_ON_NS (5 * 1000000ll)

int64_t wall_clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void on_hand_on_timer(evutil_socket_t fd, short what, void *arg)
{
    lane_hand_on(arg);
}

int lane_init(struct lane *lane, struct receiver *receiver, struct front *front, uint16_t input)
{
    *lane = (struct lane){
        .receiver = receiver,
        .front = front,
        .input = &front->inputs[input],
        .room_watch = {.fn = receiver_wake, .arg = receiver},
        .pool_watch = {.fn = receiver_wake, .arg = receiver},
    };
    lane->parked_end = &lane->parked;
    lane->hand_on_timer = evtimer_new(receiver_base(receiver), on_hand_on_timer, lane);
    return lane->hand_on_timer ? 0 : -ENOMEM;
}

static void tell_refused(struct lane *lane)
{
    if (!lane->has_refused)
        return;
    for (unsigned reason = 0; reason < N_DROP_REASONS; reason++) {
        if (lane->refused[reason])
            ledger_refuse(lane->front->ledger, lane->input->index, reason, lane->refused[reason],
                          lane->refused_bytes[reason]);
        lane->refused[reason] = lane->refused_bytes[reason] = 0;
    }
    lane->has_refused = false;
}

static void give_up_batch(struct lane *lane, struct batch *batch)
{
    batch_drop(batch, STAGE_INPUT, DROP_SHUTDOWN);
    batch_pool_put(lane->front->pool, batch);
}

/* A quiet lane holds no batch: there may be more lanes than batches. */
static void give_back_empty(struct lane *lane)
{
    if (lane->open && lane->open->n_records == 0)
        lane->open = batch_pool_put(lane->front->pool, lane->open);
}

void lane_deinit(struct lane *lane)
{
    if (!lane->front)
        return;
    lane_hand_on(lane);
    while (lane->sources)
        lane->sources->close(lane->sources);
    tell_refused(lane);
    boom_pipeline_unwatch(lane->front->pipeline, &lane->room_watch);
    batch_pool_unwatch(lane->front->pool, &lane->pool_watch);
    give_back_empty(lane);
    if (lane->pending)
        give_up_batch(lane, lane->pending);
    if (lane->paused)
        atomic_fetch_sub(&lane->input->lanes_paused, 1);
    if (lane->hand_on_timer)
        event_free(lane->hand_on_timer);
    *lane = (struct lane){0};
}

void lane_add_source(struct lane *lane, struct source *source)
{
    source->lane = lane;
    source->prev = NULL;
    source->next = lane->sources;
    if (source->next)
        source->next->prev = source;
    lane->sources = source;
    lane_poll(source);
}

void lane_poll(struct source *source)
{
    event_add(source->readable, source->timeout);
}

void lane_remove_source(struct lane *lane, struct source *source)
{
    if (source->prev)
        source->prev->next = source->next;
    else
        lane->sources = source->next;
    if (source->next)
        source->next->prev = source->prev;
}

void lane_park(struct source *source)
{
    struct lane *lane = source->lane;
    event_del(source->readable);
    source->next_parked = NULL;
    *lane->parked_end = source;
    lane->parked_end = &source->next_parked;
}

static struct source *take_parked(struct lane *lane)
{
    struct source *source = lane->parked;
    if (source)
        lane->parked = source->next_parked;
    if (!lane->parked)
        lane->parked_end = &lane->parked;
    return source;
}

static void pause_reading(struct lane *lane)
{
    if (lane->paused || lane->draining)
        return;
    lane->paused = true;
    atomic_fetch_add(&lane->input->lanes_paused, 1);
    atomic_fetch_add(&lane->input->pauses, 1);
    /* Arms the watches, or finds that there is room by now; not here, in the midst of a read. */
    receiver_wake(lane->receiver);
}

/*
 * Hands a batch to the pipeline, waiting only while draining, and then whatever on_full says. True:
 * it is gone.
 */
static bool submit(struct lane *lane, struct batch *batch)
{
    if (lane->draining)
        batch->blocks = true;
    int r = lane->draining ? boom_pipeline_submit(lane->front->pipeline, lane->draining, batch)
                           : boom_pipeline_try_submit(lane->front->pipeline, batch);
    if (r == BOOM_CHAN_FULL)
        return false;
    if (r < 0)
        give_up_batch(lane, batch);
    return true;
}

void lane_hand_on(struct lane *lane)
{
    struct batch *batch = lane->open;
    if (!batch || batch->n_records == 0)
        return;
    lane->open = NULL;
    lane->handed_on_ns = boom_now_ns();
    ledger_receive(lane->front->ledger, batch, lane->open_bytes, lane->open_cut);
    lane->open_bytes = lane->open_cut = 0;
    if (!submit(lane, batch)) {
        lane->pending = batch;
        pause_reading(lane);
    }
}

static bool blocks(const struct lane *lane)
{
    return lane->input->config->on_full == ON_FULL_BLOCK;
}

static struct batch_quota *quota_of(const struct lane *lane)
{
    return blocks(lane) ? &lane->input->quota : NULL;
}

static struct batch *take_batch(struct lane *lane)
{
    struct batch_pool *pool = lane->front->pool;
    struct batch *batch = batch_pool_take_within(pool, quota_of(lane));
    while (!batch && lane->draining) {
        if (batch_pool_watch_within(pool, quota_of(lane), &lane->pool_watch) == 0 &&
            receiver_wait(lane->receiver, lane->draining) < 0)
            return NULL;
        batch = batch_pool_take_within(pool, quota_of(lane));
    }
    if (batch) {
        batch->input = lane->input->index;
        batch->blocks = blocks(lane);
    }
    return batch;
}

struct batch *lane_room(struct lane *lane, uint32_t n_bytes, uint32_t n_records)
{
    struct batch *open = lane->open;
    if (open && open->n_records == 0)
        open->used = 0; /* bytes of a cut line, skipped: nobody points at them */
    if (open && open->capacity - open->used >= n_bytes &&
        open->max_records - open->n_records >= n_records)
        return open;
    lane_hand_on(lane);
    if (lane->pending)
        return NULL;
    if (!lane->open)
        lane->open = take_batch(lane);
    if (!lane->open && blocks(lane))
        pause_reading(lane);
    return lane->open;
}

void lane_add_line(struct lane *lane, uint32_t off, uint32_t len, uint16_t peer,
                   int64_t received_us, bool cut)
{
    struct record *record = batch_add_record(lane->open, off, len, peer, received_us);
    lane->open_bytes += len;
    if (cut) {
        record->flags |= RECORD_CUT;
        lane->open_cut++;
    }
}

void lane_refuse(struct lane *lane, enum drop_reason reason, uint64_t n_lines, uint64_t n_bytes)
{
    lane->refused[reason] += n_lines;
    lane->refused_bytes[reason] += n_bytes;
    lane->has_refused = true;
}

void lane_end_turn(struct lane *lane)
{
    tell_refused(lane);
    give_back_empty(lane);
    if (!lane->open || event_pending(lane->hand_on_timer, EV_TIMEOUT, NULL))
        return;
    int64_t wait_ns = lane->handed_on_ns + HAND_ON_NS - boom_now_ns();
    if (wait_ns <= 0) {
        lane_hand_on(lane);
        return;
    }
    struct timeval wait = {.tv_usec = (suseconds_t)(wait_ns / 1000)};
    evtimer_add(lane->hand_on_timer, &wait);
}

/* True: pending is gone and a batch is open. False: a watch is armed and will wake the receiver. */
static bool make_room(struct lane *lane)
{
    while (lane->pending) {
        if (submit(lane, lane->pending))
            lane->pending = NULL;
        else if (boom_pipeline_watch_room(lane->front->pipeline, &lane->room_watch) == 0)
            return false;
    }
    while (!lane->open) {
        lane->open = take_batch(lane);
        if (!lane->open &&
            batch_pool_watch_within(lane->front->pool, quota_of(lane), &lane->pool_watch) == 0)
            return false;
    }
    return true;
}

void lane_try_resume(struct lane *lane)
{
    if (!lane->paused || !make_room(lane))
        return;
    lane->paused = false;
    atomic_fetch_sub(&lane->input->lanes_paused, 1);
    struct source *source;
    while (!lane->paused && (source = take_parked(lane)))
        source->resume(source);
    lane_end_turn(lane);
}

void lane_start_draining(struct lane *lane, struct boom_ctx *ctx)
{
    lane->draining = ctx;
    lane->parked = NULL; /* drained like the others */
    if (lane->pending && submit(lane, lane->pending))
        lane->pending = NULL;
    if (!lane->paused)
        return;
    lane->paused = false;
    atomic_fetch_sub(&lane->input->lanes_paused, 1);
}
