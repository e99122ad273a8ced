/* SPDX-License-Identifier: MIT */
/*
 * Park and unpark: one semaphore a waiter, on its stack. glibc lets a semaphore go as soon as
 * sem_wait() returned, and makes a system call only when somebody sleeps.
 */
#include "wait.h"

#include <errno.h>
#include <time.h>

#include "context-impl.h"
#include "lock.h"

void waiter_init(struct waiter *waiter)
{
    sem_init(&waiter->wake, 0, 0);
    atomic_init(&waiter->state, WAITER_WAITS);
    waiter->by = NULL;
    waiter->next = NULL;
}

void waiter_deinit(struct waiter *waiter)
{
    sem_destroy(&waiter->wake);
}

bool waiter_claim(struct waiter *waiter)
{
    unsigned waits = WAITER_WAITS;
    bool claimed;

    boom_perturb();
    claimed = atomic_compare_exchange_strong_explicit(&waiter->state, &waits, WAITER_CLAIMED,
                                                      memory_order_acq_rel, memory_order_acquire);
    boom_perturb();
    return claimed;
}

void waiter_wake(struct waiter *waiter)
{
    atomic_store_explicit(&waiter->state, WAITER_DONE, memory_order_release);
    sem_post(&waiter->wake);
}

/*
 * Changes nothing. ThreadSanitizer knows sem_getvalue(), but not sem_clockwait(): so a program that
 * runs under it, with this library as it is installed, sees what orders it after whoever woke it.
 */
static void tell_order(sem_t *wake)
{
    int value;

    sem_getvalue(wake, &value);
}

/* True: woken. False: deadline_ns came first. */
static bool park(sem_t *wake, int64_t deadline_ns)
{
    int64_t at = deadline_ns < 0 ? 0 : deadline_ns;
    struct timespec until = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000};

    for (;;) {
        int r = deadline_ns == BOOM_NEVER ? sem_wait(wake)
                                          : sem_clockwait(wake, CLOCK_MONOTONIC, &until);
        if (r == 0) {
            tell_order(wake);
            return true;
        }
        if (errno == ETIMEDOUT)
            return false;
    }
}

int waiter_wait(struct waiter *waiter, struct boom_ctx *ctx, int64_t deadline_ns)
{
    struct ctx_wait in_ctx = {.waiter = waiter};
    int64_t ctx_deadline_ns = boom_ctx_deadline(ctx);
    int r;

    ctx_attach(ctx, &in_ctx);
    if (!park(&waiter->wake, deadline_ns < ctx_deadline_ns ? deadline_ns : ctx_deadline_ns) &&
        !waiter_claim(waiter))
        park(&waiter->wake, BOOM_NEVER);
    ctx_detach(ctx, &in_ctx);

    /* Orders what the winner wrote; ThreadSanitizer does not know that sem_clockwait() does so too.
     */
    if (atomic_load_explicit(&waiter->state, memory_order_acquire) == WAITER_DONE && waiter->by)
        return 0;
    r = boom_ctx_err(ctx);
    return r < 0 ? r : WAIT_DEADLINE;
}

struct wait_node *wait_list_claim_listed(struct link *list)
{
    struct link *link;

    while ((link = list_pop_front(list))) {
        struct wait_node *node = container_of(link, struct wait_node, link);

        if (waiter_claim(node->waiter))
            return node;
    }
    return NULL;
}

void wait_node_complete(struct wait_node *node, int result, struct waiter **chain)
{
    struct waiter *waiter = node->waiter;

    node->result = result;
    waiter->by = node;
    waiter->next = *chain;
    *chain = waiter;
}

void waiter_wake_chain(struct waiter *chain)
{
    while (chain) {
        struct waiter *next = chain->next;

        waiter_wake(chain);
        chain = next;
    }
}
