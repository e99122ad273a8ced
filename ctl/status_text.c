/* SPDX-License-Identifier: MIT */
/*
 * /status as tables. A newer or older logboomd may leave out any key, or give it another type: each
 * is read through functions that answer 0 or NULL then, and a section whose object is missing is
 * not printed.
 */
#include "ctl/status_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "ctl/human.h"

#define NAME_WIDTH 14

static uint64_t count_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);
    if (json_is_integer(value) && json_integer_value(value) > 0)
        return (uint64_t)json_integer_value(value);
    return json_is_real(value) && number > 0 && number < 1e18 ? (uint64_t)number : 0;
}

static double number_of(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* Sum of an object of counts, as dropped is; a number counts as itself. */
static uint64_t sum_of(const json_t *object, const char *key)
{
    json_t *counts = json_object_get(object, key);
    const char *reason;
    json_t *value;
    uint64_t sum = 0;
    if (!json_is_object(counts))
        return count_of(object, key);
    json_object_foreach(counts, reason, value) sum += count_of(counts, reason);
    return sum;
}

/* "  queue_full 12, oversize 3" for what is not zero. */
static void print_reasons(const json_t *object, FILE *out)
{
    json_t *counts = json_object_get(object, "dropped");
    const char *reason, *before = "  ";
    json_t *value;
    json_object_foreach(counts, reason, value)
    {
        if (count_of(counts, reason) == 0)
            continue;
        fprintf(out, "%s%s %" PRIu64, before, reason, count_of(counts, reason));
        before = ", ";
    }
}

static void print_head(const json_t *status, FILE *out)
{
    char span[HUMAN_SIZE];
    const char *version = text_of(status, "version");
    fprintf(out, "logboomd %s", version != NULL ? version : "");
    if (json_object_get(status, "uptime_s") != NULL)
        fprintf(out, ", up %s", human_span(number_of(status, "uptime_s"), span));
    fputc('\n', out);
}

static void print_input(const char *name, const json_t *input, double uptime_s, FILE *out)
{
    char bytes[HUMAN_SIZE];
    uint64_t received = count_of(input, "received"), kernel = count_of(input, "kernel_dropped");
    fprintf(out, "%-*s %12" PRIu64 " %10.0f %10s %11" PRIu64 " %9" PRIu64, NAME_WIDTH, name,
            received, uptime_s > 0 ? (double)received / uptime_s : 0.0,
            human_bytes(count_of(input, "bytes"), bytes), count_of(input, "connections"),
            sum_of(input, "dropped"));
    print_reasons(input, out);
    if (kernel > 0)
        fprintf(out, "  (the kernel dropped %" PRIu64 " more)", kernel);
    if (json_is_true(json_object_get(input, "paused")) || count_of(input, "paused") > 0)
        fputs("  paused", out);
    fputc('\n', out);
}

static void print_inputs(const json_t *status, FILE *out)
{
    json_t *inputs = json_object_get(status, "inputs"), *input;
    const char *name;
    if (json_object_size(inputs) == 0)
        return;
    fprintf(out, "\n%-*s %12s %10s %10s %11s %9s\n", NAME_WIDTH, "INPUT", "RECEIVED", "PER SECOND",
            "BYTES", "CONNECTIONS", "DROPPED");
    json_object_foreach(inputs, name, input)
        print_input(name, input, number_of(status, "uptime_s"), out);
}

static void print_stage(const char *name, const json_t *stage, FILE *out)
{
    char queue[64], workers[64], p50[HUMAN_SIZE], p99[HUMAN_SIZE];
    const json_t *q = json_object_get(stage, "queue"), *w = json_object_get(stage, "workers");
    const json_t *time = json_object_get(stage, "time");
    snprintf(queue, sizeof(queue), "%" PRIu64 "/%" PRIu64 " (%" PRIu64 ")", count_of(q, "length"),
             count_of(q, "capacity"), count_of(q, "high_water"));
    snprintf(workers, sizeof(workers), "%" PRIu64 "/%" PRIu64, count_of(w, "busy"),
             count_of(w, "current"));
    fprintf(out, "%-*s %12" PRIu64 " %12" PRIu64 " %9" PRIu64 " %16s %8s %9s %9s", NAME_WIDTH, name,
            count_of(stage, "in"), count_of(stage, "out"), sum_of(stage, "dropped"), queue, workers,
            human_us(number_of(time, "p50_us"), p50), human_us(number_of(time, "p99_us"), p99));
    print_reasons(stage, out);
    fputc('\n', out);
}

static void print_stages(const json_t *status, FILE *out)
{
    static const char *const in_order[] = {"parse", "enrich", "store"};
    const json_t *stages = json_object_get(status, "stages");
    if (json_object_size(stages) == 0)
        return;
    fprintf(out, "\n%-*s %12s %12s %9s %16s %8s %9s %9s\n", NAME_WIDTH, "STAGE", "IN", "OUT",
            "DROPPED", "QUEUE (MOST)", "WORKERS", "P50", "P99");
    for (size_t i = 0; i < sizeof(in_order) / sizeof(in_order[0]); i++)
        if (json_object_get(stages, in_order[i]) != NULL)
            print_stage(in_order[i], json_object_get(stages, in_order[i]), out);
}

static void print_label(const char *label, FILE *out)
{
    fprintf(out, "%-*s ", NAME_WIDTH, label);
}

/* build_time: seconds, or whatever text. */
static void print_build_time(const json_t *database, FILE *out)
{
    char time[HUMAN_SIZE];
    const char *text = text_of(database, "build_time");
    uint64_t seconds = count_of(database, "build_time");
    if (text != NULL)
        fprintf(out, " of %.10s", text);
    else if (seconds > 0 && seconds < UINT32_MAX)
        fprintf(out, " of %.10s", human_time((int64_t)seconds * 1000000000, time));
}

static void print_database(const json_t *database, FILE *out)
{
    const char *path = text_of(database, "path"), *type = text_of(database, "type");
    uint64_t lookups = count_of(database, "lookups"), hits = count_of(database, "hits");
    print_label("geo database", out);
    fprintf(out, "%s", path != NULL ? path : "?");
    if (type != NULL && *type != '\0')
        fprintf(out, ", %s", type);
    print_build_time(database, out);
    fprintf(out, ": %" PRIu64 " lookups", lookups);
    if (lookups > 0)
        fprintf(out, ", %.1f %% found", 100.0 * (double)hits / (double)lookups);
    if (json_is_false(json_object_get(database, "open")))
        fputs(", not open", out);
    fputc('\n', out);
}

static void print_databases(const json_t *status, FILE *out)
{
    const json_t *databases = json_object_get(json_object_get(status, "geoip"), "databases");
    for (size_t i = 0; i < json_array_size(databases); i++)
        print_database(json_array_get(databases, i), out);
}

static void print_store(const json_t *status, FILE *out)
{
    char raw[HUMAN_SIZE], disk[HUMAN_SIZE];
    const json_t *store = json_object_get(status, "store");
    uint64_t bytes_raw = count_of(store, "bytes_raw"), bytes_disk = count_of(store, "bytes_disk");
    if (!json_is_object(store))
        return;
    print_label("store", out);
    fprintf(out, "%" PRIu64 " records, %s received, %s on disk", count_of(store, "records"),
            human_bytes(bytes_raw, raw), human_bytes(bytes_disk, disk));
    if (bytes_raw > 0)
        fprintf(out, " (%.1f %%)", 100.0 * (double)bytes_disk / (double)bytes_raw);
    fprintf(out, ", %" PRIu64 " segments", count_of(store, "segments"));
    if (count_of(store, "quarantined") > 0)
        fprintf(out, ", %" PRIu64 " damaged set aside", count_of(store, "quarantined"));
    fputc('\n', out);
    if (text_of(store, "oldest") == NULL || text_of(store, "newest") == NULL)
        return;
    print_label("", out);
    fprintf(out, "from %s to %s\n", text_of(store, "oldest"), text_of(store, "newest"));
}

static void print_memory(const json_t *status, FILE *out)
{
    char used[HUMAN_SIZE], budget[HUMAN_SIZE], most[HUMAN_SIZE];
    const json_t *memory = json_object_get(status, "memory");
    if (!json_is_object(memory))
        return;
    print_label("memory", out);
    fprintf(out, "%s of %s in flight, %s at most so far\n",
            human_bytes(count_of(memory, "used"), used),
            human_bytes(count_of(memory, "budget"), budget),
            human_bytes(count_of(memory, "high_water"), most));
}

static void print_ledger(const json_t *status, FILE *out)
{
    const json_t *ledger = json_object_get(status, "ledger");
    if (!json_is_object(ledger))
        return;
    json_int_t residual = json_integer_value(json_object_get(ledger, "residual"));
    print_label("ledger", out);
    fprintf(out,
            "received %" PRIu64 " = stored %" PRIu64 " + dropped %" PRIu64 " + in flight %" PRIu64
            ", residual %" JSON_INTEGER_FORMAT "%s\n",
            count_of(ledger, "received"), count_of(ledger, "stored"), sum_of(ledger, "dropped"),
            count_of(ledger, "in_flight"), residual,
            residual != 0 ? "  (not 0: a defect of logboomd, please report it)" : "");
}

static void print_bottleneck(const json_t *status, FILE *out)
{
    const char *bottleneck = text_of(status, "bottleneck");
    if (bottleneck == NULL || *bottleneck == '\0')
        return;
    print_label("bottleneck", out);
    fprintf(out, "%s\n", bottleneck);
}

void status_print(const json_t *status, FILE *out)
{
    print_head(status, out);
    print_inputs(status, out);
    print_stages(status, out);
    fputc('\n', out);
    print_store(status, out);
    print_databases(status, out);
    print_memory(status, out);
    print_ledger(status, out);
    print_bottleneck(status, out);
}
