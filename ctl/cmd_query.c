/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "ctl/locate.h"
#include "ctl/search.h"
#include "store/when.h"

enum { QUERY_SINCE = SEARCH_OWN, QUERY_UNTIL, QUERY_AFTER };

struct times {
    const char *since, *until; /* read when all options are known: --utc counts */
};

static int read_time(const struct ctl *ctl, const char *option, const char *text, bool utc,
                     int64_t *ret_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    int r = text == NULL ? 0 : when_parse(text, strlen(text), now_ns, utc, ret_ns);
    if (r == -ERANGE)
        return ctl_misused(ctl, "%s: there is no such time as %s", option, text);
    if (r < 0)
        return ctl_misused(ctl, "%s: %s is no time: expected " WHEN_EXPECTED, option, text);
    return CTL_DONE;
}

static int read_times(const struct ctl *ctl, struct search *search, const struct times *times)
{
    struct query_options *options = &search->options;
    int status = read_time(ctl, "--since", times->since, search->utc, &options->since_ns);
    if (status == CTL_DONE)
        status = read_time(ctl, "--until", times->until, search->utc, &options->until_ns);
    if (status == CTL_DONE && options->since_ns > options->until_ns)
        return ctl_misused(ctl, "--since is later than --until: nothing lies between");
    return status;
}

static int read_options(struct ctl *ctl, struct search *search, int argc, char **argv)
{
    static const struct option options[] = {
        {"since", required_argument, NULL, QUERY_SINCE},
        {"until", required_argument, NULL, QUERY_UNTIL},
        {"after", required_argument, NULL, QUERY_AFTER},
        {"reverse", no_argument, NULL, 'r'},
        SEARCH_OPTIONS,
        CTL_OPTIONS,
    };
    struct times times = {0};
    int option, status;
    while ((option = ctl_next_option(ctl, argc, argv, ":o:n:r", options, &status)) != -1) {
        if (option == CTL_STOP)
            return status == CTL_DONE ? CTL_STOP : status;
        if (option == QUERY_SINCE)
            times.since = optarg;
        else if (option == QUERY_UNTIL)
            times.until = optarg;
        else if (option == 'r')
            search->options.newest_first = true;
        else if (option == QUERY_AFTER && search_number(optarg, 16, &search->options.after_id))
            continue;
        else if (option == QUERY_AFTER)
            return ctl_misused(ctl, "--after takes the id of a record, as -o json shows it, not %s",
                               optarg);
        else if ((status = search_option(ctl, search, option)) != CTL_DONE)
            return status;
    }
    return read_times(ctl, search, &times);
}

static void warn_of_damage(const struct query_counts *counts)
{
    if (counts->blocks_damaged > 0)
        fprintf(stderr, "logboomctl: %" PRIu64 " damaged blocks were left out\n",
                counts->blocks_damaged);
}

static int search_store(struct search *search)
{
    struct query_counts counts;
    int r = search_open(search);
    if (r < 0)
        return search_fail_open(search, r);
    r = query_run(search->query, search->reader, &search->options, &counts);
    warn_of_damage(&counts);
    return search_finish(search, r);
}

static int run_query(struct ctl *ctl, int argc, char **argv)
{
    struct search search = SEARCH_INIT;
    int status = read_options(ctl, &search, argc, argv);
    if (status == CTL_DONE)
        status = search_parse(ctl, &search, argv + optind, argc - optind);
    if (status == CTL_DONE)
        status = locate_store(ctl, &search.store);
    if (status == CTL_DONE)
        status = search_start_printer(&search);
    if (status == CTL_DONE)
        status = search_store(&search);
    search_deinit(&search);
    return status == CTL_STOP ? CTL_DONE : status;
}

const struct command command_query = {
    .name = "query",
    .summary = "search the stored log lines",
    .help = "usage: logboomctl query [EXPR...] [--since T] [--until T] [-n N] [-r] [-o FORMAT]\n\n"
            "Prints the stored lines that match the expression (all arguments, joined with spaces; "
            "none:\n"
            "every line), in the order in which they were received. Reads the store itself: "
            "logboomd need\n"
            "not run.\n\n"
            "Options:\n"
            "      --since T        lines whose time is T or later\n"
            "      --until T        lines whose time is before T\n"
            "                       T: 2026-11-24T11:00:00Z, 2026-11-24, \"2026-11-24 11:00\", "
            "11:00, now,\n"
            "                       today, yesterday, 30m, \"1h ago\", 2d, @1700000000; local time "
            "if no\n"
            "                       zone is given (UTC with --utc)\n"
            "  -n, --lines N        only the newest N matches (0: all)\n"
            "  -r, --reverse        newest first\n"
            "      --after ID       only records received after the one with this "
            "id\n" SEARCH_OPTIONS_HELP CTL_OPTIONS_HELP "\n" SEARCH_EXPRESSION_HELP "\n"
            "Examples:\n"
            "  logboomctl query 'severity<=err' --since 1h\n"
            "  logboomctl query 'host:web* \"failed password\" not geo.country=DE' -n 20\n"
            "  logboomctl query 'peer=10.0.0.0/8' --since yesterday --until today -o json\n",
    .run = run_query,
};
