/* SPDX-License-Identifier: MIT */
#ifndef BOOM_LIST_H
#define BOOM_LIST_H

/* Intrusive, circular, doubly linked list. A link outside any list has next == NULL. */

#include <stddef.h>
#include <stdbool.h>

struct link {
    struct link *next, *prev;
};

/* The structure that `ptr` (not NULL) is the `member` of. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct link *head)
{
    head->next = head->prev = head;
}

static inline bool list_is_empty(const struct link *head)
{
    return head->next == head;
}

static inline bool link_is_linked(const struct link *link)
{
    return link->next != NULL;
}

static inline void link_insert_after(struct link *at, struct link *link)
{
    link->prev = at;
    link->next = at->next;
    at->next->prev = link;
    at->next = link;
}

static inline void list_push_front(struct link *head, struct link *link)
{
    link_insert_after(head, link);
}

static inline void list_push_back(struct link *head, struct link *link)
{
    link_insert_after(head->prev, link);
}

/* Harmless on a link that is in no list. */
static inline void link_unlink(struct link *link)
{
    if (!link_is_linked(link))
        return;
    link->prev->next = link->next;
    link->next->prev = link->prev;
    link->next = link->prev = NULL;
}

/* Unlinks and returns the first, NULL when empty. */
static inline struct link *list_pop_front(struct link *head)
{
    struct link *first = head->next;

    if (first == head)
        return NULL;
    link_unlink(first);
    return first;
}

#endif
