/* SPDX-License-Identifier: MIT */
#ifndef CTL_PAGER_H
#define CTL_PAGER_H

/*
 * Standard output for what a person reads: through a pager when it is a terminal. The pager starts
 * with the first bytes, so that nothing of it is seen where nothing comes, and until then a progress
 * line may be shown; any output takes that line off first.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl/terminal.h"

struct pager {
    bool is_wanted;
    pid_t pid; /* 0: it does not run */
    int fd;    /* where output goes */
    struct progress progress;
};

/* is_wanted: by the person; it also takes a terminal, and a pager ($LOGBOOM_PAGER, $PAGER, less). */
void pager_init(struct pager *pager, bool is_wanted);
/* For out_init_to(). Returns 0 or a negative errno; -EPIPE: the person left it. */
int pager_write(void *pager, const char *data, size_t len);
/* No more output: waits until the person leaves it. Legal twice. */
void pager_end(struct pager *pager);

#endif
