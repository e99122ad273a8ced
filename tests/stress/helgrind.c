/* SPDX-License-Identifier: MIT */
/*
 * What helgrind has to be told of libboom. Every wait stands on one mechanism, the waiter (wait.h),
 * whose park and unpark helgrind cannot follow in full: valgrind 3.19 knows sem_wait() and sem_post(),
 * but not sem_clockwait(), and no atomic. So valgrind puts the functions below, which it finds by
 * their names, around those of the library:
 *
 *     waiter_wake()      what came before it ...
 *     waiter_wait()      ... is seen by the thread that it wakes
 *     waiter_deinit()    the memory, on a stack, is new memory from here on: that sem_post() read it
 *                        before it let the waiter go is no race with what comes to lie there
 *
 * The library is compiled for this without inlining, so that there are such functions. What is
 * left, atomics and the C library's own, is in helgrind.supp.
 */
#include <valgrind/helgrind.h>

#include "boom/wait.h"

#define HAS_TYPE(function, type)                                                                   \
    _Static_assert(__builtin_types_compatible_p(__typeof__(function), type), "wrapped as it is")

HAS_TYPE(waiter_wake, void(struct waiter *));
HAS_TYPE(waiter_wait, int(struct waiter *, struct boom_ctx *, int64_t));
HAS_TYPE(waiter_deinit, void(struct waiter *));

void I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_wake)(struct waiter *waiter);
int I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_wait)(struct waiter *waiter, struct boom_ctx *ctx,
                                               int64_t deadline_ns);
void I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_deinit)(struct waiter *waiter);

void I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_wake)(struct waiter *waiter)
{
    OrigFn original;

    VALGRIND_GET_ORIG_FN(original);
    ANNOTATE_HAPPENS_BEFORE(waiter);
    CALL_FN_v_W(original, waiter);
}

int I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_wait)(struct waiter *waiter, struct boom_ctx *ctx,
                                               int64_t deadline_ns)
{
    OrigFn original;
    int r;

    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_W_WWW(r, original, waiter, ctx, deadline_ns);
    ANNOTATE_HAPPENS_AFTER(waiter);
    return r;
}

void I_WRAP_SONAME_FNNAME_ZU(NONE, waiter_deinit)(struct waiter *waiter)
{
    OrigFn original;

    VALGRIND_GET_ORIG_FN(original);
    CALL_FN_v_W(original, waiter);
    ANNOTATE_HAPPENS_BEFORE_FORGET_ALL(waiter);
    VALGRIND_HG_CLEAN_MEMORY(waiter, sizeof(*waiter));
}
