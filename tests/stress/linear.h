/* SPDX-License-Identifier: MIT */
#ifndef LINEAR_H
#define LINEAR_H

/*
 * Is a history of a channel linearizable: may every operation have happened in one moment between
 * its call and its return, so that the channel behaved as a FIFO queue with a capacity and a close?
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    LINEAR_MAX_OPS = 31,
    LINEAR_MAX_CAPACITY = 4,
};

enum linear_kind {
    LINEAR_SEND,
    LINEAR_TRY_SEND,
    LINEAR_RECV,
    LINEAR_TRY_RECV,
    LINEAR_CLOSE,
    LINEAR_CANCEL, /* of the context that sends and receives have */
};

struct linear_op {
    enum linear_kind kind;
    unsigned thread;
    uint32_t value;            /* sent or received; what is sent is sent once: 0 .. 31 */
    int result;                /* as of boom_chan_…(); of a cancel: 0 */
    uint64_t called, returned; /* stamps, each given once in a history */
};

struct linear_history {
    size_t capacity; /* .. LINEAR_MAX_CAPACITY */
    size_t n_ops;    /* .. LINEAR_MAX_OPS */
    struct linear_op ops[LINEAR_MAX_OPS];
};

bool linear_check(const struct linear_history *history);
/* In the order of the calls. */
void linear_print(const struct linear_history *history, FILE *to);

#endif
