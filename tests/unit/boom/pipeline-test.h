/* SPDX-License-Identifier: MIT */
#ifndef PIPELINE_TEST_H
#define PIPELINE_TEST_H

/* Stages that record what goes through them. Items are small numbers. */

#include <boom/pipeline.h>

#include "boom-test.h"

struct recorder {
    pthread_mutex_t lock;
    uintptr_t *left; /* what went through leave, in order */
    size_t n_left, left_size;
    uintptr_t dropped[1024];
    unsigned n_dropped[2];
    atomic_uint n_runs; /* runs that left */
    atomic_uint n_inits, n_deinits;
    sem_t entered; /* gated: once for each run that began */
    sem_t gate;    /* gated: once for each run that may end */
};

void recorder_init(struct recorder *recorder);
void recorder_deinit(struct recorder *recorder);
/* The nth item that was dropped. */
uintptr_t recorder_dropped(struct recorder *recorder, unsigned n);

/* One worker that records; of a stage `arg` of type struct recorder. */
struct boom_stage_options recorder_options(struct recorder *recorder);
extern const struct boom_stage_ops recorder_ops;
/* As the recorder's, but work() posts `entered` and then waits for `gate`. */
extern const struct boom_stage_ops gated_ops;
/* Does nothing, but records drops. */
extern const struct boom_stage_ops pass_ops;

struct boom_chan *stage_queue(struct boom_pipeline *p, size_t stage);
struct boom_chan *first_queue(struct boom_pipeline *p);
void assert_law(const struct boom_stage_stats *stats);

#endif
