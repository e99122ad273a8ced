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
 * wake-ups of the waiters and the functions that were to be called after the end.
 */

#include <stdbool.h>
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

/*
 * As above, timeout_ns from now (0 and less: it is over at once; BOOM_NEVER: no deadline of its own).
 */
int boom_ctx_with_timeout(struct boom_ctx *parent, int64_t timeout_ns, struct boom_ctx **ret_ctx);

/*
 * A child that carries a value under key, for those to whom it is handed; it can be cancelled as any
 * other. key: an address, compared as such: that of a `static const char` of your file is yours alone.
 * destroy (may be NULL) is called with value by the thread that drops the last reference, descendants'
 * included. Returns 0, -ENOMEM, -EINVAL (key is NULL); on an error the value stays the caller's.
 */
int boom_ctx_with_value(struct boom_ctx *parent, const void *key, void *value,
                        void (*destroy)(void *value), struct boom_ctx **ret_ctx);
/* The value under key of ctx or of its nearest ancestor that has one; lives as long as ctx. NULL: there is none. */
void *boom_ctx_value(struct boom_ctx *ctx, const void *key);

struct boom_ctx *boom_ctx_ref(struct boom_ctx *ctx);
/* Always returns NULL, so that `x = boom_ctx_unref(x)` clears. Does not cancel. NULL is allowed. */
struct boom_ctx *boom_ctx_unref(struct boom_ctx *ctx);

/*
 * Cancels ctx and its descendants. cause: a negative errno handed to whoever asks
 * boom_ctx_cause(); 0 means -ECANCELED. A second call changes nothing. On a context whose deadline has
 * passed it leaves -ETIMEDOUT as error and cause, and calls the functions that are due; so, as in Go,
 * end the use of every context with boom_ctx_cancel().
 */
void boom_ctx_cancel(struct boom_ctx *ctx, int cause);

/* 0 while live, else -ECANCELED (it or an ancestor was cancelled) or -ETIMEDOUT (deadline passed). */
int boom_ctx_err(struct boom_ctx *ctx);
/* 0 while live, else the first cause: that of boom_ctx_cancel(), or -ETIMEDOUT. */
int boom_ctx_cause(struct boom_ctx *ctx);
/* Absolute, CLOCK_MONOTONIC, nanoseconds; BOOM_NEVER when there is none. */
int64_t boom_ctx_deadline(struct boom_ctx *ctx);

/*
 * A function to be called once after the end of a context (Go: AfterFunc). The struct is the caller's,
 * and must stay valid until fn was called, boom_ctx_stop_after() returned, or ctx is gone. A context
 * whose last reference goes can end no more, and calls nothing.
 *
 * There is no hidden thread. fn runs in the thread that calls boom_ctx_cancel() on ctx or an ancestor,
 * after all of the tree has been told, with no lock of the library held; it may call anything, and
 * should not block, for others may be due after it. (Go starts a goroutine; let fn start one of a
 * group where that is wanted.) The passing of a deadline by itself calls nothing: whoever learns of it,
 * by boom_ctx_fd() or from a call that returned -ETIMEDOUT, calls boom_ctx_cancel().
 */
struct boom_after {
    void (*fn)(void *arg);
    void *arg;
    void *internal[2]; /* private */
};

/* Must not be armed already. If ctx is over, fn is called before this returns. The background: never. */
void boom_ctx_after_func(struct boom_ctx *ctx, struct boom_after *after);
/*
 * True: fn has not been called and will not be. False: it was called, or is being called (that is not
 * waited for), or was stopped before. As in Go. The caller has a reference on ctx.
 */
bool boom_ctx_stop_after(struct boom_ctx *ctx, struct boom_after *after);

/*
 * An fd for event loops: becomes readable (EPOLLIN) when ctx is over, by cancellation or deadline, and
 * stays so. For poll and its like only: do not read it, set it or close it. It belongs to ctx, is made
 * by the first call, and closed with the last reference: take it out of the loop before. Returns the
 * fd, the same each time; -EMFILE, -ENFILE, -ENOMEM; -EINVAL (the background, which is never over).
 */
int boom_ctx_fd(struct boom_ctx *ctx);

/* CLOCK_MONOTONIC in nanoseconds. */
int64_t boom_now_ns(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
