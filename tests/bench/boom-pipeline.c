/* SPDX-License-Identifier: MIT */
/*
 * A pipeline of three stages, with a worker each, beside a chain of three threads and three queues:
 * nanoseconds for an item to pass, one at a time and in runs of up to 32; as in boom-chan.c.
 * BENCH_OPS: how many items (1000000).
 */
#include <boom/pipeline.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "queues.h"

enum { STAGES = 3 };

static void count(void *stage, void *worker, void **items, size_t n_items)
{
    (void)worker;
    (void)items;
    *(size_t *)stage += n_items;
}

static size_t with_pipeline(size_t run_max, size_t n)
{
    static const struct boom_stage_ops ops = {.leave = count};
    struct boom_stage_options stages[STAGES];
    struct boom_pipeline *pipeline;
    size_t n_passed[STAGES] = {0};

    for (int i = 0; i < STAGES; i++) {
        stages[i] = BOOM_STAGE_OPTIONS_DEFAULT;
        stages[i].ops = &ops;
        stages[i].arg = &n_passed[i];
        stages[i].queue = QUEUE_CAPACITY;
        stages[i].run_max = run_max;
    }
    if (boom_pipeline_start(NULL, stages, STAGES, &pipeline) < 0)
        abort();
    for (size_t i = 0; i < n; i++)
        boom_pipeline_submit(pipeline, NULL, &stages);
    boom_pipeline_drain(pipeline, NULL);
    boom_pipeline_free(pipeline);
    return n_passed[STAGES - 1];
}

struct link {
    const struct queue_kind *kind;
    void *from, *to; /* to: NULL after the last */
    size_t n_passed;
};

static char stop;

static void *pass(void *arg)
{
    struct link *link = arg;
    void *item;

    do {
        item = link->kind->recv(link->from);
        link->n_passed += item != &stop;
        if (link->to)
            link->kind->send(link->to, item);
    } while (item != &stop);
    return NULL;
}

static size_t with_queues(const struct queue_kind *kind, size_t n)
{
    struct link links[STAGES] = {{NULL, NULL, NULL, 0}};
    pthread_t threads[STAGES];

    for (int i = STAGES - 1; i >= 0; i--) {
        links[i].kind = kind;
        links[i].from = kind->make();
        links[i].to = i + 1 < STAGES ? links[i + 1].from : NULL;
    }
    for (int i = 0; i < STAGES; i++)
        if (pthread_create(&threads[i], NULL, pass, &links[i]) != 0)
            abort();
    for (size_t i = 0; i < n; i++)
        kind->send(links[0].from, links);
    kind->send(links[0].from, &stop);
    for (int i = 0; i < STAGES; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < STAGES; i++)
        kind->free(links[i].from);
    return links[STAGES - 1].n_passed;
}

struct subject {
    const char *name;
    const struct queue_kind *kind; /* NULL: the pipeline */
    size_t run_max;
    struct rounds rounds;
};

static void once(struct subject *subject, size_t n)
{
    size_t n_passed;

    rounds_begin(&subject->rounds);
    n_passed = subject->kind ? with_queues(subject->kind, n) : with_pipeline(subject->run_max, n);
    rounds_end(&subject->rounds, n);
    if (n_passed != n)
        abort();
}

int main(void)
{
    const struct queue_kind *kinds[QUEUE_KINDS + 1];
    struct subject subjects[QUEUE_KINDS + 2] = {{.name = NULL}};
    size_t n = bench_ops(1000000) / ROUNDS;
    int n_subjects = 0;

    queue_kinds(kinds);
    for (; kinds[n_subjects]; n_subjects++)
        subjects[n_subjects] =
            (struct subject){.name = kinds[n_subjects]->name, .kind = kinds[n_subjects]};
    subjects[n_subjects++] = (struct subject){.name = "boom_pipeline", .run_max = 1};
    subjects[n_subjects++] = (struct subject){.name = "in runs of 32", .run_max = 32};
    for (int round = 0; round < ROUNDS; round++)
        for (int i = 0; i < n_subjects; i++)
            once(&subjects[i], n);
    printf("three stages:\n");
    for (int i = 0; i < n_subjects; i++)
        rounds_print(subjects[i].name, &subjects[i].rounds, &subjects[0].rounds);
    return 0;
}
