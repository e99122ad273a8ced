/* SPDX-License-Identifier: MIT */
/* export: what an expression matches, as lines from which `store import` makes the same records. */
#include "ctl/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/interrupt.h"
#include "ctl/locate.h"
#include "ctl/search.h"
#include "store/query/result.h"
#include "store/show/answer.h"
#include "store/zstream.h"

#define LEVEL 3

struct export
{
    struct search search;
    struct search_times times;
    const char *file; /* NULL: standard output */
    int fd;
    struct zwriter *writer;
    struct out out;
    struct json_row_options json;
    struct progress progress;
    uint64_t n_rows;
};

static int on_row(void *arg, const struct store_row *row)
{
    struct export *export = arg;
    if (interrupted())
        return -ECANCELED;
    print_json_row(&export->out, &export->json, row);
    export->n_rows++;
    return export->out.error;
}

static void on_progress(void *arg, const struct query_progress *progress)
{
    struct export *export = arg;
    char text[2 * HUMAN_SIZE], number[HUMAN_SIZE];
    if (!progress_is_due(&export->progress))
        return;
    snprintf(text, sizeof(text), "%s lines", human_number(export->n_rows, number));
    progress_show(&export->progress, progress->bytes, progress->bytes_total, text);
}

static bool is_stopped(void *arg)
{
    return interrupted();
}

static bool is_compressed(const char *file)
{
    size_t len = file != NULL ? strlen(file) : 0;
    return len > 4 && strcmp(file + len - 4, ".zst") == 0;
}

/* Returns CTL_DONE, or it was said. */
static int open_output(struct export *export)
{
    export->fd = STDOUT_FILENO;
    if (export->file != NULL) {
        export->fd = open(export->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
        if (export->fd < 0)
            return ctl_fail("cannot write %s: %s", export->file, strerror(errno));
    }
    export->json = JSON_ROW_OPTIONS_DEFAULT;
    export->json.is_exact = true;
    int level = is_compressed(export->file) ? LEVEL : 0;
    if (zwriter_new(export->fd, level, &export->writer) < 0 ||
        out_init_to(&export->out, zwriter_write, export->writer) < 0)
        return ctl_fail("out of memory");
    return CTL_DONE;
}

/* Returns 0 or a negative errno. */
static int close_output(struct export *export)
{
    int r = 0;
    if (export->writer != NULL) {
        r = out_flush(&export->out);
        if (r == 0)
            r = zwriter_end(export->writer);
    }
    if (export->file != NULL && export->fd >= 0 && close(export->fd) < 0 && r == 0)
        r = -errno;
    export->fd = -1;
    return r;
}

static int export_rows(struct export *export)
{
    struct search *search = &export->search;
    struct answer answer;
    int r = search_open(search);
    if (r < 0)
        return search_fail_open(search, r);
    int status = open_output(export);
    if (status != CTL_DONE)
        return status;
    struct answer_options options = {.run = search->options, .is_stopped = is_stopped};
    options.run.columns = STORE_ALL;
    options.run.on_row = on_row;
    options.run.on_progress = on_progress;
    options.run.arg = export;
    interrupt_catch();
    progress_start(&export->progress, "exporting");
    r = query_answer(search->query, search->reader, &options, &answer);
    int error = close_output(export);
    progress_clear(&export->progress);
    if (r == -ECANCELED && error == 0)
        return ctl_interrupted("not all lines were exported");
    if (error == -EPIPE && export->file == NULL)
        return CTL_DONE;
    if (error < 0)
        return ctl_fail("cannot write %s: %s; what is there is not whole",
                        export->file != NULL ? export->file : "to standard output",
                        strerror(-error));
    if (r < 0)
        return ctl_fail("reading the store at %s: %s", search->store, strerror(-r));
    if (answer.counts.blocks_damaged > 0)
        return ctl_fail("%" PRIu64 " damaged blocks were left out (logboomctl store quarantine "
                        "list)",
                        answer.counts.blocks_damaged);
    return CTL_DONE;
}

static int read_options(struct ctl *ctl, struct export *export, int argc, char **argv)
{
    enum { EXPORT_SINCE = OPTION_OWN, EXPORT_UNTIL, EXPORT_UTC };
    static const struct option options[] = {
        {"since", required_argument, NULL, EXPORT_SINCE},
        {"until", required_argument, NULL, EXPORT_UNTIL},
        {"utc", no_argument, NULL, EXPORT_UTC},
        {"output", required_argument, NULL, 'o'},
        CTL_OPTIONS,
    };
    int option, status;
    while ((option = ctl_next_option(ctl, argc, argv, ":o:", options, &status)) != -1) {
        if (option == CTL_STOP)
            return status == CTL_DONE ? CTL_STOP : status;
        if (option == EXPORT_SINCE)
            export->times.since = optarg;
        else if (option == EXPORT_UNTIL)
            export->times.until = optarg;
        else if (option == EXPORT_UTC)
            export->search.utc = true;
        else
            export->file = strcmp(optarg, "-") == 0 ? NULL : optarg;
    }
    return search_times(ctl, &export->search, &export->times);
}

static int run_export(struct ctl *ctl, int argc, char **argv)
{
    struct export export = {.search = SEARCH_INIT, .fd = -1, .out.fd = -1};
    struct search *search = &export.search;
    int status = read_options(ctl, &export, argc, argv);
    if (status == CTL_DONE)
        status = search_parse(ctl, search, argv + optind, argc - optind);
    if (status == CTL_DONE && query_result(search->query) != NULL)
        status = ctl_misused(ctl, "a table cannot be exported: it holds no records");
    if (status == CTL_DONE)
        status = locate_store(ctl, &search->store);
    if (status == CTL_DONE)
        status = export_rows(&export);
    out_deinit(&export.out);
    zwriter_free(export.writer);
    search_deinit(search);
    return status == CTL_STOP ? CTL_DONE : status;
}

const struct command store_export = {
    .name = "store export",
    .summary = "lines as JSON, each one complete",
    .help =
        "usage: logboomctl store export [EXPR...] [--since T] [--until T] [-o FILE]\n\n"
        "Writes the lines that match the expression (none: all) as JSON, one object a line, as\n"
        "`query -o json` does, and all that `store import` needs to make the same records again:\n"
        "sd_raw, the structured data as it came; NAME_b64 of each text that is no UTF-8; degrees\n"
        "with all their digits; time_assumed where a line had no time of its own.\n\n"
        "Options:\n"
        "      --since T, --until T   as of query\n"
        "      --utc                  T without a zone is UTC\n"
        "  -o, --output FILE          in place of standard output; compressed (zstd) when its "
        "name\n"
        "                             ends in .zst\n" CTL_OPTIONS_HELP,
    .run = run_export,
};
