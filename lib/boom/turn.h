/* SPDX-License-Identifier: MIT */
#ifndef BOOM_TURN_H
#define BOOM_TURN_H

/*
 * Turns: tickets 0, 1, 2 … are served one at a time and in that order. Every ticket must be waited
 * for and passed by somebody, else the later ones wait for ever.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "list.h"

struct turn {
    atomic_uint_fast64_t now; /* the ticket being served */
    atomic_uint n_waiting;    /* in the list, or about to be; raised under the lock */
    pthread_mutex_t lock;     /* the list */
    struct link waiting;      /* struct wait_node, in no order */
};

void turn_init(struct turn *turn);
void turn_deinit(struct turn *turn);
/* It is the turn of ticket, and stays so until its holder passes it. */
static inline bool turn_is(struct turn *turn, uint64_t ticket)
{
    return atomic_load(&turn->now) == ticket;
}
/* Returns when it is the turn of ticket. */
void turn_wait(struct turn *turn, uint64_t ticket);
/* The holder of ticket, whose turn it is, is done: the next one's turn comes. */
void turn_pass(struct turn *turn, uint64_t ticket);

#endif
