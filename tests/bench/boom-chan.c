/* SPDX-License-Identifier: MIT */
/*
 * The channel beside other queues: nanoseconds for one send and its receive, by one thread, by a
 * sender and a receiver, and by four of each. BENCH_OPS: how many of them (2000000).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <boom/context.h>

#include "queues.h"

enum { REPEATS = 20, MOST_PARTIES = 8 };

struct subject {
    const struct queue_kind *kind;
    void *queue;
    double best_ns;
};

struct party {
    const struct subject *subject;
    size_t n;
};

static void *send_all(void *arg)
{
    struct party *party = arg;

    for (size_t i = 0; i < party->n; i++)
        party->subject->kind->send(party->subject->queue, party);
    return NULL;
}

static void *recv_all(void *arg)
{
    struct party *party = arg;

    for (size_t i = 0; i < party->n; i++)
        party->subject->kind->recv(party->subject->queue);
    return NULL;
}

static double alone(const struct subject *subject, size_t n)
{
    int64_t begin_ns = boom_now_ns();

    for (size_t i = 0; i < n; i++) {
        subject->kind->send(subject->queue, subject->queue);
        subject->kind->recv(subject->queue);
    }
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static double together(const struct subject *subject, size_t n, unsigned n_each)
{
    struct party party = {subject, n / n_each};
    pthread_t threads[MOST_PARTIES];
    int64_t begin_ns = boom_now_ns();

    for (unsigned i = 0; i < 2 * n_each; i++)
        if (pthread_create(&threads[i], NULL, i % 2 ? send_all : recv_all, &party) != 0)
            abort();
    for (unsigned i = 0; i < 2 * n_each; i++)
        pthread_join(threads[i], NULL);
    return (double)(boom_now_ns() - begin_ns) / (double)(party.n * n_each);
}

static void once(struct subject *subject, size_t n, unsigned n_each)
{
    double ns = n_each ? together(subject, n, n_each) : alone(subject, n);

    if (subject->best_ns == 0 || ns < subject->best_ns)
        subject->best_ns = ns;
}

/* n_each: senders, and receivers; 0: one thread. In turns, and the best of many, on a busy machine.
 */
static void compare(struct subject *subjects, size_t n, unsigned n_each)
{
    for (struct subject *subject = subjects; subject->kind; subject++)
        subject->best_ns = 0;
    for (int i = 0; i < REPEATS; i++)
        for (struct subject *subject = subjects; subject->kind; subject++)
            once(subject, n / REPEATS, n_each);
    printf("%u senders, %u receivers%s:", n_each, n_each, n_each ? "" : " (one thread)");
    for (struct subject *subject = subjects; subject->kind; subject++)
        printf(" %s %.1f ns (%.2f)", subject->kind->name, subject->best_ns,
               subject->best_ns / subjects[0].best_ns);
    printf("\n");
}

int main(void)
{
    static const unsigned settings[] = {0, 1, 4};
    const struct queue_kind *kinds[QUEUE_KINDS + 1];
    struct subject subjects[QUEUE_KINDS + 1] = {{NULL, NULL, 0}};
    size_t n = bench_ops(2000000);

    queue_kinds(kinds);
    for (int i = 0; kinds[i]; i++)
        subjects[i] = (struct subject){kinds[i], kinds[i]->make(), 0};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        compare(subjects, n, settings[i]);
    for (struct subject *subject = subjects; subject->kind; subject++)
        subject->kind->free(subject->queue);
    return 0;
}
