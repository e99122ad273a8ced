/* SPDX-License-Identifier: MIT */
/*
 * The fd of a context: one timer for both of its ends. It stands at the deadline; the cancellation
 * sets it to a time that is past. It is made, and set, under the context's lock, so that it is
 * either found by the cancellation or sees that it came too late.
 */
#include <errno.h>

#include "context-impl.h"
#include "fd.h"
#include "lock.h"

int boom_ctx_fd(struct boom_ctx *ctx)
{
    int fd;

    if (ctx_is_background(ctx))
        return -EINVAL;
    boom_lock(&ctx->lock);
    if (ctx->fd < 0) {
        fd = timer_fd_open(ctx_get_over(ctx) == 0 ? ctx->deadline_ns : 0);
        if (fd >= 0)
            ctx->fd = fd;
    } else {
        fd = ctx->fd;
    }
    boom_unlock(&ctx->lock);
    return fd;
}

void ctx_set_fd_locked(struct boom_ctx *ctx)
{
    if (ctx->fd >= 0)
        timer_fd_set(ctx->fd, 0);
}

void ctx_close_fd(struct boom_ctx *ctx)
{
    if (ctx->fd >= 0)
        fd_close(ctx->fd);
}
