/* SPDX-License-Identifier: MIT */
#ifndef BOOM_GROUP_H
#define BOOM_GROUP_H

/*
 * Group: threads that are started together, fail together and are waited for together
 * (Go: golang.org/x/sync/errgroup). The first error cancels the group's context, and is what
 * boom_group_wait() returns.
 */

#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_group;
struct boom_registry;

/* The group's context is a child of parent. Returns 0, -ENOMEM. */
int boom_group_new(struct boom_ctx *parent, struct boom_group **ret_group);
/* The caller must have waited. Returns NULL. NULL is allowed. */
struct boom_group *boom_group_free(struct boom_group *group);

/* The context that the first error cancels; borrowed from the group. */
struct boom_ctx *boom_group_ctx(struct boom_group *group);

/* At most limit functions at once (0: no limit). Only while none runs: else -EBUSY. */
int boom_group_set_limit(struct boom_group *group, unsigned limit);

/*
 * From now on each thread registers itself (<boom/registry.h>), under its name, as a task of the group
 * `name` (copied), for as long as fn runs: fn finds its task by boom_registry_self(). A thread for which
 * there is no memory to register runs nevertheless. Only while none runs: else -EBUSY. The registry
 * must outlive the group; NULL: none.
 */
int boom_group_set_registry(struct boom_group *group, struct boom_registry *registry, const char *name);

/*
 * Runs fn(arg) in a thread of its own, named name (at most 15 bytes, as the kernel shows it; may be
 * NULL). Waits for a free place where a limit is set. fn returns 0 or a negative errno.
 * Returns 0, -EAGAIN / -ENOMEM (no thread could be made), or the error of the group's context while
 * waiting for a place. All signals are blocked in the new thread, but for
 * the faults (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT), which hit the thread that caused them.
 */
int boom_group_go(struct boom_group *group, const char *name, int (*fn)(void *arg), void *arg);
/* As above, never waits: -EBUSY when the limit is reached. */
int boom_group_try_go(struct boom_group *group, const char *name, int (*fn)(void *arg), void *arg);

/* Waits for all; then cancels the context. Returns 0 or the first error. */
int boom_group_wait(struct boom_group *group);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
