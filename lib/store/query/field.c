/* SPDX-License-Identifier: MIT */
/*
 * The fields of a record, as expressions name them. A new field is a line of this table.
 */
#include "store/query/ast.h"

#include <string.h>

#include "store/query/nearest.h"

#define N_OF(array)  (sizeof(array) / sizeof((array)[0]))
#define IN_ROW(name) offsetof(struct store_row, name)

static bool get_time(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->time_ns;
    return true;
}

static bool get_received(const struct store_row *row, int64_t *ret_number)
{
    return !__builtin_mul_overflow(row->received_us, 1000, ret_number);
}

/* Ids use all 64 bits: the flipped sign keeps their order among signed numbers. */
static bool get_id(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = (int64_t)(row->id ^ (1ull << 63));
    return true;
}

static bool get_severity(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->severity;
    return row->severity != RECORD_NO_SEVERITY;
}

static bool get_facility(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->facility;
    return row->facility != RECORD_NO_FACILITY;
}

static bool get_format(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->format;
    return true;
}

static bool get_peer_port(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->peer.port;
    return row->peer.family != 0;
}

static bool get_asn(const struct store_row *row, int64_t *ret_number)
{
    *ret_number = row->place.asn;
    return row->has_place && row->place.asn != 0;
}

static bool get_lat(const struct store_row *row, double *ret_number)
{
    *ret_number = row->place.lat;
    return row->has_place && row->place.has_location;
}

static bool get_lon(const struct store_row *row, double *ret_number)
{
    *ret_number = row->place.lon;
    return row->has_place && row->place.has_location;
}

static const uint8_t *get_peer(const struct store_row *row)
{
    return row->peer.family != 0 ? row->peer.address : NULL;
}

static const uint8_t *get_geo_ip(const struct store_row *row)
{
    return row->has_place ? row->geo_ip : NULL;
}

static const struct field fields[] = {
    {"host", FIELD_TEXT, STORE_HOST, IN_ROW(host)},
    {"app", FIELD_TEXT, STORE_APP, IN_ROW(app)},
    {"procid", FIELD_TEXT, STORE_PROCID, IN_ROW(procid), .numeric = true},
    {"msgid", FIELD_TEXT, STORE_MSGID, IN_ROW(msgid)},
    {"message", FIELD_TEXT, STORE_MESSAGE, IN_ROW(message), .contains = true},
    {"input", FIELD_TEXT, STORE_INPUT, IN_ROW(input)},
    {"format", FIELD_FORMAT, STORE_FORMAT, .number = get_format},
    {"peer", FIELD_ADDRESS, STORE_PEER, .address = get_peer},
    {"peer_port", FIELD_NUMBER, STORE_PEER, .number = get_peer_port},
    {"facility", FIELD_FACILITY, STORE_PRI, .number = get_facility},
    {"severity", FIELD_SEVERITY, STORE_PRI, .number = get_severity},
    {"id", FIELD_ID, 0, .number = get_id},
    {"time", FIELD_TIME, STORE_TIME, .number = get_time},
    {"received", FIELD_TIME, STORE_RECEIVED, .number = get_received},
    {"geo.country", FIELD_COUNTRY, STORE_PLACE},
    {"geo.city", FIELD_TEXT, STORE_PLACE, IN_ROW(place.city)},
    {"geo.region", FIELD_TEXT, STORE_PLACE, IN_ROW(place.region)},
    {"geo.org", FIELD_TEXT, STORE_PLACE, IN_ROW(place.org)},
    {"geo.asn", FIELD_NUMBER, STORE_PLACE, .number = get_asn},
    {"geo.lat", FIELD_DOUBLE, STORE_PLACE, .decimal = get_lat},
    {"geo.lon", FIELD_DOUBLE, STORE_PLACE, .decimal = get_lon},
    {"geo.ip", FIELD_ADDRESS, STORE_GEO, .address = get_geo_ip},
};

/* Named by what is behind their dot, too. */
static const struct field sd_field = {"sd", FIELD_SD, STORE_SD, .numeric = true};
static const struct field key_field = {"fields", FIELD_KEY, STORE_MESSAGE, .numeric = true};

static bool begins_with(const char *name, size_t len, const char *prefix)
{
    return len > strlen(prefix) && memcmp(name, prefix, strlen(prefix)) == 0;
}

const struct field *field_find(const char *name, size_t len)
{
    for (size_t i = 0; i < N_OF(fields); i++)
        if (strlen(fields[i].name) == len && memcmp(fields[i].name, name, len) == 0)
            return &fields[i];
    return begins_with(name, len, "sd.")       ? &sd_field
           : begins_with(name, len, "fields.") ? &key_field
                                               : NULL;
}

const char *field_nearest(const char *name, size_t len)
{
    const char *nearest = NULL;
    unsigned best = nearest_limit(len) + 1;
    for (size_t i = 0; i < N_OF(fields); i++) {
        const char *known = fields[i].name;
        const char *dot = strchr(known, '.');
        unsigned distance = nearest_distance(name, len, known, strlen(known));
        /* `country=` is near `geo.country`, too. */
        if (dot != NULL && nearest_distance(name, len, dot + 1, strlen(dot + 1)) == 0)
            distance = 0;
        if (distance < best) {
            best = distance;
            nearest = known;
        }
    }
    return nearest;
}

bool field_is_text(const struct field *field)
{
    return field->type == FIELD_TEXT || field->type == FIELD_COUNTRY || field->type == FIELD_SD ||
           field->type == FIELD_KEY;
}

bool field_allows(const struct field *field, enum compare op)
{
    bool ordered = field_is_text(field)
                       ? field->numeric
                       : field->type != FIELD_ADDRESS && field->type != FIELD_FORMAT;
    return ordered || op == CMP_EQ || op == CMP_NE || op == CMP_MATCH || op == CMP_IN;
}

const char *field_operators(const struct field *field)
{
    return field_allows(field, CMP_LT) ? "= != < <= > >= : in (...)" : "= != : in (...)";
}

unsigned field_set_size(const struct field *field)
{
    return field->type == FIELD_SEVERITY ? 8 : field->type == FIELD_FACILITY ? 24 : 0;
}
