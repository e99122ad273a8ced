/* SPDX-License-Identifier: MIT */
#include "ctl/table.h"

#include <inttypes.h>
#include <stdio.h>

bool table_is_number(enum query_type type)
{
    return type == QUERY_INTEGER || type == QUERY_DOUBLE;
}

/* Six digits are enough for a person. */
static void print_double(struct out *out, double number)
{
    char text[32];
    int len = snprintf(text, sizeof(text), number < 1e15 && number > -1e15 ? "%.3f" : "%g", number);
    while (len > 1 && strchr(text, '.') != NULL && (text[len - 1] == '0' || text[len - 1] == '.')) {
        bool was_point = text[len - 1] == '.';
        text[--len] = '\0';
        if (was_point)
            break;
    }
    out_bytes(out, text, (size_t)len);
}

static void print_name(struct out *out, const char *name, int64_t code)
{
    if (name != NULL)
        out_string(out, name);
    else
        out_integer(out, code);
}

void table_print_cell(struct out *out, struct out_clock *clock, const struct query_cell *cell,
                      unsigned digits)
{
    if (cell->is_null) {
        out_char(out, '-');
        return;
    }
    switch (cell->type) {
    case QUERY_TEXT:
        print_escaped(out, cell->text);
        break;
    case QUERY_INTEGER:
        out_integer(out, cell->integer);
        break;
    case QUERY_DOUBLE:
        print_double(out, cell->number);
        break;
    case QUERY_TIME:
        out_time(out, clock, cell->integer, digits, ' ');
        if (clock->utc)
            out_char(out, 'Z');
        break;
    case QUERY_ID:
        out_hex(out, (uint64_t)cell->integer, 16);
        break;
    case QUERY_SEVERITY:
        print_name(out, record_severity_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_FACILITY:
        print_name(out, record_facility_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_FORMAT:
        print_name(out, record_format_name((unsigned)cell->integer), cell->integer);
        break;
    case QUERY_ADDRESS:
        out_address(out, cell->address);
        break;
    }
}
