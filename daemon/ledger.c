/* SPDX-License-Identifier: MIT */
#include "daemon/ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ledger_init(struct ledger *ledger, size_t n_inputs)
{
    *ledger = (struct ledger){.n_inputs = n_inputs};
    ledger->inputs = calloc(n_inputs ? n_inputs : 1, sizeof(*ledger->inputs));
    if (!ledger->inputs)
        return -ENOMEM;
    pthread_mutex_init(&ledger->lock, NULL);
    return 0;
}

void ledger_deinit(struct ledger *ledger)
{
    if (!ledger->inputs)
        return;
    pthread_mutex_destroy(&ledger->lock);
    free(ledger->inputs);
    ledger->inputs = NULL;
}

void ledger_receive(struct ledger *ledger, const struct batch *batch, uint64_t n_bytes,
                    uint64_t n_cut)
{
    struct ledger_input *input = &ledger->inputs[batch->input];
    pthread_mutex_lock(&ledger->lock);
    input->received += batch->n_records;
    input->in_flight += batch->n_records;
    input->bytes += n_bytes;
    input->cut += n_cut;
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_refuse(struct ledger *ledger, uint16_t index, enum drop_reason reason, uint64_t n_lines,
                   uint64_t n_bytes)
{
    struct ledger_input *input = &ledger->inputs[index];
    pthread_mutex_lock(&ledger->lock);
    input->received += n_lines;
    input->bytes += n_bytes;
    input->dropped[STAGE_INPUT][reason] += n_lines;
    pthread_mutex_unlock(&ledger->lock);
}

void ledger_settle(void *arg, const struct batch *batch)
{
    struct ledger *ledger = arg;
    struct ledger_input *input = &ledger->inputs[batch->input];
    if (batch->n_records == 0)
        return;
    pthread_mutex_lock(&ledger->lock);
    input->in_flight -= batch->n_records;
    input->stored += batch->n_stored;
    if (batch->n_dropped)
        input->dropped[batch->dropped_at][batch->dropped_for] += batch->n_dropped;
    pthread_mutex_unlock(&ledger->lock);
}

uint64_t ledger_input_dropped(const struct ledger_input *input)
{
    uint64_t sum = 0;
    for (unsigned stage = 0; stage < N_STAGES; stage++)
        for (unsigned reason = 0; reason < N_DROP_REASONS; reason++)
            sum += input->dropped[stage][reason];
    return sum;
}

void ledger_read(struct ledger *ledger, struct ledger_input *ret_inputs,
                 struct ledger_totals *ret_totals)
{
    pthread_mutex_lock(&ledger->lock);
    memcpy(ret_inputs, ledger->inputs, ledger->n_inputs * sizeof(*ret_inputs));
    pthread_mutex_unlock(&ledger->lock);

    struct ledger_totals totals = {0};
    for (size_t i = 0; i < ledger->n_inputs; i++) {
        totals.received += ret_inputs[i].received;
        totals.stored += ret_inputs[i].stored;
        totals.in_flight += ret_inputs[i].in_flight;
        totals.dropped += ledger_input_dropped(&ret_inputs[i]);
    }
    totals.residual =
        (int64_t)(totals.received - totals.stored - totals.dropped - totals.in_flight);
    *ret_totals = totals;
}
