/* SPDX-License-Identifier: MIT */
#ifndef BOOM_SEMAPHORE_H
#define BOOM_SEMAPHORE_H

/*
 * Weighted semaphore: at most `size` units are held at once (Go: golang.org/x/sync/semaphore).
 *
 * Who has to wait is served first come first served, whatever it wants: a large request is not
 * overtaken by small ones that would fit, and so is not starved. The size may change while units are
 * held and wanted.
 *
 * A request above the size can never be met: as in Go it waits for the end of its context, without
 * standing in the way of others. Should the size grow so that it fits, it is served in the place of
 * its arrival; should the size fall below a request that waits, it steps aside.
 *
 * All functions may be called from any thread; only boom_semaphore_acquire() waits.
 */

#include <stddef.h>
#include <stdint.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_semaphore;

struct boom_semaphore_stats {
    size_t size;
    size_t held;    /* above size: it was made smaller, and not enough was released since */
    size_t waiting; /* calls that wait, also those for more than size */
};

/* size: 0 .. . Returns 0, -ENOMEM. */
int boom_semaphore_new(size_t size, struct boom_semaphore **ret_semaphore);
/* Nobody uses it any more; units that are held are forgotten. Returns NULL. NULL is allowed. */
struct boom_semaphore *boom_semaphore_free(struct boom_semaphore *semaphore);

/*
 * Waits for n units (0 ..). Returns 0, or the error of ctx (-ECANCELED, -ETIMEDOUT) and holds
 * nothing more. A context that is already over fails even when n units are free.
 */
int boom_semaphore_acquire(struct boom_semaphore *semaphore, struct boom_ctx *ctx, size_t n);
/* Never waits, never overtakes: 0, -EBUSY (they are not free, or somebody waits whose turn it is). */
int boom_semaphore_try_acquire(struct boom_semaphore *semaphore, size_t n);
/* Gives n units back. Returns 0, -EINVAL (so many are not held; nothing changed; Go panics). */
int boom_semaphore_release(struct boom_semaphore *semaphore, size_t n);

/*
 * Growing serves those who wait. Shrinking takes nothing away: what is held above the new size is
 * missing from the next releases.
 */
void boom_semaphore_resize(struct boom_semaphore *semaphore, size_t size);

void boom_semaphore_get_stats(struct boom_semaphore *semaphore,
                              struct boom_semaphore_stats *ret_stats);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
