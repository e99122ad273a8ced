/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATUS_H
#define DAEMON_STATUS_H

/*
 * The status server: HTTP/1.1 on a Unix socket (and a TCP address, if configured), in the main
 * loop.
 *
 *   GET /status    JSON: everything                   status_json.c
 *   GET /metrics   Prometheus text format 0.0.4       status_metrics.c
 *   GET /threads   what each worker does, since when
 *   GET /query, GET /tail, POST /store/seal       status_query.h
 *
 * Every answer is made from one snapshot. The ledger in it is consistent in itself; the figures of
 * stages, store and memory are read right after it.
 */

#include <event2/buffer.h>
#include <event2/event.h>
#include <jansson.h>
#include "daemon/ledger.h"
#include "daemon/receiver.h"
#include "daemon/stages.h"

struct status_sources {
    const struct config *config;
    struct ledger *ledger;
    struct front *front;
    struct receiver **receivers;
    unsigned n_receivers;
    struct batch_pool *pool;
    struct boom_pipeline *pipeline;
    struct geo *geo; /* NULL: none */
    struct store *store;
};

struct status;

/*
 * Binds the sockets that the configuration names. What cannot be bound is said in the log. Returns
 * 0, or a negative errno. Main thread only, as all below.
 */
int status_new(struct event_base *base, const struct status_sources *sources,
               struct status **ret_status);
/* Removes the socket's file. Returns NULL. NULL is allowed. */
struct status *status_free(struct status *status);
/* Once a second: looks for the bottleneck, reads the kernel's drop counts, tells systemd. */
void status_tick(struct status *status);

/* ---- between the files of this room ---- */

struct status_snapshot {
    const struct status_sources *sources;
    int64_t uptime_ns;
    struct ledger_input *inputs; /* n_inputs of the configuration */
    struct ledger_totals totals;
    uint64_t stage_dropped[N_STAGES][N_DROP_REASONS]; /* over all inputs */
    struct boom_stage_stats stages[N_PIPELINE_STAGES];
    struct batch_pool_stats memory;
    struct store_stats store;
    uint64_t kernel_dropped; /* datagrams, over all inputs */
    const char *bottleneck;
};

/* enum stage_id of a pipeline stage. */
static inline enum stage_id status_stage_id(unsigned stage)
{
    return (enum stage_id)(STAGE_PARSE + stage);
}

/*
 * Lines that left a stage for good: without those that it dropped itself at its end (store_error).
 */
uint64_t status_stage_out(const struct status_snapshot *snapshot, unsigned stage);

json_t *status_to_json(const struct status_snapshot *snapshot);
/* Returns 0, -1 (out of memory). */
int status_to_metrics(const struct status_snapshot *snapshot, struct evbuffer *out);

#endif
