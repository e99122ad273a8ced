/* SPDX-License-Identifier: MIT */
#ifndef CTL_CTL_H
#define CTL_CTL_H

/*
 * logboomctl: main.c finds the command in a table, each command lives in its own cmd_*.c. What
 * they share is here: the options that every command takes, and how they fail.
 */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

/* Exit statuses. */
enum { CTL_DONE = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_INTERRUPTED = 130 };

struct ctl;

struct command {
    const char *name;
    const char *summary; /* one line for the list of commands */
    const char *help;    /* the whole text of --help */
    /* argv[0] is the command's name. Returns an exit status. */
    int (*run)(struct ctl *ctl, int argc, char **argv);
};

/* Where to look, as it was given; NULL: was not. */
struct ctl {
    const char *config, *store, *socket;
    const struct command *command;
};

extern const struct command command_status, command_query, command_tail, command_check,
    command_store;

/* The options of all commands: the last entries of every table, the closing one included. */
enum { OPTION_CONFIG = 256, OPTION_STORE, OPTION_SOCKET, OPTION_HELP, OPTION_VERSION, OPTION_OWN };
#define CTL_OPTIONS                                                                                \
    {"config", required_argument, NULL, OPTION_CONFIG},                                            \
        {"store", required_argument, NULL, OPTION_STORE},                                          \
        {"socket", required_argument, NULL, OPTION_SOCKET},                                        \
        {"help", no_argument, NULL, OPTION_HELP}, {"version", no_argument, NULL, OPTION_VERSION},  \
    {                                                                                              \
        0                                                                                          \
    }

/* What their help says. */
#define CTL_OPTIONS_HELP                                                                           \
    "      --config FILE    logboomd's configuration, which names store and socket\n"              \
    "      --store DIR      the store itself\n"                                                    \
    "      --socket PATH    logboomd's status socket itself\n"                                     \
    "      --help           this text\n"                                                           \
    "      --version        the version\n"

/*
 * getopt_long() that handles the common options by itself. Returns an option of the command, -1 at
 * the end, or CTL_STOP: return *ret_status (all was said). shorts starts with ":" or "+:"; begin
 * with optind = 0.
 */
#define CTL_STOP '?'
int ctl_next_option(struct ctl *ctl, int argc, char **argv, const char *shorts,
                    const struct option *longs, int *ret_status);

/* One line on stderr: what, and what to do. Return CTL_FAILED and CTL_USAGE. */
int ctl_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int ctl_misused(const struct ctl *ctl, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "interrupted: ", and what that means for what was printed. Returns CTL_INTERRUPTED. */
int ctl_interrupted(const char *meaning);

/*
 * The nearest of n words, or NULL when none is near.
 */
const char *ctl_nearest(const char *word, const char *const *words, size_t n_words);

/* main() with its dependencies given, for tests. */
int ctl_main(int argc, char **argv);

#endif
