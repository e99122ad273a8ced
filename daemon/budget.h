/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_BUDGET_H
#define DAEMON_BUDGET_H

/*
 * How the one figure `memory` is divided, so that memory is bounded by construction.
 *
 *   memory = encoders (one a store worker)      scratch for a block
 *          + receivers                          buffers for datagrams
 *          + geo databases                      mapped files, as far as they are used; at most half
 *          + carries                            unfinished lines of streams: an eighth
 *          + batches                            the rest
 *
 * A small budget gets small batches and small blocks.
 */

#include <stddef.h>
#include <stdint.h>
#include "daemon/config.h"

struct budget {
    uint32_t batch_bytes; /* of a batch's text: holds the longest line twice */
    uint32_t batch_records;
    size_t run_bytes; /* what the store gathers for a block */
    /* that it gathers them from: a quarter of the pool, lest receivers wait for its interval */
    unsigned run_batches;
    /*
     * That an input whose on_full is block may have in flight: few, so that they stay warm in the
     * processor's caches; all such inputs together leave half of the pool to those that drop.
     */
    unsigned blocking_batches;
    unsigned datagrams; /* that one call reads */
    size_t carry_bytes;
    size_t pool_bytes; /* for batches, their arrays included */
};

/* Receivers, where the configuration leaves it to the machine: a processor each, four at most. */
unsigned budget_receivers(const struct config *config);

/* The largest max_line of all inputs, bytes. */
uint32_t budget_longest_line(const struct config *config);

/*
 * Returns 0, or -ENOSPC: memory is too little for this configuration, and ret_least_bytes is the
 * least that would do.
 */
int budget_divide(const struct config *config, struct budget *ret_budget, size_t *ret_least_bytes);

#endif
