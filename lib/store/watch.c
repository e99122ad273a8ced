/* SPDX-License-Identifier: MIT */
#include "store/watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#define EVENTS (IN_CREATE | IN_MODIFY | IN_MOVED_TO)

void watch_deinit(struct watch *watch)
{
    if (watch->fd >= 0)
        close(watch->fd);
    *watch = WATCH_NULL;
}

/* By descriptor, so that a store that is moved stays watched. */
static int add(const struct watch *watch, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", watch->root_fd, name);
    return inotify_add_watch(watch->fd, path, EVENTS | IN_ONLYDIR) < 0 ? -errno : 0;
}

void watch_days(struct watch *watch, const struct catalog *catalog)
{
    if (watch->fd < 0)
        return;
    for (size_t i = 0; i < catalog->n_days; i++)
        (void)add(watch, catalog->days[i]);
}

int watch_open(struct watch *watch, int root_fd, const struct catalog *catalog)
{
    if (watch->fd >= 0)
        return watch->fd;
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0)
        return -errno;
    watch->root_fd = root_fd;
    int r = add(watch, ".");
    if (r < 0) {
        watch_deinit(watch);
        return r;
    }
    watch_days(watch, catalog);
    return watch->fd;
}

void watch_drain(struct watch *watch)
{
    char events[4096];
    while (watch->fd >= 0 && read(watch->fd, events, sizeof(events)) > 0)
        continue;
}
