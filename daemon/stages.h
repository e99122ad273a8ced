/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STAGES_H
#define DAEMON_STAGES_H

/*
 * What each stage of the pipeline does with a batch: parse, enrich, store. The rooms in lib/ do the work;
 * here is only how it hangs together.
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
};

/* The most bytes and records that one block of the store is made of: what linger and queue allow to gather. */
#define STAGES_RUN_BYTES   (1u << 20)
#define STAGES_RUN_BATCHES 31

/* Indices of the pipeline's stages. */
enum { PIPELINE_PARSE, PIPELINE_ENRICH, PIPELINE_STORE, N_PIPELINE_STAGES };

/* Workers at most, where the configuration leaves it to the machine. */
unsigned stages_workers_max(const struct config_stage *stage);

/* Options of all stages; `stages` must outlive the pipeline. */
void stages_describe(struct stages *stages, struct boom_stage_options ret_options[N_PIPELINE_STAGES]);

#endif
