/* SPDX-License-Identifier: MIT */
/*
 * The pool beside threads that take tasks from other queues: nanoseconds for a task that does next
 * to nothing, with one worker and with four, from one submitter. BENCH_OPS: how many tasks
 * (1000000).
 */
#include <boom/pool.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "queues.h"

enum { REPEATS = 10, MOST_WORKERS = 4 };

static void task(struct boom_ctx *ctx, void *arg)
{
    (void)ctx;
    atomic_fetch_add_explicit((atomic_size_t *)arg, 1, memory_order_relaxed);
}

static size_t with_pool(unsigned n_workers, size_t n)
{
    struct boom_pool_options options = {"bench", n_workers, n_workers, QUEUE_CAPACITY};
    struct boom_pool *pool;
    atomic_size_t n_done = 0;

    if (boom_pool_new(NULL, &options, &pool) < 0)
        abort();
    for (size_t i = 0; i < n; i++)
        boom_pool_submit(pool, NULL, task, &n_done);
    boom_pool_drain(pool, NULL);
    boom_pool_free(pool);
    return n_done;
}

struct crew {
    const struct queue_kind *kind;
    void *queue;
};

static char stop;

static void *take_tasks(void *arg)
{
    struct crew *crew = arg;
    void *elem;

    while ((elem = crew->kind->recv(crew->queue)) != &stop)
        task(NULL, elem);
    return NULL;
}

static size_t with_queue(const struct queue_kind *kind, unsigned n_workers, size_t n)
{
    struct crew crew = {kind, kind->make()};
    pthread_t threads[MOST_WORKERS];
    atomic_size_t n_done = 0;

    for (unsigned i = 0; i < n_workers; i++)
        if (pthread_create(&threads[i], NULL, take_tasks, &crew) != 0)
            abort();
    for (size_t i = 0; i < n; i++)
        kind->send(crew.queue, &n_done);
    for (unsigned i = 0; i < n_workers; i++)
        kind->send(crew.queue, &stop);
    for (unsigned i = 0; i < n_workers; i++)
        pthread_join(threads[i], NULL);
    kind->free(crew.queue);
    return n_done;
}

/* kind NULL: the pool. Starting and ending the threads is part of it. */
static double once(const struct queue_kind *kind, unsigned n_workers, size_t n)
{
    int64_t begin_ns = boom_now_ns();
    size_t n_done = kind ? with_queue(kind, n_workers, n) : with_pool(n_workers, n);

    if (n_done != n)
        abort();
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static void compare(const struct queue_kind *const *kinds, unsigned n_workers, size_t n)
{
    double best_ns[QUEUE_KINDS + 1] = {0};
    int n_kinds = 0;

    while (kinds[n_kinds])
        n_kinds++;
    for (int i = 0; i < REPEATS; i++)
        for (int k = 0; k <= n_kinds; k++) {
            double ns = once(kinds[k], n_workers, n / REPEATS);

            if (best_ns[k] == 0 || ns < best_ns[k])
                best_ns[k] = ns;
        }
    printf("%u workers:", n_workers);
    for (int k = 0; k <= n_kinds; k++)
        printf(" %s %.1f ns (%.2f)", kinds[k] ? kinds[k]->name : "boom_pool", best_ns[k],
               best_ns[k] / best_ns[0]);
    printf("\n");
}

int main(void)
{
    const struct queue_kind *kinds[QUEUE_KINDS + 1];
    size_t n = bench_ops(1000000);

    queue_kinds(kinds);
    compare(kinds, 1, n);
    compare(kinds, 4, n);
    return 0;
}
