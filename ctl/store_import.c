/* SPDX-License-Identifier: MIT */
/*
 * import: lines ─▶ rows ─▶ batches of a block ─▶ encode, append.
 *
 * A line that is no record ends it, or with --keep-going is said and counted. Either way all lines in
 * front of it are stored, and how many is said: nothing that was read is dropped in silence.
 */
#include "ctl/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "ctl/human.h"
#include "ctl/import_row.h"
#include "ctl/interrupt.h"
#include "ctl/locate.h"
#include "ctl/terminal.h"
#include "store/refill.h"
#include "store/zstream.h"

#define BLOCK_ROWS  16384
#define BLOCK_BYTES ((size_t)4 << 20)
#define MAX_LINE    ((size_t)256 << 20)
#define READ_BYTES  ((size_t)256 << 10)
#define MAX_INPUTS  1024
#define NO_INPUT    "import"

struct import {
    struct store *store;
    struct store_encoder *encoder;
    struct refill *refill;
    const char *inputs[MAX_INPUTS]; /* of the store's options: known as they come */
    size_t n_inputs;
    uint64_t n_pending, n_stored, n_bad;
    bool keeps_going;
    const char *file; /* that is read, and where in it */
    uint64_t line;
    char *text; /* what was read of it and is not yet used */
    size_t text_len, text_size;
    struct progress progress;
};

static void report(void *arg, int priority, const char *message)
{
    if (priority <= LOG_WARNING)
        fprintf(stderr, "logboomctl: %s\n", message);
}

/* Stores what is gathered. Returns 0 or a negative errno. */
static int flush(struct import *import)
{
    struct batch *const *batches;
    size_t n;
    int r = refill_batches(import->refill, &batches, &n);
    if (r == 0 && n > 0)
        r = store_encode(import->encoder, batches, n);
    if (r == 0)
        r = store_append(import->store, import->encoder);
    if (r < 0)
        return r;
    refill_clear(import->refill);
    import->n_stored += import->n_pending;
    import->n_pending = 0;
    return 0;
}

/* The number of an input's name. Returns 0, -ENOMEM, -E2BIG. */
static int find_input(struct import *import, struct text name, uint16_t *ret_input)
{
    if (name.len == 0)
        name = (struct text){NO_INPUT, sizeof(NO_INPUT) - 1};
    for (size_t i = 0; i < import->n_inputs; i++)
        if (strlen(import->inputs[i]) == name.len &&
            memcmp(import->inputs[i], name.data, name.len) == 0) {
            *ret_input = (uint16_t)i;
            return 0;
        }
    if (import->n_inputs == MAX_INPUTS)
        return -E2BIG;
    char *copy = strndup(name.data, name.len);
    if (copy == NULL)
        return -ENOMEM;
    import->inputs[import->n_inputs] = copy;
    *ret_input = (uint16_t)import->n_inputs++;
    return 0;
}

static int add_row(struct import *import, const struct store_row *row)
{
    uint16_t input;
    int r = find_input(import, row->input, &input);
    if (r == 0)
        r = refill_add(import->refill, row, input);
    if (r == -ENOSPC) {
        r = flush(import);
        if (r == 0)
            r = refill_add(import->refill, row, input);
    }
    import->n_pending += r == 0;
    return r;
}

/* Returns CTL_DONE, or CTL_FAILED: it ends here. */
static int bad_line(struct import *import, const char *error)
{
    import->n_bad++;
    progress_clear(&import->progress);
    int status = ctl_fail("%s, line %" PRIu64 ": %s", import->file, import->line, error);
    return import->keeps_going ? CTL_DONE : status;
}

static int fail_storing(const struct import *import, int r)
{
    return ctl_fail("%s, line %" PRIu64 ": cannot store it: %s", import->file, import->line,
                    r == -E2BIG ? "there are too many different inputs" : strerror(-r));
}

static int take_line(struct import *import, const char *line, size_t len)
{
    struct import_row row;
    import->line++;
    if (len == 0)
        return CTL_DONE;
    int r = import_row_read(&row, line, len);
    int status = r == -EINVAL ? bad_line(import, row.error) : CTL_DONE;
    if (r == 0)
        r = add_row(import, &row.row);
    if (r < 0 && r != -EINVAL)
        status = fail_storing(import, r);
    import_row_deinit(&row);
    return status;
}

static int take_lines(struct import *import, bool is_at_end)
{
    size_t at = 0;
    int status = CTL_DONE;
    while (status == CTL_DONE && at < import->text_len) {
        char *end = memchr(import->text + at, '\n', import->text_len - at);
        if (end == NULL && !is_at_end)
            break;
        size_t len = end != NULL ? (size_t)(end - import->text) - at : import->text_len - at;
        status = take_line(import, import->text + at, len);
        at += len + (end != NULL);
    }
    import->text_len -= at;
    memmove(import->text, import->text + at, import->text_len);
    return status;
}

static void show_progress(struct import *import)
{
    char text[2 * HUMAN_SIZE], number[HUMAN_SIZE];
    if (!progress_is_due(&import->progress))
        return;
    snprintf(text, sizeof(text), "%s lines",
             human_number(import->n_stored + import->n_pending, number));
    progress_show(&import->progress, 0, 0, text);
}

/* Room for one more read. Returns 0, -ENOMEM, -EMSGSIZE. */
static int make_room(struct import *import)
{
    if (import->text_size - import->text_len >= READ_BYTES)
        return 0;
    if (import->text_len > MAX_LINE)
        return -EMSGSIZE;
    size_t size = (import->text_len + READ_BYTES) * 2;
    char *grown = realloc(import->text, size);
    if (grown == NULL)
        return -ENOMEM;
    import->text = grown;
    import->text_size = size;
    return 0;
}

static const char *why(long r)
{
    return r == -EBADMSG    ? "what is compressed in it is damaged, or cut short"
           : r == -EMSGSIZE ? "a line without an end"
                            : strerror((int)-r);
}

static int read_lines(struct import *import, struct zreader *reader)
{
    int status = CTL_DONE;
    while (status == CTL_DONE) {
        long n = make_room(import);
        if (n == 0)
            n = zreader_read(reader, import->text + import->text_len, READ_BYTES);
        if (n < 0)
            return ctl_fail("%s, behind line %" PRIu64 ": %s", import->file, import->line, why(n));
        import->text_len += (size_t)n;
        status = take_lines(import, n == 0);
        show_progress(import);
        if (n == 0)
            break;
        if (status == CTL_DONE && interrupted())
            status = CTL_INTERRUPTED;
    }
    return status;
}

static int import_file(struct import *import, const char *name)
{
    struct zreader *reader;
    bool is_stdin = strcmp(name, "-") == 0;
    int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ctl_fail("cannot open %s: %s", name, strerror(errno));
    import->file = is_stdin ? "standard input" : name;
    import->line = import->text_len = 0;
    int status = zreader_new(fd, &reader) < 0 ? ctl_fail("out of memory") : CTL_DONE;
    if (status == CTL_DONE) {
        status = read_lines(import, reader);
        zreader_free(reader);
    }
    if (!is_stdin)
        close(fd);
    return status;
}

/* Whatever happened: what was read is stored, and counted. */
static int finish(struct import *import, int status)
{
    char stored[HUMAN_SIZE], bad[HUMAN_SIZE];
    int r = flush(import);
    if (r == 0)
        r = store_sync(import->store);
    progress_clear(&import->progress);
    if (r < 0)
        status =
            ctl_fail("storing the last %" PRIu64 " lines: %s", import->n_pending, strerror(-r));
    printf("%s lines were imported", human_number(import->n_stored, stored));
    if (import->n_bad > 0)
        printf(", %s were not records", human_number(import->n_bad, bad));
    putchar('\n');
    if (status == CTL_INTERRUPTED)
        return ctl_interrupted("the rest was not imported");
    return status == CTL_DONE && import->n_bad > 0 ? CTL_FAILED : status;
}

static int open_store(struct import *import, const char *path, bool may_make)
{
    struct store_options options = STORE_OPTIONS_DEFAULT;
    options.inputs = import->inputs;
    options.n_inputs = MAX_INPUTS;
    options.report = report;
    int status = store_open_for("store import", path, options, may_make, &import->store);
    if (status == STORE_BUSY)
        return ctl_fail("logboomd has the store at %s open: stop it (systemctl stop logboom), or "
                        "import into another one (--store DIR)",
                        path);
    if (status != CTL_DONE)
        return status;
    if (store_encoder_new(import->store, &import->encoder) < 0 ||
        refill_new(BLOCK_ROWS, BLOCK_BYTES, &import->refill) < 0)
        return ctl_fail("out of memory");
    return CTL_DONE;
}

static void import_free(struct import *import)
{
    store_encoder_free(import->encoder);
    refill_free(import->refill);
    store_close(import->store);
    for (size_t i = 0; i < import->n_inputs; i++)
        free((char *)import->inputs[i]);
    free(import->text);
    free(import);
}

static int import_all(const struct ctl *ctl, struct import *import, int n, char **names)
{
    static char standard_input[] = "-";
    char *alone[] = {standard_input}, *path = NULL;
    int status = locate_store(ctl, &path);
    if (status == CTL_DONE)
        status = open_store(import, path, ctl->store != NULL);
    free(path);
    if (status != CTL_DONE)
        return status;
    interrupt_catch();
    progress_start(&import->progress, "importing");
    names = n > 0 ? names : alone;
    n = n > 0 ? n : 1;
    for (int i = 0; status == CTL_DONE && i < n; i++)
        status = import_file(import, names[i]);
    return finish(import, status);
}

static int run_import(struct ctl *ctl, int argc, char **argv)
{
    enum { KEEP_GOING = OPTION_OWN };
    static const struct option options[] = {{"keep-going", no_argument, NULL, KEEP_GOING},
                                            CTL_OPTIONS};
    struct import *import = calloc(1, sizeof(*import));
    int option, status;
    if (import == NULL)
        return ctl_fail("out of memory");
    while ((option = ctl_next_option(ctl, argc, argv, ":", options, &status)) == KEEP_GOING)
        import->keeps_going = true;
    if (option == -1)
        status = import_all(ctl, import, argc - optind, argv + optind);
    import_free(import);
    return status;
}

const struct command store_import = {
    .name = "store import",
    .summary = "lines of JSON back into a store",
    .help =
        "usage: logboomctl store import [--keep-going] [FILE... | -]\n\n"
        "Stores lines as `store export` writes them, compressed (zstd) or not, each with its own\n"
        "times; ids are new. The store must not be open elsewhere: stop logboomd, or import into "
        "a\n"
        "store of its own (--store DIR, which is made), as its owner.\n\n"
        "A line that is no record ends it: the lines before it are stored, and counted.\n\n"
        "Options:\n"
        "      --keep-going     say which lines are no records, and go on\n" CTL_OPTIONS_HELP
        "\nExit status: 0 all lines are stored, 1 not all.\n",
    .run = run_import,
};
