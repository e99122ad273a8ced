/* SPDX-License-Identifier: MIT */
/*
 * The channel beside other queues: nanoseconds for one send and its receive, by one thread, by a
 * sender and a receiver, and by four of each. Of the time on the clock and of the processors' time
 * the median and the best of many rounds, in which all kinds take turns; in brackets the ratio to
 * the first kind. BENCH_OPS: how many sends in all (2000000).
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <boom/context.h>

#include "queues.h"

enum { ROUNDS = 20, MOST_PARTIES = 8 };

struct subject {
    const struct queue_kind *kind;
    void *queue;
    double wall_ns[ROUNDS], cpu_ns[ROUNDS];
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

static void alone(const struct subject *subject, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        subject->kind->send(subject->queue, subject->queue);
        subject->kind->recv(subject->queue);
    }
}

static void together(const struct subject *subject, size_t n, unsigned n_each)
{
    struct party party = {subject, n / n_each};
    pthread_t threads[MOST_PARTIES];

    for (unsigned i = 0; i < 2 * n_each; i++)
        if (pthread_create(&threads[i], NULL, i % 2 ? send_all : recv_all, &party) != 0)
            abort();
    for (unsigned i = 0; i < 2 * n_each; i++)
        pthread_join(threads[i], NULL);
}

static int64_t cpu_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void once(struct subject *subject, size_t n, unsigned n_each, int round)
{
    int64_t wall_ns = boom_now_ns(), cpu_ns = cpu_now_ns();

    if (n_each)
        together(subject, n, n_each);
    else
        alone(subject, n);
    subject->wall_ns[round] = (double)(boom_now_ns() - wall_ns) / (double)n;
    subject->cpu_ns[round] = (double)(cpu_now_ns() - cpu_ns) / (double)n;
}

static int compare_ns(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void report(const struct subject *subject, const struct subject *first)
{
    size_t best = 0, median = ROUNDS / 2;

    printf(
        "    %-14s median %6.1f (%.2f)  best %6.1f (%.2f)   cpu: median %6.1f (%.2f)  best %6.1f "
        "(%.2f)\n",
        subject->kind->name, subject->wall_ns[median],
        subject->wall_ns[median] / first->wall_ns[median], subject->wall_ns[best],
        subject->wall_ns[best] / first->wall_ns[best], subject->cpu_ns[median],
        subject->cpu_ns[median] / first->cpu_ns[median], subject->cpu_ns[best],
        subject->cpu_ns[best] / first->cpu_ns[best]);
}

/* n_each: senders, and receivers; 0: one thread. */
static void compare(struct subject *subjects, size_t n, unsigned n_each)
{
    for (int round = 0; round < ROUNDS; round++)
        for (struct subject *subject = subjects; subject->kind; subject++)
            once(subject, n / ROUNDS, n_each, round);
    for (struct subject *subject = subjects; subject->kind; subject++) {
        qsort(subject->wall_ns, ROUNDS, sizeof(double), compare_ns);
        qsort(subject->cpu_ns, ROUNDS, sizeof(double), compare_ns);
    }
    if (n_each)
        printf("%u and %u, ns:\n", n_each, n_each);
    else
        printf("one thread, ns:\n");
    for (struct subject *subject = subjects; subject->kind; subject++)
        report(subject, subjects);
}

int main(void)
{
    /* One thread at the end again: threads have met in the queue by then. */
    static const unsigned settings[] = {0, 1, 4, 0};
    const struct queue_kind *kinds[QUEUE_KINDS + 1];
    struct subject subjects[QUEUE_KINDS + 1] = {{.kind = NULL}};
    size_t n = bench_ops(2000000);

    queue_kinds(kinds);
    for (int i = 0; kinds[i]; i++)
        subjects[i] = (struct subject){.kind = kinds[i], .queue = kinds[i]->make()};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        compare(subjects, n, settings[i]);
    for (struct subject *subject = subjects; subject->kind; subject++)
        subject->kind->free(subject->queue);
    return 0;
}
