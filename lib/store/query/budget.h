/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_BUDGET_H
#define STORE_QUERY_BUDGET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* Bytes that the parts of one sink share. What malloc() adds is not counted. */
struct budget {
    atomic_size_t used;
    size_t limit; /* written only while one thread is at work */
};

static inline bool budget_take(struct budget *budget, size_t bytes)
{
    size_t before = atomic_fetch_add_explicit(&budget->used, bytes, memory_order_relaxed);
    if (before <= budget->limit && bytes <= budget->limit - before)
        return true;
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
    return false;
}

static inline void budget_give(struct budget *budget, size_t bytes)
{
    atomic_fetch_sub_explicit(&budget->used, bytes, memory_order_relaxed);
}

#endif
