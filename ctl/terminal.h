/* SPDX-License-Identifier: MIT */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

/* What a terminal can show, and text on it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "record/record.h"

struct terminal {
    unsigned width; /* columns */
    bool is_terminal;
    bool is_utf8; /* by the locale (LC_CTYPE, which main() sets) */
};

/* Of a descriptor; COLUMNS overrides the width, 80 is the default. */
struct terminal terminal_of(int fd);

/* Columns that a text takes as print_escaped() shows it. */
size_t terminal_columns(struct text text);

/*
 * A bar for value of max, in room columns: eighths of blocks where UTF-8 is, '#' else. A value that
 * is not 0 has at least the smallest bar. ret_text is NUL-terminated; returns the columns it takes.
 */
#define TERMINAL_BAR_BYTES 1024
unsigned terminal_bar(const struct terminal *terminal, double value, double max, unsigned room,
                      char ret_text[TERMINAL_BAR_BYTES]);

/*
 * A line on stderr that says how far something is. It shows only on a terminal, when it has taken
 * longer than half a second, at most ten times a second.
 */
struct progress {
    const char *label; /* NULL: it was not started, and shows nothing */
    struct terminal terminal;
    int64_t next_ns; /* CLOCK_MONOTONIC: not to be shown before */
    bool is_shown;
};

void progress_start(struct progress *progress, const char *label);
/* Is it time? Then progress_show() shows; so that its text is made only when needed. */
bool progress_is_due(struct progress *progress);
/* done of total (0: not known), and what else there is to say. */
void progress_show(struct progress *progress, uint64_t done, uint64_t total, const char *text);
/* Takes it off again: before any other output. */
void progress_clear(struct progress *progress);
/* And never shows it again. */
void progress_stop(struct progress *progress);

#endif
