/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "daemon/status.h"

static json_t *integer(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static void set(json_t *object, const char *key, uint64_t value)
{
    json_object_set_new(object, key, integer(value));
}

/* "2026-11-24T11:00:00Z"; null for 0. */
static json_t *time_text(int64_t seconds)
{
    char text[32];
    struct tm tm;
    time_t t = (time_t)seconds;
    if (seconds == 0 || !gmtime_r(&t, &tm) ||
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
        return json_null();
    return json_string(text);
}

/* Only the reasons that occurred, so that what is there is worth reading. */
static json_t *reasons(const uint64_t dropped[N_DROP_REASONS])
{
    json_t *object = json_object();
    for (unsigned reason = 0; reason < N_DROP_REASONS; reason++)
        if (dropped[reason])
            set(object, drop_reason_name(reason), dropped[reason]);
    return object;
}

/* Lines of one input that the stages behind it dropped: {"parse": {"queue_full": 12}}. */
static json_t *stage_reasons(const struct ledger_input *input)
{
    json_t *object = json_object();
    for (unsigned stage = STAGE_PARSE; stage < N_STAGES; stage++) {
        json_t *of_stage = reasons(input->dropped[stage]);
        if (json_object_size(of_stage))
            json_object_set(object, stage_name(stage), of_stage);
        json_decref(of_stage);
    }
    return object;
}

/* received = stored + dropped + stage_dropped + in_flight */
static json_t *input_json(const struct status_snapshot *snapshot, size_t index)
{
    const struct ledger_input *input = &snapshot->inputs[index];
    const struct input_state *state = &snapshot->sources->front->inputs[index];
    json_t *object = json_object();
    set(object, "received", input->received);
    set(object, "bytes", input->bytes);
    set(object, "stored", input->stored);
    json_object_set_new(object, "dropped", reasons(input->dropped[STAGE_INPUT]));
    json_object_set_new(object, "stage_dropped", stage_reasons(input));
    set(object, "in_flight", input->in_flight);
    set(object, "cut", input->cut);
    set(object, "kernel_dropped", atomic_load(&state->kernel_dropped));
    set(object, "receive_buffer", atomic_load(&state->receive_buffer));
    set(object, "connections", atomic_load(&state->connections));
    set(object, "connections_total", atomic_load(&state->connections_total));
    set(object, "connections_refused", atomic_load(&state->connections_refused));
    set(object, "connections_idle_closed", atomic_load(&state->idle_closed));
    json_object_set_new(object, "paused", json_boolean(atomic_load(&state->lanes_paused) > 0));
    set(object, "pauses", atomic_load(&state->pauses));
    return object;
}

static json_t *stage_json(const struct status_snapshot *snapshot, unsigned index)
{
    const struct boom_stage_stats *stage = &snapshot->stages[index];
    json_t *object = json_object();
    set(object, "in", stage->in);
    set(object, "out", status_stage_out(snapshot, index));
    json_object_set_new(object, "dropped",
                        reasons(snapshot->stage_dropped[status_stage_id(index)]));
    set(object, "in_flight", stage->in_flight);
    json_object_set_new(object, "queue",
                        json_pack("{s:I, s:I, s:I}", "length", (json_int_t)stage->queue.length,
                                  "capacity", (json_int_t)stage->queue.capacity, "high_water",
                                  (json_int_t)stage->queue.high_water));
    json_object_set_new(object, "workers",
                        json_pack("{s:i, s:i, s:i, s:i}", "current", (int)stage->workers, "min",
                                  (int)stage->workers_min, "max", (int)stage->workers_max, "busy",
                                  (int)stage->workers_busy));
    json_object_set_new(object, "time",
                        json_pack("{s:I, s:I, s:I, s:I}", "p50_us",
                                  (json_int_t)(stage->work_p50_ns / 1000), "p99_us",
                                  (json_int_t)(stage->work_p99_ns / 1000), "wait_p50_us",
                                  (json_int_t)(stage->wait_p50_ns / 1000), "wait_p99_us",
                                  (json_int_t)(stage->wait_p99_ns / 1000)));
    return object;
}

static json_t *databases_json(struct geo *geo)
{
    json_t *array = json_array();
    for (size_t i = 0; geo && i < geo_n_databases(geo); i++) {
        struct geo_database_stats stats;
        geo_get_stats(geo, i, &stats);
        json_t *object = json_object();
        json_object_set_new(object, "path", json_string(stats.path));
        json_object_set_new(object, "type", json_string(stats.type));
        json_object_set_new(object, "open", json_boolean(stats.open));
        json_object_set_new(object, "build_time", time_text(stats.build_time));
        set(object, "generation", stats.generation);
        set(object, "lookups", stats.lookups);
        set(object, "hits", stats.hits);
        json_array_append_new(array, object);
    }
    return array;
}

static json_t *store_json(const struct status_snapshot *snapshot)
{
    const struct store_stats *store = &snapshot->store;
    json_t *object = json_object();
    json_object_set_new(object, "path", json_string(snapshot->sources->config->store.path));
    set(object, "records", store->records);
    set(object, "bytes_raw", store->bytes_raw);
    set(object, "bytes_disk", store->bytes_disk);
    set(object, "segments", store->segments);
    json_object_set_new(object, "oldest", time_text(store->oldest_ns / 1000000000));
    json_object_set_new(object, "newest", time_text(store->newest_ns / 1000000000));
    set(object, "quarantined", store->quarantined);
    set(object, "append_errors", store->append_errors);
    set(object, "deleted_segments", store->deleted_segments);
    set(object, "deleted_records", store->deleted_records);
    return object;
}

static json_t *memory_json(const struct status_snapshot *snapshot)
{
    const struct batch_pool_stats *memory = &snapshot->memory;
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "budget",
                     (json_int_t)snapshot->sources->config->memory, "batches_budget",
                     (json_int_t)memory->budget_bytes, "used", (json_int_t)memory->used_bytes,
                     "high_water", (json_int_t)memory->high_water_bytes, "unfinished_lines",
                     (json_int_t)atomic_load(&snapshot->sources->front->carry_bytes));
}

static json_t *ledger_json(const struct ledger_totals *totals)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "received", (json_int_t)totals->received,
                     "stored", (json_int_t)totals->stored, "dropped", (json_int_t)totals->dropped,
                     "in_flight", (json_int_t)totals->in_flight, "residual",
                     (json_int_t)totals->residual);
}

json_t *status_to_json(const struct status_snapshot *snapshot)
{
    const struct config *config = snapshot->sources->config;
    json_t *root = json_object(), *inputs = json_object(), *stages = json_object();
    for (size_t i = 0; i < config->n_inputs; i++)
        json_object_set_new(inputs, config->inputs[i].name, input_json(snapshot, i));
    for (unsigned i = 0; i < N_PIPELINE_STAGES; i++)
        json_object_set_new(stages, snapshot->stages[i].name, stage_json(snapshot, i));

    json_object_set_new(root, "version", json_string(LOGBOOM_VERSION));
    json_object_set_new(root, "uptime_s", json_real((double)(snapshot->uptime_ns / 1000000) / 1e3));
    json_object_set_new(root, "ledger", ledger_json(&snapshot->totals));
    json_object_set_new(root, "bottleneck", json_string(snapshot->bottleneck));
    json_object_set_new(root, "inputs", inputs);
    json_object_set_new(root, "stages", stages);
    json_object_set_new(root, "geoip",
                        json_pack("{s:o}", "databases", databases_json(snapshot->sources->geo)));
    json_object_set_new(root, "store", store_json(snapshot));
    json_object_set_new(root, "memory", memory_json(snapshot));
    return root;
}
