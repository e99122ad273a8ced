/* SPDX-License-Identifier: MIT */
/* RFC 4180, except that lines end in LF as on every Unix; a header line; one line a record. */
#include "ctl/format.h"

static void csv_header(struct printer *printer)
{
    out_string(
        &printer->out,
        "id,time,received,input,peer,peer_port,format,facility,severity,host,app,procid,msgid,"
        "sd,message,geo_ip,country,city,region,lat,lon,asn,org\n");
}

void print_csv_text(struct out *out, bool is_first, struct text text)
{
    bool quote = false;
    for (size_t i = 0; i < text.len && !quote; i++)
        quote = text.data[i] == '"' || text.data[i] == ',' || text.data[i] == '\n' ||
                text.data[i] == '\r';
    if (!is_first)
        out_char(out, ',');
    if (!quote) {
        out_text(out, text);
        return;
    }
    out_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"')
            out_char(out, '"');
        out_char(out, text.data[i]);
    }
    out_char(out, '"');
}

static void print_field(struct out *out, struct text text)
{
    print_csv_text(out, false, text);
}

static void print_name(struct out *out, const char *name)
{
    out_char(out, ',');
    if (name != NULL)
        out_string(out, name);
}

static void print_number(struct out *out, bool known, uint64_t number)
{
    out_char(out, ',');
    if (known)
        out_number(out, number);
}

static void print_address(struct out *out, bool known, const uint8_t address[16])
{
    out_char(out, ',');
    if (known)
        out_address(out, address);
}

static void print_degrees(struct out *out, bool known, double degrees)
{
    out_char(out, ',');
    if (known)
        out_degrees(out, degrees);
}

static void print_place(struct out *out, const struct store_row *row)
{
    const struct place *place = &row->place;
    struct text country = {place->country, (uint32_t)strnlen(place->country, 2)};
    bool located = row->has_place && place->has_location;
    print_address(out, row->has_place, row->geo_ip);
    print_field(out, row->has_place ? country : (struct text){0});
    print_field(out, place->city);
    print_field(out, place->region);
    print_degrees(out, located, place->lat);
    print_degrees(out, located, place->lon);
    print_number(out, row->has_place && place->asn != 0, place->asn);
    print_field(out, place->org);
}

static void csv_row(struct printer *printer, const struct store_row *row)
{
    struct out *out = &printer->out;
    unsigned digits = row->flags & RECORD_TIME_RECEIVED ? 6 : row->time_digits;
    out_hex(out, row->id, 16);
    out_char(out, ',');
    out_time(out, &printer->json.time, row->time_ns, digits, 'T');
    out_string(out, "Z,");
    out_time(out, &printer->json.received, received_ns(row), 6, 'T');
    out_char(out, 'Z');
    print_field(out, row->input);
    print_address(out, row->peer.family != 0, row->peer.address);
    print_number(out, row->peer.port != 0, row->peer.port);
    print_name(out, record_format_name(row->format));
    print_name(out, record_facility_name(row->facility));
    print_name(out, record_severity_name(row->severity));
    print_field(out, row->host);
    print_field(out, row->app);
    print_field(out, row->procid);
    print_field(out, row->msgid);
    print_field(out, row->sd);
    print_field(out, row->message);
    print_place(out, row);
    out_char(out, '\n');
}

const struct format format_csv = {
    .name = "csv", .columns = STORE_ALL, .header = csv_header, .row = csv_row};
