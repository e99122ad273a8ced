/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CONTEXT_IMPL_H
#define BOOM_CONTEXT_IMPL_H

#include <boom/context.h>
#include "list.h"
#include "wait.h"

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

#endif
