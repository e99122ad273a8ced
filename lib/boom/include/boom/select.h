/* SPDX-License-Identifier: MIT */
#ifndef BOOM_SELECT_H
#define BOOM_SELECT_H

/*
 * Select: waits for several sends and receives at once, and does exactly one of them (Go: select).
 *
 *     struct boom_case cases[] = {
 *         BOOM_CASE_RECV(jobs, &job),
 *         BOOM_CASE_SEND(results, &result),
 *     };
 *     size_t i;
 *     int r = boom_select(ctx, cases, 2, &i);
 *     if (r == 0 && i == 0 && cases[0].result == BOOM_CHAN_CLOSED)
 *         …
 *
 * As in Go: among several cases that are ready one is chosen at random, each with the same chance;
 * a case whose channel is NULL is never ready; a receive from a closed channel is ready as soon as
 * it is drained, a send on a closed channel is ready at once (its result is -EPIPE; Go panics). The
 * same channel may be in several cases. A select waits in each of its channels in the order in
 * which it came, among those who wait in plain sends and receives.
 *
 * All functions may be called from any thread; nothing is allocated. The cases are the caller's,
 * must not be shared by two calls at a time, and may be used again afterwards.
 *
 * For the moment in which it looks, a call holds the locks of all its channels, as in Go: so what it
 * does, or that no case was ready, is true of one moment. Its price grows with their number.
 * ThreadSanitizer's detector of deadlocks ends a program whose thread holds more than 64 locks: a
 * program that selects over more channels runs under it with TSAN_OPTIONS=detect_deadlocks=0.
 */

#include <stddef.h>
#include <stdint.h>
#include <boom/chan.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

enum boom_case_op {
    BOOM_RECV,
    BOOM_SEND,
};

/* boom_try_select(): no case is ready (Go: default). */
enum { BOOM_SELECT_DEFAULT = 1 };

struct boom_case {
    enum boom_case_op op;
    struct boom_chan *chan; /* NULL: never ready */
    void *elem;             /* received into, sent from (and then not written to) */
    /*
     * Of the case that happened: 0; BOOM_CHAN_CLOSED (receive: closed and drained); -EPIPE (send:
     * closed). Of the others: as it was.
     */
    int result;
    uint64_t internal[8]; /* private */
};

#define BOOM_CASE_RECV(chan, ret_elem) {BOOM_RECV, (chan), (void *)(ret_elem), 0, {0}}
#define BOOM_CASE_SEND(chan, elem)     {BOOM_SEND, (chan), (void *)(elem), 0, {0}}

/*
 * Waits until one of the cases is ready, and does it. Returns 0 (ret_index: which one; see its
 * `result`), the error of ctx (-ECANCELED, -ETIMEDOUT; nothing was sent or received), -EINVAL (an op
 * that is none). A context that is already over fails even when a case is ready. With no case, or
 * with NULL channels only, waits for the end of ctx.
 */
int boom_select(struct boom_ctx *ctx, struct boom_case *cases, size_t n_cases, size_t *ret_index);

/* As boom_select(), but never waits: returns 0, BOOM_SELECT_DEFAULT, -EINVAL. */
int boom_try_select(struct boom_case *cases, size_t n_cases, size_t *ret_index);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
