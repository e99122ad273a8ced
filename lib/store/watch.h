/* SPDX-License-Identifier: MIT */
#ifndef STORE_WATCH_H
#define STORE_WATCH_H

/* An inotify descriptor over a store's directories: readable when something may have been appended.
 */

#include "store/catalog.h"

struct watch {
    int fd;      /* -1: nobody asked for it */
    int root_fd; /* borrowed */
};

#define WATCH_NULL ((struct watch){-1, -1})
void watch_deinit(struct watch *watch);
/* Returns the descriptor, made when first asked for, or a negative errno. */
int watch_open(struct watch *watch, int root_fd, const struct catalog *catalog);
/* Sees to it that every day is watched. A day that cannot be (the limit of watches) is left out. */
void watch_days(struct watch *watch, const struct catalog *catalog);
void watch_drain(struct watch *watch);

#endif
