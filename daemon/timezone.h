/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_TIMEZONE_H
#define DAEMON_TIMEZONE_H

/*
 * The system's time zones, made into tables that lib/syslog reads without asking libc.
 */

#include <stdint.h>

#include "syslog/zone.h"

/*
 * Fills the zone that name says:
 *
 *   "local"              the process's: $TZ, else /etc/localtime
 *   "UTC", "Z"           no database is needed
 *   "+02:00", "-0530"    east of Greenwich is positive; at most 23:59
 *   "Europe/Berlin"      a file under $TZDIR, else /usr/share/zoneinfo
 *
 * with every change from 1970 to 15 years behind now_s (seconds UTC); of a zone that has more of
 * them than the table has room for, the latest.
 *
 * It asks localtime_r() under a changed TZ, which it puts back: only while there is one thread.
 * Takes some milliseconds. Returns 0, -ENOENT (there is no such zone), -EINVAL (an offset that is
 * none), -ENOMEM.
 */
int timezone_load(const char *name, int64_t now_s, struct syslog_zone *ret_zone);

#endif
