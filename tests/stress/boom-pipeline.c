/* SPDX-License-Identifier: MIT */
/*
 * Rounds of a pipeline of random shape under a storm of submitters, while another thread reads the
 * ledger all the time, ended by a drain or a cancellation. Afterwards: every item was consumed or
 * dropped exactly once, the counters say the same, and what was consumed of any one submitter was
 * in its order. Where a stage joins, each run is what its worker has joined just before.
 */
#include <boom/pipeline.h>

#include "stress/stress.h"

enum { MAX_STAGES = 3, N_SUBMITTERS = 3, PER_SUBMITTER = 1500, RUN_MAX = 5 };

struct item {
    unsigned submitter, number;
    enum boom_full_policy policy;
    size_t weight;
    atomic_uint n_ends; /* consumed or dropped */
};

struct round {
    struct boom_pipeline *p;
    struct boom_ctx *ctx;
    size_t n_stages;
    struct item items[N_SUBMITTERS][PER_SUBMITTER];
    atomic_uint n_accepted, n_consumed, n_dropped;
    atomic_uint n_submitting;
    atomic_bool over;
    int64_t last[N_SUBMITTERS]; /* by leave, which is never run twice at once */
};

/* A worker's: what it has joined, and not worked on. */
struct hand {
    void *items[RUN_MAX];
    size_t n;
};

struct submitter {
    struct round *round;
    unsigned index;
    struct random random;
};

static void end_item(struct item *item)
{
    CHECK(atomic_fetch_add(&item->n_ends, 1) == 0);
}

static int make_hand(void *stage, void **ret_worker)
{
    *ret_worker = calloc(1, sizeof(struct hand));
    return *ret_worker ? 0 : -ENOMEM;
}

static void free_hand(void *stage, void *worker)
{
    CHECK(((struct hand *)worker)->n == 0);
    free(worker);
}

static void spend_time(const struct item *item)
{
    volatile unsigned spin = 0;

    for (unsigned left = (item->number * 2654435761u >> 8) % 2000; left > 0; left--)
        spin++;
}

static void join(void *stage, void *worker, void *item)
{
    struct hand *hand = worker;

    CHECK(hand->n < RUN_MAX);
    hand->items[hand->n++] = item;
    spend_time(item);
}

static void work(void *stage, void *worker, void **items, size_t n)
{
    for (size_t i = 0; i < n; i++)
        spend_time(items[i]);
}

static void work_on_joined(void *stage, void *worker, void **items, size_t n)
{
    struct hand *hand = worker;

    CHECK(hand->n == n && memcmp(hand->items, items, n * sizeof(*items)) == 0);
    hand->n = 0;
    work(stage, worker, items, n);
}

static void consume(void *stage, void *worker, void **items, size_t n)
{
    struct round *round = stage;

    for (size_t i = 0; i < n; i++) {
        struct item *item = items[i];

        CHECK((int64_t)item->number > round->last[item->submitter]);
        round->last[item->submitter] = item->number;
        end_item(item);
        atomic_fetch_add(&round->n_consumed, 1);
    }
}

static void drop(void *stage, void *item, enum boom_drop_reason reason)
{
    struct round *round = stage;

    end_item(item);
    atomic_fetch_add(&round->n_dropped, 1);
}

static enum boom_full_policy policy_of(void *stage, const void *item)
{
    return ((const struct item *)item)->policy;
}

/* The newcomer now and then; all that are offered may go. */
static size_t choose_victim(void *stage, const void *const *queued, size_t n_queued,
                            const void *newcomer)
{
    CHECK(n_queued > 0);
    for (size_t i = 0; i < n_queued; i++)
        CHECK(((const struct item *)queued[i])->policy != BOOM_FULL_BLOCK);
    return ((const struct item *)newcomer)->number % (n_queued + 1);
}

static size_t weigh(void *stage, const void *item)
{
    return ((const struct item *)item)->weight;
}

/* Of a stage that is (1) or is not (0) the last, and that does or does not join. */
static const struct boom_stage_ops stage_ops[2][2] = {
    {
        {.work = work, .drop = drop},
        {
            .worker_init = make_hand,
            .worker_deinit = free_hand,
            .work = work_on_joined,
            .drop = drop,
            .join = join,
        },
    },
    {
        {.work = work, .leave = consume, .drop = drop},
        {
            .worker_init = make_hand,
            .worker_deinit = free_hand,
            .work = work_on_joined,
            .leave = consume,
            .drop = drop,
            .join = join,
        },
    },
};

static struct boom_stage_options random_stage(struct round *round, bool last, struct random *random)
{
    struct boom_stage_options options = BOOM_STAGE_OPTIONS_DEFAULT;

    options.ops = &stage_ops[last][random_below(random, 2)];
    options.arg = round;
    options.queue = 1 + random_below(random, 20);
    options.workers_min = 1 + (unsigned)random_below(random, 3);
    options.workers_max = options.workers_min + (unsigned)random_below(random, 3);
    options.run_max = random_below(random, RUN_MAX + 1);
    options.run_weight = random_below(random, 3) == 0 ? 1 + random_below(random, 20) : 0;
    options.linger_ns = random_below(random, 3) == 0 ? (int64_t)random_below(random, 300000) : 0;
    options.interval_ns = random_below(random, 3) == 0 ? (int64_t)random_below(random, 300000) : 0;
    options.weigh = weigh;
    options.policy = policy_of;
    options.choose_victim = choose_victim;
    return options;
}

static bool submit_item(struct submitter *submitter, struct item *item)
{
    struct round *round = submitter->round;
    int r;

    if (random_below(&submitter->random, 2) == 0)
        r = boom_pipeline_submit(round->p, NULL, item);
    else
        r = boom_pipeline_try_submit(round->p, item);
    CHECK(r == 0 || r == -EPIPE || (r == BOOM_CHAN_FULL && item->policy == BOOM_FULL_BLOCK));
    if (r == 0)
        atomic_fetch_add(&round->n_accepted, 1);
    else
        end_item(item); /* it stayed ours: nobody else may end it */
    return r != -EPIPE;
}

static void *submitter_main(void *arg)
{
    struct submitter *submitter = arg;
    struct round *round = submitter->round;

    for (unsigned i = 0; i < PER_SUBMITTER; i++) {
        struct item *item = &round->items[submitter->index][i];

        item->submitter = submitter->index;
        item->number = i;
        item->policy = (enum boom_full_policy)random_below(&submitter->random, 4);
        item->weight = random_below(&submitter->random, 10);
        if (!submit_item(submitter, item))
            break;
        random_yield(&submitter->random);
    }
    atomic_fetch_sub(&round->n_submitting, 1);
    return NULL;
}

static uint64_t sum(const uint64_t *dropped)
{
    return dropped[0] + dropped[1];
}

static void check_law(const struct boom_stage_stats *stats)
{
    CHECK(stats->items_in == stats->items_out + sum(stats->items_dropped) + stats->items_in_flight);
    CHECK(stats->in == stats->out + sum(stats->dropped) + stats->in_flight);
    CHECK(stats->items_in_flight >= stats->queue.length);
    CHECK(stats->items_in_flight < 100000 && stats->in_flight < 1000000);
}

static void check_ledger(struct round *round)
{
    struct boom_stage_stats stats[MAX_STAGES];
    uint64_t elsewhere = 0;
    size_t n = round->n_stages;

    boom_pipeline_get_all_stats(round->p, stats);
    for (size_t i = 0; i < n; i++) {
        check_law(&stats[i]);
        CHECK(i == 0 ||
              (stats[i].in == stats[i - 1].out && stats[i].items_in == stats[i - 1].items_out));
        elsewhere += sum(stats[i].dropped) + stats[i].in_flight;
    }
    CHECK(stats[0].in == stats[n - 1].out + elsewhere);
}

static void *reader_main(void *arg)
{
    struct round *round = arg;
    struct boom_stage_stats stats;

    while (!atomic_load(&round->over)) {
        check_ledger(round);
        for (size_t i = 0; i < round->n_stages; i++) {
            boom_pipeline_get_stats(round->p, i, &stats);
            check_law(&stats);
        }
        sched_yield();
    }
    return NULL;
}

static void check_round(struct round *round)
{
    struct boom_stage_stats stats[MAX_STAGES];

    check_ledger(round);
    boom_pipeline_get_all_stats(round->p, stats);
    for (size_t i = 0; i < round->n_stages; i++)
        CHECK(stats[i].items_in_flight == 0 && stats[i].in_flight == 0 && stats[i].workers == 0);
    CHECK(stats[0].items_in == round->n_accepted);
    CHECK(stats[round->n_stages - 1].items_out == round->n_consumed);
    CHECK(round->n_accepted == round->n_consumed + round->n_dropped);
}

/* One way to end in three: when all is submitted, in the middle by drain, or by cancellation. */
static void end_round(struct round *round, struct random *random)
{
    unsigned way = (unsigned)random_below(random, 4), n = (unsigned)random_below(random, 2000);
    struct boom_ctx *drain_ctx;
    int r;

    while (atomic_load(&round->n_submitting) > 0 && (way == 0 || round->n_accepted < n))
        sched_yield();
    if (way == 1)
        boom_ctx_cancel(round->ctx, -EIO);
    CHECK(boom_ctx_with_deadline(
              NULL, way == 2 ? boom_now_ns() + (int64_t)random_below(random, 1000000) : BOOM_NEVER,
              &drain_ctx) == 0);
    r = boom_pipeline_drain(round->p, drain_ctx);
    CHECK(r == 0 || (way == 2 && r == -ETIMEDOUT));
    boom_ctx_unref(drain_ctx);
}

static void play_round(void *arg, struct random *random)
{
    struct round *round = arg;
    struct boom_stage_options stages[MAX_STAGES];
    struct submitter submitters[N_SUBMITTERS];
    pthread_t threads[N_SUBMITTERS], reader;

    memset(round, 0, sizeof(*round));
    memset(round->last, -1, sizeof(round->last));
    round->n_stages = 1 + random_below(random, MAX_STAGES);
    for (size_t i = 0; i < round->n_stages; i++)
        stages[i] = random_stage(round, i + 1 == round->n_stages, random);
    CHECK(boom_ctx_with_cancel(NULL, &round->ctx) == 0);
    CHECK(boom_pipeline_start(round->ctx, stages, round->n_stages, &round->p) == 0);
    round->n_submitting = N_SUBMITTERS;
    reader = stress_thread(reader_main, round);
    for (unsigned i = 0; i < N_SUBMITTERS; i++) {
        submitters[i] = (struct submitter){round, i, {random_next(random)}};
        threads[i] = stress_thread(submitter_main, &submitters[i]);
    }
    end_round(round, random);
    stress_join(threads, N_SUBMITTERS);
    atomic_store(&round->over, true);
    pthread_join(reader, NULL);
    check_round(round);
    boom_pipeline_free(round->p);
    boom_ctx_unref(round->ctx);
}

int main(void)
{
    static struct round round;

    return stress_run("boom-pipeline", play_round, &round);
}
