/* SPDX-License-Identifier: MIT */
/*
 * Every field of a record on a line of its own, and an empty line behind them:
 *
 *   time       2026-11-24 11:00:00.250
 *   severity   warning
 *   message    GET / from 192.0.2.7
 */
#include "ctl/format.h"

#include "store/query/sd.h"

#define NAME_COLUMNS 12
#define COLOR_OFF    "\033[0m"
#define COLOR_NAME   "\033[2m"

static void print_label(struct printer *printer, struct text name)
{
    size_t columns = name.len;
    if (printer->color)
        out_string(&printer->out, COLOR_NAME);
    print_escaped(&printer->out, name);
    if (printer->color)
        out_string(&printer->out, COLOR_OFF);
    do
        out_char(&printer->out, ' ');
    while (++columns < NAME_COLUMNS);
}

static void print_name(struct printer *printer, const char *name)
{
    print_label(printer, (struct text){name, (uint32_t)strlen(name)});
}

static void print_text(struct printer *printer, const char *name, struct text text)
{
    if (text.len == 0)
        return;
    print_name(printer, name);
    print_escaped(&printer->out, text);
    out_char(&printer->out, '\n');
}

static void print_word(struct printer *printer, const char *name, const char *word)
{
    if (word != NULL)
        print_text(printer, name, (struct text){word, (uint32_t)strlen(word)});
}

static void print_time(struct printer *printer, const char *name, int64_t time_ns, unsigned digits)
{
    print_name(printer, name);
    out_time(&printer->out, &printer->shown, time_ns, digits, ' ');
    if (printer->shown.utc)
        out_char(&printer->out, 'Z');
    out_char(&printer->out, '\n');
}

static void print_peer(struct printer *printer, const struct store_row *row)
{
    if (row->peer.family == 0)
        return;
    print_name(printer, "peer");
    out_address(&printer->out, row->peer.address);
    if (row->peer.port != 0) {
        out_string(&printer->out, " port ");
        out_number(&printer->out, row->peer.port);
    }
    out_char(&printer->out, '\n');
}

/* A line for each parameter, as an expression names it: sd.ID.PARAM. */
static void print_sd(struct printer *printer, const struct store_row *row)
{
    struct sd_walk walk = SD_WALK_INIT(row->sd);
    struct sd_param param;
    struct out *out = &printer->out;
    int r = row->sd.len > 0 ? 1 : 0;
    while (r > 0 && (r = sd_next(&walk, &param)) > 0) {
        out_string(out, printer->color ? COLOR_NAME "sd." : "sd.");
        print_escaped(out, param.id);
        if (param.name.len > 0)
            out_char(out, '.');
        print_escaped(out, param.name);
        out_string(out, printer->color ? COLOR_OFF "  " : "  ");
        print_escaped(out, param.value);
        out_char(out, '\n');
    }
    if (r < 0)
        print_text(printer, "sd", row->sd);
}

static void print_geo(struct printer *printer, const struct store_row *row)
{
    const struct place *place = &row->place;
    struct out *out = &printer->out;
    if (!row->has_place)
        return;
    print_name(printer, "geo.ip");
    out_address(out, row->geo_ip);
    out_char(out, '\n');
    print_text(printer, "geo.country",
               (struct text){place->country, (uint32_t)strnlen(place->country, 2)});
    print_text(printer, "geo.city", place->city);
    print_text(printer, "geo.region", place->region);
    print_text(printer, "geo.org", place->org);
    if (place->asn != 0) {
        print_name(printer, "geo.asn");
        out_number(out, place->asn);
        out_char(out, '\n');
    }
    if (place->has_location) {
        print_name(printer, "geo.lat,lon");
        out_degrees(out, place->lat);
        out_char(out, ',');
        out_degrees(out, place->lon);
        out_char(out, '\n');
    }
}

static void print_severity(struct printer *printer, const struct store_row *row)
{
    const char *name = record_severity_name(row->severity);
    const char *color = printer->color ? format_severity_color(row->severity) : "";
    if (name == NULL)
        return;
    print_name(printer, "severity");
    out_string(&printer->out, color);
    out_string(&printer->out, name);
    out_string(&printer->out, *color != '\0' ? COLOR_OFF "\n" : "\n");
}

static void long_row(struct printer *printer, const struct store_row *row)
{
    bool is_assumed = (row->flags & RECORD_TIME_RECEIVED) != 0;
    print_time(printer, "time", row->time_ns, is_assumed ? 6 : row->time_digits);
    print_time(printer, "received", received_ns(row), 6);
    print_text(printer, "input", row->input);
    print_peer(printer, row);
    print_word(printer, "format", record_format_name(row->format));
    print_word(printer, "facility", record_facility_name(row->facility));
    print_severity(printer, row);
    print_text(printer, "host", row->host);
    print_text(printer, "app", row->app);
    print_text(printer, "procid", row->procid);
    print_text(printer, "msgid", row->msgid);
    print_sd(printer, row);
    print_geo(printer, row);
    if (row->flags & RECORD_CUT)
        print_word(printer, "truncated", "yes");
    print_name(printer, "id");
    out_hex(&printer->out, row->id, 16);
    out_char(&printer->out, '\n');
    print_name(printer, "message");
    format_message(printer, row);
    out_string(&printer->out, "\n\n");
}

const struct format format_long = {.name = "long", .columns = STORE_ALL, .row = long_row};
