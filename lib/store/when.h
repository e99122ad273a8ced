/* SPDX-License-Identifier: MIT */
#ifndef STORE_WHEN_H
#define STORE_WHEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Points in time as people write them, in arguments and in expressions:
 *
 *   2026-11-24T11:00:00.25Z  2026-11-24 11:00:00+01:00    RFC 3339, with a zone
 *   2026-11-24  2026-11-24 11:00[:00]  11:00[:00]         local time (UTC when utc is set)
 *   now  today  yesterday                                 the latter two at 00:00
 *   30s  5m  1h30m  2d  1w  "1h ago"  -1h                 before now; with a plus sign: after now
 *   @1700000000[.5]                                       seconds since 1970 UTC
 *
 * A time without a date is today's.
 *
 * Returns 0, -EINVAL (no such form), -ERANGE (a date that does not exist, or is not within the
 * years 1678-2261). Reads the process's time zone (TZ); otherwise pure.
 */
int when_parse(const char *text, size_t len, int64_t now_ns, bool utc, int64_t *ret_ns);

/* A length of time: 30s 5m 1h30m 2d 1w. Returns 0, -EINVAL, -ERANGE. Pure. */
int when_parse_span(const char *text, size_t len, int64_t *ret_ns);

/* What an error message says was expected. */
#define WHEN_EXPECTED                                                                              \
    "a time such as 2026-11-24T11:00:00Z, \"2026-11-24 11:00\", 11:00, today, yesterday, now or "  \
    "1h30m"

#endif
