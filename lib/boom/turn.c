/* SPDX-License-Identifier: MIT */
/*
 * Why no turn is missed. Who waits first says so (n_waiting), and then looks at `now`; who passes
 * first sets `now`, and then looks whether somebody waits. All four are in one order (seq_cst), so
 * at least one sees the other; and who is seen waiting is in the list once the lock is had.
 */
#include "turn.h"

#include "lock.h"
#include "wait.h"

void turn_init(struct turn *turn)
{
    pthread_mutex_init(&turn->lock, NULL);
    atomic_init(&turn->now, 0);
    atomic_init(&turn->n_waiting, 0);
    list_init(&turn->waiting);
}

void turn_deinit(struct turn *turn)
{
    pthread_mutex_destroy(&turn->lock);
}

/* False: it is the turn of node already. */
static bool enlist(struct turn *turn, struct wait_node *node)
{
    bool listed;

    boom_lock(&turn->lock);
    atomic_fetch_add(&turn->n_waiting, 1);
    listed = !turn_is(turn, node->ticket);
    if (listed)
        list_push_back(&turn->waiting, &node->link);
    else
        atomic_fetch_sub(&turn->n_waiting, 1);
    boom_unlock(&turn->lock);
    return listed;
}

void turn_wait(struct turn *turn, uint64_t ticket)
{
    struct waiter waiter;
    struct wait_node node = {.waiter = &waiter, .ticket = ticket};

    if (turn_is(turn, ticket))
        return;
    waiter_init(&waiter);
    if (enlist(turn, &node))
        waiter_wait(&waiter, NULL, BOOM_NEVER);
    waiter_deinit(&waiter);
}

static struct wait_node *find_locked(struct turn *turn, uint64_t ticket)
{
    for (struct link *at = turn->waiting.next; at != &turn->waiting; at = at->next) {
        struct wait_node *node = container_of(at, struct wait_node, link);

        if (node->ticket == ticket)
            return node;
    }
    return NULL;
}

/* Ends the wait for ticket, if somebody waits for it. */
static void wake(struct turn *turn, uint64_t ticket)
{
    struct waiter *chain = NULL;
    struct wait_node *node;

    boom_lock(&turn->lock);
    node = find_locked(turn, ticket);
    if (node) {
        link_unlink(&node->link);
        atomic_fetch_sub(&turn->n_waiting, 1);
        waiter_claim(node->waiter);
        wait_node_complete(node, 0, &chain);
    }
    boom_unlock(&turn->lock);
    waiter_wake_chain(chain);
}

void turn_pass(struct turn *turn, uint64_t ticket)
{
    atomic_store(&turn->now, ticket + 1);
    boom_perturb();
    if (atomic_load(&turn->n_waiting) > 0)
        wake(turn, ticket + 1);
}
