/* SPDX-License-Identifier: MIT */
#include "geo/entry.h"

#include <math.h>
#include <string.h>

/*
 * The data section of a MaxMind DB (MaxMind DB File Format Specification 2.0, "Output Data
 * Section"), read in one walk over the top map of an entry. libmaxminddb would search that map
 * from its start for every path asked for; this is several times faster.
 *
 * Layouts need no detection: a key says what it is about and the type of its value in which
 * layout ("city" is a map with names in MaxMind's and a text in the flat one), entry by entry.
 *
 *   control byte  TTTSSSSS   T 0: the type is 7 + the next byte
 *                            S up to 28: the size; 29, 30, 31: one to three more bytes add to it
 *                 001SSVVV   pointer: S + 1 bytes more; may not lead to another pointer
 *   payload       size bytes of text or big-endian number; size members of an array; size pairs of
 *                 key and value of a map
 *
 * Every read checks the section's end. A walk moves forward only, except through a pointer, and
 * paths are of fixed depth: no loop can be built of them.
 */

enum {
    TYPE_EXTENDED = 0,
    TYPE_POINTER = 1,
    TYPE_TEXT = 2,
    TYPE_DOUBLE = 3,
    TYPE_UINT16 = 5,
    TYPE_UINT32 = 6,
    TYPE_MAP = 7,
    TYPE_UINT64 = 9,
    TYPE_ARRAY = 11,
    TYPE_BOOLEAN = 14,
    TYPE_FLOAT = 15,
};

struct section {
    const uint8_t *data;
    size_t size;
};

struct value {
    unsigned type;
    uint32_t size; /* bytes; members of an array; pairs of a map; of a boolean its value */
    size_t at;     /* its payload; of a pointer the offset it leads to */
};

static bool read_number(const struct section *section, size_t at, uint32_t n_bytes,
                        uint64_t *ret_number)
{
    if (n_bytes > 8 || at > section->size || section->size - at < n_bytes)
        return false;
    uint64_t number = 0;
    for (uint32_t i = 0; i < n_bytes; i++)
        number = number << 8 | section->data[at + i];
    *ret_number = number;
    return true;
}

static bool read_pointer(const struct section *section, size_t *at, unsigned control,
                         struct value *ret_value)
{
    static const uint32_t bias[4] = {0, 2048, 526336, 0};
    unsigned n_bytes = (control >> 3 & 3) + 1;
    uint64_t number;
    if (!read_number(section, *at, n_bytes, &number))
        return false;
    if (n_bytes < 4)
        number |= (uint64_t)(control & 7) << (8 * n_bytes);
    *at += n_bytes;
    *ret_value = (struct value){TYPE_POINTER, 0, number + bias[n_bytes - 1]};
    return true;
}

static bool read_size(const struct section *section, size_t *at, unsigned control,
                      uint32_t *ret_size)
{
    static const uint32_t bias[3] = {29, 285, 65821};
    uint32_t size = control & 31;
    if (size >= 29) {
        uint32_t n_bytes = size - 28;
        uint64_t rest;
        if (!read_number(section, *at, n_bytes, &rest))
            return false;
        *at += n_bytes;
        size = bias[n_bytes - 1] + (uint32_t)rest;
    }
    *ret_size = size;
    return true;
}

static bool is_container(unsigned type)
{
    return type == TYPE_MAP || type == TYPE_ARRAY;
}

/* Reads what is at *at, pointers as such, and moves past it; into a map or array, not past it. */
static bool read_raw(const struct section *section, size_t *at, struct value *ret_value)
{
    if (*at >= section->size)
        return false;
    unsigned control = section->data[(*at)++], type = control >> 5;
    if (type == TYPE_POINTER)
        return read_pointer(section, at, control, ret_value);
    if (type == TYPE_EXTENDED) {
        if (*at >= section->size)
            return false;
        type = 7u + section->data[(*at)++];
    }
    uint32_t size;
    if (!read_size(section, at, control, &size))
        return false;
    *ret_value = (struct value){type, size, *at};
    if (is_container(type) || type == TYPE_BOOLEAN)
        return true;
    if (section->size - *at < size)
        return false;
    *at += size;
    return true;
}

/* What a pointer leads to. If that is a pointer, the value is of a type nobody takes. */
static bool follow(const struct section *section, struct value *value)
{
    size_t target = value->at;
    return value->type != TYPE_POINTER || read_raw(section, &target, value);
}

static bool read_value(const struct section *section, size_t *at, struct value *ret_value)
{
    return read_raw(section, at, ret_value) && follow(section, ret_value);
}

static uint64_t n_members(const struct value *value)
{
    return value->type == TYPE_MAP ? 2 * (uint64_t)value->size
                                   : (value->type == TYPE_ARRAY ? value->size : 0);
}

/* The same as read_raw(), but moves past all members as well. */
static bool read_whole(const struct section *section, size_t *at, struct value *ret_value)
{
    struct value member;
    if (!read_raw(section, at, ret_value))
        return false;
    for (uint64_t n_left = n_members(ret_value); n_left > 0; n_left--) {
        if (!read_raw(section, at, &member))
            return false;
        n_left += n_members(&member);
    }
    return true;
}

static bool is_key(const struct section *section, const struct value *key, const char *name,
                   size_t name_len)
{
    return key->size == name_len && memcmp(section->data + key->at, name, name_len) == 0;
}

/* The next pair of a map; *at is moved past it. The value is still to be followed. */
static bool read_pair(const struct section *section, size_t *at, struct value *ret_key,
                      struct value *ret_value)
{
    return read_value(section, at, ret_key) && ret_key->type == TYPE_TEXT &&
           read_whole(section, at, ret_value);
}

static bool find_member(const struct section *section, const struct value *map, const char *name,
                        struct value *ret_value)
{
    if (map->type != TYPE_MAP)
        return false;
    size_t at = map->at, name_len = strlen(name);
    for (uint32_t i = 0; i < map->size; i++) {
        struct value key;
        if (!read_pair(section, &at, &key, ret_value))
            return false;
        if (is_key(section, &key, name, name_len))
            return follow(section, ret_value);
    }
    return false;
}

static void take_text(const struct section *section, const struct value *value, struct text *text)
{
    if (value->type == TYPE_TEXT && value->size > 0)
        *text = (struct text){(const char *)section->data + value->at, value->size};
}

/* A text, or a map with names.en. */
static void take_name(const struct section *section, const struct value *value, struct text *text)
{
    struct value names, name;
    if (find_member(section, value, "names", &names) && find_member(section, &names, "en", &name))
        take_text(section, &name, text);
    else
        take_text(section, value, text);
}

static void take_city(const struct section *section, const struct value *value, struct place *place)
{
    take_name(section, value, &place->city);
}

static void take_region(const struct section *section, const struct value *value,
                        struct place *place)
{
    take_name(section, value, &place->region);
}

static void take_subdivisions(const struct section *section, const struct value *value,
                              struct place *place)
{
    struct value first;
    size_t at = value->at;
    if (value->type == TYPE_ARRAY && value->size > 0 && read_value(section, &at, &first))
        take_name(section, &first, &place->region);
}

static bool is_letter(char byte)
{
    return (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
}

/* A code of two letters, or a map with it as iso_code. */
static void take_country(const struct section *section, const struct value *value,
                         struct place *place)
{
    struct value code;
    struct text text = {0};
    if (find_member(section, value, "iso_code", &code))
        take_text(section, &code, &text);
    else
        take_text(section, value, &text);
    if (text.len == 2 && is_letter(text.data[0]) && is_letter(text.data[1]))
        memcpy(place->country, text.data, 2);
}

static void take_degrees(const struct section *section, const struct value *value, double *degrees)
{
    uint64_t bits;
    if (value->type == TYPE_DOUBLE && value->size == 8 &&
        read_number(section, value->at, 8, &bits)) {
        memcpy(degrees, &bits, sizeof(*degrees));
    } else if (value->type == TYPE_FLOAT && value->size == 4 &&
               read_number(section, value->at, 4, &bits)) {
        uint32_t bits32 = (uint32_t)bits;
        float number;
        memcpy(&number, &bits32, sizeof(number));
        *degrees = (double)number;
    }
}

static void take_latitude(const struct section *section, const struct value *value,
                          struct place *place)
{
    take_degrees(section, value, &place->lat);
}

static void take_longitude(const struct section *section, const struct value *value,
                           struct place *place)
{
    take_degrees(section, value, &place->lon);
}

static void take_location(const struct section *section, const struct value *value,
                          struct place *place)
{
    struct value number;
    if (find_member(section, value, "latitude", &number))
        take_latitude(section, &number, place);
    if (find_member(section, value, "longitude", &number))
        take_longitude(section, &number, place);
}

static void take_asn(const struct section *section, const struct value *value, struct place *place)
{
    bool is_number =
        value->type == TYPE_UINT16 || value->type == TYPE_UINT32 || value->type == TYPE_UINT64;
    uint64_t number;
    if (is_number && read_number(section, value->at, value->size, &number) && number <= UINT32_MAX)
        place->asn = (uint32_t)number;
}

static void take_org(const struct section *section, const struct value *value, struct place *place)
{
    take_text(section, value, &place->org);
}

/* What to do with the members of an entry. */
static const struct member {
    const char *name;
    size_t name_len;
    void (*take)(const struct section *section, const struct value *value, struct place *place);
} members[] = {
/* clang-format off */
#define MEMBER(name, take) {name, sizeof(name) - 1, take}
    MEMBER("country", take_country),
    MEMBER("country_code", take_country),
    MEMBER("city", take_city),
    MEMBER("state1", take_region),
    MEMBER("subdivisions", take_subdivisions),
    MEMBER("location", take_location),
    MEMBER("latitude", take_latitude),
    MEMBER("longitude", take_longitude),
    MEMBER("autonomous_system_number", take_asn),
    MEMBER("autonomous_system_organization", take_org),
#undef MEMBER
};
/* clang-format on */

#define N_MEMBERS (sizeof(members) / sizeof(members[0]))
#define NO_MEMBER N_MEMBERS

static size_t find_key(const struct section *section, const struct value *key)
{
    size_t i = 0;
    while (i < N_MEMBERS && !is_key(section, key, members[i].name, members[i].name_len))
        i++;
    return i;
}

/* Which member a key, read as it stands, is of. False: it is no text. */
static bool member_of(const struct section *section, struct value *key, struct geo_keys *keys,
                      size_t *ret_member)
{
    struct geo_key *known = NULL;
    uint64_t at = 1 + (uint64_t)key->at;
    if (keys && key->type == TYPE_POINTER) {
        known = &keys->keys[(uint32_t)(at * 0x9e3779b1u) / (UINT32_MAX / GEO_KEYS + 1)];
        if (known->at == at) {
            *ret_member = known->member;
            return true;
        }
    }
    if (!follow(section, key) || key->type != TYPE_TEXT)
        return false;
    *ret_member = find_key(section, key);
    if (known)
        *known = (struct geo_key){at, (uint8_t)*ret_member};
    return true;
}

/* NaN fails both. */
static bool is_on_earth(double lat, double lon)
{
    return fabs(lat) <= 90 && fabs(lon) <= 180;
}

/* One pair of the entry's map; *at is moved past it. False: it is damaged. */
static bool take_pair(const struct section *section, size_t *at, struct geo_keys *keys,
                      struct place *place)
{
    struct value key, value;
    size_t member;
    if (!read_raw(section, at, &key) || !member_of(section, &key, keys, &member) ||
        !read_whole(section, at, &value))
        return false;
    if (member != NO_MEMBER && follow(section, &value))
        members[member].take(section, &value, place);
    return true;
}

void geo_entry_decode(const uint8_t *data, size_t size, uint32_t offset, struct geo_keys *keys,
                      struct place *ret_place)
{
    struct section section = {data, size};
    struct place place = {.lat = NAN, .lon = NAN};
    struct value map;
    size_t at = offset;
    if (read_value(&section, &at, &map) && map.type == TYPE_MAP) {
        at = map.at;
        for (uint32_t i = 0; i < map.size && take_pair(&section, &at, keys, &place); i++)
            ;
    }
    place.has_location = is_on_earth(place.lat, place.lon);
    if (!place.has_location)
        place.lat = place.lon = 0;
    *ret_place = place;
}
