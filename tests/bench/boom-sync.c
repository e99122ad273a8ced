/* SPDX-License-Identifier: MIT */
/*
 * What stands around the channel, nanoseconds each, by one thread that need not wait: beside it
 * what one would write by hand. BENCH_OPS: how many of each (2000000).
 */
#include <boom/rate.h>
#include <boom/registry.h>
#include <boom/select.h>
#include <boom/semaphore.h>
#include <boom/waitgroup.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "best.h"
#include "queues.h"

enum { REPEATS = 10, CASES = 4 };

/* A counter under a mutex: a semaphore and a wait group as they are written by hand. */
struct counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t n;
};

struct subjects {
    struct counter counter;
    struct boom_semaphore *semaphore;
    struct boom_waitgroup *group;
    struct boom_rate *rate;
    struct boom_registry *registry;
    struct boom_task *task;
    struct boom_ctx *live;
    struct boom_chan *chans[CASES];
};

static void counter_add(struct counter *counter, size_t n)
{
    pthread_mutex_lock(&counter->lock);
    counter->n += n;
    pthread_cond_signal(&counter->changed);
    pthread_mutex_unlock(&counter->lock);
}

static void counter_take(struct counter *counter, size_t n)
{
    pthread_mutex_lock(&counter->lock);
    while (counter->n < n)
        pthread_cond_wait(&counter->changed, &counter->lock);
    counter->n -= n;
    pthread_mutex_unlock(&counter->lock);
}

static void by_hand(struct subjects *s)
{
    counter_take(&s->counter, 1);
    counter_add(&s->counter, 1);
}

static void semaphore(struct subjects *s)
{
    boom_semaphore_acquire(s->semaphore, s->live, 1);
    boom_semaphore_release(s->semaphore, 1);
}

static void waitgroup(struct subjects *s)
{
    boom_waitgroup_add(s->group, 1);
    boom_waitgroup_done(s->group);
}

static void rate(struct subjects *s)
{
    boom_rate_allow(s->rate, 1);
}

static void registry(struct subjects *s)
{
    boom_task_waits(s->task, BOOM_DOING_RECV, s, "bench", BOOM_NEVER);
    boom_task_runs(s->task);
}

static void plain_recv(struct subjects *s)
{
    int elem = 0;

    boom_chan_send(s->chans[0], s->live, &elem);
    boom_chan_recv(s->chans[0], s->live, &elem);
}

static void select_one_of_four(struct subjects *s)
{
    int elem = 0;
    struct boom_case cases[CASES] = {
        BOOM_CASE_RECV(s->chans[0], &elem),
        BOOM_CASE_RECV(s->chans[1], &elem),
        BOOM_CASE_RECV(s->chans[2], &elem),
        BOOM_CASE_RECV(s->chans[3], &elem),
    };
    size_t i;

    boom_chan_send(s->chans[0], s->live, &elem);
    boom_select(s->live, cases, CASES, &i);
}

struct measurement {
    void (*op)(struct subjects *s);
    struct subjects *subjects;
};

static double measure_once(void *arg)
{
    struct measurement *measurement = arg;
    size_t n = bench_ops(2000000) / REPEATS;
    int64_t begin_ns = boom_now_ns();

    for (size_t i = 0; i < n; i++)
        measurement->op(measurement->subjects);
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static void measure(const char *what, void (*op)(struct subjects *s), struct subjects *s)
{
    struct measurement measurement = {op, s};

    printf("%s: %.1f ns\n", what, best_of(REPEATS, measure_once, &measurement));
}

static int make(struct subjects *s)
{
    for (int i = 0; i < CASES; i++)
        if (boom_chan_new(sizeof(int), 1, &s->chans[i]) < 0)
            return -1;
    if (boom_ctx_with_cancel(NULL, &s->live) < 0 || boom_semaphore_new(1, &s->semaphore) < 0 ||
        boom_waitgroup_new(&s->group) < 0 || boom_registry_new(&s->registry) < 0 ||
        boom_rate_new(boom_limit_per_second(1000), 1, NULL, &s->rate) < 0)
        return -1;
    return boom_task_new(s->registry, "bench", NULL, &s->task);
}

static void unmake(struct subjects *s)
{
    boom_task_free(s->task);
    boom_registry_free(s->registry);
    boom_rate_free(s->rate);
    boom_waitgroup_free(s->group);
    boom_semaphore_free(s->semaphore);
    boom_ctx_unref(s->live);
    for (int i = 0; i < CASES; i++)
        boom_chan_free(s->chans[i]);
}

int main(void)
{
    struct subjects s = {
        .counter = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 1},
    };

    if (make(&s) < 0)
        return 1;
    measure("a counter with mutex and condvar, taken and given back", by_hand, &s);
    measure("boom_semaphore, acquired and released", semaphore, &s);
    measure("boom_waitgroup, added and done", waitgroup, &s);
    measure("boom_rate_allow", rate, &s);
    measure("a task that says it waits, and that it runs", registry, &s);
    measure("a send and its receive", plain_recv, &s);
    measure("a send, and a select over four channels", select_one_of_four, &s);
    unmake(&s);
    return 0;
}
