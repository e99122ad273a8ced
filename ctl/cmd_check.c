/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/locate.h"

static int check(const char *file)
{
    char *daemon = NULL;
    if (locate_daemon(&daemon) < 0)
        return ctl_fail("cannot find logboomd, which does the checking: put it into PATH");
    const char *argv[] = {daemon, "--check", "--config", file, NULL};
    if (file == NULL)
        argv[2] = NULL;
    int r = locate_run(argv, NULL);
    if (r < 0)
        r = ctl_fail("cannot run %s: %s", daemon, strerror(-r));
    free(daemon);
    return r;
}

static int run_check(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {CTL_OPTIONS};
    int status;
    if (ctl_next_option(ctl, argc, argv, ":", options, &status) != -1)
        return status;
    if (argc - optind > 1)
        return ctl_misused(ctl, "check takes one file, not %d", argc - optind);
    return check(optind < argc ? argv[optind] : ctl->config);
}

const struct command command_check = {
    .name = "check",
    .summary = "check a configuration, as logboomd --check does",
    .help =
        "usage: logboomctl check [FILE]\n\n"
        "Says what logboomd would say of a configuration file (by default of its own), and exits\n"
        "with its exit status: 0 it is good, 1 it is not. Nothing is started or changed.\n\n"
        "Options:\n" CTL_OPTIONS_HELP,
    .run = run_check,
};
