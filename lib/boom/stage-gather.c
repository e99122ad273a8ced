/* SPDX-License-Identifier: MIT */
/*
 * Runs that are put together from more than is there at once: up to a weight, or waiting for more.
 *
 * All of a run is gathered under the intake lock: nobody else takes from the queue meanwhile. So
 * what is done there is paid by every worker that wants a run, and join() is called there only in
 * the place of a wait:
 *
 *     take what is there ─▶ full? ─▶ join what is not joined yet ─▶ take what is there, or wait ─▶ …
 *                            └─▶ unlock; join the rest, beside who gathers the next run
 *
 * Joining may outlast the time for which the run was to wait. It then takes what came meanwhile,
 * joins nothing more under the lock, and is complete.
 */
#include "stage.h"

static size_t run_weight_of(const struct stage *stage, const struct entry *entry)
{
    const struct boom_stage_options *options = &stage->options;

    return options->run_weigh ? options->run_weigh(options->arg, entry->item) : entry->weight;
}

static size_t run_weight_of_all(const struct stage *stage, const struct entry *entries, size_t n)
{
    size_t weight = 0;

    for (size_t i = 0; i < n; i++)
        weight += run_weight_of(stage, &entries[i]);
    return weight;
}

/* Until when a run that is begun now waits for more; CHAN_NO_WAIT: it takes what is there. */
static int64_t gather_deadline(const struct stage *stage)
{
    const struct boom_stage_options *options = &stage->options;
    int64_t now_ns, linger_ns, interval_ns;

    if (options->linger_ns == 0 && options->interval_ns == 0)
        return CHAN_NO_WAIT;
    now_ns = boom_now_ns();
    linger_ns = now_ns + options->linger_ns;
    interval_ns = stage->gathered_ns + options->interval_ns;
    if (interval_ns > linger_ns)
        return interval_ns;
    return linger_ns > now_ns ? linger_ns : CHAN_NO_WAIT;
}

void stage_join(struct stage *stage, struct worker *worker, size_t n)
{
    const struct boom_stage_options *options = &stage->options;

    for (; worker->n_joined < n; worker->n_joined++)
        options->ops->join(options->arg, worker->state, worker->entries[worker->n_joined].item);
}

/* Instead of a wait that would begin now. Returns when it was over. */
static int64_t join_meanwhile(struct stage *stage, struct worker *worker, size_t n)
{
    int64_t begin_ns = boom_now_ns(), end_ns;

    stage_set_doing(stage, worker, DOING_WORK, begin_ns);
    stage_join(stage, worker, n);
    end_ns = boom_now_ns();
    stage_set_doing(stage, worker, DOING_IDLE, end_ns);
    worker->joined_ns += end_ns - begin_ns;
    return end_ns;
}

/* More entries for a run of n. Returns as chan_take(). */
static int take_more(struct stage *stage, struct worker *worker, size_t n, int64_t until_ns,
                     size_t *ret_more)
{
    size_t max = stage->options.run_weight > 0 ? 1 : stage->options.run_max - n;
    uint64_t ticket;

    return chan_take(stage->queue, stage->ctx, until_ns, worker->entries + n, max, ret_more,
                     &ticket);
}

/* As take_more(), but joins what is there before it waits; and does not wait if that took so long. */
static int gather_next(struct stage *stage, struct worker *worker, size_t n, int64_t *until_ns,
                       size_t *ret_more)
{
    int r;

    if (stage->options.ops->join && *until_ns != CHAN_NO_WAIT && worker->n_joined < n) {
        r = take_more(stage, worker, n, CHAN_NO_WAIT, ret_more);
        if (r != BOOM_CHAN_EMPTY)
            return r;
        if (join_meanwhile(stage, worker, n) >= *until_ns)
            *until_ns = CHAN_NO_WAIT;
    }
    return take_more(stage, worker, n, *until_ns, ret_more);
}

/*
 * Adds to the one entry that is there; returns how many there are then. Whatever ended the intake is
 * found again by the next run.
 */
static size_t gather_more(struct stage *stage, struct worker *worker)
{
    const struct boom_stage_options *options = &stage->options;
    size_t weight_max = options->run_weight > 0 ? options->run_weight : SIZE_MAX;
    size_t weight = run_weight_of(stage, worker->entries), n = 1, more;
    int64_t until_ns = gather_deadline(stage);

    while (n < options->run_max && weight < weight_max &&
           gather_next(stage, worker, n, &until_ns, &more) == 0) {
        weight += run_weight_of_all(stage, worker->entries + n, more);
        n += more;
    }
    return n;
}

int stage_gather(struct stage *stage, struct worker *worker, int64_t idle_until_ns, size_t *ret_n,
                 uint64_t *ret_ticket)
{
    int r;

    boom_lock(&stage->intake);
    r = chan_take(stage->queue, stage->ctx, idle_until_ns, worker->entries, 1, ret_n, ret_ticket);
    if (r == 0) {
        *ret_n = gather_more(stage, worker);
        if (stage->options.interval_ns > 0)
            stage->gathered_ns = boom_now_ns();
        *ret_ticket = stage->n_gathered++;
    }
    boom_unlock(&stage->intake);
    return r;
}
