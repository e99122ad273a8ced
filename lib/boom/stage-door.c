/* SPDX-License-Identifier: MIT */
#include "stage.h"

static struct entry make_entry(struct stage *stage, void *item, size_t weight_before,
                               int64_t now_ns)
{
    const struct boom_stage_options *options = &stage->options;

    return (struct entry){
        .item = item,
        .weight = options->weigh ? options->weigh(options->arg, item) : 1,
        .weight_before = weight_before,
        .entered_ns = now_ns,
    };
}

static enum boom_full_policy policy_for(const struct stage *stage, const void *item)
{
    const struct boom_stage_options *options = &stage->options;

    return options->policy ? options->policy(options->arg, item) : options->on_full;
}

static void tally_add(struct tally *tally, size_t weight)
{
    tally->items++;
    tally->weight += weight;
}

static void count_in_locked(struct stage *stage, const struct entry *entry)
{
    tally_add(&stage->in, entry->weight);
    tally_add(&stage->before_out, entry->weight_before);
}

void stage_entered(void *stage, void *entry, bool late)
{
    struct entry *entered = entry;

    count_in_locked(stage, entered);
    if (late)
        entered->entered_ns = boom_now_ns();
}

/* Without locks; the drop has been counted. */
static void drop(struct stage *stage, void *item, enum boom_drop_reason reason)
{
    const struct boom_stage_options *options = &stage->options;

    if (options->ops->drop)
        options->ops->drop(options->arg, item, reason);
}

static bool may_be_evicted(void *stage, const void *entry)
{
    return policy_for(stage, ((const struct entry *)entry)->item) != BOOM_FULL_BLOCK;
}

/* For a walk over the queue that evicts nothing. */
static bool note_candidate(void *arg, const void *entry)
{
    struct stage *stage = arg;

    if (may_be_evicted(stage, entry))
        stage->asked[stage->n_asked++] = ((const struct entry *)entry)->item;
    return false;
}

struct choice {
    struct stage *stage;
    size_t index; /* of the victim among the candidates that are still to come */
};

static bool is_chosen(void *arg, const void *entry)
{
    struct choice *choice = arg;

    return may_be_evicted(choice->stage, entry) && choice->index-- == 0;
}

/* Has one chosen among those that may go and newcomer. False: there is none, or it is newcomer. */
static bool evict_chosen_locked(struct stage *stage, const void *newcomer, struct entry *ret_loser)
{
    const struct boom_stage_options *options = &stage->options;
    struct choice choice = {.stage = stage};

    if (!options->choose_victim)
        return false;
    stage->n_asked = 0;
    chan_evict_locked(stage->queue, note_candidate, stage, ret_loser);
    if (stage->n_asked == 0)
        return false;
    choice.index = options->choose_victim(options->arg, stage->asked, stage->n_asked, newcomer);
    return choice.index < stage->n_asked &&
           chan_evict_locked(stage->queue, is_chosen, &choice, ret_loser);
}

/* True: one has left the queue by policy. */
static bool evict_locked(struct stage *stage, enum boom_full_policy policy, const void *newcomer,
                         struct entry *ret_loser)
{
    switch (policy) {
    case BOOM_FULL_DROP_OLDEST:
        return chan_evict_locked(stage->queue, may_be_evicted, stage, ret_loser);
    case BOOM_FULL_ASK:
        return evict_chosen_locked(stage, newcomer, ret_loser);
    default:
        return false;
    }
}

/* The queue is full: entry gets in for an older one, or is itself the one that is dropped. */
static struct entry displace_locked(struct stage *stage, const struct entry *entry,
                                    enum boom_full_policy policy, struct waiter **chain)
{
    struct entry loser;

    if (evict_locked(stage, policy, entry->item, &loser)) {
        chan_send_locked(stage->queue, entry, chain);
    } else {
        loser = *entry;
        count_in_locked(stage, entry);
    }
    tally_add(&stage->dropped[BOOM_DROP_QUEUE_FULL], loser.weight);
    return loser;
}

static int enter_or_drop(struct stage *stage, const struct entry *entry,
                         enum boom_full_policy policy)
{
    struct waiter *chain = NULL;
    struct entry loser;
    int r;

    chan_lock(stage->queue);
    r = chan_send_locked(stage->queue, entry, &chain);
    if (r == BOOM_CHAN_FULL)
        loser = displace_locked(stage, entry, policy, &chain);
    chan_unlock(stage->queue, chain);
    if (r != BOOM_CHAN_FULL)
        return r;
    drop(stage, loser.item, BOOM_DROP_QUEUE_FULL);
    return 0;
}

int stage_enter(struct stage *stage, struct boom_ctx *ctx, void *item, size_t weight_before,
                int64_t now_ns)
{
    struct entry entry = make_entry(stage, item, weight_before, now_ns);
    enum boom_full_policy policy = policy_for(stage, item);
    int r;

    if (policy == BOOM_FULL_BLOCK)
        r = boom_chan_send(stage->queue, ctx, &entry);
    else
        r = enter_or_drop(stage, &entry, policy);
    if (r == 0)
        crew_grow(&stage->crew);
    return r;
}

int stage_try_enter(struct stage *stage, void *item)
{
    struct entry entry = make_entry(stage, item, 0, boom_now_ns());
    enum boom_full_policy policy = policy_for(stage, item);
    int r;

    if (policy == BOOM_FULL_BLOCK)
        r = boom_chan_try_send(stage->queue, &entry);
    else
        r = enter_or_drop(stage, &entry, policy);
    if (r == 0)
        crew_grow(&stage->crew);
    return r;
}

void stage_refuse(struct stage *stage, void *item, size_t weight_before)
{
    struct entry entry = make_entry(stage, item, weight_before, 0);

    chan_lock(stage->queue);
    count_in_locked(stage, &entry);
    tally_add(&stage->dropped[BOOM_DROP_CANCELLED], entry.weight);
    chan_unlock(stage->queue, NULL);
    drop(stage, item, BOOM_DROP_CANCELLED);
}

static bool take_to_drop(struct stage *stage, struct entry *ret_entry)
{
    struct waiter *chain = NULL;
    bool taken;

    chan_lock(stage->queue);
    /* Another worker may still take a run, whose turn must not wait for what is dropped. */
    taken = chan_purge_locked(stage->queue, ret_entry, &chain) == 0;
    if (taken)
        tally_add(&stage->dropped[BOOM_DROP_CANCELLED], ret_entry->weight);
    chan_unlock(stage->queue, chain);
    return taken;
}

void stage_purge(struct stage *stage)
{
    struct entry entry;

    boom_chan_close(stage->queue);
    while (take_to_drop(stage, &entry))
        drop(stage, entry.item, BOOM_DROP_CANCELLED);
}
