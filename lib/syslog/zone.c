/* SPDX-License-Identifier: MIT */
#include "syslog/zone.h"

/* Where interval i ends, on the clock that runs during it. Ascending: no change is larger than the
 * time to the next. */
static int64_t local_end(const struct syslog_zone *zone, size_t i)
{
    return zone->since[i + 1] + zone->offset_s[i];
}

int64_t syslog_zone_to_utc(const struct syslog_zone *zone, int64_t local_s)
{
    if (zone->n == 0)
        return local_s;
    /* The first interval that is not over at that time: the earlier one of a time that occurs
     * twice. */
    size_t low = 0, high = zone->n - 1;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (local_s < local_end(zone, middle))
            high = middle;
        else
            low = middle + 1;
    }
    int64_t utc = local_s - zone->offset_s[low];
    /* It has not begun either: the clock was set forward over this time. */
    if (low > 0 && utc < zone->since[low])
        return local_s - zone->offset_s[low - 1];
    return utc;
}
