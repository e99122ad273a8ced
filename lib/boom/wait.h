/* SPDX-License-Identifier: MIT */
#ifndef BOOM_WAIT_H
#define BOOM_WAIT_H

/*
 * How a thread waits, once for the whole library.
 *
 *    stack of the waiting thread                     lists it is on
 *    ┌────────────────────────┐
 *    │ waiter  ◀── wait_node ─┼──▶ a channel's receivers (select: one node a case)
 *    │    ▲                   │
 *    │    └─────── ctx_wait ──┼──▶ the context's waiters
 *    └────────────────────────┘
 *
 * Whoever wants to complete the wait (a peer, the cancellation, the deadline) must first win
 * waiter_claim(); exactly one does. The winner says what it did in the node, sets `by`, and wakes
 * the waiter, which does not leave before: until then its stack may be written to. Losers only
 * unlink.
 *
 * A node is looked at and unlinked under the lock of the list that it is in, so a waiter that was
 * completed by one list takes the locks of the others to leave them, one by one.
 */

#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <boom/context.h>
#include "list.h"

struct wait_node;

enum waiter_state { WAITER_WAITS, WAITER_CLAIMED, WAITER_DONE };

struct waiter {
    sem_t wake;
    atomic_uint state;    /* enum waiter_state */
    struct wait_node *by; /* the node whose list completed it; NULL: context or deadline */
    struct waiter *next;  /* in a chain of claimed waiters that are still to be woken */
};

struct wait_node {
    struct link link;
    struct waiter *waiter;
    void *elem;      /* to copy from (sender) or to (receiver) */
    int result;      /* what the completed call returns */
    uint64_t ticket; /* receiver: the number of its receive */
};

/* waiter_wait(): the deadline of the call passed, the context is live. */
enum { WAIT_DEADLINE = 1 };

void waiter_init(struct waiter *waiter);
void waiter_deinit(struct waiter *waiter);

/*
 * Waits until a node of waiter is completed, ctx is over, or deadline_ns has come.
 * Returns 0 (see waiter->by), the error of ctx, or WAIT_DEADLINE. In the last two cases the caller
 * still has to unlink its nodes.
 */
int waiter_wait(struct waiter *waiter, struct boom_ctx *ctx, int64_t deadline_ns);

/* True for exactly one caller. */
bool waiter_claim(struct waiter *waiter);
/* The winner's last access to waiter. */
void waiter_wake(struct waiter *waiter);

/* As wait_list_claim(), for a list that need not be empty. */
struct wait_node *wait_list_claim_listed(struct link *list);
/* Unlinks and returns the first node of list whose waiter could be claimed; NULL: there is none. */
static inline struct wait_node *wait_list_claim(struct link *list)
{
    return list_is_empty(list) ? NULL : wait_list_claim_listed(list);
}
/* Completes a claimed node; the waiter goes to the front of chain, to be woken without locks. */
void wait_node_complete(struct wait_node *node, int result, struct waiter **chain);
void waiter_wake_chain(struct waiter *chain);

#endif
