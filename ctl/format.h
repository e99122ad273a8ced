/* SPDX-License-Identifier: MIT */
#ifndef CTL_FORMAT_H
#define CTL_FORMAT_H

/*
 * How rows are printed: one of a table of formats, and what it keeps between rows.
 */

#include "store/query/highlight.h"
#include "store/show/json.h"
#include "store/show/out.h"
#include "store/reader.h"

struct format;

struct printer {
    struct out out;
    const struct format *format;
    bool color;
    struct highlighter *highlighter; /* borrowed; NULL: nothing is highlighted */
    bool flush_rows;                 /* a person waits for each row */
    struct out_clock shown;          /* for people: local time, or UTC */
    struct json_row_options json;    /* its clocks serve csv, too */
};

struct format {
    const char *name;
    uint32_t columns;                        /* enum store_column: what it prints */
    void (*header)(struct printer *printer); /* in front of the first row; may be NULL */
    void (*row)(struct printer *printer, const struct store_row *row);
};

extern const struct format format_short, format_long, format_json, format_csv, format_raw,
    format_cat;

/* NULL: no such format. */
const struct format *format_find(const char *name);
#define FORMAT_NAMES "short, long, json, csv, raw or cat"

/* Returns 0, -ENOMEM. write, arg: as out_init_to() has them. utc: times for people. */
int printer_init(struct printer *printer, const struct format *format,
                 int (*write)(void *arg, const char *data, size_t len), void *arg, bool utc,
                 bool color);
void printer_deinit(struct printer *printer);
/* What stands in front of all rows, in formats that have such. */
void printer_header(struct printer *printer);
/* query_options.on_row. Returns 0, or 1 when the output takes no more (printer_flush() says why).
 */
int printer_row(void *printer, const struct store_row *row);
/* Returns 0 or why the output took no more. */
int printer_flush(struct printer *printer);

/*
 * Text for a person's eyes: what could move a cursor or break the line (C0, C1, DEL) or is no UTF-8
 * comes as \n, \r, or \xHH; a tab stays a tab.
 */
void print_escaped(struct out *out, struct text text);

/* format_short.c: the escape sequence of a severity (0-7), or "". */
const char *format_severity_color(uint8_t severity);
/* The message, escaped; in colour, what was found in it stands out. */
void format_message(struct printer *printer, const struct store_row *row);

/* format_csv.c: a field, with the comma in front of it unless it is the first. */
void print_csv_text(struct out *out, bool is_first, struct text text);

#endif
