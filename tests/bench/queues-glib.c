/* SPDX-License-Identifier: MIT */
#include "queues.h"

#include <glib.h>

static void *glib_make(void)
{
    return g_async_queue_new();
}

static void glib_free(void *queue)
{
    g_async_queue_unref(queue);
}

static void glib_send(void *queue, void *elem)
{
    g_async_queue_push(queue, elem);
}

static void *glib_recv(void *queue)
{
    return g_async_queue_pop(queue);
}

const struct queue_kind *glib_queue(void)
{
    static const struct queue_kind kind = {"GAsyncQueue", glib_make, glib_free, glib_send,
                                           glib_recv};

    return &kind;
}
