/* SPDX-License-Identifier: MIT */
/*
 * What contexts and groups cost: a look whether one is over, a child made and given back, a tree of
 * a thousand cancelled, and a thread in a group beside a bare one. BENCH_OPS: how many looks
 * (5000000).
 */
#include <boom/group.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "best.h"
#include "queues.h"

enum { TREE = 1000, THREADS = 200, REPEATS = 10 };

static double look(struct boom_ctx *ctx, size_t n)
{
    int64_t begin_ns = boom_now_ns();
    int r = 0;

    for (size_t i = 0; i < n; i++)
        r |= boom_ctx_err(ctx);
    if (r != 0)
        abort();
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static double make_children(struct boom_ctx *parent, size_t n)
{
    int64_t begin_ns = boom_now_ns();
    struct boom_ctx *ctx;

    for (size_t i = 0; i < n; i++) {
        if (boom_ctx_with_cancel(parent, &ctx) < 0)
            abort();
        boom_ctx_unref(ctx);
    }
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static double cancel_tree(void *arg)
{
    struct boom_ctx *root, *leaves[TREE];
    int64_t begin_ns, end_ns;

    if (boom_ctx_with_cancel(NULL, &root) < 0)
        abort();
    for (int i = 0; i < TREE; i++)
        if (boom_ctx_with_cancel(i ? leaves[i / 2] : root, &leaves[i]) < 0)
            abort();
    begin_ns = boom_now_ns();
    boom_ctx_cancel(root, 0);
    end_ns = boom_now_ns();
    for (int i = 0; i < TREE; i++)
        boom_ctx_unref(leaves[i]);
    boom_ctx_unref(root);
    return (double)(end_ns - begin_ns) / TREE;
}

static int nothing(void *arg)
{
    return arg ? -1 : 0;
}

static void *bare_nothing(void *arg)
{
    return arg;
}

static double group_threads(void *arg)
{
    int64_t begin_ns = boom_now_ns();
    struct boom_group *group;

    if (boom_group_new(NULL, &group) < 0)
        abort();
    for (int i = 0; i < THREADS; i++)
        if (boom_group_go(group, NULL, nothing, NULL) < 0)
            abort();
    boom_group_wait(group);
    boom_group_free(group);
    return (double)(boom_now_ns() - begin_ns) / THREADS;
}

static double bare_threads(void *arg)
{
    int64_t begin_ns = boom_now_ns();
    pthread_t threads[THREADS];

    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, bare_nothing, NULL) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return (double)(boom_now_ns() - begin_ns) / THREADS;
}

int main(void)
{
    struct boom_ctx *plain, *late;
    size_t n = bench_ops(5000000);

    if (boom_ctx_with_cancel(NULL, &plain) < 0 ||
        boom_ctx_with_deadline(NULL, boom_now_ns() + 3600 * INT64_C(1000000000), &late) < 0)
        return 1;
    printf("boom_ctx_err: %.1f ns, with a deadline %.1f ns\n", look(plain, n), look(late, n));
    printf("a child made and given back: %.1f ns\n", make_children(plain, n / 10));
    printf("a tree of %d cancelled: %.1f ns a context\n", TREE,
           best_of(REPEATS, cancel_tree, NULL));
    printf("a thread: bare %.0f ns, in a group %.0f ns\n", best_of(REPEATS, bare_threads, NULL),
           best_of(REPEATS, group_threads, NULL));
    boom_ctx_unref(late);
    boom_ctx_unref(plain);
    return 0;
}
