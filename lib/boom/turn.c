/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include "lock.h"
#include "wait.h"

void turn_init(struct turn *turn)
{
    pthread_mutex_init(&turn->lock, NULL);
    turn->now = 0;
    list_init(&turn->waiting);
}

void turn_deinit(struct turn *turn)
{
    pthread_mutex_destroy(&turn->lock);
}

void turn_wait(struct turn *turn, uint64_t ticket)
{
    struct waiter waiter;
    struct wait_node node = {.waiter = &waiter, .ticket = ticket};

    boom_lock(&turn->lock);
    if (turn->now == ticket) {
        boom_unlock(&turn->lock);
        return;
    }
    waiter_init(&waiter);
    list_push_back(&turn->waiting, &node.link);
    boom_unlock(&turn->lock);
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

void turn_pass(struct turn *turn)
{
    struct waiter *chain = NULL;
    struct wait_node *node;

    boom_lock(&turn->lock);
    node = find_locked(turn, ++turn->now);
    if (node) {
        link_unlink(&node->link);
        waiter_claim(node->waiter);
        wait_node_complete(node, 0, &chain);
    }
    boom_unlock(&turn->lock);
    waiter_wake_chain(chain);
}
