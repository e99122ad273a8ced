/* SPDX-License-Identifier: MIT */
#include "daemon/budget.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/receiver.h"
#include "daemon/stages.h"
#include "record/batch.h"

#define MAX_RECEIVERS 4
/*
 * Fewer batches than this and a receiver would wait for the store at every turn; and each lane
 * fills one.
 */
#define BATCHES_AT_LEAST 8
/*
 * In flight for each receiver of an input that blocks: a run of the store at work and one that
 * gathers, of full batches or of those that a slow stream hands on within the store's interval.
 */
#define BLOCKING_BATCHES 16
/* Beside what its lanes fill, an input that blocks may always have a small run at the store. */
#define BLOCKING_BATCHES_AT_LEAST 2

/* The first whose memory is not more than the configured one, and that it is enough for, applies. */
static const struct scale {
    uint64_t memory;
    struct budget budget;
} scales[] = {
    {128u << 20,
     {.batch_bytes = 256u << 10, .batch_records = 2048, .run_bytes = 1u << 20, .datagrams = 64}},
    {0, {.batch_bytes = 64u << 10, .batch_records = 512, .run_bytes = 128u << 10, .datagrams = 16}},
};

unsigned budget_receivers(const struct config *config)
{
    if (config->workers)
        return config->workers;
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > MAX_RECEIVERS ? MAX_RECEIVERS : (unsigned)n;
}

uint32_t budget_longest_line(const struct config *config)
{
    uint32_t longest = 0;
    for (size_t i = 0; i < config->n_inputs; i++)
        if (longest < config->inputs[i].max_line)
            longest = config->inputs[i].max_line;
    return longest;
}

static size_t geo_bytes(const struct config *config)
{
    size_t bytes = 0;
    for (size_t i = 0; i < config->geoip.n_databases; i++) {
        struct stat st;
        if (stat(config->geoip.databases[i], &st) == 0)
            bytes += (size_t)st.st_size;
    }
    return bytes;
}

/* All but batches, carries and databases. */
static size_t fixed_bytes(const struct config *config, const struct budget *budget)
{
    size_t encoder =
        store_encoder_bytes(budget->run_bytes + budget->batch_bytes,
                            stages_run_records(budget->run_bytes, budget->batch_records));
    return stages_workers_max(&config->store_stage) * encoder +
           budget_receivers(config) *
               receiver_bytes(budget->datagrams, budget_longest_line(config));
}

static size_t n_blocking(const struct config *config)
{
    size_t n = 0;
    for (size_t i = 0; i < config->n_inputs; i++)
        n += config->inputs[i].on_full == ON_FULL_BLOCK;
    return n;
}

static size_t least_batches(const struct config *config)
{
    return BATCHES_AT_LEAST + config->n_inputs * budget_receivers(config) +
           n_blocking(config) * BLOCKING_BATCHES_AT_LEAST;
}

static unsigned blocking_batches(const struct config *config, size_t n_batches)
{
    unsigned receivers = budget_receivers(config);
    unsigned least = receivers + BLOCKING_BATCHES_AT_LEAST, most = receivers * BLOCKING_BATCHES;
    size_t n = n_blocking(config), share = n ? n_batches / 2 / n : most;
    return share < least ? least : share > most ? most : (unsigned)share;
}

static int divide(const struct config *config, struct budget budget, struct budget *ret_budget,
                  size_t *ret_least_bytes)
{
    uint32_t longest = budget_longest_line(config);
    if (budget.batch_bytes < 2 * longest)
        budget.batch_bytes = 2 * longest;
    budget.carry_bytes = config->memory / 8;

    size_t fixed = fixed_bytes(config, &budget), geo = geo_bytes(config);
    size_t least =
        fixed + least_batches(config) * batch_bytes(budget.batch_bytes, budget.batch_records);
    if (config->memory < least + budget.carry_bytes) {
        *ret_least_bytes = least / 7 * 8;
        return -ENOSPC;
    }
    size_t spare = config->memory - least - budget.carry_bytes;
    if (geo > config->memory / 2)
        geo = config->memory / 2;
    budget.pool_bytes = config->memory - fixed - budget.carry_bytes - (geo < spare ? geo : spare);
    size_t n_batches = budget.pool_bytes / batch_bytes(budget.batch_bytes, budget.batch_records);
    budget.run_batches =
        n_batches < 4 * STAGES_RUN_BATCHES ? (unsigned)n_batches / 4 : STAGES_RUN_BATCHES;
    budget.blocking_batches = blocking_batches(config, n_batches);
    *ret_budget = budget;
    return 0;
}

/* What is too little for large blocks may do for small ones. */
int budget_divide(const struct config *config, struct budget *ret_budget, size_t *ret_least_bytes)
{
    for (const struct scale *scale = scales;; scale++) {
        int r = scale->memory > config->memory
                    ? -ENOSPC
                    : divide(config, scale->budget, ret_budget, ret_least_bytes);
        if (r == 0 || scale->memory == 0)
            return r;
    }
}
