/* SPDX-License-Identifier: MIT */
#ifndef BOOM_TURN_H
#define BOOM_TURN_H

/*
 * Turns: tickets 0, 1, 2 … are served one at a time and in that order. Every ticket must be waited
 * for and passed by somebody, else the later ones wait for ever.
 */

#include <pthread.h>
#include <stdint.h>
#include "list.h"

struct turn {
    pthread_mutex_t lock; /* everything below */
    uint64_t now;         /* the ticket being served */
    struct link waiting;  /* struct wait_node, in no order */
};

void turn_init(struct turn *turn);
void turn_deinit(struct turn *turn);
/* Returns when it is the turn of ticket. */
void turn_wait(struct turn *turn, uint64_t ticket);
/* The holder of the current ticket is done: the next one's turn comes. */
void turn_pass(struct turn *turn);

#endif
