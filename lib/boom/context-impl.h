/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CONTEXT_IMPL_H
#define BOOM_CONTEXT_IMPL_H

/* The context, open to the rest of the library. How the tree works is told in context.c. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <boom/context.h>
#include "list.h"
#include "wait.h"

struct boom_ctx {
    atomic_uint n_refs;
    atomic_int over;         /* 0: live; OVER_DEADLINE; else the cause given to boom_ctx_cancel() */
    atomic_bool spread;      /* somebody tells, or has told, the waiters, functions and children */
    int64_t deadline_ns;     /* constant */
    struct boom_ctx *parent; /* constant; NULL: child of the background */
    struct boom_ctx *next;   /* in a list of the thread that set `spread` */

    pthread_mutex_t lock; /* waiters, afters, fd, children, and the children's `sibling` */
    struct link waiters;  /* struct ctx_wait */
    struct link afters;   /* struct boom_after, by its link */
    int fd;               /* a timer; -1: not asked for yet */
    struct link children;
    struct link sibling;

    /* constant; key NULL: none */
    const void *key;
    void *value;
    void (*destroy)(void *value);
};

/* The background is the NULL of the library: constant, never listed, never counted. */
extern const struct boom_ctx ctx_background;

static inline bool ctx_is_background(const struct boom_ctx *ctx)
{
    return !ctx || ctx == &ctx_background;
}

/* 0: live; else what `over` says. Sets it when the deadline has passed. Not for the background. */
int ctx_get_over(struct boom_ctx *ctx);

/* boom_ctx_err(), with the usual answer at hand: ctx is live, and has no deadline. */
static inline int ctx_err(struct boom_ctx *ctx)
{
    if (ctx_is_background(ctx))
        return 0;
    if (ctx->deadline_ns == BOOM_NEVER &&
        atomic_load_explicit(&ctx->over, memory_order_acquire) == 0)
        return 0;
    return boom_ctx_err(ctx);
}

/* A waiter on a context's list. Lives on the stack of the waiting thread. */
struct ctx_wait {
    struct link link;
    struct waiter *waiter;
};

/* From now on the end of ctx by cancellation claims and wakes wait->waiter: at once if it is over.
 */
void ctx_attach(struct boom_ctx *ctx, struct ctx_wait *wait);
/* After return ctx knows nothing of wait. Harmless when it was detached by the cancellation. */
void ctx_detach(struct boom_ctx *ctx, struct ctx_wait *wait);

/* context-after.c: calls the functions that are listed, one by one, without the lock. */
void ctx_call_afters(struct boom_ctx *ctx);
/* ctx is about to be freed: they are listed nowhere any more. */
void ctx_forget_afters(struct boom_ctx *ctx);

/* context-fd.c: the fd, if there is one, becomes readable. */
void ctx_set_fd_locked(struct boom_ctx *ctx);
void ctx_close_fd(struct boom_ctx *ctx);

#endif
