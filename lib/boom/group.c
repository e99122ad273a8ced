/* SPDX-License-Identifier: MIT */
/*
 * The group: one joinable thread a function.
 *
 * A thread that is done leaves its member on the `ended` list; the next go and the wait join what
 * is there, so a group that lives long holds no dead threads. Who waits for a place under the limit
 * is handed the place of a thread that ends, first come first served: `n_running` counts places.
 */
#include <boom/group.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "group-impl.h"
#include "list.h"
#include "lock.h"
#include "registry-impl.h"
#include "wait.h"

enum { THREAD_NAME_BYTES = 16 }; /* the kernel's, with the NUL */

struct member {
    struct boom_group *group;
    int (*fn)(void *arg);
    void *arg;
    char name[THREAD_NAME_BYTES];
    pthread_t thread;    /* valid on the ended list */
    struct member *next; /* on the ended list */
};

struct boom_group {
    struct boom_ctx *ctx; /* constant */
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t quiet; /* n_running fell to 0 */
    unsigned limit;       /* 0: none */
    unsigned n_running;
    int err;             /* the first */
    struct link waiting; /* struct wait_node: for a place */
    struct member *ended;

    /* Set while no thread runs, constant for those that do. */
    struct boom_registry *registry;
    char name[BOOM_TASK_NAME_BYTES];
};

int boom_group_new(struct boom_ctx *parent, struct boom_group **ret_group)
{
    struct boom_group *group = calloc(1, sizeof(*group));
    int r;

    if (!group)
        return -ENOMEM;
    r = boom_ctx_with_cancel(parent, &group->ctx);
    if (r < 0) {
        free(group);
        return r;
    }
    pthread_mutex_init(&group->lock, NULL);
    pthread_cond_init(&group->quiet, NULL);
    list_init(&group->waiting);
    *ret_group = group;
    return 0;
}

struct boom_group *boom_group_free(struct boom_group *group)
{
    if (!group)
        return NULL;
    pthread_cond_destroy(&group->quiet);
    pthread_mutex_destroy(&group->lock);
    boom_ctx_unref(group->ctx);
    free(group);
    return NULL;
}

struct boom_ctx *boom_group_ctx(struct boom_group *group)
{
    return group->ctx;
}

int boom_group_set_limit(struct boom_group *group, unsigned limit)
{
    int r = 0;

    boom_lock(&group->lock);
    if (group->n_running > 0)
        r = -EBUSY;
    else
        group->limit = limit;
    boom_unlock(&group->lock);
    return r;
}

int boom_group_set_registry(struct boom_group *group, struct boom_registry *registry,
                            const char *name)
{
    int r = 0;

    boom_lock(&group->lock);
    if (group->n_running > 0) {
        r = -EBUSY;
    } else {
        group->registry = registry;
        snprintf(group->name, sizeof(group->name), "%s", name ? name : "");
    }
    boom_unlock(&group->lock);
    return r;
}

struct boom_registry *group_registry(const struct boom_group *group)
{
    return group->registry;
}

/* Joins the threads that have ended, and frees their members. */
static void reap(struct boom_group *group)
{
    struct member *ended;

    boom_lock(&group->lock);
    ended = group->ended;
    group->ended = NULL;
    boom_unlock(&group->lock);
    while (ended) {
        struct member *next = ended->next;

        pthread_join(ended->thread, NULL);
        free(ended);
        ended = next;
    }
}

static bool try_take_place_locked(struct boom_group *group)
{
    if (group->limit > 0 && group->n_running >= group->limit)
        return false;
    group->n_running++;
    return true;
}

/* The place goes to the first who waits for one, or becomes free. */
static void release_place_locked(struct boom_group *group, struct waiter **chain)
{
    struct wait_node *node = wait_list_claim(&group->waiting);

    if (node)
        wait_node_complete(node, 0, chain);
    else if (--group->n_running == 0)
        pthread_cond_broadcast(&group->quiet);
}

static void release_place(struct boom_group *group)
{
    struct waiter *chain = NULL;

    boom_lock(&group->lock);
    release_place_locked(group, &chain);
    boom_unlock(&group->lock);
    waiter_wake_chain(chain);
}

static int wait_for_place(struct boom_group *group)
{
    struct boom_task *self = boom_registry_self(group->registry);
    struct waiter waiter;
    struct wait_node node = {.waiter = &waiter};
    int r;

    boom_lock(&group->lock);
    if (try_take_place_locked(group)) {
        boom_unlock(&group->lock);
        return 0;
    }
    waiter_init(&waiter);
    list_push_back(&group->waiting, &node.link);
    boom_unlock(&group->lock);

    boom_task_waits(self, BOOM_DOING_ACQUIRE, group, "place in group",
                    boom_ctx_deadline(group->ctx));
    r = waiter_wait(&waiter, group->ctx, BOOM_NEVER);
    boom_task_runs(self);
    waiter_deinit(&waiter);
    if (r < 0) {
        boom_lock(&group->lock);
        link_unlink(&node.link);
        boom_unlock(&group->lock);
    }
    return r;
}

static void report_error(struct boom_group *group, int err)
{
    bool first;

    boom_lock(&group->lock);
    first = group->err == 0;
    if (first)
        group->err = err;
    boom_unlock(&group->lock);
    if (first)
        boom_ctx_cancel(group->ctx, err);
}

static void *member_main(void *arg)
{
    struct member *member = arg;
    struct boom_group *group = member->group;
    struct waiter *chain = NULL;
    struct boom_task *task;
    int r;

    if (member->name[0])
        pthread_setname_np(pthread_self(), member->name);
    task = task_new_or_null(group->registry, member->name, group->name);
    r = member->fn(member->arg);
    boom_task_free(task);
    if (r < 0)
        report_error(group, r);

    boom_lock(&group->lock);
    member->thread = pthread_self();
    member->next = group->ended;
    group->ended = member;
    release_place_locked(group, &chain);
    boom_unlock(&group->lock);
    waiter_wake_chain(chain);
    return NULL;
}

/* pthread_create() with the signals of the new thread blocked from its first instruction. */
static int create_thread(struct member *member)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT};
    sigset_t blocked, before;
    pthread_t thread;
    int r;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        sigdelset(&blocked, faults[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before);
    r = pthread_create(&thread, NULL, member_main, member);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -r;
}

/* Starts the thread in a place that was taken for it; on an error the place is given back. */
static int start_member(struct boom_group *group, const char *name, int (*fn)(void *arg), void *arg)
{
    struct member *member = calloc(1, sizeof(*member));
    int r = -ENOMEM;

    if (member) {
        member->group = group;
        member->fn = fn;
        member->arg = arg;
        snprintf(member->name, sizeof(member->name), "%s", name ? name : "");
        r = create_thread(member);
    }
    if (r < 0) {
        free(member);
        release_place(group);
    }
    return r;
}

int boom_group_go(struct boom_group *group, const char *name, int (*fn)(void *arg), void *arg)
{
    int r = wait_for_place(group);

    if (r < 0)
        return r;
    reap(group);
    return start_member(group, name, fn, arg);
}

int boom_group_try_go(struct boom_group *group, const char *name, int (*fn)(void *arg), void *arg)
{
    bool taken;

    boom_lock(&group->lock);
    taken = try_take_place_locked(group);
    boom_unlock(&group->lock);
    if (!taken)
        return -EBUSY;
    reap(group);
    return start_member(group, name, fn, arg);
}

int boom_group_wait(struct boom_group *group)
{
    struct boom_task *self = boom_registry_self(group->registry);
    int err;

    boom_task_waits(self, BOOM_DOING_JOIN, group, "group", BOOM_NEVER);
    boom_lock(&group->lock);
    while (group->n_running > 0)
        pthread_cond_wait(&group->quiet, &group->lock);
    err = group->err;
    boom_unlock(&group->lock);
    reap(group);
    boom_task_runs(self);
    boom_ctx_cancel(group->ctx, err);
    return err;
}
