/* SPDX-License-Identifier: MIT */
/*
 * The fd of a channel: an eventfd that a watch sets.
 *
 *   quiet, watch armed ── fires ──▶ readable ── arm ──▶ quiet, or readable again at once
 *
 * So the channel knows nothing of fds, and pays for one only while it is armed.
 */
#include <errno.h>
#include <stdlib.h>

#include "chan-impl.h"
#include "fd.h"

struct boom_chan_fd {
    struct boom_chan *chan;     /* constant; borrowed */
    enum boom_chan_event event; /* constant */
    int fd;                     /* constant */
    struct boom_watch watch;
};

static void set(void *arg)
{
    event_fd_set(((struct boom_chan_fd *)arg)->fd);
}

int boom_chan_fd_new(struct boom_chan *chan, enum boom_chan_event event,
                     struct boom_chan_fd **ret_fd)
{
    struct boom_chan_fd *fd;
    int r;

    if (event != BOOM_CHAN_READABLE && event != BOOM_CHAN_WRITABLE)
        return -EINVAL;
    fd = calloc(1, sizeof(*fd));
    if (!fd)
        return -ENOMEM;
    r = event_fd_open();
    if (r < 0) {
        free(fd);
        return r;
    }
    *fd = (struct boom_chan_fd){chan, event, r, {.fn = set, .arg = fd}};
    boom_chan_fd_arm(fd);
    *ret_fd = fd;
    return 0;
}

struct boom_chan_fd *boom_chan_fd_free(struct boom_chan_fd *fd)
{
    if (!fd)
        return NULL;
    boom_chan_unwatch(fd->chan, &fd->watch);
    fd_close(fd->fd);
    free(fd);
    return NULL;
}

int boom_chan_fd_get(const struct boom_chan_fd *fd)
{
    return fd->fd;
}

/* The watch is idle when the fd is cleared, so that a call is not wiped out that came meanwhile. */
int boom_chan_fd_arm(struct boom_chan_fd *fd)
{
    int due;

    boom_chan_unwatch(fd->chan, &fd->watch);
    event_fd_clear(fd->fd);
    due = fd->event == BOOM_CHAN_READABLE ? boom_chan_watch_elem(fd->chan, &fd->watch)
                                          : boom_chan_watch_room(fd->chan, &fd->watch);
    if (due)
        event_fd_set(fd->fd);
    return due;
}
