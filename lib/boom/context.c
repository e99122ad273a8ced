/* SPDX-License-Identifier: MIT */
/*
 * The tree of contexts.
 *
 * `over` goes once from 0 to the cause, by compare-and-swap: whoever does it has ended the context.
 * `spread` goes once from false to true: whoever does it wakes the waiters, goes on to the
 * children, and then calls the functions that were to be called after the end. `over` is set before
 * the lock is taken to walk the lists, and looked at under the lock by those who want to join a
 * list, so a waiter, function or child is either found by the walk or sees that it came too late.
 *
 * A deadline needs no walk for those who wait: children inherit it at creation and every waiter
 * parks with it. Who notices it (boom_ctx_err(), a wait) only sets `over`, for that may happen
 * under locks; functions are called by the boom_ctx_cancel() that follows.
 *
 * A child holds a reference on its parent; a parent only lists its children. The walk revives a
 * listed child by taking a reference unless it has none left; a child without references leaves the
 * list under its parent's lock before it is freed. Locks are never nested.
 */
#include "context-impl.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <time.h>

#include "lock.h"

/* `over` of a context whose deadline passed; a cause is never INT_MIN. */
enum { OVER_DEADLINE = INT_MIN };

const struct boom_ctx ctx_background = {.deadline_ns = BOOM_NEVER, .fd = -1};

int64_t boom_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

struct boom_ctx *boom_ctx_background(void)
{
    return (struct boom_ctx *)&ctx_background;
}

/* Returns what ctx is over with: `over`, or its own earlier end. */
static int end_ctx(struct boom_ctx *ctx, int over)
{
    int before = 0;

    return atomic_compare_exchange_strong_explicit(&ctx->over, &before, over, memory_order_acq_rel,
                                                   memory_order_acquire)
               ? over
               : before;
}

static bool is_past_deadline(const struct boom_ctx *ctx)
{
    return ctx->deadline_ns != BOOM_NEVER && boom_now_ns() >= ctx->deadline_ns;
}

/* Out of line: most contexts that are asked have no deadline, on paths that are hot. */
__attribute__((noinline)) static int end_if_late(struct boom_ctx *ctx)
{
    return is_past_deadline(ctx) ? end_ctx(ctx, OVER_DEADLINE) : 0;
}

int ctx_get_over(struct boom_ctx *ctx)
{
    int over = atomic_load_explicit(&ctx->over, memory_order_acquire);

    if (over == 0 && ctx->deadline_ns != BOOM_NEVER)
        over = end_if_late(ctx);
    return over;
}

/* Makes the child known to its parent, or over when the parent is. */
static void join_parent(struct boom_ctx *child)
{
    struct boom_ctx *parent = child->parent;
    int over;

    boom_lock(&parent->lock);
    over = ctx_get_over(parent);
    if (over == 0)
        list_push_back(&parent->children, &child->sibling);
    boom_unlock(&parent->lock);
    if (over != 0)
        atomic_store_explicit(&child->over, over, memory_order_release);
}

int boom_ctx_with_deadline(struct boom_ctx *parent, int64_t deadline_ns, struct boom_ctx **ret_ctx)
{
    struct boom_ctx *ctx = calloc(1, sizeof(*ctx));
    int64_t inherited_ns = boom_ctx_deadline(parent);

    if (!ctx)
        return -ENOMEM;
    atomic_init(&ctx->n_refs, 1);
    atomic_init(&ctx->over, 0);
    ctx->deadline_ns = deadline_ns < inherited_ns ? deadline_ns : inherited_ns;
    pthread_mutex_init(&ctx->lock, NULL);
    list_init(&ctx->waiters);
    list_init(&ctx->afters);
    list_init(&ctx->children);
    ctx->fd = -1;
    if (!ctx_is_background(parent)) {
        ctx->parent = boom_ctx_ref(parent);
        join_parent(ctx);
    }
    *ret_ctx = ctx;
    return 0;
}

int boom_ctx_with_cancel(struct boom_ctx *parent, struct boom_ctx **ret_ctx)
{
    return boom_ctx_with_deadline(parent, BOOM_NEVER, ret_ctx);
}

int boom_ctx_with_timeout(struct boom_ctx *parent, int64_t timeout_ns, struct boom_ctx **ret_ctx)
{
    int64_t deadline_ns;

    if (__builtin_add_overflow(boom_now_ns(), timeout_ns, &deadline_ns))
        deadline_ns = BOOM_NEVER;
    return boom_ctx_with_deadline(parent, deadline_ns, ret_ctx);
}

int boom_ctx_with_value(struct boom_ctx *parent, const void *key, void *value,
                        void (*destroy)(void *value), struct boom_ctx **ret_ctx)
{
    int r = key ? boom_ctx_with_cancel(parent, ret_ctx) : -EINVAL;

    if (r < 0)
        return r;
    (*ret_ctx)->key = key;
    (*ret_ctx)->value = value;
    (*ret_ctx)->destroy = destroy;
    return 0;
}

void *boom_ctx_value(struct boom_ctx *ctx, const void *key)
{
    while (!ctx_is_background(ctx) && ctx->key != key)
        ctx = ctx->parent;
    return ctx_is_background(ctx) ? NULL : ctx->value;
}

struct boom_ctx *boom_ctx_ref(struct boom_ctx *ctx)
{
    if (!ctx_is_background(ctx))
        atomic_fetch_add_explicit(&ctx->n_refs, 1, memory_order_relaxed);
    return ctx;
}

/* False: the last reference is gone, and ctx is about to leave the list it was found in. */
static bool ref_unless_dead(struct boom_ctx *ctx)
{
    unsigned n = atomic_load_explicit(&ctx->n_refs, memory_order_relaxed);

    while (n > 0)
        if (atomic_compare_exchange_weak_explicit(&ctx->n_refs, &n, n + 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}

static void leave_parent(struct boom_ctx *child)
{
    if (!child->parent)
        return;
    boom_lock(&child->parent->lock);
    link_unlink(&child->sibling);
    boom_unlock(&child->parent->lock);
}

/* Listed nowhere, and without references. */
static void free_ctx(struct boom_ctx *ctx)
{
    ctx_forget_afters(ctx);
    ctx_close_fd(ctx);
    if (ctx->destroy)
        ctx->destroy(ctx->value);
    pthread_mutex_destroy(&ctx->lock);
    free(ctx);
}

/* A loop, not a recursion: the last reference on a leaf may free a long line of ancestors. */
struct boom_ctx *boom_ctx_unref(struct boom_ctx *ctx)
{
    while (!ctx_is_background(ctx) &&
           atomic_fetch_sub_explicit(&ctx->n_refs, 1, memory_order_acq_rel) == 1) {
        struct boom_ctx *parent = ctx->parent;

        leave_parent(ctx);
        free_ctx(ctx);
        ctx = parent;
    }
    return NULL;
}

static void push(struct boom_ctx **list, struct boom_ctx *ctx)
{
    ctx->next = *list;
    *list = ctx;
}

static struct boom_ctx *pop(struct boom_ctx **list)
{
    struct boom_ctx *ctx = *list;

    *list = ctx->next;
    return ctx;
}

/* Ends ctx. Who is the first to spread its end puts it, with a reference, on its to-do list. */
static void end_and_push(struct boom_ctx *ctx, int cause, struct boom_ctx **todo)
{
    end_ctx(ctx, is_past_deadline(ctx) ? OVER_DEADLINE : cause);
    if (!atomic_exchange_explicit(&ctx->spread, true, memory_order_acq_rel) && ref_unless_dead(ctx))
        push(todo, ctx);
}

static struct waiter *claim_waiters_locked(struct boom_ctx *ctx)
{
    struct waiter *chain = NULL;
    struct link *link;

    while ((link = list_pop_front(&ctx->waiters))) {
        struct waiter *waiter = container_of(link, struct ctx_wait, link)->waiter;

        if (waiter_claim(waiter)) {
            waiter->next = chain;
            chain = waiter;
        }
    }
    return chain;
}

/*
 * Wakes the waiters of ctx, which is over, and puts the children that it ends on the to-do list.
 * True: there are functions to be called.
 */
static bool spread_end(struct boom_ctx *ctx, int cause, struct boom_ctx **todo)
{
    struct waiter *chain;
    bool afters;

    boom_lock(&ctx->lock);
    chain = claim_waiters_locked(ctx);
    ctx_set_fd_locked(ctx);
    afters = !list_is_empty(&ctx->afters);
    for (struct link *at = ctx->children.next; at != &ctx->children; at = at->next)
        end_and_push(container_of(at, struct boom_ctx, sibling), cause, todo);
    boom_unlock(&ctx->lock);
    waiter_wake_chain(chain);
    return afters;
}

/* Strangers' functions come when all of the tree has been told. */
void boom_ctx_cancel(struct boom_ctx *ctx, int cause)
{
    struct boom_ctx *todo = NULL, *to_call = NULL;

    if (ctx_is_background(ctx))
        return;
    if (cause >= 0 || cause == OVER_DEADLINE)
        cause = -ECANCELED;
    end_and_push(ctx, cause, &todo);
    while (todo) {
        struct boom_ctx *over = pop(&todo);

        if (spread_end(over, cause, &todo))
            push(&to_call, over);
        else
            boom_ctx_unref(over);
    }
    while (to_call) {
        struct boom_ctx *over = pop(&to_call);

        ctx_call_afters(over);
        boom_ctx_unref(over);
    }
}

int boom_ctx_err(struct boom_ctx *ctx)
{
    int over = ctx_is_background(ctx) ? 0 : ctx_get_over(ctx);

    if (over == 0)
        return 0;
    return over == OVER_DEADLINE ? -ETIMEDOUT : -ECANCELED;
}

int boom_ctx_cause(struct boom_ctx *ctx)
{
    int over = ctx_is_background(ctx) ? 0 : ctx_get_over(ctx);

    return over == OVER_DEADLINE ? -ETIMEDOUT : over;
}

int64_t boom_ctx_deadline(struct boom_ctx *ctx)
{
    return ctx ? ctx->deadline_ns : BOOM_NEVER;
}

void ctx_attach(struct boom_ctx *ctx, struct ctx_wait *wait)
{
    bool over;

    if (ctx_is_background(ctx))
        return;
    boom_lock(&ctx->lock);
    over = atomic_load_explicit(&ctx->over, memory_order_acquire) != 0;
    if (!over)
        list_push_back(&ctx->waiters, &wait->link);
    boom_unlock(&ctx->lock);
    if (over && waiter_claim(wait->waiter))
        waiter_wake(wait->waiter);
}

void ctx_detach(struct boom_ctx *ctx, struct ctx_wait *wait)
{
    if (ctx_is_background(ctx))
        return;
    boom_lock(&ctx->lock);
    link_unlink(&wait->link);
    boom_unlock(&ctx->lock);
}
