/* SPDX-License-Identifier: MIT */
/*
 * sort keeps the first tuples of all that came, in a heap that has the last of them on top: as many
 * as a limit behind it wants, or as there is memory for. What falls out for want of memory is
 * counted. Equal ones stay in the order in which they came.
 */
#include "store/query/pipe_stage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A tuple's copy, in one allocation: what it is sorted by, and the row or its cells. */
struct sorted {
    size_t bytes;
    uint64_t sequence;
    struct query_cell *keys;
    struct query_cell *cells; /* NULL: row */
    struct store_row row;
};

static int compare(const struct pipe *pipe, const struct sorted *a, const struct sorted *b)
{
    for (size_t i = 0; i < pipe->n_operands; i++) {
        int r = cell_compare(&a->keys[i], &b->keys[i]);
        /* Those that have no value are last either way. */
        bool turned = pipe->operands[i].descending && !a->keys[i].is_null && !b->keys[i].is_null;
        if (r != 0)
            return turned ? -r : r;
    }
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

static const size_t row_texts[] = {
    offsetof(struct store_row, host),         offsetof(struct store_row, app),
    offsetof(struct store_row, procid),       offsetof(struct store_row, msgid),
    offsetof(struct store_row, sd),           offsetof(struct store_row, message),
    offsetof(struct store_row, input),        offsetof(struct store_row, place.city),
    offsetof(struct store_row, place.region), offsetof(struct store_row, place.org),
};

static struct text *row_text(struct store_row *row, size_t i)
{
    return (struct text *)(void *)((char *)row + row_texts[i]);
}

#define N_ROW_TEXTS (sizeof(row_texts) / sizeof(row_texts[0]))

static size_t row_bytes(const struct store_row *row)
{
    struct store_row copy = *row;
    size_t bytes = 0;
    for (size_t i = 0; i < N_ROW_TEXTS; i++)
        bytes += row_text(&copy, i)->len;
    return bytes;
}

static void copy_row(const struct store_row *row, struct sorted *sorted, char *at)
{
    sorted->row = *row;
    for (size_t i = 0; i < N_ROW_TEXTS; i++) {
        struct text *text = row_text(&sorted->row, i);
        if (text->len == 0)
            continue;
        memcpy(at, text->data, text->len);
        text->data = at;
        at += text->len;
    }
}

static size_t texts_bytes(const struct query_cell *cells, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += cell_text_len(&cells[i]);
    return bytes;
}

static struct sorted *copy_tuple(const struct stage *stage, const struct tuple *tuple,
                                 const struct query_cell *keys)
{
    size_t n_keys = stage->pipe->n_operands;
    size_t n_cells = tuple->cells == NULL ? 0 : stage->pipe->n_columns;
    size_t bytes = sizeof(struct sorted) + (n_keys + n_cells) * sizeof(*keys) +
                   texts_bytes(keys, n_keys) + texts_bytes(tuple->cells, n_cells) +
                   (tuple->row == NULL ? 0 : row_bytes(tuple->row));
    struct sorted *sorted = malloc(bytes);
    if (sorted == NULL)
        return NULL;
    *sorted = (struct sorted){.bytes = bytes, .keys = (void *)(sorted + 1)};
    char *at = (char *)(sorted->keys + n_keys + n_cells);
    for (size_t i = 0; i < n_keys; i++)
        at = cell_copy(&keys[i], &sorted->keys[i], at);
    if (tuple->row != NULL) {
        copy_row(tuple->row, sorted, at);
        return sorted;
    }
    sorted->cells = sorted->keys + n_keys;
    for (size_t i = 0; i < n_cells; i++)
        at = cell_copy(&tuple->cells[i], &sorted->cells[i], at);
    return sorted;
}

static void swap(struct sorted **a, struct sorted **b)
{
    struct sorted *c = *a;
    *a = *b;
    *b = c;
}

static void sift_up(const struct pipe *pipe, struct sorted **heap, size_t at)
{
    for (size_t up; at > 0 && compare(pipe, heap[at], heap[up = (at - 1) / 2]) > 0; at = up)
        swap(&heap[at], &heap[up]);
}

static void sift_down(const struct pipe *pipe, struct sorted **heap, size_t n, size_t at)
{
    for (size_t down; (down = 2 * at + 1) < n; at = down) {
        if (down + 1 < n && compare(pipe, heap[down + 1], heap[down]) > 0)
            down++;
        if (compare(pipe, heap[down], heap[at]) <= 0)
            break;
        swap(&heap[down], &heap[at]);
    }
}

static void pop(struct stage *stage)
{
    struct sorter *sorter = &stage->sorter;
    struct sorted *last = sorter->heap[0];
    sorter->heap[0] = sorter->heap[--sorter->n];
    sift_down(stage->pipe, sorter->heap, sorter->n, 0);
    budget_give(&stage->sink->budget, last->bytes);
    free(last);
}

/* Room in the heap for one more. Returns false when there is no memory. */
static bool grow(struct stage *stage)
{
    struct sorter *sorter = &stage->sorter;
    if (sorter->n < sorter->room)
        return true;
    size_t room = sorter->room == 0 ? 64 : sorter->room * 2;
    size_t more = (room - sorter->room) * sizeof(*sorter->heap);
    if (!budget_take(&stage->sink->budget, more))
        return false;
    struct sorted **heap = realloc(sorter->heap, room * sizeof(*heap));
    if (heap == NULL) {
        budget_give(&stage->sink->budget, more);
        return false;
    }
    sorter->heap = heap;
    sorter->room = room;
    return true;
}

/* Makes room for a tuple by dropping those that come last, as long as they come behind it. Returns
 * false when it comes last itself. */
static bool make_room(struct stage *stage, const struct sorted *sorted)
{
    struct sorter *sorter = &stage->sorter;
    struct budget *budget = &stage->sink->budget;
    bool charged = false;
    while (sorter->n == sorter->most || !(charged = budget_take(budget, sorted->bytes)) ||
           !grow(stage)) {
        bool is_full = sorter->n == sorter->most;
        if (charged)
            budget_give(budget, sorted->bytes);
        stage->sink->notes.rows_unsorted += !is_full;
        if (sorter->n == 0 || compare(stage->pipe, sorted, sorter->heap[0]) > 0)
            return false;
        pop(stage);
        charged = false;
    }
    return true;
}

static int sort_push(struct stage *stage, const struct tuple *tuple)
{
    const struct pipe *pipe = stage->pipe;
    struct sorter *sorter = &stage->sorter;
    struct query_cell keys[PIPE_MAX_OPERANDS + 1];
    for (size_t i = 0; i < pipe->n_operands; i++) {
        int r = operand_cell(&pipe->operands[i], tuple, &stage->scratch[i], &keys[i]);
        if (r < 0)
            return r;
    }
    struct sorted probe = {.keys = keys, .sequence = sorter->n_pushed++};
    if (sorter->n == sorter->most && compare(pipe, &probe, sorter->heap[0]) > 0)
        return 0;
    struct sorted *sorted = copy_tuple(stage, tuple, keys);
    if (sorted == NULL)
        return -ENOMEM;
    sorted->sequence = probe.sequence;
    if (!make_room(stage, sorted)) {
        free(sorted);
        return 0;
    }
    sorter->heap[sorter->n++] = sorted;
    sift_up(pipe, sorter->heap, sorter->n - 1);
    return 0;
}

static int compare_sorted(const void *a, const void *b, void *pipe)
{
    return compare(pipe, *(struct sorted *const *)a, *(struct sorted *const *)b);
}

static int sort_end(struct stage *stage)
{
    struct sorter *sorter = &stage->sorter;
    int r = 0;
    if (sorter->n > 0)
        qsort_r(sorter->heap, sorter->n, sizeof(*sorter->heap), compare_sorted,
                (void *)stage->pipe);
    for (size_t i = 0; r == 0 && i < sorter->n; i++) {
        const struct sorted *sorted = sorter->heap[i];
        struct tuple tuple = {.row = sorted->cells == NULL ? &sorted->row : NULL,
                              .cells = sorted->cells,
                              .n = 1,
                              .sequence = i};
        r = stage_push(stage->next, &tuple);
    }
    return r;
}

static void sort_deinit(struct stage *stage)
{
    struct sorter *sorter = &stage->sorter;
    for (size_t i = 0; i < sorter->n; i++)
        free(sorter->heap[i]);
    free(sorter->heap);
    *sorter = (struct sorter){0};
}

const struct stage_ops sort_ops = {sort_push, sort_end, sort_deinit};
