/* SPDX-License-Identifier: MIT */
/*
 * tail: the last matches, and then what comes.
 *
 *   open ──▶ last N matches ──▶ ┌ what came since ┐     (store/show/follow.h)
 *                               └───── wait ◀─────┘
 *
 * Nothing here needs an orderly end, so that Ctrl-C simply ends the process, with status 0: rows
 * are written whole, one write for all that came together.
 */
#include "ctl/ctl.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/locate.h"
#include "ctl/search.h"
#include "store/query/result.h"
#include "store/show/follow.h"

#define DEFAULT_LINES 10

enum { TAIL_ALL = SEARCH_OWN };

static void leave(int signal_number)
{
    _exit(CTL_DONE);
}

struct tail {
    struct search search;
    struct follow *follow;
    bool shows_all; /* never skips */
};

static int show_row(void *arg, const struct store_row *row)
{
    struct tail *tail = arg;
    return printer_row(&tail->search.printer, row);
}

/* On stderr, in the place where the lines would have been. */
static int show_skipped(void *arg, uint64_t n_rows)
{
    struct tail *tail = arg;
    char number[HUMAN_SIZE];
    if (printer_flush(&tail->search.printer) < 0)
        return 1;
    fprintf(stderr, "… %s %s skipped: what reads here is slower than the logs\n",
            human_number(n_rows, number), n_rows == 1 ? "line" : "lines");
    return 0;
}

static int flush(void *arg)
{
    struct tail *tail = arg;
    return printer_flush(&tail->search.printer) < 0;
}

/*
 * Watches the nearest folder that exists on the way to path, so that its making is noticed. Returns
 * the length of that folder's name, or a negative errno.
 */
static int watch_way(int inotify, const char *path)
{
    char *folder = strdup(path);
    int r = -ENOENT;
    if (folder == NULL)
        return -ENOMEM;
    for (char *slash; r == -ENOENT && *folder != '\0'; *slash = '\0') {
        r = inotify_add_watch(inotify, folder,
                              IN_CREATE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF);
        r = r < 0 ? -errno : (int)strlen(folder);
        slash = strrchr(folder, '/');
        if (slash == NULL)
            break;
    }
    if (r == -ENOENT)
        r = inotify_add_watch(inotify, *path == '/' ? "/" : ".", IN_CREATE | IN_MOVED_TO) < 0
                ? -errno
                : 1;
    free(folder);
    return r;
}

/* Waits until something happened to the watched folder. */
static int wait_for_change(int inotify)
{
    char events[4096];
    ssize_t n;
    do
        n = read(inotify, events, sizeof(events));
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : 0;
}

/* A store that does not exist yet is waited for. Returns 0 or a negative errno. */
static int open_when_there(struct search *search)
{
    int r = search_open(search);
    if (r != -ENOENT)
        return r;
    fprintf(stderr, "logboomctl: there is no store at %s yet: waiting for logboomd to make it\n",
            search->store);
    while (r == -ENOENT) {
        int inotify = inotify_init1(IN_CLOEXEC);
        if (inotify < 0)
            return -errno;
        r = watch_way(inotify, search->store);
        /* Only now, with the watch in place, is it sure that its making cannot be missed. */
        if (r >= 0)
            r = search_open(search);
        if (r == -ENOENT && (r = wait_for_change(inotify)) == 0)
            r = search_open(search);
        close(inotify);
    }
    return r;
}

static int wait_for_rows(struct store_reader *reader, int fd)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN}, {.fd = STDOUT_FILENO}};
    int r;
    do
        r = poll(fds, 2, -1);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return -errno;
    if (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL))
        return 1;
    store_reader_ack(reader);
    return 0;
}

static int follow(struct tail *tail, int fd)
{
    struct search *search = &tail->search;
    int r = follow_last(tail->follow, search->options.limit);
    while (r == 0) {
        r = follow_next(tail->follow);
        if (r == 0)
            r = wait_for_rows(search->reader, fd);
    }
    return r;
}

static int tail_store(struct tail *tail)
{
    struct search *search = &tail->search;
    int r = open_when_there(search);
    if (r < 0)
        return search_fail_open(search, r);
    search->options.on_row = show_row;
    search->options.arg = tail;
    struct follow_options options = {
        .path = search->store,
        .query = search->query,
        .reader = search->reader,
        .run = search->options,
        .max_behind = tail->shows_all ? 0 : FOLLOW_MAX_BEHIND,
        .on_skipped = show_skipped,
        .on_end = flush,
    };
    /* Before the first look, so that nothing falls between it and the first wait. */
    int fd = store_reader_fd(search->reader);
    if (fd < 0)
        return ctl_fail("cannot watch the store at %s: %s", search->store, strerror(-fd));
    r = follow_new(&options, &tail->follow);
    if (r == 0)
        r = follow(tail, fd);
    tail->follow = follow_free(tail->follow);
    return search_finish(search, r);
}

static int read_options(struct ctl *ctl, struct tail *tail, int argc, char **argv)
{
    static const struct option options[] = {
        {"all", no_argument, NULL, TAIL_ALL}, SEARCH_OPTIONS, CTL_OPTIONS};
    int option, status;
    while ((option = ctl_next_option(ctl, argc, argv, ":o:n:", options, &status)) != -1) {
        if (option == CTL_STOP)
            return status == CTL_DONE ? CTL_STOP : status;
        if (option == TAIL_ALL) {
            tail->shows_all = true;
            continue;
        }
        status = search_option(ctl, &tail->search, option);
        if (status != CTL_DONE)
            return status;
    }
    return CTL_DONE;
}

static int run_tail(struct ctl *ctl, int argc, char **argv)
{
    struct tail tail = {.search = SEARCH_INIT};
    struct search *search = &tail.search;
    search->options.limit = DEFAULT_LINES;
    int status = read_options(ctl, &tail, argc, argv);
    if (status == CTL_DONE)
        status = search_parse(ctl, search, argv + optind, argc - optind);
    if (status == CTL_DONE && query_result(search->query) != NULL)
        status = ctl_misused(ctl, "a table has an end, and tail has none: ask query for it");
    if (status == CTL_DONE)
        status = locate_store(ctl, &search->store);
    if (status == CTL_DONE)
        status = search_start_printer(search, false);
    if (status == CTL_DONE) {
        search->printer.flush_rows = false;
        signal(SIGINT, leave);
        signal(SIGTERM, leave);
        status = tail_store(&tail);
    }
    search_deinit(search);
    return status == CTL_STOP ? CTL_DONE : status;
}

const struct command command_tail = {
    .name = "tail",
    .summary = "follow the log lines as they are stored",
    .help =
        "usage: logboomctl tail [EXPR...] [-n N] [-o FORMAT]\n\n"
        "Prints the last N lines that match the expression (see logboomctl query --help), and "
        "then\n"
        "each one that is stored, until Ctrl-C. Waits for a store that does not exist yet. It "
        "makes\n"
        "nobody wait: when its reader is more than 10,000 lines behind, lines are skipped, and a\n"
        "line on stderr says how many.\n\n"
        "Options:\n"
        "  -n, --lines N        how many to begin with (10)\n"
        "      --all            skip none, however slow its reader is\n" SEARCH_OPTIONS_HELP
            CTL_OPTIONS_HELP "\n" SEARCH_EXPRESSION_HELP,
    .run = run_tail,
};
