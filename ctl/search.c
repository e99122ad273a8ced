/* SPDX-License-Identifier: MIT */
#include "ctl/search.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/locate.h"
#include "store/query/result.h"
#include "store/when.h"

void search_deinit(struct search *search)
{
    if (search->reader != NULL)
        search->reader = store_reader_close(search->reader);
    search->highlighter = highlighter_free(search->highlighter);
    search->query = query_free(search->query);
    printer_deinit(&search->printer);
    free(search->store);
    search->store = NULL;
}

bool search_number(const char *word, unsigned base, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    if (strspn(word, base == 16 ? "0123456789abcdefABCDEF" : "0123456789") != strlen(word))
        return false;
    *ret_number = strtoull(word, &end, (int)base);
    return *word != '\0' && *end == '\0' && errno == 0;
}

static int set_format(const struct ctl *ctl, struct search *search, const char *name)
{
    search->format = format_find(name);
    if (search->format == NULL)
        return ctl_misused(ctl, "there is no output %s: expected " FORMAT_NAMES, name);
    return CTL_DONE;
}

static int set_color(const struct ctl *ctl, struct search *search, const char *when)
{
    search->color = when;
    if (strcmp(when, "auto") == 0 || strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
        return CTL_DONE;
    return ctl_misused(ctl, "--color takes auto, always or never, not %s", when);
}

int search_option(const struct ctl *ctl, struct search *search, int option)
{
    switch (option) {
    case 'o':
        return set_format(ctl, search, optarg);
    case 'n':
        if (!search_number(optarg, 10, &search->options.limit))
            return ctl_misused(ctl, "-n takes a number of lines, not %s", optarg);
        return CTL_DONE;
    case SEARCH_UTC:
        search->utc = true;
        return CTL_DONE;
    default:
        return set_color(ctl, search, optarg);
    }
}

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

int search_times(const struct ctl *ctl, struct search *search, const struct search_times *times)
{
    struct query_options *options = &search->options;
    int status = read_time(ctl, "--since", times->since, search->utc, &options->since_ns);
    if (status == CTL_DONE)
        status = read_time(ctl, "--until", times->until, search->utc, &options->until_ns);
    if (status == CTL_DONE && options->since_ns > options->until_ns)
        return ctl_misused(ctl, "--since is later than --until: nothing lies between");
    return status;
}

static char *join(char **words, int n)
{
    size_t len = 1;
    for (int i = 0; i < n; i++)
        len += strlen(words[i]) + 1;
    char *text = calloc(1, len), *end = text;
    for (int i = 0; text != NULL && i < n; i++) {
        end = stpcpy(end, words[i]);
        if (i + 1 < n)
            *end++ = ' ';
    }
    return text;
}

/* The expression with a mark under the place; a long one is shown around it. */
static int fail_expression(const char *text, const struct query_error *error)
{
    size_t len = strlen(text), start = error->at > 60 ? error->at - 60 : 0;
    int shown = (int)(len - start < 72 ? len - start : 72);
    ctl_fail("column %zu of the expression: %s", error->at + 1, error->message);
    if (strpbrk(text, "\n\t\r\033") == NULL)
        fprintf(stderr, "  %.*s\n  %*s^\n", shown, text + start, (int)(error->at - start), "");
    return CTL_USAGE;
}

int search_parse(const struct ctl *ctl, struct search *search, char **words, int n)
{
    struct query_error error;
    char *text = join(words, n);
    if (text == NULL)
        return ctl_fail("out of memory");
    int r = query_parse(text, &search->query, &error);
    int status = r == -EINVAL ? fail_expression(text, &error)
                 : r < 0      ? ctl_fail("out of memory")
                              : CTL_DONE;
    free(text);
    return status;
}

bool search_wants_color(const struct search *search)
{
    const char *no_color = getenv("NO_COLOR");
    if (strcmp(search->color, "auto") != 0)
        return *search->color == 'a';
    return isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0');
}

int search_start_printer(struct search *search, bool wants_pager)
{
    pager_init(&search->pager, wants_pager);
    int r = printer_init(&search->printer, search->format, pager_write, &search->pager, search->utc,
                         search_wants_color(search));
    if (r == 0 && search->printer.color)
        r = highlighter_new(search->query, &search->highlighter);
    search->printer.highlighter = search->highlighter;
    /* A pager shows pages; a person at a terminal waits for each row. */
    search->printer.flush_rows = isatty(STDOUT_FILENO) && !search->pager.is_wanted;
    search->options.columns = search->format->columns;
    search->options.on_row = printer_row;
    search->options.arg = &search->printer;
    if (r == 0 && query_result(search->query) == NULL)
        printer_header(&search->printer);
    return r < 0 ? ctl_fail("out of memory") : CTL_DONE;
}

static void report(void *arg, int priority, const char *message)
{
    fprintf(stderr, "logboomctl: %s\n", message);
}

/* A lock or a day's folder makes a store, and an empty folder may become one. */
static bool may_be_store(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir)
        return true; /* the reader says why */
    bool is_empty = true, is_store = false;
    for (struct dirent *entry; !is_store && (entry = readdir(dir));) {
        const char *name = entry->d_name;
        is_store = strcmp(name, "lock") == 0 ||
                   (strlen(name) == strlen("2026-11-24") && strspn(name, "0123456789-") == 10);
        is_empty = is_empty && name[0] == '.';
    }
    closedir(dir);
    return is_store || is_empty;
}

int search_open(struct search *search)
{
    struct store_reader_options options = {.path = search->store, .report = report};
    if (!may_be_store(search->store))
        return -ENOTDIR;
    return store_reader_open(&options, &search->reader);
}

/* Who may read it: the names from the nearest folder that can be asked. */
static int fail_access(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return ctl_fail("not allowed to look into %s: run as root, or as a member of the store's "
                        "group (sudo logboomctl ...)",
                        path);
    const struct passwd *user = getpwuid(status.st_uid);
    const struct group *group = getgrgid(status.st_gid);
    const char *user_name = user != NULL ? user->pw_name : "(unknown)";
    if (group == NULL || status.st_gid == 0)
        return ctl_fail("not allowed to read %s: it belongs to user %s; use sudo", path, user_name);
    return ctl_fail(
        "not allowed to read %s: it belongs to user %s and group %s; use sudo, or join the "
        "group (usermod -aG %s YOU, then log in again)",
        path, user_name, group->gr_name, group->gr_name);
}

int search_fail_open(const struct search *search, int error)
{
    if (error == -EACCES || error == -EPERM)
        return fail_access(search->store);
    if (error == -ENOENT)
        return ctl_fail("there is no store at %s: has logboomd run? (--store DIR or --config FILE "
                        "name another)",
                        search->store);
    if (error == -ENOTDIR)
        return ctl_fail("%s is not a store of logboomd: give the folder that store.path names",
                        search->store);
    return ctl_fail("cannot open the store at %s: %s", search->store, strerror(-error));
}

int search_finish(struct search *search, int r)
{
    int error = printer_flush(&search->printer);
    pager_end(&search->pager);
    if (error == -EPIPE)
        return CTL_DONE;
    if (error < 0)
        return ctl_fail("cannot write to standard output: %s", strerror(-error));
    if (r < 0)
        return ctl_fail("reading the store at %s: %s", search->store, strerror(-r));
    return CTL_DONE;
}
