/* SPDX-License-Identifier: MIT */
/*
 * Functions to be called after the end of a context.
 *
 * A function is called by whoever takes it out of the list, under the lock; from there on its
 * struct is touched no more, so that stop, which finds it gone, may let it go.
 */
#include "context-impl.h"

#include "lock.h"

_Static_assert(sizeof(((struct boom_after *)NULL)->internal) == sizeof(struct link),
               "struct boom_after has room for a link");

static struct link *link_of(struct boom_after *after)
{
    return (struct link *)(void *)after->internal;
}

static struct boom_after *after_of(struct link *link)
{
    return container_of(link, struct boom_after, internal);
}

/* On the background it is armed, in a list of its own that nobody walks. */
void boom_ctx_after_func(struct boom_ctx *ctx, struct boom_after *after)
{
    bool over = false;

    *link_of(after) = (struct link){0};
    if (ctx_is_background(ctx)) {
        list_init(link_of(after));
        return;
    }
    boom_lock(&ctx->lock);
    over = ctx_get_over(ctx) != 0;
    if (!over)
        list_push_back(&ctx->afters, link_of(after));
    boom_unlock(&ctx->lock);
    if (over)
        after->fn(after->arg);
}

static bool take_out_locked(struct boom_after *after)
{
    bool armed = link_is_linked(link_of(after));

    link_unlink(link_of(after));
    return armed;
}

bool boom_ctx_stop_after(struct boom_ctx *ctx, struct boom_after *after)
{
    bool armed;

    if (ctx_is_background(ctx))
        return take_out_locked(after);
    boom_lock(&ctx->lock);
    armed = take_out_locked(after);
    boom_unlock(&ctx->lock);
    return armed;
}

/* The first of the list, copied and taken out of it. */
static bool pop(struct boom_ctx *ctx, struct boom_after *ret_after)
{
    struct link *link;

    boom_lock(&ctx->lock);
    link = list_pop_front(&ctx->afters);
    if (link)
        *ret_after = *after_of(link);
    boom_unlock(&ctx->lock);
    return link != NULL;
}

void ctx_call_afters(struct boom_ctx *ctx)
{
    struct boom_after after;

    while (pop(ctx, &after))
        after.fn(after.arg);
}

void ctx_forget_afters(struct boom_ctx *ctx)
{
    while (list_pop_front(&ctx->afters))
        ;
}
