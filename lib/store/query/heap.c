/* SPDX-License-Identifier: MIT */
#include "store/query/heap.h"

#include <errno.h>
#include <stdlib.h>

void heap_deinit(struct heap *heap)
{
    free(heap->entries);
    *heap = HEAP_NULL;
}

int heap_push(struct heap *heap, const struct heap_entry *entry)
{
    if (heap->n == heap->capacity) {
        size_t capacity = heap->capacity * 2 + 64;
        struct heap_entry *grown = realloc(heap->entries, capacity * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        heap->entries = grown;
        heap->capacity = capacity;
    }
    size_t at = heap->n++;
    for (; at > 0 && key_before(entry->key, heap->entries[(at - 1) / 2].key); at = (at - 1) / 2)
        heap->entries[at] = heap->entries[(at - 1) / 2];
    heap->entries[at] = *entry;
    return 0;
}

struct heap_entry heap_pop(struct heap *heap)
{
    struct heap_entry *entries = heap->entries, top = entries[0];
    struct heap_entry last = entries[--heap->n];
    size_t at = 0, child;
    while ((child = 2 * at + 1) < heap->n) {
        if (child + 1 < heap->n && key_before(entries[child + 1].key, entries[child].key))
            child++;
        if (!key_before(entries[child].key, last.key))
            break;
        entries[at] = entries[child];
        at = child;
    }
    entries[at] = last;
    return top;
}
