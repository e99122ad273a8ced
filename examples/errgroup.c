/* SPDX-License-Identifier: MIT */
/*
 * Ten parts of a download, at most five at once. The fourth fails: the first error cancels the
 * group's context, which wakes those that wait under it, and is what boom_group_wait() returns.
 */
#include <boom/chan.h>
#include <boom/group.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PARTS = 10, AT_ONCE = 5, BAD = 3 };

static struct boom_group *group;
static struct boom_chan *started; /* a rendezvous: the bad part fails once others wait */
static struct boom_chan *data;    /* of char; never sent to: a server that says nothing */
static atomic_int n_cancelled;

static int download(void *arg)
{
    uintptr_t part = (uintptr_t)arg;
    struct boom_ctx *ctx = boom_group_ctx(group);
    char byte = 0;
    int r;

    if (part == BAD) {
        for (int i = 0; i < BAD; i++)
            boom_chan_recv(started, ctx, &byte);
        return -ENOENT;
    }
    if (part < BAD)
        boom_chan_send(started, ctx, &byte);
    r = boom_chan_recv(data, ctx, &byte); /* the only thing that ends this is the context */
    n_cancelled += r == -ECANCELED;
    return r;
}

int main(void)
{
    int r = 0, n_started = 0;

    if (boom_group_new(NULL, &group) < 0 || boom_group_set_limit(group, AT_ONCE) < 0 ||
        boom_chan_new(1, 0, &started) < 0 || boom_chan_new(1, 0, &data) < 0)
        return 1;
    for (uintptr_t part = 0; part < PARTS && r == 0; part++) {
        r = boom_group_go(group, "part", download, (void *)part);
        n_started += r == 0;
    }
    r = boom_group_wait(group);
    printf("%d parts begun, %d cancelled, error: %s (cause: %s)\n", n_started, n_cancelled,
           strerror(-r), strerror(-boom_ctx_cause(boom_group_ctx(group))));
    r = r != -ENOENT || n_cancelled != n_started - 1;
    boom_group_free(group);
    boom_chan_free(data);
    boom_chan_free(started);
    return r;
}
