/* SPDX-License-Identifier: MIT */
/*
 * The search of Wing and Gong: depth first, one operation after another is given its moment.
 *
 * Next may be any operation that was called before all of those still to come returned, and whose
 * result the model gives in its present state. States that led nowhere are remembered. A state is the
 * set of operations that are behind us, and what the queue holds; whether it is closed or cancelled
 * follows from the set. The memory is a cache: what falls out of it is searched again.
 *
 * The model, with a capacity of 1 or more:
 *
 *     send       0: open and not full, adds        -EPIPE: closed        FULL (try): open and full
 *     receive    0: takes the oldest, also when closed                   CLOSED: closed and empty
 *                EMPTY (try): open and empty
 *     close      0: open, closes                   -EALREADY: closed
 *     send, receive    -ECANCELED: the context is cancelled (one that was waiting then may still
 *                      succeed later: its peer can have come before the news)
 *
 * A rendezvous (capacity 0) is one moment for two: a send succeeds only together with a receive of
 * its value, both being under way at that moment, and the channel open. At least one of them must
 * be of the kind that waits, for two that do not wait cannot meet. Whether a call has begun to wait
 * cannot be seen from outside, so FULL and EMPTY say no more than that the channel is open. This is
 * sound: it is what the channel does under its lock, and it refuses nothing that it may do.
 */
#include "stress/linear.h"

#include <errno.h>
#include <string.h>
#include <boom/chan.h>

enum { N_DEAD_ENDS = 4096, BITS_OF_VALUE = 5 };

struct state {
    uint32_t done; /* bit i: operation i is behind us */
    bool closed, cancelled;
    size_t length;
    uint32_t queue[LINEAR_MAX_CAPACITY]; /* oldest first */
};

struct search {
    const struct linear_history *history;
    uint64_t dead_ends[N_DEAD_ENDS]; /* keys of states; 0: none (the first state has no key) */
};

static bool search_on(struct search *search, const struct state *state);

static bool is_send(const struct linear_op *op)
{
    return op->kind == LINEAR_SEND || op->kind == LINEAR_TRY_SEND;
}

static bool is_recv(const struct linear_op *op)
{
    return op->kind == LINEAR_RECV || op->kind == LINEAR_TRY_RECV;
}

static bool waits(const struct linear_op *op)
{
    return op->kind == LINEAR_SEND || op->kind == LINEAR_RECV;
}

static bool add(struct state *state, size_t capacity, uint32_t value)
{
    if (state->closed || state->length == capacity)
        return false;
    state->queue[state->length++] = value;
    return true;
}

static bool take(struct state *state, uint32_t value)
{
    if (state->length == 0 || state->queue[0] != value)
        return false;
    state->length--;
    memmove(state->queue, state->queue + 1, state->length * sizeof(state->queue[0]));
    return true;
}

/* Success of a rendezvous is a matter for two: see meet(). */
static bool step_send(struct state *state, size_t capacity, const struct linear_op *op)
{
    switch (op->result) {
    case 0:
        return add(state, capacity, op->value);
    case -EPIPE:
        return state->closed;
    case BOOM_CHAN_FULL:
        return !waits(op) && !state->closed && state->length == capacity;
    case -ECANCELED:
        return waits(op) && state->cancelled;
    default:
        return false;
    }
}

static bool step_recv(struct state *state, const struct linear_op *op)
{
    switch (op->result) {
    case 0:
        return take(state, op->value);
    case BOOM_CHAN_CLOSED:
        return state->closed && state->length == 0;
    case BOOM_CHAN_EMPTY:
        return !waits(op) && !state->closed && state->length == 0;
    case -ECANCELED:
        return waits(op) && state->cancelled;
    default:
        return false;
    }
}

static bool step_close(struct state *state, const struct linear_op *op)
{
    bool was_closed = state->closed;

    state->closed = true;
    return op->result == (was_closed ? -EALREADY : 0);
}

static bool step(struct state *state, size_t capacity, const struct linear_op *op)
{
    if (is_send(op))
        return step_send(state, capacity, op);
    if (is_recv(op))
        return step_recv(state, op);
    if (op->kind == LINEAR_CLOSE)
        return step_close(state, op);
    state->cancelled = true;
    return op->result == 0;
}

/* May a send and a receive be one moment? */
static bool meet(const struct state *state, const struct linear_op *a, const struct linear_op *b)
{
    return !state->closed && is_send(a) && is_recv(b) && (waits(a) || waits(b)) && a->result == 0 &&
           b->result == 0 && a->value == b->value;
}

static bool is_done(const struct state *state, size_t i)
{
    return state->done >> i & 1;
}

/* The operations that may be next: a set, as state->done. */
static uint32_t find_candidates(const struct linear_history *history, const struct state *state)
{
    uint64_t first_return = UINT64_MAX;
    uint32_t candidates = 0;

    for (size_t i = 0; i < history->n_ops; i++)
        if (!is_done(state, i) && history->ops[i].returned < first_return)
            first_return = history->ops[i].returned;
    for (size_t i = 0; i < history->n_ops; i++)
        if (!is_done(state, i) && history->ops[i].called < first_return)
            candidates |= 1U << i;
    return candidates;
}

static bool try_alone(struct search *search, const struct state *state, size_t i)
{
    struct state next = *state;

    next.done |= 1U << i;
    return step(&next, search->history->capacity, &search->history->ops[i]) &&
           search_on(search, &next);
}

static bool try_together(struct search *search, const struct state *state, size_t i, size_t k)
{
    struct state next = *state;

    next.done |= 1U << i | 1U << k;
    return meet(state, &search->history->ops[i], &search->history->ops[k]) &&
           search_on(search, &next);
}

static bool try_candidate(struct search *search, const struct state *state, uint32_t candidates,
                          size_t i)
{
    if (try_alone(search, state, i))
        return true;
    if (search->history->capacity > 0)
        return false;
    for (size_t k = 0; k < search->history->n_ops; k++)
        if ((candidates >> k & 1) && try_together(search, state, i, k))
            return true;
    return false;
}

static uint64_t key_of(const struct state *state)
{
    uint64_t queue = 1; /* leads, so that the length is part of it */

    for (size_t i = 0; i < state->length; i++)
        queue = queue << BITS_OF_VALUE | state->queue[i];
    return queue << LINEAR_MAX_OPS | state->done;
}

static uint64_t *place_of(struct search *search, uint64_t key)
{
    return &search->dead_ends[(key * 0x9e3779b97f4a7c15) >> 32 & (N_DEAD_ENDS - 1)];
}

/* True: the operations that are still to come can be put in order. */
static bool search_on(struct search *search, const struct state *state)
{
    const struct linear_history *history = search->history;
    uint64_t key = key_of(state);
    uint32_t candidates;

    if (state->done == (1U << history->n_ops) - 1)
        return true;
    if (*place_of(search, key) == key)
        return false;
    candidates = find_candidates(history, state);
    for (size_t i = 0; i < history->n_ops; i++)
        if ((candidates >> i & 1) && try_candidate(search, state, candidates, i))
            return true;
    *place_of(search, key) = key;
    return false;
}

bool linear_check(const struct linear_history *history)
{
    struct search search = {.history = history};

    return search_on(&search, &(struct state){.done = 0});
}

static const char *const kind_names[] = {
    [LINEAR_SEND] = "send",         [LINEAR_TRY_SEND] = "try_send", [LINEAR_RECV] = "recv",
    [LINEAR_TRY_RECV] = "try_recv", [LINEAR_CLOSE] = "close",       [LINEAR_CANCEL] = "cancel",
};

static const char *result_name(int result)
{
    switch (result) {
    case 0:
        return "0";
    case BOOM_CHAN_CLOSED:
        return "CLOSED";
    case BOOM_CHAN_FULL:
        return "FULL";
    case BOOM_CHAN_EMPTY:
        return "EMPTY";
    default:
        return strerrorname_np(-result);
    }
}

static void print_op(const struct linear_op *op, FILE *to)
{
    fprintf(to, "%4llu ..%4llu  thread %u  %s", (unsigned long long)op->called,
            (unsigned long long)op->returned, op->thread, kind_names[op->kind]);
    if (is_send(op) || (is_recv(op) && op->result == 0))
        fprintf(to, " %u", op->value);
    fprintf(to, " = %s\n", result_name(op->result));
}

/* The operation that was called first after the stamp; NULL: none was. */
static const struct linear_op *find_next_call(const struct linear_history *history, uint64_t after)
{
    const struct linear_op *next = NULL;

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct linear_op *op = &history->ops[i];

        if (op->called > after && (!next || op->called < next->called))
            next = op;
    }
    return next;
}

void linear_print(const struct linear_history *history, FILE *to)
{
    const struct linear_op *op = NULL;

    fprintf(to, "capacity %zu\n", history->capacity);
    while ((op = find_next_call(history, op ? op->called : 0)))
        print_op(op, to);
}
