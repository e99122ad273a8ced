/* SPDX-License-Identifier: MIT */
#include "geo/entry.h"

#include <string.h>

static bool has_country(const struct place *place)
{
    return place->country[0] != '\0';
}

static bool has_names(const struct place *place)
{
    return place->city.len > 0 || place->region.len > 0;
}

static bool has_network(const struct place *place)
{
    return place->asn != 0 || place->org.len > 0;
}

void geo_place_merge(struct place *place, const struct place *more)
{
    if (!has_country(place))
        memcpy(place->country, more->country, sizeof(place->country));
    if (!has_names(place)) {
        place->city = more->city;
        place->region = more->region;
    }
    if (!place->has_location) {
        place->has_location = more->has_location;
        place->lat = more->lat;
        place->lon = more->lon;
    }
    if (!has_network(place)) {
        place->asn = more->asn;
        place->org = more->org;
    }
}

bool geo_place_is_known(const struct place *place)
{
    return has_country(place) || has_names(place) || place->has_location || has_network(place);
}
