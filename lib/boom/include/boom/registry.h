/* SPDX-License-Identifier: MIT */
#ifndef BOOM_REGISTRY_H
#define BOOM_REGISTRY_H

/*
 * Registry: what every task of a program does now, or waits for, and since when (Go: the goroutine
 * profile, the dump on SIGQUIT, and "all goroutines are asleep - deadlock!").
 *
 *   1 ingest/parse-0: recv lines (0x55d0c1a3e2a0), 12.400 s
 *   2 ingest/parse-1: run, 0.004 s
 *   3 ingest/store-0: send blocks (0x55d0c1a3f480), 3.120 s
 *
 * A task is a thread that says what it does: before it waits, and when it goes on. Saying it costs a few
 * nanoseconds and takes no lock, so it is always on. The program makes the registry, and hands it to its
 * groups (boom_group_set_registry()), pools and pipelines (their options), whose threads then register
 * themselves. It must outlive them.
 *
 * All functions may be called from any thread, but a task's state is set by its own thread only.
 * None may be called from a signal handler: for SIGQUIT let a thread wait for the signal and dump.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <boom/chan.h>
#include <boom/context.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct boom_registry;
struct boom_task;

enum { BOOM_TASK_NAME_BYTES = 32 }; /* with the NUL; what is longer is cut */

enum boom_doing {
    BOOM_DOING_RUN,     /* computes, or waits for what it did not declare */
    BOOM_DOING_IO,      /* waits for a file, a socket, a process: for something outside */
    BOOM_DOING_SLEEP,   /* waits for nothing but time */
    BOOM_DOING_IDLE,    /* waits for new work; there need never be any */
    BOOM_DOING_SEND,    /* waits for room in a channel */
    BOOM_DOING_RECV,    /* waits for an element of a channel */
    BOOM_DOING_SELECT,  /* waits for any of several channels */
    BOOM_DOING_ACQUIRE, /* waits for a lock, a permit, a place */
    BOOM_DOING_TURN,    /* waits until those before it are done */
    BOOM_DOING_JOIN,    /* waits for the end of other tasks */
};
/* How many there are. */
enum { BOOM_N_DOINGS = BOOM_DOING_JOIN + 1 };

/* "run", "io", "sleep", "idle", "send", "recv", "select", "acquire", "turn", "join". */
const char *boom_doing_name(enum boom_doing doing);

/* Returns 0, -ENOMEM, -EAGAIN (the process has no thread-specific key left). */
int boom_registry_new(struct boom_registry **ret_registry);
/* No task may be in it. Returns NULL. NULL is allowed. */
struct boom_registry *boom_registry_free(struct boom_registry *registry);

/*
 * Registers the calling thread as a task, running. name and group are copied; NULL means "". The thread
 * ends it with boom_task_free() before it ends itself. Returns 0, -ENOMEM, -EEXIST (it is one already).
 */
int boom_task_new(struct boom_registry *registry, const char *name, const char *group,
                  struct boom_task **ret_task);
/* By the thread that registered. Returns NULL. NULL is allowed. */
struct boom_task *boom_task_free(struct boom_task *task);
/* The task of the calling thread; NULL: it has none, or registry is NULL. */
struct boom_task *boom_registry_self(struct boom_registry *registry);

/*
 * From now on task does this. where: in which channel or other object, an address to compare and to
 * show, never followed; where_name: its name, a string that outlives the task, may be NULL.
 * deadline_ns: when the wait ends by itself (CLOCK_MONOTONIC), BOOM_NEVER when it does not.
 * task may be NULL: then nothing happens, so code need not ask whether it is watched.
 */
void boom_task_waits(struct boom_task *task, enum boom_doing doing, const void *where,
                     const char *where_name, int64_t deadline_ns);
/* As boom_task_waits() with BOOM_DOING_RUN, without an object. */
void boom_task_runs(struct boom_task *task);

/*
 * boom_chan_send() and boom_chan_recv() that say so while they wait; the task runs before and after.
 * Returns as those.
 */
int boom_task_send(struct boom_task *task, struct boom_chan *chan, const char *chan_name,
                   struct boom_ctx *ctx, const void *elem);
int boom_task_recv(struct boom_task *task, struct boom_chan *chan, const char *chan_name,
                   struct boom_ctx *ctx, void *ret_elem);

/* A task at one moment; a copy, which stays true to that moment. */
struct boom_task_info {
    char name[BOOM_TASK_NAME_BYTES];
    char group[BOOM_TASK_NAME_BYTES];
    uint64_t id;            /* 1, 2, 3 … in the order of registration; never used twice */
    uint64_t changes;       /* times that it said what it does */
    enum boom_doing doing;
    const void *where;
    char where_name[BOOM_TASK_NAME_BYTES]; /* "": not said */
    int64_t since_ns;       /* CLOCK_MONOTONIC, as exact as the kernel's tick: 1 to 10 ms */
    int64_t deadline_ns;
};

/*
 * Calls fn for every task, oldest first, without locks: fn may do what it likes. Each info is of one
 * moment, but those of two tasks need not be of the same. Returns 0, -ENOMEM.
 */
int boom_registry_each(struct boom_registry *registry,
                       void (*fn)(void *arg, const struct boom_task_info *info), void *arg);
/* One line a task, as in the picture above. Returns 0, -ENOMEM, -EIO (file has an error). */
int boom_registry_dump(struct boom_registry *registry, FILE *file);

/* A detector of stalls: what it remembers of its last look. Start it zeroed. */
struct boom_stall_detector {
    bool stuck;           /* private */
    unsigned n_tasks;     /* of the group, at the last look */
    uint64_t fingerprint; /* private */
};

enum { BOOM_STALLED = 1 }; /* boom_registry_look() */

/*
 * A look at a group, to be repeated by the caller, with the same `detector`, at intervals that are long
 * against a delay of the scheduler: some seconds.
 *
 * Returns BOOM_STALLED when at this look and at the one before every task of the group was in the very
 * same wait, none of them with a deadline, for I/O or asleep, and at least one of them not merely idle:
 * then they wait on each other. Else 0; -ENOMEM.
 *
 * It is wrong, saying BOOM_STALLED, when what they wait for comes from outside of the group: so a
 * group has to hold all who send to its channels, or those that wait for the outside say IO or IDLE; and
 * when a task was woken but did not get a processor between two looks.
 * It is blind to a part of a group that is stuck while another part moves, to tasks that spin, to waits
 * that were not declared, and to waits with a deadline that are begun again and again.
 */
int boom_registry_look(struct boom_registry *registry, const char *group,
                       struct boom_stall_detector *detector);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
