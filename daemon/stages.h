/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STAGES_H
#define DAEMON_STAGES_H

/*
 * What each stage of the pipeline does with a batch: parse, enrich, store. The rooms in lib/ do the
 * work; here is only how it hangs together.
 */

#include <boom/pipeline.h>
#include "daemon/config.h"
#include "geo/geo.h"
#include "record/pool.h"
#include "store/store.h"
#include "syslog/zone.h"

struct stages {
    const struct config *config;
    const struct syslog_zone *zones; /* one an input */
    struct geo *geo;                 /* NULL: no databases are configured */
    struct store *store;
    struct batch_pool *pool;
    size_t run_bytes;     /* what the store gathers for a block */
    unsigned run_batches; /* and from how many batches */
};

/*
 * One block of the store is made of one run of batches: as many as come within an interval, until
 * they weigh run_bytes. A line weighs its bytes, or STAGES_LINE_MIN when it is shorter, so that a
 * run of short lines is bounded too.
 */
#define STAGES_LINE_MIN    64
#define STAGES_RUN_BATCHES 256

/* The most records of a run, when the last batch that it takes holds batch_records. */
static inline size_t stages_run_records(size_t run_bytes, uint32_t batch_records)
{
    return run_bytes / STAGES_LINE_MIN + batch_records;
}

/* Indices of the pipeline's stages. */
enum { PIPELINE_PARSE, PIPELINE_ENRICH, PIPELINE_STORE, N_PIPELINE_STAGES };

/* Workers at most, where the configuration leaves it to the machine. */
unsigned stages_workers_max(const struct config_stage *stage);

/* Options of all stages; `stages` must outlive the pipeline. */
void stages_describe(struct stages *stages,
                     struct boom_stage_options ret_options[N_PIPELINE_STAGES]);

#endif
