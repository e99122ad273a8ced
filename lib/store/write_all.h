/* SPDX-License-Identifier: MIT */
#ifndef STORE_WRITE_ALL_H
#define STORE_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* To a stream, however many calls that takes. Blocks. Returns 0 or a negative errno. */
static inline int write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

#endif
