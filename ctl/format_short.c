/* SPDX-License-Identifier: MIT */
/*
 * One line for a person:
 *
 *   2026-11-24 11:00:00.250 web01 nginx[4711] warning: GET / from 192.0.2.7 [DE Berlin]
 */
#include "ctl/format.h"

#define COLOR_OFF   "\033[0m"
#define COLOR_DIM   "\033[2m"
#define COLOR_MATCH "\033[1;30;43m"
#define MAX_SPANS   64

const char *format_severity_color(uint8_t severity)
{
    static const char *const colors[] = {
        "\033[1;37;41m", "\033[1;37;41m", "\033[1;31m", "\033[31m", /* emerg alert crit err */
        "\033[33m",      "\033[36m",      "",           COLOR_DIM,  /* warning notice info debug */
    };
    return severity < 8 ? colors[severity] : "";
}

static void print_colored(struct printer *printer, const char *color, struct text text)
{
    bool color_on = printer->color && *color != '\0' && text.len > 0;
    if (color_on)
        out_string(&printer->out, color);
    print_escaped(&printer->out, text);
    if (color_on)
        out_string(&printer->out, COLOR_OFF);
}

static void print_host(struct printer *printer, const struct store_row *row)
{
    if (row->host.len > 0)
        print_escaped(&printer->out, row->host);
    else if (row->peer.family != 0)
        out_address(&printer->out, row->peer.address);
    else
        out_char(&printer->out, '-');
}

static void print_app(struct printer *printer, const struct store_row *row)
{
    if (row->app.len == 0)
        return;
    out_char(&printer->out, ' ');
    print_escaped(&printer->out, row->app);
    if (row->procid.len == 0)
        return;
    out_char(&printer->out, '[');
    print_escaped(&printer->out, row->procid);
    out_char(&printer->out, ']');
}

static void print_severity(struct printer *printer, const struct store_row *row)
{
    const char *name = record_severity_name(row->severity);
    if (name == NULL)
        return;
    out_char(&printer->out, ' ');
    print_colored(printer, format_severity_color(row->severity),
                  (struct text){name, (uint32_t)strlen(name)});
}

static void print_place(struct printer *printer, const struct store_row *row)
{
    struct text country = {row->place.country, (uint32_t)strnlen(row->place.country, 2)};
    struct text city = row->place.city;
    if (!row->has_place || (country.len == 0 && city.len == 0))
        return;
    out_string(&printer->out, printer->color ? " " COLOR_DIM "[" : " [");
    print_escaped(&printer->out, country);
    if (country.len > 0 && city.len > 0)
        out_char(&printer->out, ' ');
    print_escaped(&printer->out, city);
    out_string(&printer->out, printer->color ? "]" COLOR_OFF : "]");
}

void format_message(struct printer *printer, const struct store_row *row)
{
    struct span spans[MAX_SPANS];
    struct text message = row->message;
    const char *color = row->severity <= 3 ? format_severity_color(row->severity) : "";
    size_t n = 0, at = 0;
    if (printer->color && printer->highlighter != NULL)
        n = highlight(printer->highlighter, message.data, message.len, spans, MAX_SPANS);
    for (size_t i = 0; i < n; i++) {
        print_colored(printer, color,
                      (struct text){message.data + at, (uint32_t)(spans[i].off - at)});
        print_colored(printer, COLOR_MATCH,
                      (struct text){message.data + spans[i].off, spans[i].len});
        at = spans[i].off + spans[i].len;
    }
    if (at < message.len)
        print_colored(printer, color,
                      (struct text){message.data + at, (uint32_t)(message.len - at)});
}

static void short_row(struct printer *printer, const struct store_row *row)
{
    struct out *out = &printer->out;
    out_time(out, &printer->shown, row->time_ns, 3, ' ');
    if (printer->shown.utc)
        out_char(out, 'Z');
    out_char(out, ' ');
    print_host(printer, row);
    print_app(printer, row);
    print_severity(printer, row);
    out_string(out, ": ");
    format_message(printer, row);
    print_place(printer, row);
    out_char(out, '\n');
}

const struct format format_short = {
    .name = "short",
    .columns = STORE_TIME | STORE_HOST | STORE_APP | STORE_PROCID | STORE_PRI | STORE_PEER |
               STORE_MESSAGE | STORE_PLACE,
    .row = short_row,
};
