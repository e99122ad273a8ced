/* SPDX-License-Identifier: MIT */
#include "ctl/terminal.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "store/show/utf8.h"

#define DEFAULT_WIDTH  80
#define MIN_WIDTH      20
#define MAX_WIDTH      1000
#define FIRST_SHOW_NS  500000000
#define BETWEEN_NS     100000000
#define PROGRESS_WIDTH 30

static unsigned width_of(int fd)
{
    const char *columns = getenv("COLUMNS");
    struct winsize size = {0};
    long width = columns != NULL ? strtol(columns, NULL, 10) : 0;
    if (width <= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width <= 0)
        width = DEFAULT_WIDTH;
    return (unsigned)(width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : width);
}

struct terminal terminal_of(int fd)
{
    return (struct terminal){
        .width = width_of(fd),
        .is_terminal = isatty(fd) == 1,
        .is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
    };
}

/* utf8_next() has found it to be one character. */
static wchar_t decode(const char *text, size_t len)
{
    static const unsigned char first_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    wchar_t character = (unsigned char)text[0] & first_mask[len];
    for (size_t i = 1; i < len; i++)
        character = (wchar_t)(character << 6) | ((unsigned char)text[i] & 0x3f);
    return character;
}

/* As print_escaped() has it: \n, \r, and \xHH for each byte of other controls and broken ones. */
static size_t columns_of(const char *text, size_t len, bool is_valid)
{
    wchar_t character = is_valid ? decode(text, len) : 0;
    if (is_valid && (character == '\n' || character == '\r'))
        return 2;
    if (!is_valid || (character < ' ' && character != '\t') ||
        (character >= 0x7f && character < 0xa0))
        return 4 * len;
    int width = wcwidth(character);
    return width < 0 ? 1 : (size_t)width;
}

size_t terminal_columns(struct text text)
{
    size_t columns = 0;
    for (size_t at = 0; at < text.len;) {
        bool is_valid;
        size_t len = utf8_next(text.data + at, text.len - at, &is_valid);
        columns += columns_of(text.data + at, len, is_valid);
        at += len;
    }
    return columns;
}

unsigned terminal_bar(const struct terminal *terminal, double value, double max, unsigned room,
                      char ret_text[TERMINAL_BAR_BYTES])
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
    const unsigned steps = terminal->is_utf8 ? 8 : 1;
    char *end = ret_text;
    *end = '\0';
    if (!(value > 0) || !(max > 0))
        return 0;
    room = room > TERMINAL_BAR_BYTES / 3 - 1 ? TERMINAL_BAR_BYTES / 3 - 1 : room;
    double share = value < max ? value / max : 1;
    unsigned n = (unsigned)(share * room * steps + 0.5), columns = 0;
    for (n = n == 0 ? 1 : n; n > 0; columns++) {
        unsigned part = n < steps ? n : steps;
        end = stpcpy(end, terminal->is_utf8 ? eighths[part] : "#");
        n -= part;
    }
    return columns;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void progress_start(struct progress *progress, const char *label)
{
    *progress = (struct progress){.label = label, .terminal = terminal_of(STDERR_FILENO)};
    progress->next_ns = progress->terminal.is_terminal ? now_ns() + FIRST_SHOW_NS : INT64_MAX;
}

bool progress_is_due(struct progress *progress)
{
    return progress->label != NULL && progress->next_ns != INT64_MAX &&
           now_ns() >= progress->next_ns;
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total, const char *text)
{
    char bar[TERMINAL_BAR_BYTES] = "";
    double share = total > 0 ? (double)done / (double)total : 0;
    unsigned columns = terminal_bar(&progress->terminal, share, 1, PROGRESS_WIDTH, bar);
    unsigned percent = (unsigned)(share < 1 ? share * 100 : 100);
    progress->next_ns = now_ns() + BETWEEN_NS;
    progress->is_shown = true;
    if (total > 0)
        fprintf(stderr, "\r\033[K%s [%s%*s] %3u %%  %s", progress->label, bar,
                (int)(PROGRESS_WIDTH - columns), "", percent, text);
    else
        fprintf(stderr, "\r\033[K%s: %s", progress->label, text);
    fflush(stderr);
}

void progress_clear(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}

void progress_stop(struct progress *progress)
{
    progress_clear(progress);
    progress->next_ns = INT64_MAX;
}
