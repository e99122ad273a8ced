/* SPDX-License-Identifier: MIT */
#include "daemon/stages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/log.h"
#include "syslog/parse.h"

/*
 * At most this often a block is written that is not full. A lone line is stored at once, and the
 * lines of a trickle within this time.
 */
#define STORE_INTERVAL_NS (50 * 1000000ll)

/*
 * ---- parse
 * ------------------------------------------------------------------------------------------------
 */

static int parse_worker_init(void *arg, void **ret_worker)
{
    const struct stages *stages = arg;
    size_t n = stages->config->n_inputs;
    struct syslog_parser *parsers = calloc(n ? n : 1, sizeof(*parsers));
    if (!parsers)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        parsers[i] = SYSLOG_PARSER_INIT(&stages->zones[i]);
    *ret_worker = parsers;
    return 0;
}

static void parse_worker_deinit(void *arg, void *worker)
{
    free(worker);
}

static void parse_work(void *arg, void *worker, void **items, size_t n_items)
{
    struct syslog_parser *parsers = worker;
    for (size_t i = 0; i < n_items; i++) {
        struct batch *batch = items[i];
        syslog_parse_batch(&parsers[batch->input], batch);
    }
}

/*
 * ---- enrich
 * -----------------------------------------------------------------------------------------------
 */

static int enrich_worker_init(void *arg, void **ret_worker)
{
    const struct stages *stages = arg;
    struct geo_worker *worker = NULL;
    if (stages->geo) {
        int r =
            geo_worker_new(stages->geo, stages->config->geoip.lookup,
                           stages->config->geoip.n_lookup, stages->config->geoip.cache, &worker);
        if (r < 0)
            return r;
    }
    *ret_worker = worker;
    return 0;
}

static void enrich_worker_deinit(void *arg, void *worker)
{
    if (worker)
        geo_worker_free(worker);
}

static void enrich_work(void *arg, void *worker, void **items, size_t n_items)
{
    for (size_t i = 0; worker && i < n_items; i++)
        geo_enrich_batch(worker, items[i]);
}

/*
 * ---- store
 * ------------------------------------------------------------------------------------------------
 */

struct store_worker {
    struct store_encoder *encoder;
    bool is_begun; /* the block of the run in hand */
    int encoded;   /* of that: 0 or a negative errno */
};

static int store_worker_init(void *arg, void **ret_worker)
{
    const struct stages *stages = arg;
    struct store_worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    int r = store_encoder_new(stages->store, &worker->encoder);
    if (r < 0) {
        free(worker);
        return r;
    }
    *ret_worker = worker;
    return 0;
}

static void store_worker_deinit(void *arg, void *ptr)
{
    struct store_worker *worker = ptr;
    store_encoder_free(worker->encoder);
    free(worker);
}

/* As soon as a batch is there: what is to be kept of it is read while it is warm. */
static void store_join(void *arg, void *ptr, void *item)
{
    struct store_worker *worker = ptr;
    if (!worker->is_begun)
        store_encode_begin(worker->encoder);
    worker->is_begun = true;
    store_encode_add(worker->encoder, item);
}

static void store_work(void *arg, void *ptr, void **items, size_t n_items)
{
    struct store_worker *worker = ptr;
    worker->encoded = store_encode_end(worker->encoder);
    worker->is_begun = false;
}

/*
 * In the order of input: writes the block; from here on its lines are stored, or dropped for the
 * disk's reason.
 */
static void store_leave(void *arg, void *ptr, void **items, size_t n_items)
{
    const struct stages *stages = arg;
    struct store_worker *worker = ptr;
    int r = worker->encoded;
    if (r == 0)
        r = store_append(stages->store, worker->encoder);
    for (size_t i = 0; i < n_items; i++) {
        struct batch *batch = items[i];
        if (r == 0)
            batch->n_stored = batch->n_records;
        else
            batch_drop(batch, STAGE_STORE, DROP_STORE_ERROR);
        batch_pool_put(stages->pool, batch);
    }
}

/*
 * ---- all of them
 * ------------------------------------------------------------------------------------------
 */

static void drop_at(void *arg, struct batch *batch, enum stage_id stage,
                    enum boom_drop_reason reason)
{
    const struct stages *stages = arg;
    batch_drop(batch, stage, reason == BOOM_DROP_QUEUE_FULL ? DROP_QUEUE_FULL : DROP_SHUTDOWN);
    batch_pool_put(stages->pool, batch);
}

static void parse_drop(void *arg, void *item, enum boom_drop_reason reason)
{
    drop_at(arg, item, STAGE_PARSE, reason);
}

static void enrich_drop(void *arg, void *item, enum boom_drop_reason reason)
{
    drop_at(arg, item, STAGE_ENRICH, reason);
}

static void store_drop(void *arg, void *item, enum boom_drop_reason reason)
{
    drop_at(arg, item, STAGE_STORE, reason);
}

static enum boom_full_policy policy_of(void *arg, const void *item)
{
    const struct batch *batch = item;
    return batch->blocks ? BOOM_FULL_BLOCK : BOOM_FULL_DROP_NEWEST;
}

static size_t lines_of(void *arg, const void *item)
{
    return ((const struct batch *)item)->n_records;
}

static size_t weight_of(void *arg, const void *item)
{
    const struct batch *batch = item;
    size_t least = (size_t)batch->n_records * STAGES_LINE_MIN;
    return batch->used > least ? batch->used : least;
}

static const struct boom_stage_ops parse_ops = {
    .worker_init = parse_worker_init,
    .worker_deinit = parse_worker_deinit,
    .work = parse_work,
    .drop = parse_drop,
};

static const struct boom_stage_ops enrich_ops = {
    .worker_init = enrich_worker_init,
    .worker_deinit = enrich_worker_deinit,
    .work = enrich_work,
    .drop = enrich_drop,
};

static const struct boom_stage_ops store_ops = {
    .worker_init = store_worker_init,
    .worker_deinit = store_worker_deinit,
    .join = store_join,
    .work = store_work,
    .leave = store_leave,
    .drop = store_drop,
};

unsigned stages_workers_max(const struct config_stage *stage)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    /*
     * The stages and the receivers share the processors: more workers only take them from each
     * other.
     */
    unsigned machine = n < 4 ? 1 : n > 128 ? 64 : (unsigned)n / 2;
    unsigned max = stage->workers_max ? stage->workers_max : machine;
    return max < stage->workers_min ? stage->workers_min : max;
}

static struct boom_stage_options describe(struct stages *stages, const char *name,
                                          const struct boom_stage_ops *ops,
                                          const struct config_stage *config)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;
    options.name = name;
    options.ops = ops;
    options.arg = stages;
    options.queue = config->queue;
    options.workers_min = config->workers_min;
    options.workers_max = stages_workers_max(config);
    options.policy = policy_of;
    options.weigh = lines_of;
    return options;
}

void stages_describe(struct stages *stages,
                     struct boom_stage_options ret_options[N_PIPELINE_STAGES])
{
    const struct config *config = stages->config;
    ret_options[PIPELINE_PARSE] = describe(stages, "parse", &parse_ops, &config->parse);
    ret_options[PIPELINE_ENRICH] = describe(stages, "enrich", &enrich_ops, &config->enrich);
    struct boom_stage_options *store = &ret_options[PIPELINE_STORE];
    *store = describe(stages, "store", &store_ops, &config->store_stage);
    store->run_max = stages->run_batches;
    store->run_weight = stages->run_bytes;
    store->run_weigh = weight_of;
    store->interval_ns = STORE_INTERVAL_NS;
}
