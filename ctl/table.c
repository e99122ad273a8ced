/* SPDX-License-Identifier: MIT */
/*
 * Columns are as wide as the widest of the first HELD_ROWS rows: so many are held back, as texts,
 * before the first is printed. Later rows go through; one that is wider shifts its line. The longest
 * bar stands for the largest count of those held.
 */
#include "ctl/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/show/result.h"

#define HELD_ROWS    5000
#define MAX_BAR      60
#define MIN_BAR      10
#define COLOR_OFF    "\033[0m"
#define COLOR_HEADER "\033[1;4m"
#define COLOR_BAR    "\033[36m"
#define COLOR_NULL   "\033[2m"

struct table {
    struct table_options options;
    struct out *out;
    struct out_clock clock;
    struct out scratch; /* a cell's text, through grow() */
    char *text;
    size_t text_len, text_size;

    unsigned *widths; /* of each column; of the names at first */
    int bar_column;   /* whose numbers are drawn; -1: none */
    double bar_max;
    unsigned bar_room;
    char **held; /* texts of cells, row by row */
    double *held_values;
    uint8_t *held_severities; /* of the row, for its colour; 255: none */
    size_t n_held;
    bool is_running; /* the held ones were printed */
};

static size_t n_columns(const struct table *table)
{
    return table->options.shape->n_columns;
}

static int grow(void *arg, const char *data, size_t len)
{
    struct table *table = arg;
    if (table->text_len + len + 1 > table->text_size) {
        size_t size = (table->text_len + len + 1) * 2;
        char *text = realloc(table->text, size);
        if (text == NULL)
            return -ENOMEM;
        table->text = text;
        table->text_size = size;
    }
    memcpy(table->text + table->text_len, data, len);
    table->text_len += len;
    table->text[table->text_len] = '\0';
    return 0;
}

/* Bars are drawn where there is somebody to see them. */
static int find_bar(const struct table_options *options)
{
    const struct query_table *shape = options->shape;
    if (!options->terminal.is_terminal ||
        (shape->kind != QUERY_TOP && shape->kind != QUERY_HISTOGRAM))
        return -1;
    for (size_t i = 0; i < shape->n_columns; i++)
        if (strcmp(shape->columns[i].name, "count") == 0)
            return (int)i;
    return -1;
}

struct table *table_free(struct table *table)
{
    if (table == NULL)
        return NULL;
    for (size_t i = 0; i < table->n_held * n_columns(table); i++)
        free(table->held[i]);
    free(table->held);
    free(table->held_values);
    free(table->held_severities);
    free(table->widths);
    free(table->text);
    out_deinit(&table->scratch);
    free(table);
    return NULL;
}

static void print_csv_header(const struct table *table)
{
    for (size_t i = 0; i < n_columns(table); i++)
        print_csv_text(table->out, i == 0,
                       (struct text){table->options.shape->columns[i].name,
                                     (uint32_t)strlen(table->options.shape->columns[i].name)});
    out_char(table->out, '\n');
}

int table_new(const struct table_options *options, struct out *out, struct table **ret_table)
{
    size_t n = options->shape->n_columns;
    struct table *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return -ENOMEM;
    table->options = *options;
    table->out = out;
    table->clock.utc = options->utc;
    table->bar_column = find_bar(options);
    table->widths = calloc(n + 1, sizeof(*table->widths));
    table->held = calloc(n * HELD_ROWS + 1, sizeof(*table->held));
    table->held_values = calloc(HELD_ROWS, sizeof(*table->held_values));
    table->held_severities = calloc(HELD_ROWS, sizeof(*table->held_severities));
    if (out_init_to(&table->scratch, grow, table) < 0 || table->widths == NULL ||
        table->held == NULL || table->held_values == NULL || table->held_severities == NULL) {
        table_free(table);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++)
        table->widths[i] = (unsigned)strlen(options->shape->columns[i].name);
    if (options->format == &format_csv)
        print_csv_header(table);
    *ret_table = table;
    return 0;
}

static unsigned digits_of(const struct table *table, const struct query_cell *cell)
{
    if (table->options.shape->kind == QUERY_HISTOGRAM && cell->type == QUERY_TIME)
        return result_digits(cell->integer);
    return 3;
}

/* The cell's text in table->text. Returns 0, -ENOMEM. */
static int render(struct table *table, const struct query_cell *cell)
{
    table->text_len = 0;
    table_print_cell(&table->scratch, &table->clock, cell, digits_of(table, cell));
    int r = out_flush(&table->scratch);
    return r == 0 && table->text_len == 0 ? grow(table, "", 0) : r;
}

static void pad(struct out *out, size_t n)
{
    for (; n > 0; n--)
        out_char(out, ' ');
}

static void print_colored(const struct table *table, const char *color, const char *text)
{
    bool has_color = table->options.color && *color != '\0';
    if (has_color)
        out_string(table->out, color);
    out_string(table->out, text);
    if (has_color)
        out_string(table->out, COLOR_OFF);
}

/* Numbers stand at the right of their column; behind the last one there are no spaces. */
static void print_aligned(const struct table *table, size_t column, const char *color,
                          const char *text)
{
    enum query_type type = table->options.shape->columns[column].type;
    size_t columns = terminal_columns((struct text){text, (uint32_t)strlen(text)});
    size_t space = columns < table->widths[column] ? table->widths[column] - columns : 0;
    bool is_last = column + 1 == n_columns(table) && table->bar_column < 0;
    if (column > 0)
        out_string(table->out, "  ");
    if (table_is_number(type))
        pad(table->out, space);
    print_colored(table, color, text);
    if (!table_is_number(type) && !is_last)
        pad(table->out, space);
}

static void print_header(const struct table *table)
{
    for (size_t i = 0; i < n_columns(table); i++)
        print_aligned(table, i, COLOR_HEADER, table->options.shape->columns[i].name);
    out_char(table->out, '\n');
}

static const char *color_of(const struct table *table, size_t column, const char *text,
                            uint8_t severity)
{
    if (strcmp(text, "-") == 0)
        return COLOR_NULL;
    bool is_severity = table->options.shape->columns[column].type == QUERY_SEVERITY;
    return is_severity ? format_severity_color(severity) : "";
}

static void print_bar(const struct table *table, double value)
{
    char bar[TERMINAL_BAR_BYTES];
    if (table->bar_column < 0 || table->bar_room == 0)
        return;
    if (terminal_bar(&table->options.terminal, value, table->bar_max, table->bar_room, bar) == 0)
        return;
    out_string(table->out, "  ");
    print_colored(table, COLOR_BAR, bar);
}

static void print_texts(const struct table *table, char *const *texts, double value,
                        uint8_t severity)
{
    for (size_t i = 0; i < n_columns(table); i++)
        print_aligned(table, i, color_of(table, i, texts[i], severity), texts[i]);
    print_bar(table, value);
    out_char(table->out, '\n');
}

static void fit_bar(struct table *table)
{
    size_t used = 2;
    for (size_t i = 0; i < n_columns(table); i++)
        used += table->widths[i] + (i > 0 ? 2 : 0);
    size_t room = table->options.terminal.width > used ? table->options.terminal.width - used : 0;
    table->bar_room = room < MIN_BAR ? 0 : room > MAX_BAR ? MAX_BAR : (unsigned)room;
}

static void print_held(struct table *table)
{
    fit_bar(table);
    if (table->n_held > 0)
        print_header(table);
    for (size_t i = 0; i < table->n_held; i++)
        print_texts(table, table->held + i * n_columns(table), table->held_values[i],
                    table->held_severities[i]);
    for (size_t i = 0; i < table->n_held * n_columns(table); i++)
        free(table->held[i]);
    table->n_held = 0;
    table->is_running = true;
}

/* Texts of a row into texts[n]. Returns 0, -ENOMEM. */
static int render_row(struct table *table, const struct query_cell *cells, char **texts)
{
    for (size_t i = 0; i < n_columns(table); i++) {
        int r = render(table, &cells[i]);
        texts[i] = r == 0 ? strdup(table->text) : NULL;
        if (texts[i] == NULL) {
            while (i > 0)
                free(texts[--i]);
            return -ENOMEM;
        }
        if (table->is_running)
            continue;
        size_t columns = terminal_columns((struct text){table->text, (uint32_t)table->text_len});
        if (columns > table->widths[i])
            table->widths[i] = (unsigned)columns;
    }
    return 0;
}

static double value_of(const struct table *table, const struct query_cell *cells)
{
    if (table->bar_column < 0 || cells[table->bar_column].is_null)
        return 0;
    const struct query_cell *cell = &cells[table->bar_column];
    return cell->type == QUERY_DOUBLE ? cell->number : (double)cell->integer;
}

static uint8_t severity_of(const struct query_cell *cells, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (cells[i].type == QUERY_SEVERITY && !cells[i].is_null)
            return (uint8_t)cells[i].integer;
    return RECORD_NO_SEVERITY;
}

static int aligned_row(struct table *table, const struct query_cell *cells)
{
    size_t n = n_columns(table);
    double value = value_of(table, cells);
    uint8_t severity = severity_of(cells, n);
    char **texts = table->held + table->n_held * n;
    int r = render_row(table, cells, texts);
    if (r < 0)
        return r;
    if (table->is_running) {
        print_texts(table, texts, value, severity);
        for (size_t i = 0; i < n; i++)
            free(texts[i]);
        return 0;
    }
    table->held_values[table->n_held] = value;
    table->held_severities[table->n_held++] = severity;
    table->bar_max = value > table->bar_max ? value : table->bar_max;
    if (table->n_held == HELD_ROWS)
        print_held(table);
    return 0;
}

static int long_row(struct table *table, const struct query_cell *cells)
{
    unsigned width = 0;
    for (size_t i = 0; i < n_columns(table); i++)
        width = table->widths[i] > width ? table->widths[i] : width;
    for (size_t i = 0; i < n_columns(table); i++) {
        const char *name = table->options.shape->columns[i].name;
        print_colored(table, COLOR_NULL, name);
        pad(table->out, width - strlen(name) + 2);
        table_print_cell(table->out, &table->clock, &cells[i], digits_of(table, &cells[i]));
        out_char(table->out, '\n');
    }
    out_char(table->out, '\n');
    return 0;
}

/* raw, cat, and csv, whose texts are what a program reads. */
static int plain_row(struct table *table, const struct query_cell *cells)
{
    bool is_csv = table->options.format == &format_csv;
    struct out_clock utc = {.utc = true};
    for (size_t i = 0; i < n_columns(table); i++) {
        const struct query_cell *cell = &cells[i];
        struct text text = {"", 0};
        if (!cell->is_null && cell->type == QUERY_TEXT) {
            text = cell->text;
        } else if (!cell->is_null && cell->type == QUERY_TIME) {
            table->text_len = 0;
            out_time(&table->scratch, &utc, cell->integer, result_digits(cell->integer), 'T');
            out_char(&table->scratch, 'Z');
            if (out_flush(&table->scratch) < 0)
                return -ENOMEM;
            text = (struct text){table->text, (uint32_t)table->text_len};
        } else if (!cell->is_null) {
            if (render(table, cell) < 0)
                return -ENOMEM;
            text = (struct text){table->text, (uint32_t)table->text_len};
        }
        if (is_csv) {
            print_csv_text(table->out, i == 0, text);
            continue;
        }
        if (i > 0)
            out_char(table->out, '\t');
        if (table->options.format == &format_raw)
            out_text(table->out, text);
        else
            print_escaped(table->out, text);
    }
    out_char(table->out, '\n');
    return 0;
}

int table_row(void *arg, const struct query_cell *cells, size_t n)
{
    struct table *table = arg;
    const struct format *format = table->options.format;
    int r = 0;
    if (format == &format_json)
        print_json_result(table->out, table->options.shape->columns, cells, n);
    else if (format == &format_short)
        r = aligned_row(table, cells);
    else if (format == &format_long)
        r = long_row(table, cells);
    else
        r = plain_row(table, cells);
    return r < 0 ? r : table->out->error != 0;
}

int table_end(struct table *table)
{
    if (!table->is_running)
        print_held(table);
    return table->out->error != 0;
}
