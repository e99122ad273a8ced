/* SPDX-License-Identifier: MIT */
/*
 * The registry: a list of tasks under a lock, and in each task a state that only its thread writes.
 *
 * The state is a sequence lock with one writer: `changes` is odd while the fields change. There are
 * no fences, which ThreadSanitizer would not understand: each field is stored with release after
 * the odd number, so who reads a new field with acquire then also sees that `changes` is not what
 * it was. On x86 all of these are plain moves; the clock is the costly part.
 *
 * The fields are read again until they are of one moment, without waiting for the writer's thread:
 * should it be preempted in the middle, the reader gives its processor away.
 */
#include "registry-impl.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "list.h"
#include "lock.h"

struct boom_registry {
    pthread_key_t self;   /* constant; the calling thread's task */
    pthread_mutex_t lock; /* everything below, and the list of tasks; no other lock inside */
    struct link tasks;
    size_t n_tasks;
    uint64_t last_id;
};

struct boom_task {
    /* constant */
    struct boom_registry *registry;
    struct link link;
    uint64_t id;
    char name[BOOM_TASK_NAME_BYTES];
    char group[BOOM_TASK_NAME_BYTES];

    /* written by the task's thread; on cache lines of its own */
    _Alignas(64) atomic_uint_fast64_t changes; /* twice; odd while the others change */
    atomic_uint doing;                         /* enum boom_doing */
    _Atomic(const void *) where;
    _Atomic(const char *) where_name;
    atomic_int_fast64_t since_ns, deadline_ns;
};

int64_t coarse_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const char *boom_doing_name(enum boom_doing doing)
{
    static const char *const names[BOOM_N_DOINGS] = {
        [BOOM_DOING_RUN] = "run",       [BOOM_DOING_IO] = "io",
        [BOOM_DOING_SLEEP] = "sleep",   [BOOM_DOING_IDLE] = "idle",
        [BOOM_DOING_SEND] = "send",     [BOOM_DOING_RECV] = "recv",
        [BOOM_DOING_SELECT] = "select", [BOOM_DOING_ACQUIRE] = "acquire",
        [BOOM_DOING_TURN] = "turn",     [BOOM_DOING_JOIN] = "join",
    };

    return names[doing];
}

int boom_registry_new(struct boom_registry **ret_registry)
{
    struct boom_registry *registry = calloc(1, sizeof(*registry));
    int r;

    if (!registry)
        return -ENOMEM;
    r = -pthread_key_create(&registry->self, NULL);
    if (r < 0) {
        free(registry);
        return r;
    }
    pthread_mutex_init(&registry->lock, NULL);
    list_init(&registry->tasks);
    *ret_registry = registry;
    return 0;
}

struct boom_registry *boom_registry_free(struct boom_registry *registry)
{
    if (!registry)
        return NULL;
    pthread_key_delete(registry->self);
    pthread_mutex_destroy(&registry->lock);
    free(registry);
    return NULL;
}

/* Inlined into its callers: the stores cost less than a call. */
static inline __attribute__((always_inline)) void
set_state(struct boom_task *task, enum boom_doing doing, const void *where, const char *where_name,
          int64_t deadline_ns, int64_t since_ns)
{
    uint64_t changes = atomic_load_explicit(&task->changes, memory_order_relaxed);

    atomic_store_explicit(&task->changes, changes + 1, memory_order_relaxed);
    atomic_store_explicit(&task->doing, (unsigned)doing, memory_order_release);
    atomic_store_explicit(&task->where, where, memory_order_release);
    atomic_store_explicit(&task->where_name, where_name, memory_order_release);
    atomic_store_explicit(&task->deadline_ns, deadline_ns, memory_order_release);
    atomic_store_explicit(&task->since_ns, since_ns, memory_order_release);
    atomic_store_explicit(&task->changes, changes + 2, memory_order_release);
}

void task_waits_since(struct boom_task *task, enum boom_doing doing, const void *where,
                      const char *where_name, int64_t deadline_ns, int64_t since_ns)
{
    if (task)
        set_state(task, doing, where, where_name, deadline_ns, since_ns);
}

void boom_task_waits(struct boom_task *task, enum boom_doing doing, const void *where,
                     const char *where_name, int64_t deadline_ns)
{
    if (task)
        set_state(task, doing, where, where_name, deadline_ns, coarse_now_ns());
}

void boom_task_runs(struct boom_task *task)
{
    if (task)
        set_state(task, BOOM_DOING_RUN, NULL, NULL, BOOM_NEVER, coarse_now_ns());
}

static void copy_name(char to[static BOOM_TASK_NAME_BYTES], const char *name)
{
    snprintf(to, BOOM_TASK_NAME_BYTES, "%s", name ? name : "");
}

static void add(struct boom_registry *registry, struct boom_task *task)
{
    boom_lock(&registry->lock);
    task->id = ++registry->last_id;
    list_push_back(&registry->tasks, &task->link);
    registry->n_tasks++;
    boom_unlock(&registry->lock);
}

int boom_task_new(struct boom_registry *registry, const char *name, const char *group,
                  struct boom_task **ret_task)
{
    struct boom_task *task;

    if (pthread_getspecific(registry->self))
        return -EEXIST;
    task = aligned_alloc(_Alignof(struct boom_task), sizeof(*task));
    if (!task)
        return -ENOMEM;
    memset(task, 0, sizeof(*task));
    if (pthread_setspecific(registry->self, task) != 0) {
        free(task);
        return -ENOMEM;
    }
    task->registry = registry;
    copy_name(task->name, name);
    copy_name(task->group, group);
    boom_task_runs(task);
    add(registry, task);
    *ret_task = task;
    return 0;
}

struct boom_task *task_new_or_null(struct boom_registry *registry, const char *name,
                                   const char *group)
{
    struct boom_task *task = NULL;

    if (registry && boom_task_new(registry, name, group, &task) < 0)
        return NULL;
    return task;
}

struct boom_task *boom_task_free(struct boom_task *task)
{
    struct boom_registry *registry;

    if (!task)
        return NULL;
    registry = task->registry;
    pthread_setspecific(registry->self, NULL);
    boom_lock(&registry->lock);
    link_unlink(&task->link);
    registry->n_tasks--;
    boom_unlock(&registry->lock);
    free(task);
    return NULL;
}

struct boom_task *boom_registry_self(struct boom_registry *registry)
{
    return registry ? pthread_getspecific(registry->self) : NULL;
}

int boom_task_send(struct boom_task *task, struct boom_chan *chan, const char *chan_name,
                   struct boom_ctx *ctx, const void *elem)
{
    int r = boom_ctx_err(ctx);

    if (r == 0)
        r = boom_chan_try_send(chan, elem);
    if (r != BOOM_CHAN_FULL)
        return r;
    boom_task_waits(task, BOOM_DOING_SEND, chan, chan_name, boom_ctx_deadline(ctx));
    r = boom_chan_send(chan, ctx, elem);
    boom_task_runs(task);
    return r;
}

int boom_task_recv(struct boom_task *task, struct boom_chan *chan, const char *chan_name,
                   struct boom_ctx *ctx, void *ret_elem)
{
    int r = boom_ctx_err(ctx);

    if (r == 0)
        r = boom_chan_try_recv(chan, ret_elem);
    if (r != BOOM_CHAN_EMPTY)
        return r;
    boom_task_waits(task, BOOM_DOING_RECV, chan, chan_name, boom_ctx_deadline(ctx));
    r = boom_chan_recv(chan, ctx, ret_elem);
    boom_task_runs(task);
    return r;
}

/* False: the state changed in the meantime. */
static bool try_read(struct boom_task *task, struct boom_task_info *info,
                     const char **ret_where_name)
{
    uint64_t changes = atomic_load_explicit(&task->changes, memory_order_acquire);

    info->changes = changes / 2;
    info->doing = (enum boom_doing)atomic_load_explicit(&task->doing, memory_order_acquire);
    info->where = atomic_load_explicit(&task->where, memory_order_acquire);
    *ret_where_name = atomic_load_explicit(&task->where_name, memory_order_acquire);
    info->deadline_ns = atomic_load_explicit(&task->deadline_ns, memory_order_acquire);
    info->since_ns = atomic_load_explicit(&task->since_ns, memory_order_acquire);
    return changes % 2 == 0 &&
           atomic_load_explicit(&task->changes, memory_order_relaxed) == changes;
}

/* Under the lock, which keeps the task alive, and so the string that it named. */
static void describe_locked(struct boom_task *task, struct boom_task_info *info)
{
    const char *where_name;

    memcpy(info->name, task->name, sizeof(info->name));
    memcpy(info->group, task->group, sizeof(info->group));
    info->id = task->id;
    while (!try_read(task, info, &where_name))
        sched_yield();
    copy_name(info->where_name, where_name);
}

static bool fill(struct boom_registry *registry, struct boom_task_info *infos, size_t max,
                 size_t *ret_n)
{
    bool fits;
    size_t n = 0;

    boom_lock(&registry->lock);
    fits = registry->n_tasks <= max;
    for (struct link *at = registry->tasks.next; fits && at != &registry->tasks; at = at->next)
        describe_locked(container_of(at, struct boom_task, link), &infos[n++]);
    *ret_n = fits ? n : registry->n_tasks;
    boom_unlock(&registry->lock);
    return fits;
}

int registry_snapshot(struct boom_registry *registry, struct boom_task_info **ret_infos,
                      size_t *ret_n)
{
    struct boom_task_info *infos = NULL;
    size_t n = 0, max = 0;

    while (!fill(registry, infos, max, &n)) {
        free(infos);
        max = n + 16;
        infos = calloc(max, sizeof(*infos));
        if (!infos)
            return -ENOMEM;
    }
    *ret_infos = infos;
    *ret_n = n;
    return 0;
}

int boom_registry_each(struct boom_registry *registry,
                       void (*fn)(void *arg, const struct boom_task_info *info), void *arg)
{
    struct boom_task_info *infos;
    size_t n;
    int r = registry_snapshot(registry, &infos, &n);

    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++)
        fn(arg, &infos[i]);
    free(infos);
    return 0;
}

static void print(void *arg, const struct boom_task_info *info)
{
    int64_t ms = (coarse_now_ns() - info->since_ns) / 1000000;

    fprintf(arg, "%" PRIu64 " %s/%s: %s", info->id, info->group, info->name,
            boom_doing_name(info->doing));
    if (info->where_name[0])
        fprintf(arg, " %s", info->where_name);
    if (info->where)
        fprintf(arg, " (%p)", info->where);
    fprintf(arg, ", %" PRId64 ".%03d s", ms / 1000, (int)(ms % 1000));
    if (info->deadline_ns != BOOM_NEVER)
        fprintf(arg, ", has a deadline");
    fputc('\n', arg);
}

int boom_registry_dump(struct boom_registry *registry, FILE *file)
{
    int r = boom_registry_each(registry, print, file);

    if (r < 0)
        return r;
    return ferror(file) ? -EIO : 0;
}
