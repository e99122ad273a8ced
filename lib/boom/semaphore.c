/* SPDX-License-Identifier: MIT */
/*
 * The weighted semaphore: one list of requests in the order of arrival.
 *
 * At rest, the first request of the list that is not above the size wants more than is free. So
 * whoever frees units, changes the size, or takes a request away, serves: from the front, until one
 * does not fit. Requests above the size are stepped over.
 *
 * Who is served was given its units by whom served it; nobody can come between.
 */
#include <boom/semaphore.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "list.h"
#include "lock.h"
#include "wait.h"

struct request {
    struct wait_node node;
    size_t n;
};

struct boom_semaphore {
    pthread_mutex_t lock; /* all below */
    size_t size, held;
    struct link requests; /* struct request, oldest first */
};

int boom_semaphore_new(size_t size, struct boom_semaphore **ret_semaphore)
{
    struct boom_semaphore *semaphore = calloc(1, sizeof(*semaphore));

    if (!semaphore)
        return -ENOMEM;
    pthread_mutex_init(&semaphore->lock, NULL);
    semaphore->size = size;
    list_init(&semaphore->requests);
    *ret_semaphore = semaphore;
    return 0;
}

struct boom_semaphore *boom_semaphore_free(struct boom_semaphore *semaphore)
{
    if (!semaphore)
        return NULL;
    pthread_mutex_destroy(&semaphore->lock);
    free(semaphore);
    return NULL;
}

static struct request *request_of(struct link *link)
{
    return container_of(link, struct request, node.link);
}

static bool fits_locked(const struct boom_semaphore *semaphore, size_t n)
{
    return n == 0 || (semaphore->held < semaphore->size && n <= semaphore->size - semaphore->held);
}

/* The first request from `at` on that is not above the size; NULL: there is none. */
static struct request *next_locked(struct boom_semaphore *semaphore, struct link *at)
{
    while (at != &semaphore->requests && request_of(at)->n > semaphore->size)
        at = at->next;
    return at == &semaphore->requests ? NULL : request_of(at);
}

static void serve_locked(struct boom_semaphore *semaphore, struct waiter **chain)
{
    struct request *request = next_locked(semaphore, semaphore->requests.next);

    while (request && fits_locked(semaphore, request->n)) {
        struct link *next = request->node.link.next;

        link_unlink(&request->node.link);
        if (waiter_claim(request->node.waiter)) {
            semaphore->held += request->n;
            wait_node_complete(&request->node, 0, chain);
        }
        request = next_locked(semaphore, next);
    }
}

static void serve_and_unlock(struct boom_semaphore *semaphore)
{
    struct waiter *chain = NULL;

    serve_locked(semaphore, &chain);
    boom_unlock(&semaphore->lock);
    waiter_wake_chain(chain);
}

static bool try_acquire_locked(struct boom_semaphore *semaphore, size_t n)
{
    if (!fits_locked(semaphore, n) || next_locked(semaphore, semaphore->requests.next))
        return false;
    semaphore->held += n;
    return true;
}

/* Called with the lock, which it releases. */
static int wait_and_unlock(struct boom_semaphore *semaphore, struct boom_ctx *ctx, size_t n)
{
    struct waiter waiter;
    struct request request = {.node.waiter = &waiter, .n = n};
    int r;

    waiter_init(&waiter);
    list_push_back(&semaphore->requests, &request.node.link);
    boom_unlock(&semaphore->lock);
    r = waiter_wait(&waiter, ctx, BOOM_NEVER);
    waiter_deinit(&waiter);
    if (r < 0) {
        boom_lock(&semaphore->lock);
        link_unlink(&request.node.link);
        serve_and_unlock(semaphore);
    }
    return r;
}

int boom_semaphore_acquire(struct boom_semaphore *semaphore, struct boom_ctx *ctx, size_t n)
{
    int r = boom_ctx_err(ctx);

    if (r < 0)
        return r;
    boom_lock(&semaphore->lock);
    if (!try_acquire_locked(semaphore, n))
        return wait_and_unlock(semaphore, ctx, n);
    boom_unlock(&semaphore->lock);
    return 0;
}

int boom_semaphore_try_acquire(struct boom_semaphore *semaphore, size_t n)
{
    bool acquired;

    boom_lock(&semaphore->lock);
    acquired = try_acquire_locked(semaphore, n);
    boom_unlock(&semaphore->lock);
    return acquired ? 0 : -EBUSY;
}

int boom_semaphore_release(struct boom_semaphore *semaphore, size_t n)
{
    boom_lock(&semaphore->lock);
    if (n > semaphore->held) {
        boom_unlock(&semaphore->lock);
        return -EINVAL;
    }
    semaphore->held -= n;
    serve_and_unlock(semaphore);
    return 0;
}

void boom_semaphore_resize(struct boom_semaphore *semaphore, size_t size)
{
    boom_lock(&semaphore->lock);
    semaphore->size = size;
    serve_and_unlock(semaphore);
}

void boom_semaphore_get_stats(struct boom_semaphore *semaphore,
                              struct boom_semaphore_stats *ret_stats)
{
    boom_lock(&semaphore->lock);
    *ret_stats = (struct boom_semaphore_stats){.size = semaphore->size, .held = semaphore->held};
    for (struct link *at = semaphore->requests.next; at != &semaphore->requests; at = at->next)
        ret_stats->waiting++;
    boom_unlock(&semaphore->lock);
}
