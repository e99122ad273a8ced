/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/nearest.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct command *const commands[] = {
    &command_status, &command_query, &command_tail, &command_check, &command_store,
};

static void print_help(FILE *out)
{
    fputs("usage: logboomctl [--config FILE | --store DIR | --socket PATH] COMMAND [...]\n\n"
          "Asks logboomd how it is, and searches the log lines that it stored.\n\n"
          "Commands:\n",
          out);
    for (size_t i = 0; i < N_OF(commands); i++)
        fprintf(out, "  %-8s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nOptions, in front of the command or behind it:\n" CTL_OPTIONS_HELP
          "\n`logboomctl COMMAND --help` explains a command.\n"
          "Exit status: 0 done, 1 it failed (stderr says what and what to do), 2 wrong usage.\n",
          out);
}

__attribute__((format(printf, 1, 0))) static void complain(const char *format, va_list args)
{
    fflush(stdout);
    fputs("logboomctl: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

int ctl_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    return CTL_FAILED;
}

int ctl_misused(const struct ctl *ctl, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    const char *command = ctl->command != NULL ? ctl->command->name : "";
    fprintf(stderr, "Try: logboomctl %s%s--help\n", command, *command != '\0' ? " " : "");
    return CTL_USAGE;
}

int ctl_interrupted(const char *meaning)
{
    ctl_fail("interrupted: %s", meaning);
    return CTL_INTERRUPTED;
}

const char *ctl_nearest(const char *word, const char *const *words, size_t n_words)
{
    const char *nearest = NULL;
    unsigned best = nearest_limit(strlen(word)) + 1;
    for (size_t i = 0; i < n_words; i++) {
        unsigned distance = nearest_distance(word, strlen(word), words[i], strlen(words[i]));
        if (distance < best) {
            best = distance;
            nearest = words[i];
        }
    }
    return nearest;
}

static const char *nearest_option(const char *word, const struct option *options)
{
    const char *names[32];
    size_t n = 0;
    for (; options[n].name != NULL && n < N_OF(names); n++)
        names[n] = options[n].name;
    return ctl_nearest(word, names, n);
}

static int unknown_option(const struct ctl *ctl, char **argv, const struct option *longs)
{
    if (optopt != 0 && optopt < 256)
        return ctl_misused(ctl, "unknown option -%c", optopt);
    const char *given = argv[optind - 1];
    char name[64] = "";
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(given, "="), given);
    if (optopt != 0)
        return ctl_misused(ctl, "%s takes no value", name);
    const char *nearest = nearest_option(name + strspn(name, "-"), longs);
    if (nearest != NULL)
        return ctl_misused(ctl, "unknown option %s: did you mean --%s?", name, nearest);
    return ctl_misused(ctl, "unknown option %s", name);
}

/* Returns true when it was one of the common options and the next one may be looked at. */
static bool take_common(struct ctl *ctl, int option)
{
    const char **slot = option == OPTION_CONFIG   ? &ctl->config
                        : option == OPTION_STORE  ? &ctl->store
                        : option == OPTION_SOCKET ? &ctl->socket
                                                  : NULL;
    if (slot != NULL)
        *slot = optarg;
    return slot != NULL;
}

int ctl_next_option(struct ctl *ctl, int argc, char **argv, const char *shorts,
                    const struct option *longs, int *ret_status)
{
    int option;
    opterr = 0;
    do
        option = getopt_long(argc, argv, shorts, longs, NULL);
    while (take_common(ctl, option));
    *ret_status = CTL_DONE;
    switch (option) {
    case OPTION_HELP:
        if (ctl->command != NULL)
            fputs(ctl->command->help, stdout);
        else
            print_help(stdout);
        return CTL_STOP;
    case OPTION_VERSION:
        puts("logboomctl " LOGBOOM_VERSION);
        return CTL_STOP;
    case ':':
        *ret_status = ctl_misused(ctl, "option %s needs a value", argv[optind - 1]);
        return CTL_STOP;
    case '?':
        *ret_status = unknown_option(ctl, argv, longs);
        return CTL_STOP;
    default:
        return option;
    }
}

static int unknown_command(const struct ctl *ctl, const char *name)
{
    const char *names[N_OF(commands)];
    for (size_t i = 0; i < N_OF(commands); i++)
        names[i] = commands[i]->name;
    const char *nearest = ctl_nearest(name, names, N_OF(commands));
    if (nearest != NULL)
        return ctl_misused(ctl, "unknown command %s: did you mean %s?", name, nearest);
    return ctl_misused(ctl, "unknown command %s", name);
}

/* A pipe that was closed (| head) is no failure; anything else that stdout did not take is one. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status;
    return ctl_fail("cannot write to standard output: %s", strerror(errno));
}

int ctl_main(int argc, char **argv)
{
    static const struct option options[] = {CTL_OPTIONS};
    struct ctl ctl = {0};
    int status;
    signal(SIGPIPE, SIG_IGN);
    setlocale(LC_CTYPE, "");
    optind = 0;
    if (ctl_next_option(&ctl, argc, argv, "+:", options, &status) != -1)
        return finish(status);
    if (optind >= argc)
        return ctl_misused(&ctl, "no command given");
    for (size_t i = 0; i < N_OF(commands); i++)
        if (strcmp(commands[i]->name, argv[optind]) == 0)
            ctl.command = commands[i];
    if (ctl.command == NULL)
        return unknown_command(&ctl, argv[optind]);
    argc -= optind;
    argv += optind;
    optind = 0;
    return finish(ctl.command->run(&ctl, argc, argv));
}
