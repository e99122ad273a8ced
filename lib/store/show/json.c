/* SPDX-License-Identifier: MIT */
#include "store/show/json.h"

/* The key of a member that is not the first. */
static inline void print_key(struct out *out, const char *name)
{
    out_string(out, ",\"");
    out_string(out, name);
    out_string(out, "\":");
}

static void print_base64(struct out *out, const char *name, struct text text)
{
    out_string(out, ",\"");
    out_string(out, name);
    out_string(out, "_b64\":");
    print_json_base64(out, text);
}

/* Absent texts are left out. */
static inline void print_text(struct out *out, const struct json_row_options *options,
                              const char *name, struct text text)
{
    if (text.len == 0)
        return;
    print_key(out, name);
    if (!print_json_text(out, text) && options->is_exact)
        print_base64(out, name, text);
}

/* For words of our own, which need no escaping. */
static inline void print_word(struct out *out, const char *name, const char *word)
{
    print_key(out, name);
    out_char(out, '"');
    out_string(out, word);
    out_char(out, '"');
}

static inline void print_number(struct out *out, const char *name, uint64_t number)
{
    print_key(out, name);
    out_number(out, number);
}

static void print_times(struct out *out, struct json_row_options *options,
                        const struct store_row *row)
{
    bool is_assumed = (row->flags & RECORD_TIME_RECEIVED) != 0;
    out_string(out, ",\"time\":\"");
    out_time(out, &options->time, row->time_ns, is_assumed ? 6 : row->time_digits, 'T');
    out_string(out, "Z\",\"received\":\"");
    out_time(out, &options->received, received_ns(row), 6, 'T');
    out_string(out, "Z\"");
    if (is_assumed && options->is_exact)
        out_string(out, ",\"time_assumed\":true");
}

static void print_peer(struct out *out, const struct store_row *row)
{
    if (row->peer.family == 0)
        return;
    out_string(out, ",\"peer\":\"");
    out_address(out, row->peer.address);
    out_char(out, '"');
    if (row->peer.port != 0)
        print_number(out, "peer_port", row->peer.port);
}

static void print_pri(struct out *out, const struct store_row *row)
{
    const char *facility = record_facility_name(row->facility);
    const char *severity = record_severity_name(row->severity);
    if (facility != NULL) {
        print_word(out, "facility", facility);
        print_number(out, "facility_code", row->facility);
    }
    if (severity != NULL) {
        print_word(out, "severity", severity);
        print_number(out, "severity_code", row->severity);
    }
}

static void print_sd(struct out *out, const struct json_row_options *options,
                     const struct store_row *row)
{
    if (row->sd.len == 0)
        return;
    out_char(out, ',');
    bool is_read = print_json_sd(out, row->sd);
    if (is_read && !options->is_exact)
        return;
    if (is_read)
        out_char(out, ',');
    out_string(out, "\"sd_raw\":");
    if (!print_json_text(out, row->sd) && options->is_exact)
        print_base64(out, "sd_raw", row->sd);
}

/* Always there: a line without a message has an empty one. */
static void print_message(struct out *out, const struct store_row *row)
{
    print_key(out, "message");
    if (!print_json_text(out, row->message))
        print_base64(out, "message", row->message);
}

static void print_degrees(struct out *out, const struct json_row_options *options, const char *name,
                          double degrees)
{
    print_key(out, name);
    if (options->is_exact)
        out_double(out, degrees);
    else
        out_degrees(out, degrees);
}

static void print_geo(struct out *out, const struct json_row_options *options,
                      const struct store_row *row)
{
    const struct place *place = &row->place;
    if (!row->has_place)
        return;
    out_string(out, ",\"geo\":{\"ip\":\"");
    out_address(out, row->geo_ip);
    out_char(out, '"');
    print_text(out, options, "country",
               (struct text){place->country, (uint32_t)strnlen(place->country, 2)});
    print_text(out, options, "city", place->city);
    print_text(out, options, "region", place->region);
    if (place->has_location) {
        print_degrees(out, options, "lat", place->lat);
        print_degrees(out, options, "lon", place->lon);
    }
    if (place->asn != 0)
        print_number(out, "asn", place->asn);
    print_text(out, options, "org", place->org);
    out_char(out, '}');
}

void print_json_row(struct out *out, struct json_row_options *options, const struct store_row *row)
{
    const char *format = record_format_name(row->format);
    out_string(out, "{\"id\":\"");
    out_hex(out, row->id, 16);
    out_char(out, '"');
    print_times(out, options, row);
    print_text(out, options, "input", row->input);
    print_peer(out, row);
    if (format != NULL)
        print_word(out, "format", format);
    print_pri(out, row);
    print_text(out, options, "host", row->host);
    print_text(out, options, "app", row->app);
    print_text(out, options, "procid", row->procid);
    print_text(out, options, "msgid", row->msgid);
    print_sd(out, options, row);
    print_message(out, row);
    print_geo(out, options, row);
    if (row->flags & RECORD_CUT)
        out_string(out, ",\"truncated\":true");
    out_string(out, "}\n");
}
