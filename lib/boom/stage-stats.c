/* SPDX-License-Identifier: MIT */
#include "stage.h"

static struct tally out_of_locked(const struct stage *stage)
{
    return stage->next ? stage->next->before_out : stage->out;
}

static void fill_counters_locked(const struct stage *stage, struct boom_stage_stats *stats)
{
    struct tally out = out_of_locked(stage);

    stats->items_in = stage->in.items;
    stats->in = stage->in.weight;
    stats->items_out = out.items;
    stats->out = out.weight;
    stats->items_in_flight = stage->in.items - out.items;
    stats->in_flight = stage->in.weight - out.weight;
    for (unsigned reason = 0; reason < 2; reason++) {
        stats->items_dropped[reason] = stage->dropped[reason].items;
        stats->dropped[reason] = stage->dropped[reason].weight;
        stats->items_in_flight -= stage->dropped[reason].items;
        stats->in_flight -= stage->dropped[reason].weight;
    }
}

static void fill_queue_locked(const struct boom_chan *queue, struct boom_chan_stats *stats)
{
    stats->length = queue->length;
    stats->capacity = queue->capacity;
    stats->high_water = queue->high_water;
    stats->sent = chan_sent_locked(queue);
    stats->received = queue->received;
}

/* The crew is not under the queue's lock: the two counts need not be of one moment. */
static void fill_workers(struct stage *stage, struct boom_stage_stats *stats)
{
    unsigned n_idle = stage->crew.n_idle;

    stats->workers = stage->crew.n_workers;
    stats->workers_min = stage->crew.min;
    stats->workers_max = stage->crew.max;
    stats->workers_busy = stats->workers > n_idle ? stats->workers - n_idle : 0;
}

static void fill_times_locked(const struct stage *stage, struct boom_stage_stats *stats)
{
    stats->busy_ns = stage->busy_ns;
    stats->work_p50_ns = histogram_percentile(&stage->work_ns, 50);
    stats->work_p99_ns = histogram_percentile(&stage->work_ns, 99);
    stats->wait_p50_ns = histogram_percentile(&stage->wait_ns, 50);
    stats->wait_p99_ns = histogram_percentile(&stage->wait_ns, 99);
}

void stage_get_stats_locked(struct stage *stage, struct boom_stage_stats *ret_stats)
{
    ret_stats->name = stage->name;
    fill_queue_locked(stage->queue, &ret_stats->queue);
    fill_counters_locked(stage, ret_stats);
    fill_workers(stage, ret_stats);
    fill_times_locked(stage, ret_stats);
}
