/* SPDX-License-Identifier: MIT */
/*
 * log-analyser < LOG   where LOG has lines "HOST MILLISECONDS PATH"; prints those slower than a
 * second.
 *
 *   lines ──▶ parse (four workers) ──▶ enrich (two) ──▶ store, in the order of the lines
 *
 * Workers work in parallel, yet each stage is left in the order in which it was entered, so nothing
 * is sorted at the end, and store() needs no lock.
 */
#include <boom/pipeline.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char line[256];
    char host[64], path[128];
    unsigned ms;
    const char *verdict;
};

static void parse(void *stage, void *worker, void **items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        struct entry *entry = items[i];

        if (sscanf(entry->line, "%63s %u %127s", entry->host, &entry->ms, entry->path) != 3)
            strcpy(entry->host, "?");
    }
}

static void enrich(void *stage, void *worker, void **items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        struct entry *entry = items[i];

        entry->verdict = entry->ms > 5000 ? "very slow" : entry->ms > 1000 ? "slow" : NULL;
    }
}

static void store(void *stage, void *worker, void **items, size_t n_items)
{
    for (size_t i = 0; i < n_items; i++) {
        struct entry *entry = items[i];

        if (entry->verdict)
            printf("%s: %s %s (%u ms)\n", entry->verdict, entry->host, entry->path, entry->ms);
        free(entry);
    }
}

static int submit_lines(struct boom_pipeline *pipeline)
{
    int r = 0;

    for (struct entry *entry; r == 0 && (entry = calloc(1, sizeof(*entry)));)
        if (!fgets(entry->line, sizeof(entry->line), stdin) ||
            (r = boom_pipeline_submit(pipeline, NULL, entry)) < 0) {
            free(entry);
            break;
        }
    return r;
}

int main(void)
{
    static const struct boom_stage_ops parse_ops = {.work = parse}, enrich_ops = {.work = enrich},
                                       store_ops = {.leave = store};
    const struct boom_stage_options stages[] = {
        {"parse", &parse_ops, .queue = 64, .workers_min = 4, .workers_max = 4, .run_max = 16},
        {"enrich", &enrich_ops, .queue = 64, .workers_min = 2, .workers_max = 2, .run_max = 16},
        {"store", &store_ops, .queue = 64, .workers_min = 1, .workers_max = 1, .run_max = 16},
    };
    struct boom_pipeline *pipeline;
    int r;

    if (boom_pipeline_start(NULL, stages, 3, &pipeline) < 0)
        return 1;
    r = submit_lines(pipeline);
    boom_pipeline_drain(pipeline, NULL);
    boom_pipeline_free(pipeline);
    return r < 0;
}
