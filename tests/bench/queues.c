/* SPDX-License-Identifier: MIT */
#include "queues.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <boom/chan.h>

struct plain {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    size_t head, length;
    void *ring[QUEUE_CAPACITY];
};

static void *plain_make(void)
{
    struct plain *plain = calloc(1, sizeof(*plain));

    if (!plain)
        abort();
    pthread_mutex_init(&plain->lock, NULL);
    pthread_cond_init(&plain->not_empty, NULL);
    pthread_cond_init(&plain->not_full, NULL);
    return plain;
}

static void plain_free(void *queue)
{
    struct plain *plain = queue;

    pthread_cond_destroy(&plain->not_full);
    pthread_cond_destroy(&plain->not_empty);
    pthread_mutex_destroy(&plain->lock);
    free(plain);
}

static void plain_send(void *queue, void *elem)
{
    struct plain *plain = queue;

    pthread_mutex_lock(&plain->lock);
    while (plain->length == QUEUE_CAPACITY)
        pthread_cond_wait(&plain->not_full, &plain->lock);
    plain->ring[(plain->head + plain->length++) % QUEUE_CAPACITY] = elem;
    pthread_cond_signal(&plain->not_empty);
    pthread_mutex_unlock(&plain->lock);
}

static void *plain_recv(void *queue)
{
    struct plain *plain = queue;
    void *elem;

    pthread_mutex_lock(&plain->lock);
    while (plain->length == 0)
        pthread_cond_wait(&plain->not_empty, &plain->lock);
    elem = plain->ring[plain->head];
    plain->head = (plain->head + 1) % QUEUE_CAPACITY;
    plain->length--;
    pthread_cond_signal(&plain->not_full);
    pthread_mutex_unlock(&plain->lock);
    return elem;
}

/* As in real use: every call has a context that can be cancelled. */
struct boom {
    struct boom_chan *chan;
    struct boom_ctx *live;
};

static void *boom_make(void)
{
    struct boom *boom = calloc(1, sizeof(*boom));

    if (!boom || boom_chan_new(sizeof(void *), QUEUE_CAPACITY, &boom->chan) < 0 ||
        boom_ctx_with_cancel(NULL, &boom->live) < 0)
        abort();
    return boom;
}

static void boom_free(void *queue)
{
    struct boom *boom = queue;

    boom_ctx_unref(boom->live);
    boom_chan_free(boom->chan);
    free(boom);
}

static void boom_send(void *queue, void *elem)
{
    struct boom *boom = queue;

    if (boom_chan_send(boom->chan, boom->live, &elem) < 0)
        abort();
}

static void *boom_recv(void *queue)
{
    struct boom *boom = queue;
    void *elem = NULL;

    if (boom_chan_recv(boom->chan, boom->live, &elem) != 0)
        abort();
    return elem;
}

const struct queue_kind plain_queue = {"mutex+condvar", plain_make, plain_free, plain_send,
                                       plain_recv};
const struct queue_kind boom_queue = {"boom_chan", boom_make, boom_free, boom_send, boom_recv};

void queue_kinds(const struct queue_kind *ret_kinds[QUEUE_KINDS + 1])
{
    ret_kinds[0] = &plain_queue;
    ret_kinds[1] = &boom_queue;
    ret_kinds[2] = glib_queue();
    ret_kinds[3] = NULL;
}

size_t bench_ops(size_t otherwise)
{
    const char *ops = getenv("BENCH_OPS");

    return ops ? strtoul(ops, NULL, 0) : otherwise;
}

static int64_t cpu_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void rounds_begin(struct rounds *rounds)
{
    rounds->wall_begin_ns = boom_now_ns();
    rounds->cpu_begin_ns = cpu_now_ns();
}

void rounds_end(struct rounds *rounds, size_t n_ops)
{
    int64_t cpu_ns = cpu_now_ns() - rounds->cpu_begin_ns;
    int64_t wall_ns = boom_now_ns() - rounds->wall_begin_ns;

    rounds->cpu_ns[rounds->n] = (double)cpu_ns / (double)n_ops;
    rounds->wall_ns[rounds->n++] = (double)wall_ns / (double)n_ops;
}

static int compare_ns(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void print_ns(const char *what, const double *sorted_ns, const double *first_ns, int n)
{
    printf("  %s: median %6.1f (%.2f) best %6.1f (%.2f)", what, sorted_ns[n / 2],
           sorted_ns[n / 2] / first_ns[n / 2], sorted_ns[0], sorted_ns[0] / first_ns[0]);
}

void rounds_print(const char *name, struct rounds *rounds, const struct rounds *first)
{
    qsort(rounds->wall_ns, (size_t)rounds->n, sizeof(double), compare_ns);
    qsort(rounds->cpu_ns, (size_t)rounds->n, sizeof(double), compare_ns);
    printf("    %-14s", name);
    print_ns("ns", rounds->wall_ns, first->wall_ns, rounds->n);
    print_ns("cpu", rounds->cpu_ns, first->cpu_ns, rounds->n);
    printf("\n");
}
