/* SPDX-License-Identifier: MIT */
#include "ctl/store.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* By the word behind `store`; the commands themselves are called "store info" in what is said. */
static const struct {
    const char *word;
    const struct command *command;
} commands[] = {
    {"info", &store_info},     {"verify", &store_verify_command}, {"seal", &store_seal_command},
    {"export", &store_export}, {"import", &store_import},         {"quarantine", &store_quarantine},
};
#define COMMAND_WORDS "info, verify, seal, export, import or quarantine"

static int unknown(const struct ctl *ctl, const char *word)
{
    const char *words[N_OF(commands)];
    for (size_t i = 0; i < N_OF(commands); i++)
        words[i] = commands[i].word;
    const char *nearest = ctl_nearest(word, words, N_OF(commands));
    if (nearest != NULL)
        return ctl_misused(ctl, "unknown store command %s: did you mean %s?", word, nearest);
    return ctl_misused(ctl, "unknown store command %s: expected " COMMAND_WORDS, word);
}

static int run_store(struct ctl *ctl, int argc, char **argv)
{
    static const struct option options[] = {CTL_OPTIONS};
    int status;
    if (ctl_next_option(ctl, argc, argv, "+:", options, &status) != -1)
        return status;
    if (optind >= argc)
        return ctl_misused(ctl, "store needs to know what: " COMMAND_WORDS);
    const char *word = argv[optind];
    for (size_t i = 0; i < N_OF(commands); i++) {
        if (strcmp(commands[i].word, word) != 0)
            continue;
        ctl->command = commands[i].command;
        argc -= optind;
        argv += optind;
        optind = 0;
        return ctl->command->run(ctl, argc, argv);
    }
    return unknown(ctl, word);
}

static int fail_owner(const char *who, const char *path, uid_t owner)
{
    const struct passwd *user = getpwuid(owner);
    const char *name = user != NULL ? user->pw_name : "its owner";
    return ctl_fail("%s writes to the store at %s, and only its owner may: "
                    "run it as %s (sudo -u %s logboomctl ...)",
                    who, path, name, name);
}

int store_open_for(const char *who, const char *path, struct store_options options, bool may_make,
                   struct store **ret_store)
{
    struct stat status;
    bool is_there = stat(path, &status) == 0;
    if (!is_there && (errno != ENOENT || !may_make))
        return ctl_fail("there is no store at %s: %s (--store DIR or --config FILE name another)",
                        path, strerror(errno));
    if (is_there && status.st_uid != geteuid())
        return fail_owner(who, path, status.st_uid);
    options.path = path;
    int r = store_open(&options, ret_store);
    if (r == -EBUSY)
        return STORE_BUSY;
    return r < 0 ? ctl_fail("cannot open the store at %s: %s", path, strerror(-r)) : CTL_DONE;
}

int store_output_option(struct ctl *ctl, int argc, char **argv, bool *ret_json)
{
    static const struct option options[] = {{"output", required_argument, NULL, 'o'}, CTL_OPTIONS};
    const char *output = "text";
    int option, status;
    while ((option = ctl_next_option(ctl, argc, argv, ":o:", options, &status)) != -1) {
        if (option == CTL_STOP)
            return status == CTL_DONE ? CTL_STOP : status;
        output = optarg;
    }
    if (strcmp(output, "text") != 0 && strcmp(output, "json") != 0)
        return ctl_misused(ctl, "there is no output %s: expected text or json", output);
    *ret_json = *output == 'j';
    return CTL_DONE;
}

const struct command command_store = {
    .name = "store",
    .summary = "look at the store itself: " COMMAND_WORDS,
    .help =
        "usage: logboomctl store COMMAND [...]\n\n"
        "Commands:\n"
        "  info             how much it holds, and from when\n"
        "  verify           read all of it, and say what is damaged\n"
        "  quarantine list  the blocks and files that are left out as damaged\n"
        "  seal             end the open log: all that is stored is in sealed files\n"
        "  export           lines as JSON, each one complete, perhaps compressed\n"
        "  import           such lines back into a store\n\n"
        "Options:\n" CTL_OPTIONS_HELP "\n`logboomctl store COMMAND --help` explains a command.\n",
    .run = run_store,
};
