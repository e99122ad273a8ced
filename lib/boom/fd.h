/* SPDX-License-Identifier: MIT */
#ifndef BOOM_FD_H
#define BOOM_FD_H

/* File descriptors for event loops: the only file of the library that knows the kernel's. */

#include <stdint.h>

/*
 * A timer of CLOCK_MONOTONIC: readable from at_ns on, for ever. BOOM_NEVER: not before it is set.
 * Returns the fd, -EMFILE, -ENFILE, -ENOMEM.
 */
int timer_fd_open(int64_t at_ns);
void timer_fd_set(int fd, int64_t at_ns);

/* Not readable at first. Returns the fd, -EMFILE, -ENFILE, -ENOMEM. */
int event_fd_open(void);
void event_fd_set(int fd);
void event_fd_clear(int fd);

void fd_close(int fd);

#endif
