/* SPDX-License-Identifier: MIT */
/*
 * What it costs to be always on: nanoseconds for a task to say what it does, beside the clock that
 * is read for it; and for a request to a rate limiter, beside its mutex. The best of several runs.
 * BENCH_OPS: operations in a run (20000).
 */
#include <boom/rate.h>
#include <boom/registry.h>

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "best.h"
#include "queues.h"

enum { REPEATS = 200 };

static struct boom_task *task;
static struct boom_rate *rate;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void say_wait(void)
{
    boom_task_waits(task, BOOM_DOING_RECV, &task, "bench", BOOM_NEVER);
}

static void say_run(void)
{
    boom_task_runs(task);
}

static void say_without_registry(void)
{
    boom_task_runs(NULL);
}

static void read_coarse_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
}

static void read_clock(void)
{
    boom_now_ns();
}

static void allow(void)
{
    boom_rate_allow(rate, 1);
}

static void lock(void)
{
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

struct measurement {
    void (*fn)(void);
    size_t n_ops;
};

static double measure_once(void *arg)
{
    struct measurement *measurement = arg;
    int64_t begin_ns = boom_now_ns();

    for (size_t i = 0; i < measurement->n_ops; i++)
        measurement->fn();
    return (double)(boom_now_ns() - begin_ns) / (double)measurement->n_ops;
}

static void measure(const char *name, void (*fn)(void))
{
    struct measurement measurement = {fn, bench_ops(20000)};

    printf("%-28s %6.1f ns\n", name, best_of(REPEATS, measure_once, &measurement));
}

int main(void)
{
    struct boom_registry *registry;

    if (boom_registry_new(&registry) < 0 || boom_task_new(registry, "bench", "bench", &task) < 0 ||
        boom_rate_new(boom_limit_per_second(1000), 1000, NULL, &rate) < 0)
        return 1;
    measure("task: waits", say_wait);
    measure("task: runs", say_run);
    measure("task: NULL", say_without_registry);
    measure("coarse clock alone", read_coarse_clock);
    measure("boom_now_ns() alone", read_clock);
    measure("rate: allow", allow);
    measure("mutex alone", lock);
    boom_rate_free(rate);
    boom_task_free(task);
    boom_registry_free(registry);
    return 0;
}
