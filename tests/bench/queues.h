/* SPDX-License-Identifier: MIT */
#ifndef BENCH_QUEUES_H
#define BENCH_QUEUES_H

/*
 * Queues of pointers that are compared: the one that one would write by hand (a ring, a mutex, two
 * condition variables), libboom's channel, and GLib's GAsyncQueue where glib-2.0 was found. The
 * first two have a capacity; GAsyncQueue has none, so its senders never wait.
 */
#include <stddef.h>
#include <stdint.h>

enum { QUEUE_CAPACITY = 256 };

struct queue_kind {
    const char *name;
    void *(*make)(void); /* or abort() */
    void (*free)(void *queue);
    void (*send)(void *queue, void *elem);
    void *(*recv)(void *queue);
};

extern const struct queue_kind plain_queue, boom_queue;
/* NULL: this build has no GLib. */
const struct queue_kind *glib_queue(void);

/* All there are; NULL ends them. */
enum { QUEUE_KINDS = 3 };
void queue_kinds(const struct queue_kind *ret_kinds[QUEUE_KINDS + 1]);

/* What BENCH_OPS says, or otherwise. */
size_t bench_ops(size_t otherwise);

/*
 * How long an operation takes, by the clock and of the processors' time, measured in many rounds.
 * What is compared takes turns, a round each, so that a busy moment of the machine meets all.
 */
enum { ROUNDS = 20 };

struct rounds {
    int n;
    double wall_ns[ROUNDS], cpu_ns[ROUNDS]; /* of an operation */
    int64_t wall_begin_ns, cpu_begin_ns;
};

void rounds_begin(struct rounds *rounds);
/* The round did n_ops operations. */
void rounds_end(struct rounds *rounds, size_t n_ops);
/* A line with median and best; in brackets the ratio to those of first, which was printed before. */
void rounds_print(const char *name, struct rounds *rounds, const struct rounds *first);

#endif
