/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LEDGER_H
#define DAEMON_LEDGER_H

/*
 * The ledger: where each line is that was ever received.
 *
 *     received = stored + dropped[stage][reason] + in_flight          at every moment it is read
 *
 * The two sides are kept apart. Lines come in when a receiver hands a batch on (or refuses lines
 * for which there is no batch); they leave when the batch goes back to its pool, with the outcome
 * that the stages wrote into it. A batch that came back without an outcome for each of its lines
 * would show as a residual, so the residual is a check and not a definition. All transitions are
 * made under one lock, once a batch and never once a line.
 */

#include <pthread.h>
#include <stdint.h>
#include "record/batch.h"

struct ledger_input {
    uint64_t received, bytes; /* lines and their bytes, without framing */
    uint64_t stored;
    uint64_t in_flight;
    uint64_t cut; /* lines that max_line shortened; they are stored */
    uint64_t dropped[N_STAGES][N_DROP_REASONS];
};

struct ledger {
    pthread_mutex_t lock; /* all below */
    struct ledger_input *inputs;
    size_t n_inputs;
};

struct ledger_totals {
    uint64_t received, stored, dropped, in_flight;
    int64_t residual; /* received - stored - dropped - in_flight: 0, or there is a bug */
};

/* Returns 0, -ENOMEM. */
int ledger_init(struct ledger *ledger, size_t n_inputs);
void ledger_deinit(struct ledger *ledger);

/*
 * A batch is handed on: its lines are in flight from now on. n_bytes: of the lines; n_cut: of them
 * shortened.
 */
void ledger_receive(struct ledger *ledger, const struct batch *batch, uint64_t n_bytes,
                    uint64_t n_cut);
/* Lines that never came into a batch. */
void ledger_refuse(struct ledger *ledger, uint16_t input, enum drop_reason reason, uint64_t n_lines,
                   uint64_t n_bytes);
/* The batch goes back to the pool: a batch_settle_fn. */
void ledger_settle(void *ledger, const struct batch *batch);

/* One consistent copy. ret_inputs: n_inputs entries. */
void ledger_read(struct ledger *ledger, struct ledger_input *ret_inputs,
                 struct ledger_totals *ret_totals);

/* Sum over stages and reasons. */
uint64_t ledger_input_dropped(const struct ledger_input *input);

#endif
