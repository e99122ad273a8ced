/* SPDX-License-Identifier: MIT */
/*
 * Prometheus text format 0.0.4. A family is one table row with a function that writes its samples;
 * labels are names from the configuration and words of ours, so that their number is bounded.
 */
#include <inttypes.h>
#include <string.h>

#include "daemon/status.h"

typedef const struct status_snapshot *snapshot_t;

struct family {
    const char *name, *type, *help;
    void (*write)(snapshot_t snapshot, const char *name, struct evbuffer *out);
};

/* Label values: backslash, quote and newline are escaped. */
static void add_label(struct evbuffer *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            evbuffer_add(out, "\\n", 2);
        else if (*text == '\\' || *text == '"')
            evbuffer_add_printf(out, "\\%c", *text);
        else
            evbuffer_add(out, text, 1);
    }
}

static void sample(struct evbuffer *out, const char *name, const char *label, const char *value,
                   uint64_t number)
{
    evbuffer_add_printf(out, "%s{%s=\"", name, label);
    add_label(out, value);
    evbuffer_add_printf(out, "\"} %" PRIu64 "\n", number);
}

static void plain(struct evbuffer *out, const char *name, uint64_t number)
{
    evbuffer_add_printf(out, "%s %" PRIu64 "\n", name, number);
}

static void seconds(struct evbuffer *out, const char *name, double number)
{
    evbuffer_add_printf(out, "%s %.3f\n", name, number);
}

static const char *input_name(snapshot_t s, size_t i)
{
    return s->sources->config->inputs[i].name;
}

#define EACH_INPUT(s, i) for (size_t i = 0; i < (s)->sources->config->n_inputs; i++)
#define EACH_STAGE(i)    for (unsigned i = 0; i < N_PIPELINE_STAGES; i++)

/*
 * A family with one sample an input, or a stage, whose value is an expression of the snapshot `s`.
 */
#define INPUT_FAMILY(function, value)                                                              \
    static void function(snapshot_t s, const char *name, struct evbuffer *out)                     \
    {                                                                                              \
        EACH_INPUT(s, i)                                                                           \
        sample(out, name, "input", input_name(s, i), value);                                       \
    }
#define STAGE_FAMILY(function, value)                                                              \
    static void function(snapshot_t s, const char *name, struct evbuffer *out)                     \
    {                                                                                              \
        EACH_STAGE(i)                                                                              \
        sample(out, name, "stage", s->stages[i].name, value);                                      \
    }
#define PLAIN_FAMILY(function, value)                                                              \
    static void function(snapshot_t s, const char *name, struct evbuffer *out)                     \
    {                                                                                              \
        plain(out, name, value);                                                                   \
    }

INPUT_FAMILY(input_received, s->inputs[i].received)
INPUT_FAMILY(input_bytes, s->inputs[i].bytes)
INPUT_FAMILY(input_stored, s->inputs[i].stored)
INPUT_FAMILY(input_cut, s->inputs[i].cut)
INPUT_FAMILY(input_kernel, atomic_load(&s->sources->front->inputs[i].kernel_dropped))
INPUT_FAMILY(input_connections, atomic_load(&s->sources->front->inputs[i].connections))
INPUT_FAMILY(input_accepted, atomic_load(&s->sources->front->inputs[i].connections_total))
INPUT_FAMILY(input_refused, atomic_load(&s->sources->front->inputs[i].connections_refused))
INPUT_FAMILY(input_paused, (uint64_t)(atomic_load(&s->sources->front->inputs[i].lanes_paused) > 0))
STAGE_FAMILY(stage_in, s->stages[i].in)
STAGE_FAMILY(stage_out, status_stage_out(s, i))
STAGE_FAMILY(stage_queue, s->stages[i].queue.length)
STAGE_FAMILY(stage_capacity, s->stages[i].queue.capacity)
STAGE_FAMILY(stage_workers, s->stages[i].workers)
STAGE_FAMILY(stage_busy, s->stages[i].workers_busy)
PLAIN_FAMILY(store_records, s->store.records)
PLAIN_FAMILY(store_raw, s->store.bytes_raw)
PLAIN_FAMILY(store_disk, s->store.bytes_disk)
PLAIN_FAMILY(store_segments, s->store.segments)
PLAIN_FAMILY(store_quarantined, s->store.quarantined)
PLAIN_FAMILY(store_errors, s->store.append_errors)
PLAIN_FAMILY(memory_budget, s->sources->config->memory)
PLAIN_FAMILY(memory_used, s->memory.used_bytes)
PLAIN_FAMILY(ledger_received, s->totals.received)
PLAIN_FAMILY(ledger_stored, s->totals.stored)
PLAIN_FAMILY(ledger_dropped, s->totals.dropped)
PLAIN_FAMILY(ledger_in_flight, s->totals.in_flight)

static void ledger_residual(snapshot_t s, const char *name, struct evbuffer *out)
{
    evbuffer_add_printf(out, "%s %" PRId64 "\n", name, s->totals.residual);
}

static void uptime(snapshot_t s, const char *name, struct evbuffer *out)
{
    seconds(out, name, (double)s->uptime_ns / 1e9);
}

static void dropped(snapshot_t s, const char *name, struct evbuffer *out)
{
    EACH_INPUT(s, i)
    for (unsigned stage = 0; stage < N_STAGES; stage++)
        for (unsigned reason = 0; reason < N_DROP_REASONS; reason++) {
            if (s->inputs[i].dropped[stage][reason] == 0)
                continue;
            evbuffer_add_printf(out, "%s{input=\"", name);
            add_label(out, input_name(s, i));
            evbuffer_add_printf(out, "\",stage=\"%s\",reason=\"%s\"} %" PRIu64 "\n",
                                stage_name(stage), drop_reason_name(reason),
                                s->inputs[i].dropped[stage][reason]);
        }
}

static void stage_seconds(snapshot_t s, const char *name, struct evbuffer *out)
{
    EACH_STAGE(i)
    evbuffer_add_printf(out, "%s{stage=\"%s\"} %.6f\n", name, s->stages[i].name,
                        (double)s->stages[i].busy_ns / 1e9);
}

static void build_info(snapshot_t s, const char *name, struct evbuffer *out)
{
    sample(out, name, "version", LOGBOOM_VERSION, 1);
}

static void geo_samples(snapshot_t s, const char *name, struct evbuffer *out,
                        uint64_t (*value)(const struct geo_database_stats *))
{
    struct geo *geo = s->sources->geo;
    for (size_t i = 0; geo && i < geo_n_databases(geo); i++) {
        struct geo_database_stats stats;
        geo_get_stats(geo, i, &stats);
        sample(out, name, "database", stats.path, value(&stats));
    }
}

static uint64_t lookups_of(const struct geo_database_stats *stats)
{
    return stats->lookups;
}

static uint64_t hits_of(const struct geo_database_stats *stats)
{
    return stats->hits;
}

static uint64_t build_time_of(const struct geo_database_stats *stats)
{
    return (uint64_t)stats->build_time;
}

static void geo_lookups(snapshot_t s, const char *name, struct evbuffer *out)
{
    geo_samples(s, name, out, lookups_of);
}

static void geo_hits(snapshot_t s, const char *name, struct evbuffer *out)
{
    geo_samples(s, name, out, hits_of);
}

static void geo_built(snapshot_t s, const char *name, struct evbuffer *out)
{
    geo_samples(s, name, out, build_time_of);
}

static const struct family families[] = {
    {"logboom_build_info", "gauge", "The version that runs; always 1.", build_info},
    {"logboom_uptime_seconds", "gauge", "Seconds since the start.", uptime},
    {"logboom_ledger_received_lines_total", "counter", "Lines received.", ledger_received},
    {"logboom_ledger_stored_lines_total", "counter",
     "Lines that a crash of the process cannot lose.", ledger_stored},
    {"logboom_ledger_dropped_lines_total", "counter", "Lines dropped, for any reason.",
     ledger_dropped},
    {"logboom_ledger_in_flight_lines", "gauge", "Lines between reception and store.",
     ledger_in_flight},
    {"logboom_ledger_residual_lines", "gauge",
     "received - stored - dropped - in flight: 0, or there is a bug.", ledger_residual},
    {"logboom_dropped_lines_total", "counter", "Lines dropped, by input, stage and reason.",
     dropped},
    {"logboom_input_received_lines_total", "counter", "Lines received.", input_received},
    {"logboom_input_received_bytes_total", "counter",
     "Bytes of the lines received, without framing.", input_bytes},
    {"logboom_input_stored_lines_total", "counter", "Lines stored.", input_stored},
    {"logboom_input_cut_lines_total", "counter", "Lines longer than max_line, stored in part.",
     input_cut},
    {"logboom_input_kernel_dropped_datagrams_total", "counter",
     "Datagrams that the kernel dropped before logboomd could read them.", input_kernel},
    {"logboom_input_connections", "gauge", "Open connections.", input_connections},
    {"logboom_input_connections_total", "counter", "Connections accepted.", input_accepted},
    {"logboom_input_connections_refused_total", "counter",
     "Connections closed because of max_connections.", input_refused},
    {"logboom_input_paused", "gauge",
     "1 while reading is stopped for want of room (on_full: block).", input_paused},
    {"logboom_stage_in_lines_total", "counter", "Lines that wanted into the stage.", stage_in},
    {"logboom_stage_out_lines_total", "counter", "Lines that left the stage.", stage_out},
    {"logboom_stage_busy_seconds_total", "counter", "Time its workers were at work.",
     stage_seconds},
    {"logboom_stage_queue_batches", "gauge", "Batches in the stage's queue.", stage_queue},
    {"logboom_stage_queue_capacity_batches", "gauge", "Batches that the queue can hold.",
     stage_capacity},
    {"logboom_stage_workers", "gauge", "Workers of the stage.", stage_workers},
    {"logboom_stage_workers_busy", "gauge", "Workers at work now.", stage_busy},
    {"logboom_geo_lookups_total", "counter", "Addresses looked up, by database.", geo_lookups},
    {"logboom_geo_hits_total", "counter", "Look-ups that found something, by database.", geo_hits},
    {"logboom_geo_build_timestamp_seconds", "gauge", "When the database was built.", geo_built},
    {"logboom_store_records", "gauge", "Records in the store.", store_records},
    {"logboom_store_raw_bytes", "gauge", "Bytes of their lines as received.", store_raw},
    {"logboom_store_disk_bytes", "gauge", "Bytes on disk.", store_disk},
    {"logboom_store_segments", "gauge", "Files of the store.", store_segments},
    {"logboom_store_quarantined", "gauge", "Damaged blocks and files set aside.",
     store_quarantined},
    {"logboom_store_append_errors_total", "counter", "Blocks that the disk refused.", store_errors},
    {"logboom_memory_budget_bytes", "gauge", "The memory budget.", memory_budget},
    {"logboom_memory_used_bytes", "gauge", "Bytes of batches in use.", memory_used},
};

int status_to_metrics(const struct status_snapshot *snapshot, struct evbuffer *out)
{
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const struct family *family = &families[i];
        if (evbuffer_add_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name, family->help,
                                family->name, family->type) < 0)
            return -1;
        family->write(snapshot, family->name, out);
    }
    return 0;
}
