/* SPDX-License-Identifier: MIT */
/*
 * The wait group: a counter and a list of waiters under one lock.
 *
 * Who brings the counter to 0 completes all that wait, so that they have seen this zero whatever is
 * added next; it wakes them after it let go of the lock, and touches the group no more, so that one
 * of them may free it.
 */
#include <boom/waitgroup.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "list.h"
#include "lock.h"
#include "wait.h"

struct boom_waitgroup {
    pthread_mutex_t lock; /* all below */
    int64_t count;
    struct link waiting; /* struct wait_node */
};

int boom_waitgroup_new(struct boom_waitgroup **ret_group)
{
    struct boom_waitgroup *group = calloc(1, sizeof(*group));

    if (!group)
        return -ENOMEM;
    pthread_mutex_init(&group->lock, NULL);
    list_init(&group->waiting);
    *ret_group = group;
    return 0;
}

struct boom_waitgroup *boom_waitgroup_free(struct boom_waitgroup *group)
{
    if (!group)
        return NULL;
    pthread_mutex_destroy(&group->lock);
    free(group);
    return NULL;
}

static int add_locked(struct boom_waitgroup *group, int64_t delta, struct waiter **chain)
{
    struct wait_node *node;
    int64_t count;

    if (__builtin_add_overflow(group->count, delta, &count))
        return -EOVERFLOW;
    if (count < 0)
        return -EINVAL;
    group->count = count;
    while (count == 0 && (node = wait_list_claim(&group->waiting)))
        wait_node_complete(node, 0, chain);
    return 0;
}

int boom_waitgroup_add(struct boom_waitgroup *group, int64_t delta)
{
    struct waiter *chain = NULL;
    int r;

    boom_lock(&group->lock);
    r = add_locked(group, delta, &chain);
    boom_unlock(&group->lock);
    waiter_wake_chain(chain);
    return r;
}

int boom_waitgroup_done(struct boom_waitgroup *group)
{
    return boom_waitgroup_add(group, -1);
}

int boom_waitgroup_wait(struct boom_waitgroup *group, struct boom_ctx *ctx)
{
    struct waiter waiter;
    struct wait_node node = {.waiter = &waiter};
    int r;

    boom_lock(&group->lock);
    if (group->count == 0) {
        boom_unlock(&group->lock);
        return 0;
    }
    waiter_init(&waiter);
    list_push_back(&group->waiting, &node.link);
    boom_unlock(&group->lock);

    r = waiter_wait(&waiter, ctx, BOOM_NEVER);
    waiter_deinit(&waiter);
    if (r < 0) {
        boom_lock(&group->lock);
        link_unlink(&node.link);
        boom_unlock(&group->lock);
    }
    return r;
}
