/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_ZONE_H
#define SYSLOG_ZONE_H

/*
 * A time zone as a table of offsets, so that converting local time is pure and takes no lock. It is
 * filled by daemon/timezone.c from the system's zone database, once, when the configuration is read.
 *
 *   offset   ──────3600──────┐ 7200 ┌──3600──…
 *   since    INT64_MIN     since[1] since[2]        seconds UTC, ascending; since[0] is INT64_MIN
 */

#include <stddef.h>
#include <stdint.h>

#define SYSLOG_ZONE_MAX 160

struct syslog_zone {
    size_t n;                         /* at least 1 once filled */
    int64_t since[SYSLOG_ZONE_MAX];
    int32_t offset_s[SYSLOG_ZONE_MAX]; /* east of Greenwich is positive */
};

/*
 * UTC seconds for local seconds (a civil time, counted as if it were UTC). A time that occurs twice
 * (clock set back) is the first of the two; one that never occurs (clock set forward) is read with the offset before.
 */
int64_t syslog_zone_to_utc(const struct syslog_zone *zone, int64_t local_s);

#endif
