/* SPDX-License-Identifier: MIT */
#include "ctl/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/write_all.h"

#define DEFAULT_PAGER "less"
#define LESS_OPTIONS  "FRX" /* leave when it fits on the screen, show colours, leave it there */

/* NULL: none. An empty one, and cat, mean that none is wanted. */
static const char *command(void)
{
    const char *own = getenv("LOGBOOM_PAGER"), *common = getenv("PAGER");
    const char *pager = own != NULL ? own : common != NULL ? common : DEFAULT_PAGER;
    return *pager == '\0' || strcmp(pager, "cat") == 0 ? NULL : pager;
}

/* Without less nothing is lost: the output goes to the terminal itself. */
static bool is_there(const char *program)
{
    const char *path = getenv("PATH");
    char name[4096];
    if (strcmp(program, DEFAULT_PAGER) != 0)
        return true; /* the shell says what is wrong with it */
    for (const char *at = path != NULL ? path : "/usr/bin:/bin"; *at != '\0';) {
        int len = (int)strcspn(at, ":");
        snprintf(name, sizeof(name), "%.*s/%s", len, at, program);
        if (access(name, X_OK) == 0)
            return true;
        at += len + (at[len] == ':');
    }
    return false;
}

void pager_init(struct pager *pager, bool is_wanted)
{
    const char *program = command();
    *pager = (struct pager){.fd = STDOUT_FILENO};
    pager->is_wanted =
        is_wanted && isatty(STDOUT_FILENO) == 1 && program != NULL && is_there(program);
}

static void run_pager(int input)
{
    dup2(input, STDIN_FILENO);
    setenv("LESS", LESS_OPTIONS, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
    execl("/bin/sh", "sh", "-c", command(), (char *)NULL);
    _exit(127);
}

/* Returns 0 or a negative errno. */
static int start(struct pager *pager)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0)
        run_pager(ends[0]);
    close(ends[0]);
    if (pid < 0) {
        close(ends[1]);
        return -errno;
    }
    pager->pid = pid;
    pager->fd = ends[1];
    pager->is_wanted = false;
    progress_stop(&pager->progress); /* the terminal is the pager's now */
    return 0;
}

int pager_write(void *arg, const char *data, size_t len)
{
    struct pager *pager = arg;
    progress_clear(&pager->progress);
    int r = pager->is_wanted ? start(pager) : 0;
    return r < 0 ? r : write_all(pager->fd, data, len);
}

void pager_end(struct pager *pager)
{
    progress_stop(&pager->progress);
    if (pager->pid <= 0)
        return;
    signal(SIGINT, SIG_IGN); /* it is for the pager now */
    close(pager->fd);
    while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    pager->pid = 0;
    pager->fd = STDOUT_FILENO;
}
