/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LANE_H
#define DAEMON_LANE_H

/*
 * A lane: one input on one receiver. It owns the batch that the input's sockets fill, hands it on,
 * and stops and restarts their reading when the input's on_full is block.
 *
 *   sources (sockets) ──▶ open batch ──▶ pipeline
 *                              └──▶ pending: refused by a full queue; paused until there is room
 *
 * When a batch is handed on: when it is full; at the end of the turn that filled it, if the last
 * one left HAND_ON_NS ago or longer (a lone line waits for nobody); else when that time has passed.
 * So a stream of small reads costs one hand-over every few milliseconds instead of one a read.
 *
 * Paused. An input whose on_full is block pauses when the pipeline has no room, and when it has its
 * quota of batches in flight; so pauses are what a flood is made of. A source is parked, that is no
 * longer polled, only when it turns out to have something to read while its lane is paused: the
 * thousand connections that are silent cost nothing then. When the lane goes on, the parked ones
 * are read in turn, without polling, for as long as there is room.
 *
 * Everything here belongs to the receiver's thread, except the watches, which only wake it.
 */

#include <event2/event.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <boom/pipeline.h>
#include "daemon/config.h"
#include "daemon/ledger.h"
#include "record/pool.h"

struct lane;
struct receiver;

/* What all receivers share of one input; counters are read by the status. */
struct input_state {
    const struct config_input *config;
    uint16_t index;
    struct batch_quota quota; /* of the batches that it has in flight, if its on_full is block */
    atomic_uint_least32_t connections;
    atomic_uint_least64_t connections_total, connections_refused, idle_closed;
    atomic_uint_least32_t lanes_paused;
    atomic_uint_least64_t pauses;
    atomic_uint_least64_t kernel_dropped;
    /* bytes, the smallest of its sockets as the kernel set it */
    atomic_uint_least32_t receive_buffer;
};

/* What all receivers share. Borrowed; outlives them. */
struct front {
    const struct config *config;
    struct batch_pool *pool;
    struct boom_pipeline *pipeline;
    struct ledger *ledger;
    struct input_state *inputs;
    size_t n_inputs;
    unsigned datagrams;        /* that one call reads, at most DATAGRAMS_A_CALL_MAX */
    atomic_size_t carry_bytes; /* held by unfinished lines of stream connections */
    size_t carry_max;          /* their share of the memory budget */
    atomic_uint_least64_t next_connection;
    /* connections take no descriptor from this one on: the rest is the store's and the status's */
    int descriptors_max;
};

/* Something that is read: a UDP socket or a TCP connection embeds one. */
struct source {
    struct lane *lane;
    struct event *readable;
    const struct timeval *timeout; /* of the event; NULL: none */
    /* it was parked and the lane goes on: read, then lane_poll(), lane_park() or close */
    void (*resume)(struct source *source);
    void (*drain)(struct source *source); /* the daemon stops: read what the kernel holds */
    void (*close)(struct source *source); /* unlinks and frees it */
    struct source *prev, *next;
    struct source *next_parked; /* while it is parked */
};

struct lane {
    struct receiver *receiver;
    struct front *front;
    struct input_state *input;
    struct batch *open, *pending;
    struct event *hand_on_timer;
    int64_t handed_on_ns;
    uint64_t open_bytes, open_cut;    /* of the open batch's lines */
    uint64_t refused[N_DROP_REASONS]; /* not told to the ledger yet */
    uint64_t refused_bytes[N_DROP_REASONS];
    bool has_refused;
    bool paused;
    struct boom_ctx *draining; /* set when the daemon stops: waiting is allowed until it ends */
    struct boom_watch room_watch, pool_watch;
    struct source *sources;
    struct source *parked, **parked_end; /* waiting for the lane to go on, the first one first */
};

int lane_init(struct lane *lane, struct receiver *receiver, struct front *front, uint16_t input);
/* Hands on what is open, closes the sources and lets go of the watches. */
void lane_deinit(struct lane *lane);

void lane_add_source(struct lane *lane, struct source *source);
void lane_remove_source(struct lane *lane, struct source *source);
void lane_poll(struct source *source);
/*
 * For a source that is readable, or holds something back, while the lane is paused: its next turn
 * is resume(). A parked source is not parked again, and closed by drain() or the lane only.
 */
void lane_park(struct source *source);

/*
 * The open batch, with room for n_bytes and n_records more (n_bytes at most a batch's capacity).
 * NULL: there is none now. Then a lane that blocks is paused, and one that drops expects its lines
 * to be refused.
 */
struct batch *lane_room(struct lane *lane, uint32_t n_bytes, uint32_t n_records);
/* Appends a line to the open batch (lane_room() gave it). */
void lane_add_line(struct lane *lane, uint32_t off, uint32_t len, uint16_t peer,
                   int64_t received_us, bool cut);
/* Counts lines that do not come into a batch. */
void lane_refuse(struct lane *lane, enum drop_reason reason, uint64_t n_lines, uint64_t n_bytes);
/* At the end of each callback that read something. */
void lane_end_turn(struct lane *lane);

/* Woken: goes on if it was paused and there is room again. */
void lane_try_resume(struct lane *lane);
/* From now on full queues and an empty pool are waited for, until ctx ends. Borrowed. */
void lane_start_draining(struct lane *lane, struct boom_ctx *ctx);
void lane_hand_on(struct lane *lane);

/* CLOCK_REALTIME, microseconds. */
int64_t wall_clock_us(void);

#endif
