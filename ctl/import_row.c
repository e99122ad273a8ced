/* SPDX-License-Identifier: MIT */
/*
 * Everything but time and received may be absent; keys that are not known are passed over, so that
 * lines of a later logboom can be read. A key of a known name with a wrong value is an error: nothing
 * is guessed.
 */
#include "ctl/import_row.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/base64.h"
#include "store/when.h"

#define MAX_TEXT (64u << 20)

__attribute__((format(printf, 2, 3))) static int fail(struct import_row *import, const char *format,
                                                      ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(import->error, sizeof(import->error), format, args);
    va_end(args);
    return -EINVAL;
}

static char *keep(struct import_row *import, size_t len)
{
    char **grown = realloc(import->memory, (import->n_memory + 1) * sizeof(*grown));
    if (grown == NULL)
        return NULL;
    import->memory = grown;
    char *text = malloc(len + 1);
    if (text != NULL)
        import->memory[import->n_memory++] = text;
    return text;
}

void import_row_deinit(struct import_row *import)
{
    for (size_t i = 0; i < import->n_memory; i++)
        free(import->memory[i]);
    free(import->memory);
    json_decref(import->json);
    *import = (struct import_row){0};
}

/* A text, or what its _b64 twin says exactly. */
static int read_text(struct import_row *import, const json_t *object, const char *key,
                     struct text *ret_text)
{
    char twin[32];
    snprintf(twin, sizeof(twin), "%s_b64", key);
    const json_t *exact = json_object_get(object, twin), *plain = json_object_get(object, key);
    if (exact != NULL) {
        size_t len = json_string_length(exact), n;
        char *bytes = json_is_string(exact) ? keep(import, len) : NULL;
        if (!json_is_string(exact) ||
            (bytes != NULL && !base64_decode(json_string_value(exact), len, bytes, &n)))
            return fail(import, "%s: expected base64", twin);
        if (bytes == NULL)
            return -ENOMEM;
        *ret_text = (struct text){bytes, (uint32_t)n};
        return 0;
    }
    if (plain == NULL)
        return 0;
    if (!json_is_string(plain) || json_string_length(plain) > MAX_TEXT)
        return fail(import, "%s: expected a string", key);
    *ret_text = (struct text){json_string_value(plain), (uint32_t)json_string_length(plain)};
    return 0;
}

static int read_number(struct import_row *import, const json_t *object, const char *key,
                       json_int_t max, json_int_t *number)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return fail(import, "%s: expected a number from 0 to %lld", key, (long long)max);
    *number = json_integer_value(value);
    return 0;
}

static int read_true(struct import_row *import, const json_t *object, const char *key, uint8_t flag)
{
    const json_t *value = json_object_get(object, key);
    if (value != NULL && !json_is_boolean(value))
        return fail(import, "%s: expected true", key);
    if (json_is_true(value))
        import->row.flags |= flag;
    return 0;
}

/* RFC 3339 in UTC, as it is exported: no other form that when_parse() knows. */
static int read_time(struct import_row *import, const char *key, int64_t *ret_ns,
                     uint8_t *ret_digits)
{
    const json_t *value = json_object_get(import->json, key);
    const char *text = json_string_value(value), *dot = text != NULL ? strchr(text, '.') : NULL;
    if (text == NULL || strlen(text) < strlen("2026-11-24T11:00:00Z") || text[10] != 'T' ||
        when_parse(text, strlen(text), 0, true, ret_ns) < 0)
        return fail(import, "%s: expected a time such as 2026-11-24T11:00:00.25Z", key);
    size_t digits = dot != NULL ? strspn(dot + 1, "0123456789") : 0;
    *ret_digits = (uint8_t)(digits < 9 ? digits : 9);
    return 0;
}

static int read_times(struct import_row *import)
{
    struct store_row *row = &import->row;
    uint8_t digits;
    int64_t received_ns;
    int r = read_time(import, "time", &row->time_ns, &row->time_digits);
    if (r == 0)
        r = read_time(import, "received", &received_ns, &digits);
    if (r < 0)
        return r;
    row->received_us = received_ns / 1000 - (received_ns % 1000 < 0);
    r = read_true(import, import->json, "time_assumed", RECORD_TIME_RECEIVED);
    return r < 0 ? r : read_true(import, import->json, "truncated", RECORD_CUT);
}

/* IPv4 as ::ffff:a.b.c.d. Returns 4, 6, or 0. */
static uint8_t read_address(const char *text, uint8_t ret_address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};
    struct in_addr four;
    if (text != NULL && inet_pton(AF_INET, text, &four) == 1) {
        memcpy(ret_address, prefix, sizeof(prefix));
        memcpy(ret_address + 12, &four, 4);
        return 4;
    }
    return text != NULL && inet_pton(AF_INET6, text, ret_address) == 1 ? 6 : 0;
}

static int read_peer(struct import_row *import)
{
    const json_t *value = json_object_get(import->json, "peer");
    struct peer *peer = &import->row.peer;
    json_int_t port = 0;
    if (value == NULL)
        return 0;
    peer->family = read_address(json_string_value(value), peer->address);
    if (peer->family == 0)
        return fail(import, "peer: expected an address");
    int r = read_number(import, import->json, "peer_port", UINT16_MAX, &port);
    peer->port = (uint16_t)port;
    return r;
}

/* A name and its number; either says it. */
static int read_code(struct import_row *import, const char *key,
                     int (*from_name)(const char *name, size_t len), json_int_t max,
                     uint8_t *ret_code)
{
    char twin[32];
    json_int_t number = -1;
    const json_t *name = json_object_get(import->json, key);
    snprintf(twin, sizeof(twin), "%s_code", key);
    int r = read_number(import, import->json, twin, max, &number);
    if (r < 0)
        return r;
    if (number < 0 && name != NULL)
        number = json_is_string(name) ? from_name(json_string_value(name), json_string_length(name))
                                      : -EINVAL;
    if (number < 0 && name != NULL)
        return fail(import, "%s: there is no such one", key);
    if (number >= 0)
        *ret_code = (uint8_t)number;
    return 0;
}

static int read_degrees(struct import_row *import, const json_t *geo)
{
    const json_t *lat = json_object_get(geo, "lat"), *lon = json_object_get(geo, "lon");
    struct place *place = &import->row.place;
    place->has_location = lat != NULL && lon != NULL;
    if ((lat != NULL && !json_is_number(lat)) || (lon != NULL && !json_is_number(lon)))
        return fail(import, "geo: expected degrees as lat and lon");
    place->lat = json_number_value(lat);
    place->lon = json_number_value(lon);
    return 0;
}

static int read_geo(struct import_row *import)
{
    const json_t *geo = json_object_get(import->json, "geo");
    struct store_row *row = &import->row;
    struct text country = {0};
    json_int_t asn = 0;
    if (geo == NULL)
        return 0;
    if (!json_is_object(geo))
        return fail(import, "geo: expected an object");
    if (read_address(json_string_value(json_object_get(geo, "ip")), row->geo_ip) == 0)
        return fail(import, "geo.ip: expected an address");
    row->has_place = true;
    int r = read_text(import, geo, "country", &country);
    if (r == 0 && country.len != 0 && country.len != 2)
        return fail(import, "geo.country: expected two letters");
    if (country.len == 2)
        memcpy(row->place.country, country.data, 2);
    if (r == 0)
        r = read_text(import, geo, "city", &row->place.city);
    if (r == 0)
        r = read_text(import, geo, "region", &row->place.region);
    if (r == 0)
        r = read_text(import, geo, "org", &row->place.org);
    if (r == 0)
        r = read_number(import, geo, "asn", UINT32_MAX, &asn);
    row->place.asn = (uint32_t)asn;
    return r < 0 ? r : read_degrees(import, geo);
}

static int read_texts(struct import_row *import)
{
    struct store_row *row = &import->row;
    const struct {
        const char *key;
        struct text *text;
    } texts[] = {
        {"host", &row->host},   {"app", &row->app},     {"procid", &row->procid},
        {"msgid", &row->msgid}, {"input", &row->input}, {"sd_raw", &row->sd},
    };
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
        r = read_text(import, import->json, texts[i].key, texts[i].text);
    return r;
}

/* ---- structured data, where only the object is there */

static size_t put_escaped(char *to, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t len = json_string_length(value), n = 0;
    for (size_t i = 0; i < len; i++) {
        bool is_special = text[i] == '"' || text[i] == '\\' || text[i] == ']';
        if (to != NULL && is_special)
            to[n] = '\\';
        n += is_special;
        if (to != NULL)
            to[n] = text[i];
        n++;
    }
    return n;
}

static size_t put(char *to, size_t n, const char *text)
{
    if (to != NULL)
        memcpy(to + n, text, strlen(text));
    return n + strlen(text);
}

static size_t put_param(char *to, size_t n, const char *name, const json_t *value)
{
    n = put(to, n, " ");
    n = put(to, n, name);
    n = put(to, n, "=\"");
    n += put_escaped(to != NULL ? to + n : NULL, value);
    return put(to, n, "\"");
}

/* The text of the object, or with to NULL how long that is. */
static size_t put_sd(char *to, json_t *sd)
{
    const char *id, *name;
    json_t *params, *value, *one;
    size_t n = 0, i;
    json_object_foreach(sd, id, params)
    {
        n = put(to, n, "[");
        n = put(to, n, id);
        json_object_foreach(params, name, value)
        {
            if (!json_is_array(value))
                n = put_param(to, n, name, value);
            else
                json_array_foreach(value, i, one) n = put_param(to, n, name, one);
        }
        n = put(to, n, "]");
    }
    return n;
}

static int build_sd(struct import_row *import)
{
    json_t *sd = json_object_get(import->json, "sd");
    if (import->row.sd.len > 0 || sd == NULL)
        return 0;
    if (!json_is_object(sd))
        return fail(import, "sd: expected an object of objects");
    size_t len = put_sd(NULL, sd);
    char *text = keep(import, len);
    if (text == NULL)
        return -ENOMEM;
    put_sd(text, sd);
    import->row.sd = (struct text){text, (uint32_t)len};
    return 0;
}

static int read_message(struct import_row *import)
{
    if (json_object_get(import->json, "message") == NULL &&
        json_object_get(import->json, "message_b64") == NULL)
        return fail(import, "message: expected a string, and there is none");
    return read_text(import, import->json, "message", &import->row.message);
}

int import_row_read(struct import_row *import, const char *line, size_t len)
{
    json_error_t error;
    *import = (struct import_row){
        .row = {.facility = RECORD_NO_FACILITY, .severity = RECORD_NO_SEVERITY}};
    import->json = json_loadb(line, len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    if (import->json == NULL)
        return fail(import, "column %d: no JSON: %s", error.column, error.text);
    if (!json_is_object(import->json))
        return fail(import, "expected an object, {\"time\":…}");
    struct store_row *row = &import->row;
    int (*const steps[])(struct import_row *) = {read_times, read_peer,    read_geo,
                                                 read_texts, read_message, build_sd};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        r = steps[i](import);
    if (r == 0)
        r = read_code(import, "facility", record_facility_from_name, 23, &row->facility);
    if (r == 0)
        r = read_code(import, "severity", record_severity_from_name, 7, &row->severity);
    if (r == 0)
        r = read_code(import, "format", record_format_from_name, RECORD_N_FORMATS - 1,
                      &row->format);
    return r;
}
