/* SPDX-License-Identifier: MIT */
/*
 * A record as one JSON object on one line, for programs: the names and types of logboomctl(1) are a
 * contract. Absent fields are left out.
 */
#include "ctl/format.h"

/* A member that is not the first, up to its value. */
#define KEY(name) ",\"" name "\":"

static inline void print_text(struct out *out, const char *key, struct text text)
{
    if (text.len == 0)
        return;
    out_string(out, key);
    print_json_text(out, text);
}

/* For words of our own, which need no escaping. */
static inline void print_word(struct out *out, const char *key, const char *word)
{
    out_string(out, key);
    out_char(out, '"');
    out_string(out, word);
    out_char(out, '"');
}

static inline void print_number(struct out *out, const char *key, uint64_t number)
{
    out_string(out, key);
    out_number(out, number);
}

static void print_times(struct printer *printer, const struct store_row *row)
{
    struct out *out = &printer->out;
    unsigned digits = row->flags & RECORD_TIME_RECEIVED ? 6 : row->time_digits;
    out_string(out, ",\"time\":\"");
    out_time(out, &printer->sent, row->time_ns, digits, 'T');
    out_string(out, "Z\",\"received\":\"");
    out_time(out, &printer->received, received_ns(row), 6, 'T');
    out_string(out, "Z\"");
}

static void print_peer(struct out *out, const struct store_row *row)
{
    if (row->peer.family == 0)
        return;
    out_string(out, KEY("peer"));
    out_char(out, '"');
    out_address(out, row->peer.address);
    out_char(out, '"');
    if (row->peer.port != 0)
        print_number(out, KEY("peer_port"), row->peer.port);
}

static void print_pri(struct out *out, const struct store_row *row)
{
    const char *facility = record_facility_name(row->facility);
    const char *severity = record_severity_name(row->severity);
    if (facility != NULL) {
        print_word(out, KEY("facility"), facility);
        print_number(out, KEY("facility_code"), row->facility);
    }
    if (severity != NULL) {
        print_word(out, KEY("severity"), severity);
        print_number(out, KEY("severity_code"), row->severity);
    }
}

static void print_sd(struct out *out, const struct store_row *row)
{
    if (row->sd.len == 0)
        return;
    out_char(out, ',');
    if (print_json_sd(out, row->sd))
        return;
    out_string(out, "\"sd_raw\":");
    print_json_text(out, row->sd);
}

/* Always there: a line without a message has an empty one. */
static void print_message(struct out *out, const struct store_row *row)
{
    out_string(out, KEY("message"));
    if (print_json_text(out, row->message))
        return;
    out_string(out, KEY("message_b64"));
    print_json_base64(out, row->message);
}

static void print_geo(struct out *out, const struct store_row *row)
{
    if (!row->has_place)
        return;
    out_string(out, ",\"geo\":{\"ip\":\"");
    out_address(out, row->geo_ip);
    out_char(out, '"');
    print_text(out, KEY("country"),
               (struct text){row->place.country, (uint32_t)strnlen(row->place.country, 2)});
    print_text(out, KEY("city"), row->place.city);
    print_text(out, KEY("region"), row->place.region);
    if (row->place.has_location) {
        out_string(out, KEY("lat"));
        out_degrees(out, row->place.lat);
        out_string(out, KEY("lon"));
        out_degrees(out, row->place.lon);
    }
    if (row->place.asn != 0)
        print_number(out, KEY("asn"), row->place.asn);
    print_text(out, KEY("org"), row->place.org);
    out_char(out, '}');
}

static void json_row(struct printer *printer, const struct store_row *row)
{
    struct out *out = &printer->out;
    const char *format = record_format_name(row->format);
    out_string(out, "{\"id\":\"");
    out_hex(out, row->id, 16);
    out_char(out, '"');
    print_times(printer, row);
    print_text(out, KEY("input"), row->input);
    print_peer(out, row);
    if (format != NULL)
        print_word(out, KEY("format"), format);
    print_pri(out, row);
    print_text(out, KEY("host"), row->host);
    print_text(out, KEY("app"), row->app);
    print_text(out, KEY("procid"), row->procid);
    print_text(out, KEY("msgid"), row->msgid);
    print_sd(out, row);
    print_message(out, row);
    print_geo(out, row);
    if (row->flags & RECORD_CUT)
        out_string(out, ",\"truncated\":true");
    out_string(out, "}\n");
}

const struct format format_json = {.name = "json", .columns = STORE_ALL, .row = json_row};
