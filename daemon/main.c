/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/log.h"

static void print_help(FILE *out)
{
    fputs("usage: logboomd [OPTION]…\n"
          "Receives syslog, parses it, adds where its addresses are, and keeps it in a searchable "
          "store.\n"
          "Runs in the foreground until SIGTERM or SIGINT.\n\n"
          "  -c, --config FILE   read this configuration (default: " CONFIG_DEFAULT_PATH
          ", or built-in defaults)\n"
          "      --check         check the configuration, say what is wrong with it, and exit\n"
          "      --dump-config   print the configuration in effect as JSON, and exit\n"
          "      --help-config   print every key with its default and its limits, and exit\n"
          "  -h, --help          print this, and exit\n"
          "  -V, --version       print the version, and exit\n\n"
          "Exit status: 0 done, 1 it failed, 2 wrong usage.\n"
          "See logboomd(8), logboom.yaml(5), logboomctl(1).\n",
          out);
}

enum mode { MODE_RUN, MODE_CHECK, MODE_DUMP, MODE_HELP_CONFIG, MODE_SAMPLE, MODE_MAN };

static int wrong_usage(const char *what)
{
    fprintf(stderr, "logboomd: %s; see logboomd --help\n", what);
    return 2;
}

static int act(enum mode mode, const struct config *config)
{
    switch (mode) {
    case MODE_CHECK:
        log_open(config->log.level);
        if (daemon_check(config) != 0)
            return 1;
        printf("%s: no errors\n", config->path ? config->path : "built-in defaults");
        return 0;
    case MODE_DUMP:
        return config_write_json(config, stdout) < 0 ? 1 : 0;
    default:
        log_open(config->log.level);
        return daemon_run(config);
    }
}

/*
 * Errors go to stderr as they are, FILE:LINE:COLUMN first, for people and editors; those of a
 * daemon that the service manager starts get their severity from the log.
 */
static int load(const char *path, enum mode mode, struct config **ret_config)
{
    char *text = NULL;
    size_t len = 0;
    log_open(LOG_INFO);
    FILE *errors = mode == MODE_RUN && log_is_journal() ? open_memstream(&text, &len) : NULL;
    int r = config_load(path, errors ? errors : stderr, ret_config);
    if (errors)
        fclose(errors);
    char *rest = text;
    for (char *line; rest && (line = strsep(&rest, "\n"));)
        if (*line)
            log_msg(LOG_ERR, "%s", line);
    free(text);
    return r;
}

/* Modes that need no configuration. */
static bool print_table(enum mode mode)
{
    switch (mode) {
    case MODE_HELP_CONFIG:
        config_write_help(stdout);
        return true;
    case MODE_SAMPLE:
        config_write_sample(stdout);
        return true;
    case MODE_MAN:
        config_write_man(stdout);
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check", no_argument, NULL, 'k'},
        {"dump-config", no_argument, NULL, 'd'},
        {"help-config", no_argument, NULL, 'H'},
        {"sample-config", no_argument, NULL, 's'},
        {"man-config", no_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    const char *path = NULL;
    enum mode mode = MODE_RUN;
    int option;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            path = optarg;
            break;
        case 'k':
            mode = MODE_CHECK;
            break;
        case 'd':
            mode = MODE_DUMP;
            break;
        case 'H':
            mode = MODE_HELP_CONFIG;
            break;
        case 's':
            mode = MODE_SAMPLE;
            break;
        case 'm':
            mode = MODE_MAN;
            break;
        case 'h':
            print_help(stdout);
            return 0;
        case 'V':
            puts("logboomd " LOGBOOM_VERSION);
            return 0;
        default:
            return wrong_usage("unknown option, or one without its argument");
        }
    }
    if (optind < argc)
        return wrong_usage("it takes options only");
    if (print_table(mode))
        return 0;

    struct config *config = NULL;
    if (load(path, mode, &config) < 0)
        return 1;
    int status = act(mode, config);
    config_free(config);
    return status;
}
