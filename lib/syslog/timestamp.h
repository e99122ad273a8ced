/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_TIMESTAMP_H
#define SYSLOG_TIMESTAMP_H

/*
 * The timestamps of syslog lines. Internal to this room.
 *
 * Both readers return true and move *at behind the timestamp, or return false and change nothing.
 * They do not look at what follows it. A second 60 is the first second of the next minute. Times
 * without a zone are read in the parser's.
 */

#include <stdbool.h>
#include <stdint.h>

#include "syslog/parse.h"

struct syslog_time {
    int64_t ns;     /* since 1970 UTC */
    uint8_t digits; /* fraction digits that came, 0-9 */
};

/*
 * RFC 5424 6.2.3 and what is close to it: "2026-11-24T11:00:00", with ' ' or 't' for the 'T', a
 * fraction of 1 to 9 digits behind '.' or ',', and "Z", "+01:00", "+0100" or no zone. Years that
 * nanoseconds in 64 bits can hold: 1678 to 2261.
 */
bool syslog_time_iso(struct syslog_parser *parser, const char **at, const char *end,
                     struct syslog_time *ret);

/*
 * RFC 3164 4.1.2 and what became of it:
 *
 *   [YYYY ]Mmm D[D] [YYYY ]hh:mm:ss[.fraction][ YYYY][ UTC| GMT]
 *
 * A year behind the time is one only when ' ' or a ':' that ends the word follows, and is from 1970
 * to 2199 everywhere. Without a year it is the one that brings the time nearest to the reception.
 * Another zone's name than UTC and GMT is passed over where Cisco's ": %" follows: names are
 * ambiguous, the configured zone is not.
 */
bool syslog_time_bsd(struct syslog_parser *parser, int64_t received_us, const char **at,
                     const char *end, struct syslog_time *ret);

#endif
