/* SPDX-License-Identifier: MIT */
/*
 * seal: by the daemon that holds the store, or, when there is none, here.
 *
 *   --socket PATH            the daemon there
 *   --store DIR              here; the daemon of the configuration when it has the store
 *   neither                  the daemon of the configuration; here when none answers
 */
#include "ctl/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "ctl/http.h"
#include "ctl/locate.h"

#define TIMEOUT_MS 600000 /* sealing may have to recompress, and waits for a slow disk */

static void report(void *arg, int priority, const char *message)
{
    if (priority <= LOG_WARNING)
        fprintf(stderr, "logboomctl: %s\n", message);
}

static bool is_nobody(int r)
{
    return r == -ENOENT || r == -ECONNREFUSED;
}

static int refused(const char *socket, const struct http_response *response)
{
    size_t len = strcspn(response->body, "\n");
    return ctl_fail("logboomd at %s could not seal its store: %.*s (HTTP status %d)", socket,
                    (int)len, response->body, response->status);
}

/* Returns CTL_DONE, CTL_FAILED (it was said), or STORE_BUSY: nobody answers at *ret_socket. */
static int ask_daemon(const struct ctl *ctl, char **ret_socket)
{
    struct http_response response;
    int status = locate_socket(ctl, ret_socket);
    if (status != CTL_DONE)
        return status;
    int r = http_post(*ret_socket, "/store/seal", TIMEOUT_MS, &response);
    if (is_nobody(r))
        return STORE_BUSY;
    if (r == -EACCES || r == -EPERM)
        return ctl_fail("not allowed to ask logboomd at %s: use sudo, or join the socket's group",
                        *ret_socket);
    if (r < 0)
        return ctl_fail("cannot ask logboomd at %s: %s", *ret_socket, strerror(-r));
    if (response.status != 200)
        status = refused(*ret_socket, &response);
    free(response.body);
    return status;
}

static int seal_here(const char *path)
{
    struct store_options options = STORE_OPTIONS_DEFAULT;
    struct store *store;
    options.report = report;
    int status = store_open_for("store seal", path, options, false, &store);
    if (status != CTL_DONE)
        return status;
    int r = store_seal(store);
    store_close(store);
    return r < 0 ? ctl_fail("cannot seal the store at %s: %s", path, strerror(-r)) : CTL_DONE;
}

static int fail_busy(const char *path, const char *socket)
{
    return ctl_fail("another process has the store at %s open, and no logboomd answers at %s: "
                    "--socket PATH names another",
                    path, socket);
}

static int seal(const struct ctl *ctl)
{
    char *socket = NULL, *path = NULL;
    bool here_first = ctl->store != NULL && ctl->socket == NULL;
    int status = here_first ? STORE_BUSY : ask_daemon(ctl, &socket);
    if (status == STORE_BUSY && ctl->socket != NULL)
        status = ctl_fail("logboomd does not run: nothing listens on %s", socket);
    if (status == STORE_BUSY) {
        status = locate_store(ctl, &path);
        if (status == CTL_DONE)
            status = seal_here(path);
        if (status == STORE_BUSY && here_first)
            status = ask_daemon(ctl, &socket);
        if (status == STORE_BUSY)
            status = fail_busy(path, socket);
    }
    free(socket);
    free(path);
    return status;
}

static int run_seal(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {CTL_OPTIONS};
    int status;
    if (ctl_next_option(ctl, argc, argv, ":", options, &status) != -1)
        return status;
    if (optind < argc)
        return ctl_misused(ctl, "store seal takes no argument, not %s", argv[optind]);
    return seal(ctl);
}

const struct command store_seal_command = {
    .name = "store seal",
    .summary = "end the open log",
    .help =
        "usage: logboomctl store seal\n\n"
        "Ends the open log, so that all that is stored is in sealed files, and waits for it: for\n"
        "a backup, say. Asks the running logboomd; when none runs, opens the store itself, as its\n"
        "owner.\n\n"
        "Options:\n" CTL_OPTIONS_HELP,
    .run = run_seal,
};
