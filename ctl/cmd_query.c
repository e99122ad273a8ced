/* SPDX-License-Identifier: MIT */
#include "ctl/ctl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/interrupt.h"
#include "ctl/locate.h"
#include "ctl/search.h"
#include "ctl/table.h"
#include "store/show/answer.h"
#include "store/when.h"

enum { QUERY_SINCE = SEARCH_OWN, QUERY_UNTIL, QUERY_AFTER, QUERY_NO_PAGER, QUERY_EXPLAIN };

struct run {
    struct search search;
    bool no_pager, explain;
    struct table *table; /* NULL: records */
};

static int read_options(struct ctl *ctl, struct run *run, int argc, char **argv)
{
    static const struct option options[] = {
        {"since", required_argument, NULL, QUERY_SINCE},
        {"until", required_argument, NULL, QUERY_UNTIL},
        {"after", required_argument, NULL, QUERY_AFTER},
        {"reverse", no_argument, NULL, 'r'},
        {"no-pager", no_argument, NULL, QUERY_NO_PAGER},
        {"explain", no_argument, NULL, QUERY_EXPLAIN},
        SEARCH_OPTIONS,
        CTL_OPTIONS,
    };
    struct search *search = &run->search;
    struct search_times times = {0};
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
        else if (option == QUERY_NO_PAGER)
            run->no_pager = true;
        else if (option == QUERY_EXPLAIN)
            run->explain = true;
        else if (option == QUERY_AFTER && search_number(optarg, 16, &search->options.after_id))
            continue;
        else if (option == QUERY_AFTER)
            return ctl_misused(ctl, "--after takes the id of a record, as -o json shows it, not %s",
                               optarg);
        else if ((status = search_option(ctl, search, option)) != CTL_DONE)
            return status;
    }
    return search_times(ctl, search, &times);
}

/* What the result is not, on stderr. */
static void warn(const struct query *query, const struct answer *answer)
{
    uint64_t n_gave_up = query_gave_up(query);
    const struct query_notes *notes = &answer->notes;
    if (answer->counts.blocks_damaged > 0)
        fprintf(stderr,
                "logboomctl: %" PRIu64 " damaged blocks were left out (logboomctl store "
                "quarantine list)\n",
                answer->counts.blocks_damaged);
    if (answer->counts.unordered > 0)
        fprintf(stderr, "logboomctl: %" PRIu64 " lines came too late for their place in time\n",
                answer->counts.unordered);
    if (notes->rows_ungrouped > 0)
        fprintf(stderr,
                "logboomctl: too many groups: %" PRIu64 " lines were not counted in theirs\n",
                notes->rows_ungrouped);
    if (notes->rows_unsorted > 0)
        fprintf(stderr, "logboomctl: too much to sort: the last %" PRIu64 " lines are missing\n",
                notes->rows_unsorted);
    if (notes->values_missed > 0)
        fprintf(stderr, "logboomctl: %" PRIu64 " values found no memory, and were left out\n",
                notes->values_missed);
    if (notes->has_gaps)
        fputs("logboomctl: the steps of the histogram in which nothing was are left out\n", stderr);
    if (notes->is_estimated)
        fputs("logboomctl: estimated: percentiles are at most 1 % off, uniq typically 0.8 %\n",
              stderr);
    if (n_gave_up > 0)
        fprintf(stderr,
                "logboomctl: the regular expression was given up on %" PRIu64
                " lines, which do not count as matches: it takes too many steps\n",
                n_gave_up);
}

static bool is_stopped(void *arg)
{
    return interrupted();
}

static int on_row(void *arg, const struct store_row *row)
{
    struct run *run = arg;
    if (interrupted())
        return -ECANCELED;
    return run->explain ? 0 : printer_row(&run->search.printer, row);
}

static int on_result(void *arg, const struct query_cell *cells, size_t n)
{
    struct run *run = arg;
    return run->explain ? 0 : table_row(run->table, cells, n);
}

/* Also the moment to hand on what came: a pager shows the first page while the rest is looked for. */
static void on_progress(void *arg, const struct query_progress *progress)
{
    struct run *run = arg;
    struct progress *line = &run->search.pager.progress;
    char text[3 * HUMAN_SIZE], done[HUMAN_SIZE], total[HUMAN_SIZE];
    if (run->search.printer.out.len > 0)
        printer_flush(&run->search.printer);
    if (!progress_is_due(line))
        return;
    snprintf(text, sizeof(text), "%" PRIu64 " lines, %s of %s", progress->rows,
             human_bytes(progress->bytes, done), human_bytes(progress->bytes_total, total));
    progress_show(line, progress->bytes, progress->bytes_total, text);
}

static int make_table(struct run *run)
{
    struct search *search = &run->search;
    const struct query_table *shape = query_result(search->query);
    struct table_options options = {.format = search->format,
                                    .shape = shape,
                                    .terminal = terminal_of(STDOUT_FILENO),
                                    .color = search_wants_color(search),
                                    .utc = search->utc};
    if (shape == NULL)
        return CTL_DONE;
    if (table_new(&options, &search->printer.out, &run->table) < 0)
        return ctl_fail("out of memory");
    search->printer.flush_rows = false;
    return CTL_DONE;
}

static void explain(struct run *run, const struct answer *answer)
{
    fflush(stdout);
    query_explain(run->search.query, &answer->counts, stdout);
}

static int search_store(struct run *run)
{
    struct search *search = &run->search;
    struct answer answer;
    int r = search_open(search);
    if (r < 0)
        return search_fail_open(search, r);
    search->options.arg = run;
    search->options.on_row = on_row;
    search->options.on_progress = on_progress;
    struct answer_options options = {
        .run = search->options, .on_result = on_result, .is_stopped = is_stopped};
    interrupt_catch();
    progress_start(&search->pager.progress, "searching");
    r = query_answer(search->query, search->reader, &options, &answer);
    if (run->table != NULL && (r == 0 || r == -ECANCELED) && table_end(run->table) < 0)
        r = -ENOMEM;
    bool was_interrupted = r == -ECANCELED;
    int status = search_finish(search, was_interrupted ? 0 : r);
    warn(search->query, &answer);
    if (run->explain && status == CTL_DONE)
        explain(run, &answer);
    if (was_interrupted && status == CTL_DONE)
        return ctl_interrupted("not all lines were looked at");
    return status;
}

static int run_query(struct ctl *ctl, int argc, char **argv)
{
    struct run run = {.search = SEARCH_INIT};
    struct search *search = &run.search;
    int status = read_options(ctl, &run, argc, argv);
    if (status == CTL_DONE)
        status = search_parse(ctl, search, argv + optind, argc - optind);
    if (status == CTL_DONE && query_result(search->query) != NULL && search->options.limit > 0)
        status = ctl_misused(ctl, "-n counts lines, and this makes a table: use | limit %" PRIu64,
                             search->options.limit);
    if (status == CTL_DONE)
        status = locate_store(ctl, &search->store);
    if (status == CTL_DONE)
        status = search_start_printer(search, !run.no_pager && !run.explain);
    if (status == CTL_DONE)
        status = make_table(&run);
    if (status == CTL_DONE)
        status = search_store(&run);
    run.table = table_free(run.table);
    search_deinit(search);
    return status == CTL_STOP ? CTL_DONE : status;
}

const struct command command_query = {
    .name = "query",
    .summary = "search the stored log lines",
    .help =
        "usage: logboomctl query [EXPR...] [--since T] [--until T] [-n N] [-r] [-o FORMAT]\n\n"
        "Prints the stored lines that match the expression (all arguments, joined with spaces; "
        "none:\n"
        "every line), in the order of their times, oldest first. Reads the store itself: logboomd\n"
        "need not run. On a terminal, through a pager.\n\n"
        "Options:\n"
        "      --since T        lines whose time is T or later\n"
        "      --until T        lines whose time is before T\n"
        "                       T: 2026-11-24T11:00:00Z, 2026-11-24, \"2026-11-24 11:00\", 11:00, "
        "now,\n"
        "                       today, yesterday, 30m, \"1h ago\", 2d, @1700000000; local time if "
        "no\n"
        "                       zone is given (UTC with --utc)\n"
        "  -n, --lines N        only the newest N matches (0: all)\n"
        "  -r, --reverse        newest first\n"
        "      --after ID       only records received after the one with this id\n"
        "      --no-pager       not through $LOGBOOM_PAGER, $PAGER or less\n"
        "      --explain        what was ruled out and read, in place of the "
        "lines\n" SEARCH_OPTIONS_HELP CTL_OPTIONS_HELP "\n" SEARCH_EXPRESSION_HELP
        "\nPipes make tables of what was found:\n"
        "  EXPR | count by host, severity          EXPR | top 20 geo.country\n"
        "  EXPR | histogram 5m by app              EXPR | stats p50(fields.latency_ms), uniq(peer) "
        "by app\n"
        "  EXPR | fields time,host,message         ... | sort count desc | limit 10\n"
        "\nExamples:\n"
        "  logboomctl query 'severity<=err' --since 1h\n"
        "  logboomctl query 'host:web* \"failed password\" not geo.country=DE' -n 20\n"
        "  logboomctl query 'severity<=warning | histogram 1h by app' --since today\n"
        "  logboomctl query 'peer=10.0.0.0/8' --since yesterday --until today -o json\n"
        "\nExit status: 0 done, 1 it failed, 2 wrong usage, 130 interrupted.\n",
    .run = run_query,
};
