/* SPDX-License-Identifier: MIT */
/*
 * The workers of a stage.
 *
 * A run is taken with a ticket in one critical section, so the order of the tickets is that of the
 * items; after work the worker waits for its turn, and leaves and passes the items on while it has
 * it. Where runs are gathered (stage-gather.c), the tickets are given out under the intake lock,
 * which makes a gathered run as uninterrupted as one that is taken at once.
 *
 * The turn can be waited for without a context: who has it works for the user or waits for room in
 * the next queue, and the latter ends with the pipeline's context.
 *
 * The end comes in two ways. The queue was closed and is empty: the last worker closes the next
 * queue. Or the context is over: every worker that comes back for more closes the queue and drops
 * what is in it, so nothing can stay there; who still passes items on is refused by the closed
 * queue.
 */
#include "stage.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group-impl.h"

void stage_set_doing(struct stage *stage, struct worker *worker, enum doing doing, int64_t since_ns)
{
    static const enum boom_doing told[] = {
        [DOING_IDLE] = BOOM_DOING_IDLE,
        [DOING_WORK] = BOOM_DOING_RUN,
        [DOING_TURN] = BOOM_DOING_TURN,
        [DOING_SEND] = BOOM_DOING_SEND,
    };
    const struct stage *where = doing == DOING_SEND && stage->next ? stage->next : stage;

    atomic_store_explicit(&worker->doing, since_ns * 4 + doing, memory_order_relaxed);
    task_waits_since(worker->task, told[doing], where->queue, where->name, BOOM_NEVER, since_ns);
}

/* Returns as chan_take(). */
static int take_run(struct stage *stage, struct worker *worker, int64_t idle_until_ns,
                    size_t *ret_n, uint64_t *ret_ticket)
{
    worker->n_joined = 0;
    worker->joined_ns = 0;
    if (stage->gathers)
        return stage_gather(stage, worker, idle_until_ns, ret_n, ret_ticket);
    return chan_take(stage->queue, stage->ctx, idle_until_ns, worker->entries,
                     stage->options.run_max, ret_n, ret_ticket);
}

/* The moments of a run. */
struct run_times {
    int64_t taken_ns, worked_ns, turn_ns, left_ns;
};

/* left_ns: a moment ago. To enter may take long, so the others look at the clock themselves. */
static void pass_on(struct stage *next, struct boom_ctx *ctx, const struct entry *entries, size_t n,
                    int64_t left_ns)
{
    for (size_t i = 0; i < n; i++) {
        int64_t now_ns = i == 0 ? left_ns : boom_now_ns();

        if (stage_enter(next, ctx, entries[i].item, entries[i].weight, now_ns) < 0)
            stage_refuse(next, entries[i].item, entries[i].weight);
    }
}

static void account_run(struct stage *stage, const struct worker *worker, size_t n,
                        const struct run_times *times)
{
    const struct entry *entries = worker->entries;
    int64_t work_ns = worker->joined_ns + times->worked_ns - times->taken_ns;

    chan_lock(stage->queue);
    for (size_t i = 0; i < n; i++) {
        histogram_add(&stage->wait_ns, times->taken_ns - entries[i].entered_ns);
        if (!stage->next) {
            stage->out.items++;
            stage->out.weight += entries[i].weight;
        }
    }
    histogram_add(&stage->work_ns, work_ns);
    stage->busy_ns += (uint64_t)work_ns + (uint64_t)(times->left_ns - times->turn_ns);
    chan_unlock(stage->queue, NULL);
}

/* Returns when op was over: now, or since_ns if there is none. */
static int64_t run_op(void (*op)(void *stage, void *worker, void **items, size_t n_items),
                      struct stage *stage, struct worker *worker, size_t n, int64_t since_ns)
{
    if (!op)
        return since_ns;
    op(stage->options.arg, worker->state, worker->items, n);
    return boom_now_ns();
}

/* Joins what is not joined yet of a run that is complete. Returns as run_op(). */
static int64_t join_rest(struct stage *stage, struct worker *worker, size_t n, int64_t since_ns)
{
    if (!stage->options.ops->join || worker->n_joined == n)
        return since_ns;
    stage_join(stage, worker, n);
    return boom_now_ns();
}

/* Returns when it was the run's turn: now, or since_ns if it was so already. */
static int64_t await_turn(struct stage *stage, struct worker *worker, uint64_t ticket,
                          int64_t since_ns)
{
    int64_t turn_ns;

    if (turn_is(&stage->turn, ticket))
        return since_ns;
    stage_set_doing(stage, worker, DOING_TURN, since_ns);
    turn_wait(&stage->turn, ticket);
    turn_ns = boom_now_ns();
    stage_set_doing(stage, worker, DOING_WORK, turn_ns);
    return turn_ns;
}

/* Returns when the run had left. The clock is looked at only after what may have taken time. */
static int64_t work_run(struct stage *stage, struct worker *worker, size_t n, uint64_t ticket)
{
    const struct boom_stage_ops *ops = stage->options.ops;
    struct run_times times;
    int64_t joined_ns;

    for (size_t i = 0; i < n; i++)
        worker->items[i] = worker->entries[i].item;

    times.taken_ns = boom_now_ns();
    stage_set_doing(stage, worker, DOING_WORK, times.taken_ns);
    joined_ns = join_rest(stage, worker, n, times.taken_ns);
    times.worked_ns = run_op(ops->work, stage, worker, n, joined_ns);
    times.turn_ns = await_turn(stage, worker, ticket, times.worked_ns);
    times.left_ns = run_op(ops->leave, stage, worker, n, times.turn_ns);
    account_run(stage, worker, n, &times);
    if (stage->next) {
        stage_set_doing(stage, worker, DOING_SEND, times.left_ns);
        pass_on(stage->next, stage->ctx, worker->entries, n, times.left_ns);
    }
    turn_pass(&stage->turn, ticket);
    atomic_fetch_add_explicit(&worker->runs, 1, memory_order_relaxed);
    return times.left_ns;
}

/*
 * Idle since the last run left, or since its items could be passed on if that took time: the clock
 * of the kernel's ticks tells the two apart well enough.
 */
static void set_idle(struct stage *stage, struct worker *worker, int64_t left_ns)
{
    int64_t now_ns = coarse_now_ns();

    stage_set_doing(stage, worker, DOING_IDLE, now_ns > left_ns ? now_ns : left_ns);
}

/* True: the worker has retired. False: the stage has come to its end. */
static bool work_until_end(struct stage *stage, struct worker *worker)
{
    int64_t left_ns = boom_now_ns(), idle_until_ns;
    uint64_t ticket;
    size_t n;
    int r;

    for (;;) {
        set_idle(stage, worker, left_ns);
        idle_until_ns = crew_idle_deadline(&stage->crew);
        r = take_run(stage, worker, idle_until_ns, &n, &ticket);
        if (r == 0) {
            crew_busy(&stage->crew);
            left_ns = work_run(stage, worker, n, ticket);
            crew_idle(&stage->crew);
        } else if (r < 0) {
            stage_purge(stage);
            return false;
        } else if (r == BOOM_CHAN_CLOSED) {
            return false;
        } else if (crew_retire(&stage->crew, idle_until_ns)) {
            return true;
        }
    }
}

static int worker_begin(struct stage *stage, struct worker *worker)
{
    const struct boom_stage_options *options = &stage->options;

    worker->entries = calloc(options->run_max, sizeof(*worker->entries));
    worker->items = calloc(options->run_max, sizeof(*worker->items));
    worker->state = NULL;
    worker->task = boom_registry_self(stage->registry);
    if (!worker->entries || !worker->items)
        return -ENOMEM;
    return options->ops->worker_init ? options->ops->worker_init(options->arg, &worker->state) : 0;
}

static void worker_free_run(struct worker *worker)
{
    free(worker->items);
    free(worker->entries);
    worker->items = NULL;
    worker->entries = NULL;
}

static void leave_stage(struct stage *stage)
{
    if (!crew_leave(&stage->crew))
        return;
    if (stage->next)
        boom_chan_close(stage->next->queue);
    else
        pipeline_ended(stage->pipeline);
}

/* The life of a worker that has begun. */
static bool worker_live(struct stage *stage, struct worker *worker)
{
    const struct boom_stage_ops *ops = stage->options.ops;
    bool retired;

    atomic_store_explicit(&worker->runs, 0, memory_order_relaxed);
    stage_set_doing(stage, worker, DOING_IDLE, boom_now_ns());
    atomic_store_explicit(&worker->present, true, memory_order_release);
    retired = work_until_end(stage, worker);
    atomic_store_explicit(&worker->present, false, memory_order_release);
    if (ops->worker_deinit)
        ops->worker_deinit(stage->options.arg, worker->state);
    return retired;
}

static int worker_main(void *arg, struct crew_slot *slot)
{
    struct stage *stage = arg;
    struct worker *worker = &stage->workers[slot->index];
    bool initial = slot->initial, retired = false;
    int r = worker_begin(stage, worker);

    if (initial)
        pipeline_worker_began(stage->pipeline, r);
    else if (r < 0)
        crew_growth_failed(&stage->crew);
    if (r == 0)
        retired = worker_live(stage, worker);
    worker_free_run(worker);
    if (!retired)
        leave_stage(stage);
    return initial ? r : 0;
}

static bool is_valid(const struct boom_stage_options *options)
{
    return options->ops && options->queue > 0 && options->workers_min > 0 &&
           options->workers_max >= options->workers_min && options->linger_ns >= 0 &&
           options->interval_ns >= 0 && options->on_full <= BOOM_FULL_ASK &&
           (options->on_full != BOOM_FULL_ASK || options->choose_victim);
}

static int init_crew(struct stage *stage, struct boom_group *group)
{
    struct crew *crew = &stage->crew;

    snprintf(crew->name, sizeof(crew->name), "%.9s", stage->name);
    crew->min = stage->options.workers_min;
    crew->max = stage->options.workers_max;
    crew->group = group;
    crew->queue = stage->queue;
    crew->main = worker_main;
    crew->arg = stage;
    return crew_init(crew);
}

int stage_init(struct stage *stage, const struct boom_stage_options *options,
               struct boom_pipeline *pipeline, struct boom_group *group, struct stage *next)
{
    int r;

    if (!is_valid(options))
        return -EINVAL;
    turn_init(&stage->turn);
    pthread_mutex_init(&stage->intake, NULL);
    stage->options = *options;
    if (stage->options.run_max == 0)
        stage->options.run_max = 1;
    stage->gathers =
        stage->options.run_max > 1 &&
        (options->linger_ns > 0 || options->interval_ns > 0 || options->run_weight > 0);
    /* Long ago, so that the first run waits for nothing; not so long that sums overflow. */
    stage->gathered_ns = boom_now_ns() - options->interval_ns;
    stage->pipeline = pipeline;
    stage->ctx = boom_group_ctx(group);
    stage->registry = group_registry(group);
    stage->next = next;
    stage->name = strdup(options->name ? options->name : "stage");
    stage->workers = calloc(options->workers_max, sizeof(*stage->workers));
    if (!stage->name || !stage->workers)
        return -ENOMEM;
    r = boom_chan_new(sizeof(struct entry), options->queue, &stage->queue);
    if (r < 0)
        return r;
    if (options->choose_victim) {
        stage->asked = calloc(options->queue, sizeof(*stage->asked));
        if (!stage->asked)
            return -ENOMEM;
    }
    stage->queue->recent_first = true;
    stage->queue->entered = stage_entered;
    stage->queue->entered_arg = stage;
    return init_crew(stage, group);
}

void stage_deinit(struct stage *stage)
{
    if (!stage->pipeline)
        return;
    crew_deinit(&stage->crew);
    boom_chan_free(stage->queue);
    free(stage->asked);
    free(stage->workers);
    free(stage->name);
    pthread_mutex_destroy(&stage->intake);
    turn_deinit(&stage->turn);
    stage->pipeline = NULL;
}
