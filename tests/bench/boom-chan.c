/* SPDX-License-Identifier: MIT */
/*
 * The channel beside the queue that one would write by hand: a ring, a mutex, two condition
 * variables. Prints nanoseconds for one send and its receive. BENCH_OPS: how many of them
 * (2000000).
 */
#include <boom/chan.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { CAPACITY = 256, REPEATS = 20 };

struct plain {
    pthread_mutex_t lock;
    pthread_cond_t not_empty, not_full;
    size_t head, length;
    void *ring[CAPACITY];
};

static void plain_send(void *queue, void *elem)
{
    struct plain *plain = queue;

    pthread_mutex_lock(&plain->lock);
    while (plain->length == CAPACITY)
        pthread_cond_wait(&plain->not_full, &plain->lock);
    plain->ring[(plain->head + plain->length++) % CAPACITY] = elem;
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
    plain->head = (plain->head + 1) % CAPACITY;
    plain->length--;
    pthread_cond_signal(&plain->not_full);
    pthread_mutex_unlock(&plain->lock);
    return elem;
}

static struct boom_ctx *live; /* as in real use: a context that can be cancelled */

static void boom_send(void *queue, void *elem)
{
    if (boom_chan_send(queue, live, &elem) < 0)
        abort();
}

static void *boom_recv(void *queue)
{
    void *elem = NULL;

    if (boom_chan_recv(queue, live, &elem) != 0)
        abort();
    return elem;
}

struct kind {
    const char *name;
    void (*send)(void *queue, void *elem);
    void *(*recv)(void *queue);
};

struct subject {
    const struct kind *kind;
    void *queue;
    double best_ns;
};

struct party {
    const struct kind *kind;
    void *queue;
    size_t n;
};

static void *send_all(void *arg)
{
    struct party *party = arg;

    for (size_t i = 0; i < party->n; i++)
        party->kind->send(party->queue, party);
    return NULL;
}

static void *recv_all(void *arg)
{
    struct party *party = arg;

    for (size_t i = 0; i < party->n; i++)
        party->kind->recv(party->queue);
    return NULL;
}

static double alone(const struct kind *kind, void *queue, size_t n)
{
    int64_t begin_ns = boom_now_ns();

    for (size_t i = 0; i < n; i++) {
        kind->send(queue, queue);
        kind->recv(queue);
    }
    return (double)(boom_now_ns() - begin_ns) / (double)n;
}

static double together(const struct kind *kind, void *queue, size_t n, unsigned n_each)
{
    struct party party = {kind, queue, n / n_each};
    pthread_t threads[16];
    int64_t begin_ns = boom_now_ns();

    for (unsigned i = 0; i < 2 * n_each; i++)
        if (pthread_create(&threads[i], NULL, i % 2 ? send_all : recv_all, &party) != 0)
            abort();
    for (unsigned i = 0; i < 2 * n_each; i++)
        pthread_join(threads[i], NULL);
    return (double)(boom_now_ns() - begin_ns) / (double)(party.n * n_each);
}

static double once(const struct kind *kind, void *queue, size_t n, unsigned n_each)
{
    return n_each ? together(kind, queue, n, n_each) : alone(kind, queue, n);
}

/* n_each: senders, and receivers; 0: one thread. In turns, and the best of many, on a busy machine.
 */
static void compare(struct subject *subjects, size_t n, unsigned n_each)
{
    for (int i = 0; i < 2; i++)
        subjects[i].best_ns = once(subjects[i].kind, subjects[i].queue, n / REPEATS, n_each);
    for (int i = 2; i < 2 * REPEATS; i++) {
        struct subject *subject = &subjects[i % 2];
        double ns = once(subject->kind, subject->queue, n / REPEATS, n_each);

        if (ns < subject->best_ns)
            subject->best_ns = ns;
    }
    printf("%u senders, %u receivers%s: %s %.1f ns, %s %.1f ns, ratio %.2f\n", n_each, n_each,
           n_each ? "" : " (one thread)", subjects[0].kind->name, subjects[0].best_ns,
           subjects[1].kind->name, subjects[1].best_ns, subjects[1].best_ns / subjects[0].best_ns);
}

int main(void)
{
    static const struct kind plain_kind = {"mutex+condvar", plain_send, plain_recv};
    static const struct kind boom_kind = {"boom_chan", boom_send, boom_recv};
    static const unsigned settings[] = {0, 1, 4};
    struct plain plain = {PTHREAD_MUTEX_INITIALIZER,
                          PTHREAD_COND_INITIALIZER,
                          PTHREAD_COND_INITIALIZER,
                          0,
                          0,
                          {NULL}};
    struct subject subjects[] = {{&plain_kind, &plain, 0}, {&boom_kind, NULL, 0}};
    const char *ops = getenv("BENCH_OPS");
    size_t n = ops ? strtoul(ops, NULL, 0) : 2000000;
    struct boom_chan *chan;

    if (boom_chan_new(sizeof(void *), CAPACITY, &chan) < 0 || boom_ctx_with_cancel(NULL, &live) < 0)
        return 1;
    subjects[1].queue = chan;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        compare(subjects, n, settings[i]);
    boom_ctx_unref(live);
    boom_chan_free(chan);
    return 0;
}
