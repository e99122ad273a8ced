/* SPDX-License-Identifier: MIT */
#ifndef BOOM_CONTEXT_H
#define BOOM_CONTEXT_H

/*
 * Context: the tree along which cancellation travels (Go: package context).
 *
 *   background ── daemon ──┬── receivers
 *                          └── pipeline (deadline: shutdown_timeout)
 *
 * Cancelling a node cancels everything below it, once; the first cause wins. Every libboom call that
 * can wait takes a context and is woken by its cancellation: nothing polls. A deadline is a fact of
 * the node (the earliest of its own and its ancestors', fixed when it is made), so no timer thread is
 * needed: a wait ends at the deadline by itself.
 *
 * All functions may be called from any thread. None blocks, except that boom_ctx_cancel() runs the
 * wake-ups of the waiters.
 */

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_ctx;

/* no deadline; any deadline_ns at or past it means "never" */
#define BOOM_NEVER INT64_MAX

/*
 * The root: never cancelled, no deadline. Needs no unref (it is harmless).
 * Passing NULL where a context is expected means the background.
 */
struct boom_ctx *boom_ctx_background(void);

/*
 * A child that can be cancelled. The child holds a reference on its parent.
 * Returns 0, -ENOMEM. Already cancelled when the parent is.
 */
int boom_ctx_with_cancel(struct boom_ctx *parent, struct boom_ctx **ret_ctx);

/*
 * As above, and over at deadline_ns on CLOCK_MONOTONIC (boom_now_ns()).
 * Past it boom_ctx_err() is -ETIMEDOUT, unless it was cancelled before.
 */
int boom_ctx_with_deadline(struct boom_ctx *parent, int64_t deadline_ns, struct boom_ctx **ret_ctx);

struct boom_ctx *boom_ctx_ref(struct boom_ctx *ctx);
/* Always returns NULL, so that `x = boom_ctx_unref(x)` clears. Does not cancel. NULL is allowed. */
struct boom_ctx *boom_ctx_unref(struct boom_ctx *ctx);

/*
 * Cancels ctx and its descendants. cause: a negative errno handed to whoever asks
 * boom_ctx_cause(); 0 means -ECANCELED. A second call changes nothing.
 */
void boom_ctx_cancel(struct boom_ctx *ctx, int cause);

/* 0 while live, else -ECANCELED (it or an ancestor was cancelled) or -ETIMEDOUT (deadline passed). */
int boom_ctx_err(struct boom_ctx *ctx);
/* 0 while live, else the first cause: that of boom_ctx_cancel(), or -ETIMEDOUT. */
int boom_ctx_cause(struct boom_ctx *ctx);
/* Absolute, CLOCK_MONOTONIC, nanoseconds; BOOM_NEVER when there is none. */
int64_t boom_ctx_deadline(struct boom_ctx *ctx);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t boom_now_ns(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
