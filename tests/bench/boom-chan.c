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

#include <boom/context.h>

#include "queues.h"

enum { MOST_PARTIES = 8 };

struct subject {
    const struct queue_kind *kind;
    void *queue;
    struct rounds rounds;
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

static void once(struct subject *subject, size_t n, unsigned n_each)
{
    rounds_begin(&subject->rounds);
    if (n_each)
        together(subject, n, n_each);
    else
        alone(subject, n);
    rounds_end(&subject->rounds, n);
}

struct setting {
    const char *name;
    unsigned n_each; /* senders, and receivers; 0: one thread */
};

static void compare(struct subject *subjects, size_t n, const struct setting *setting)
{
    for (struct subject *subject = subjects; subject->kind; subject++)
        subject->rounds.n = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (struct subject *subject = subjects; subject->kind; subject++)
            once(subject, n / ROUNDS, setting->n_each);
    printf("%s:\n", setting->name);
    for (struct subject *subject = subjects; subject->kind; subject++)
        rounds_print(subject->kind->name, &subject->rounds, &subjects->rounds);
}

int main(void)
{
    /* As long as a process has one thread, glibc locks without atomic operations. */
    static const struct setting settings[] = {
        {"one thread", 0},
        {"1 sender, 1 receiver", 1},
        {"4 senders, 4 receivers", 4},
        {"one thread, after the others", 0},
    };
    const struct queue_kind *kinds[QUEUE_KINDS + 1];
    struct subject subjects[QUEUE_KINDS + 1] = {{.kind = NULL}};
    size_t n = bench_ops(2000000);

    queue_kinds(kinds);
    for (int i = 0; kinds[i]; i++)
        subjects[i] = (struct subject){.kind = kinds[i], .queue = kinds[i]->make()};
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        compare(subjects, n, &settings[i]);
    for (struct subject *subject = subjects; subject->kind; subject++)
        subject->kind->free(subject->queue);
    return 0;
}
