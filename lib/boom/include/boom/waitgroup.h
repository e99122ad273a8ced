/* SPDX-License-Identifier: MIT */
#ifndef BOOM_WAITGROUP_H
#define BOOM_WAITGROUP_H

/*
 * Wait group: waits until a number of things are done (Go: sync.WaitGroup).
 *
 * A counter: add what is begun, say done for each, wait for zero. It may be used again as soon as it
 * was zero: who waited for that zero returns even if the counter has risen meanwhile (Go forbids to
 * add before they have returned). What would make the counter negative is an error, not a crash.
 *
 * All functions may be called from any thread; only boom_waitgroup_wait() waits.
 */

#include <stddef.h>
#include <stdint.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_waitgroup;

/* With a counter of 0. Returns 0, -ENOMEM. */
int boom_waitgroup_new(struct boom_waitgroup **ret_group);
/*
 * Returns NULL. NULL is allowed. Nobody waits any more, and nobody will say done: also directly
 * after a wait that returned 0, when no other thread uses the group but those that made it so.
 */
struct boom_waitgroup *boom_waitgroup_free(struct boom_waitgroup *group);

/*
 * Adds delta, which may be negative, to the counter; at 0 all waiters go. Returns 0, -EINVAL (the
 * counter would be negative), -EOVERFLOW (above INT64_MAX); on an error nothing has changed. Add
 * before you start what will say done, not in it: else the wait may see 0 before.
 */
int boom_waitgroup_add(struct boom_waitgroup *group, int64_t delta);
/* Takes 1 away. Returns 0, -EINVAL. */
int boom_waitgroup_done(struct boom_waitgroup *group);

/*
 * Waits until the counter is 0. Returns 0, or the error of ctx (-ECANCELED, -ETIMEDOUT). A counter of
 * 0 is success even if ctx is over.
 */
int boom_waitgroup_wait(struct boom_waitgroup *group, struct boom_ctx *ctx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
