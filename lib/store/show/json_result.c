/* SPDX-License-Identifier: MIT */
/* Rows of a table as JSON objects: a key for each column, null where there is nothing. */
#include "store/show/result.h"

#include <string.h>

#include "store/show/json.h"

static void print_name(struct out *out, const char *name)
{
    print_json_text(out, (struct text){name, (uint32_t)strlen(name)});
}

/* Names of ours; a number where there is no name. */
static void print_code(struct out *out, const char *name, int64_t code)
{
    if (name != NULL)
        print_name(out, name);
    else
        out_integer(out, code);
}

static void print_time(struct out *out, int64_t time_ns)
{
    struct out_clock clock = {.utc = true};
    out_char(out, '"');
    out_time(out, &clock, time_ns, result_digits(time_ns), 'T');
    out_string(out, "Z\"");
}

static void print_cell(struct out *out, const struct query_cell *cell)
{
    switch (cell->type) {
    case QUERY_TEXT:
        print_json_text(out, cell->text);
        break;
    case QUERY_INTEGER:
        out_integer(out, cell->integer);
        break;
    case QUERY_DOUBLE:
        out_double(out, cell->number);
        break;
    case QUERY_TIME:
        print_time(out, cell->integer);
        break;
    case QUERY_ID:
        out_char(out, '"');
        out_hex(out, (uint64_t)cell->integer, 16);
        out_char(out, '"');
        break;
    case QUERY_SEVERITY:
        print_code(out, record_severity_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_FACILITY:
        print_code(out, record_facility_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_FORMAT:
        print_code(out, record_format_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_ADDRESS:
        out_char(out, '"');
        out_address(out, cell->address);
        out_char(out, '"');
        break;
    }
}

unsigned result_digits(int64_t time_ns)
{
    unsigned digits = 9;
    for (; digits > 0 && time_ns % 10 == 0; time_ns /= 10)
        digits--;
    return digits;
}

void print_json_result(struct out *out, const struct query_column *columns,
                       const struct query_cell *cells, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        out_char(out, i == 0 ? '{' : ',');
        print_name(out, columns[i].name);
        out_char(out, ':');
        if (cells[i].is_null)
            out_string(out, "null");
        else
            print_cell(out, &cells[i]);
    }
    out_string(out, "}\n");
}
