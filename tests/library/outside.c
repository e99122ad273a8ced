/* SPDX-License-Identifier: MIT */
/*
 * A program that knows libboom from its manual only. Compiled outside of the tree against what was
 * installed, as C11 and as C++17; exits 0 when the library does what the manual says.
 */
#include <boom/chan.h>
#include <boom/group.h>
#include <boom/pipeline.h>
#include <boom/pool.h>
#include <boom/select.h>
#include <boom/semaphore.h>
#include <boom/waitgroup.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define CHECK(fact)                                                                                \
    do {                                                                                           \
        if (!(fact)) {                                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #fact);                     \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

enum { TASKS = 20, AT_ONCE = 4, BAD_TASK = 9, ITEMS = 50, QUEUE = 8 };

struct crowd {
    pthread_mutex_t lock;
    unsigned n_now, n_most;
    struct boom_group *group;
    struct boom_chan *never; /* nothing is ever sent here: only the context ends a receive */
    struct boom_chan *early; /* one byte from each task before the bad one */
};

struct task {
    struct crowd *crowd;
    int number;
};

static void count(struct crowd *crowd, int change)
{
    pthread_mutex_lock(&crowd->lock);
    crowd->n_now += (unsigned)change;
    if (crowd->n_now > crowd->n_most)
        crowd->n_most = crowd->n_now;
    pthread_mutex_unlock(&crowd->lock);
}

static int run_task(void *arg)
{
    struct task *task = (struct task *)arg;
    struct crowd *crowd = task->crowd;
    struct boom_ctx *ctx = boom_group_ctx(crowd->group);
    char byte = 0;
    int r = 0;

    count(crowd, 1);
    if (task->number < BAD_TASK)
        r = boom_chan_send(crowd->early, ctx, &byte);
    for (int i = 0; task->number == BAD_TASK && i < BAD_TASK; i++)
        r = boom_chan_recv(crowd->early, ctx, &byte);
    if (task->number == BAD_TASK)
        r = -EIO;
    if (task->number > BAD_TASK)
        r = boom_chan_recv(crowd->never, ctx, &byte);
    count(crowd, -1);
    return r;
}

/* At most four at once; the tenth fails, which ends the others. */
static int check_group(void)
{
    struct crowd crowd;
    struct task tasks[TASKS];
    int r = 0;

    memset(&crowd, 0, sizeof(crowd));
    pthread_mutex_init(&crowd.lock, NULL);
    CHECK(boom_group_new(NULL, &crowd.group) == 0);
    CHECK(boom_group_set_limit(crowd.group, AT_ONCE) == 0);
    CHECK(boom_chan_new(1, BAD_TASK, &crowd.early) == 0 && boom_chan_new(1, 0, &crowd.never) == 0);
    for (int i = 0; i < TASKS && r == 0; i++) {
        tasks[i].crowd = &crowd;
        tasks[i].number = i;
        r = boom_group_go(crowd.group, "task", run_task, &tasks[i]);
    }
    CHECK(r == 0 || r == -ECANCELED);
    CHECK(boom_group_wait(crowd.group) == -EIO);
    CHECK(boom_ctx_cause(boom_group_ctx(crowd.group)) == -EIO);
    CHECK(crowd.n_most > 0 && crowd.n_most <= AT_ONCE && crowd.n_now == 0);
    boom_group_free(crowd.group);
    boom_chan_free(crowd.early);
    boom_chan_free(crowd.never);
    pthread_mutex_destroy(&crowd.lock);
    return 0;
}

struct journal {
    struct boom_chan *taken; /* the first item is being worked on */
    struct boom_chan *gate;  /* closed: go on */
    unsigned n_dropped, n_left;
    uintptr_t first_dropped, last_left;
};

static void work(void *stage, void *worker, void **items, size_t n_items)
{
    struct journal *journal = (struct journal *)stage;
    char byte = 0;

    (void)worker;
    (void)n_items;
    if ((uintptr_t)items[0] == 1)
        boom_chan_send(journal->taken, NULL, &byte);
    boom_chan_recv(journal->gate, NULL, &byte);
}

static void leave(void *stage, void *worker, void **items, size_t n_items)
{
    struct journal *journal = (struct journal *)stage;

    (void)worker;
    journal->n_left += (unsigned)n_items;
    journal->last_left = (uintptr_t)items[n_items - 1];
}

static void drop(void *stage, void *item, enum boom_drop_reason reason)
{
    struct journal *journal = (struct journal *)stage;

    if (reason == BOOM_DROP_QUEUE_FULL && journal->n_dropped++ == 0)
        journal->first_dropped = (uintptr_t)item;
}

static int submit_all(struct boom_pipeline *pipeline, struct journal *journal)
{
    char byte;

    CHECK(boom_pipeline_submit(pipeline, NULL, (void *)(uintptr_t)1) == 0);
    CHECK(boom_chan_recv(journal->taken, NULL, &byte) == 0);
    for (uintptr_t item = 2; item <= ITEMS; item++)
        CHECK(boom_pipeline_submit(pipeline, NULL, (void *)item) == 0);
    return 0;
}

/* The worker is held: of what comes after, the newest stay and the oldest go. */
static int check_pipeline(void)
{
    struct boom_stage_options stage = BOOM_STAGE_OPTIONS_DEFAULT;
    struct boom_stage_stats stats;
    struct boom_stage_ops ops;
    struct boom_pipeline *pipeline;
    struct journal journal;

    memset(&journal, 0, sizeof(journal));
    memset(&ops, 0, sizeof(ops));
    ops.work = work;
    ops.leave = leave;
    ops.drop = drop;
    stage.name = "keep";
    stage.ops = &ops;
    stage.arg = &journal;
    stage.queue = QUEUE;
    stage.on_full = BOOM_FULL_DROP_OLDEST;
    CHECK(boom_chan_new(1, 0, &journal.taken) == 0 && boom_chan_new(1, 0, &journal.gate) == 0);
    CHECK(boom_pipeline_start(NULL, &stage, 1, &pipeline) == 0);
    CHECK(submit_all(pipeline, &journal) == 0);
    boom_pipeline_get_stats(pipeline, 0, &stats);
    CHECK(stats.items_in == stats.items_out + stats.items_dropped[0] + stats.items_in_flight);
    boom_chan_close(journal.gate);
    CHECK(boom_pipeline_drain(pipeline, NULL) == 0);
    CHECK(journal.n_dropped == ITEMS - 1 - QUEUE && journal.first_dropped == 2);
    CHECK(journal.n_left == 1 + QUEUE && journal.last_left == ITEMS);
    boom_pipeline_free(pipeline);
    boom_chan_free(journal.taken);
    boom_chan_free(journal.gate);
    return 0;
}

static void fill(struct boom_ctx *ctx, void *arg)
{
    *(int *)arg = boom_ctx_err(ctx) + 1;
}

/* What a task writes can be read, without a lock, after the pool was drained. */
static int check_pool(void)
{
    struct boom_pool_options options;
    struct boom_pool *pool;
    int done[TASKS];
    int n = 0;

    memset(done, 0, sizeof(done));
    memset(&options, 0, sizeof(options));
    options.name = "fill";
    options.workers_min = 1;
    options.workers_max = 3;
    options.queue = 4;
    CHECK(boom_pool_new(NULL, &options, &pool) == 0);
    for (int i = 0; i < TASKS; i++)
        CHECK(boom_pool_submit(pool, NULL, fill, &done[i]) == 0);
    CHECK(boom_pool_drain(pool, NULL) == 0);
    for (int i = 0; i < TASKS; i++)
        n += done[i];
    CHECK(n == TASKS);
    boom_pool_free(pool);
    return 0;
}

/* Without room in the channel, a try succeeds once the receiver waits. */
static int send_text(void *arg)
{
    static char text[16]; /* read by the receiver, without a lock: the channel orders both */
    char *elem = text;
    int r;

    memcpy(text, "hello", 6);
    while ((r = boom_chan_try_send((struct boom_chan *)arg, &elem)) == BOOM_CHAN_FULL)
        sched_yield();
    return r;
}

/* A receive that waits with a deadline: it ends at it, or with what was sent. */
static int check_deadline(void)
{
    struct boom_group *group;
    struct boom_chan *chan;
    struct boom_ctx *ctx;
    char *text = NULL;

    CHECK(boom_chan_new(sizeof(char *), 0, &chan) == 0);
    CHECK(boom_ctx_with_deadline(NULL, boom_now_ns() + 1000000, &ctx) == 0);
    CHECK(boom_chan_recv(chan, ctx, &text) == -ETIMEDOUT && boom_ctx_err(ctx) == -ETIMEDOUT);
    boom_ctx_unref(ctx);
    CHECK(boom_ctx_with_deadline(NULL, boom_now_ns() + 60 * (int64_t)1000000000, &ctx) == 0);
    CHECK(boom_group_new(ctx, &group) == 0);
    CHECK(boom_group_go(group, "send", send_text, chan) == 0);
    CHECK(boom_chan_recv(chan, ctx, &text) == 0 && strcmp(text, "hello") == 0);
    CHECK(boom_group_wait(group) == 0);
    boom_group_free(group);
    boom_ctx_unref(ctx);
    boom_chan_free(chan);
    return 0;
}

struct ticks {
    struct boom_chan *chan;
    int n;
};

static int send_ticks(void *arg)
{
    struct ticks *ticks = (struct ticks *)arg;
    int r = 0;

    for (int i = 1; i <= ticks->n && r == 0; i++)
        r = boom_chan_send(ticks->chan, NULL, &i);
    return r < 0 ? r : boom_chan_close(ticks->chan);
}

/* Receives until all three are closed, each in its order; then only the deadline ends it. */
static int select_all(struct ticks *ticks, struct boom_ctx *ctx, struct boom_ctx *soon)
{
    int got[3] = {0, 0, 0}, last[3] = {0, 0, 0}, n_open = 3;
    struct boom_case cases[] = {
        BOOM_CASE_RECV(ticks[0].chan, &got[0]),
        BOOM_CASE_RECV(ticks[1].chan, &got[1]),
        BOOM_CASE_RECV(ticks[2].chan, &got[2]),
    };
    size_t i;

    while (n_open > 0) {
        CHECK(boom_select(ctx, cases, 3, &i) == 0);
        if (cases[i].result == BOOM_CHAN_CLOSED) {
            cases[i].chan = NULL;
            n_open--;
        } else {
            CHECK(cases[i].result == 0 && got[i] == last[i] + 1);
            last[i] = got[i];
        }
    }
    for (int k = 0; k < 3; k++)
        CHECK(last[k] == ticks[k].n);
    CHECK(boom_select(soon, cases, 3, &i) == -ETIMEDOUT);
    CHECK(boom_try_select(cases, 3, &i) == BOOM_SELECT_DEFAULT);
    return 0;
}

static int check_select(void)
{
    struct ticks ticks[3];
    struct boom_group *group;
    struct boom_ctx *ctx, *soon;

    CHECK(boom_group_new(NULL, &group) == 0);
    CHECK(boom_ctx_with_deadline(NULL, boom_now_ns() + 60 * (int64_t)1000000000, &ctx) == 0);
    CHECK(boom_ctx_with_deadline(ctx, boom_now_ns() + 1000000, &soon) == 0);
    for (int k = 0; k < 3; k++) {
        ticks[k].n = 100 * (k + 1);
        CHECK(boom_chan_new(sizeof(int), (size_t)k, &ticks[k].chan) == 0);
        CHECK(boom_group_go(group, "ticks", send_ticks, &ticks[k]) == 0);
    }
    CHECK(select_all(ticks, ctx, soon) == 0);
    CHECK(boom_group_wait(group) == 0);
    for (int k = 0; k < 3; k++)
        boom_chan_free(ticks[k].chan);
    boom_ctx_unref(soon);
    boom_ctx_unref(ctx);
    boom_group_free(group);
    return 0;
}

struct shared {
    struct boom_semaphore *one;
    struct boom_waitgroup *all;
    int n; /* whoever holds the unit */
};

static int add_one(void *arg)
{
    struct shared *shared = (struct shared *)arg;

    CHECK(boom_semaphore_acquire(shared->one, NULL, 1) == 0);
    shared->n++;
    CHECK(boom_semaphore_release(shared->one, 1) == 0);
    return boom_waitgroup_done(shared->all);
}

/* A semaphore of one excludes, and a wait group lets its waiter see what was done. */
static int check_semaphore(void)
{
    struct boom_group *group;
    struct shared shared;

    shared.n = 0;
    CHECK(boom_group_new(NULL, &group) == 0 && boom_semaphore_new(1, &shared.one) == 0 &&
          boom_waitgroup_new(&shared.all) == 0);
    CHECK(boom_waitgroup_add(shared.all, TASKS) == 0);
    for (int i = 0; i < TASKS; i++)
        CHECK(boom_group_go(group, "add", add_one, &shared) == 0);
    CHECK(boom_waitgroup_wait(shared.all, NULL) == 0);
    CHECK(shared.n == TASKS);
    CHECK(boom_group_wait(group) == 0);
    boom_waitgroup_free(shared.all);
    boom_semaphore_free(shared.one);
    boom_group_free(group);
    return 0;
}

int main(void)
{
    return check_group() || check_pipeline() || check_pool() || check_deadline() ||
           check_select() || check_semaphore();
}
