/* SPDX-License-Identifier: MIT */
#include "fd.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <boom/context.h>

int timer_fd_open(int64_t at_ns)
{
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd < 0)
        return -errno;
    if (at_ns != BOOM_NEVER)
        timer_fd_set(fd, at_ns);
    return fd;
}

/* A time of 0 would disarm it. */
void timer_fd_set(int fd, int64_t at_ns)
{
    int64_t at = at_ns > 0 ? at_ns : 1;
    struct itimerspec spec = {.it_value = {.tv_sec = at / 1000000000, .tv_nsec = at % 1000000000}};

    timerfd_settime(fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

int event_fd_open(void)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    return fd < 0 ? -errno : fd;
}

void event_fd_set(int fd)
{
    eventfd_write(fd, 1);
}

void event_fd_clear(int fd)
{
    eventfd_t count;

    eventfd_read(fd, &count);
}

void fd_close(int fd)
{
    close(fd);
}
