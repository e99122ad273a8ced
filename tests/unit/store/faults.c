/* SPDX-License-Identifier: MIT */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <unistd.h>

#define FULL_CALLS 40

static enum fault armed;
static unsigned armed_at;
static atomic_uint n_calls;
static atomic_bool fails_next, dies_next;

void faults_arm(enum fault fault, unsigned at)
{
    armed = fault;
    armed_at = at;
    atomic_store(&n_calls, 0);
    atomic_store(&fails_next, false);
    atomic_store(&dies_next, false);
}

int faults_were_met(void)
{
    return atomic_load(&n_calls) >= armed_at;
}

enum kind { KIND_READ, KIND_NEEDS_ROOM, KIND_WRITE, KIND_RENAME, KIND_OTHER };

/* What to do with this call. */
static enum fault next(enum kind kind)
{
    if (armed == FAULT_NONE)
        return FAULT_NONE;
    unsigned number = atomic_fetch_add(&n_calls, 1) + 1;
    if (atomic_load(&dies_next))
        _exit(FAULT_STATUS);
    if (kind == KIND_WRITE && atomic_exchange(&fails_next, false))
        return FAULT_ENOSPC;
    if (armed == FAULT_FULL && number >= armed_at && number <= armed_at + FULL_CALLS)
        return kind == KIND_WRITE || kind == KIND_NEEDS_ROOM ? FAULT_ENOSPC : FAULT_NONE;
    if (number != armed_at || armed == FAULT_FULL)
        return FAULT_NONE;
    switch (armed) {
    case FAULT_SHORT:
        return kind == KIND_WRITE ? armed : FAULT_NONE;
    case FAULT_DIES_TORN:
        return kind == KIND_WRITE ? armed : FAULT_DIES_BEFORE;
    case FAULT_RENAME_LOST:
        return kind == KIND_RENAME ? armed : FAULT_NONE;
    case FAULT_ENOSPC:
        return kind == KIND_READ ? FAULT_NONE : armed;
    default:
        return armed;
    }
}

static bool fails(enum fault fault)
{
    if (fault == FAULT_DIES_BEFORE)
        _exit(FAULT_STATUS);
    if (fault != FAULT_EIO && fault != FAULT_ENOSPC)
        return false;
    errno = fault == FAULT_EIO ? EIO : ENOSPC;
    return true;
}

static void finish(enum fault fault)
{
    if (fault == FAULT_DIES_AFTER)
        _exit(FAULT_STATUS);
}

/* NAME(…) fails, or the process dies before or after it. */
#define WRAP(type, name, kind, parameters, arguments)                                              \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        enum fault fault = next(kind);                                                             \
        if (fails(fault))                                                                          \
            return -1;                                                                             \
        type r = __real_##name arguments;                                                          \
        finish(fault);                                                                             \
        return r;                                                                                  \
    }

WRAP(int, fdatasync, KIND_OTHER, (int fd), (fd))
WRAP(int, fsync, KIND_OTHER, (int fd), (fd))
WRAP(int, ftruncate64, KIND_OTHER, (int fd, off_t len), (fd, len))
WRAP(int, unlinkat, KIND_OTHER, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(int, mkdirat, KIND_NEEDS_ROOM, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(ssize_t, pread64, KIND_READ, (int fd, void *to, size_t len, off_t at), (fd, to, len, at))
WRAP(ssize_t, getrandom, KIND_READ, (void *to, size_t len, unsigned flags), (to, len, flags))

int __real_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...);
int __wrap_openat64(int dir_fd, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    enum fault fault = next(flags & O_CREAT ? KIND_NEEDS_ROOM : KIND_READ);
    if (fails(fault))
        return -1;
    int fd = __real_openat64(dir_fd, path, flags, mode);
    finish(fault);
    return fd;
}

ssize_t __real_pwrite64(int fd, const void *from, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *from, size_t len, off_t at)
{
    enum fault fault = next(KIND_WRITE);
    if (fails(fault))
        return -1;
    bool is_half = fault == FAULT_SHORT || fault == FAULT_DIES_TORN;
    ssize_t n = __real_pwrite64(fd, from, is_half ? (len + 1) / 2 : len, at);
    if (fault == FAULT_SHORT)
        atomic_store(&fails_next, true);
    finish(fault == FAULT_DIES_TORN ? FAULT_DIES_AFTER : fault);
    return n;
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    enum fault fault = next(KIND_RENAME);
    if (fails(fault))
        return -1;
    if (fault == FAULT_RENAME_LOST) {
        atomic_store(&dies_next, true);
        return 0;
    }
    int r = __real_renameat(from_fd, from, to_fd, to);
    finish(fault);
    return r;
}
