/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_FORMATS_H
#define SYSLOG_FORMATS_H

/*
 * What the formats' parsers share. Internal to this room.
 */

#include <stdbool.h>
#include <string.h>

#include "syslog/parse.h"
#include "syslog/timestamp.h"

/* A line while it is read: all three point into the bytes of its batch. */
struct syslog_line {
    const char *bytes; /* the batch's; spans count from here */
    const char *at;    /* next byte to read */
    const char *end;
};

static inline struct span syslog_span(const struct syslog_line *line, const char *from,
                                      const char *to)
{
    return (struct span){(uint32_t)(from - line->bytes), (uint32_t)(to - from)};
}

/* Behind a UTF-8 byte order mark. */
static inline const char *syslog_skip_bom(const char *at, const char *end)
{
    return end - at >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? at + 3 : at;
}

static inline void syslog_set_time(struct record *record, struct syslog_time time)
{
    record->time_ns = time.ns;
    record->time_digits = time.digits;
    record->flags &= (uint8_t)~RECORD_TIME_RECEIVED;
}

/*
 * Reads what follows "<PRI>1 " and fills the record. False: it is not RFC 5424, the record is as it
 * was, and line->at is where RFC 3164 is to go on.
 */
bool syslog_parse_rfc5424(struct syslog_parser *parser, struct syslog_line *line,
                          struct record *record);

/* Reads what follows "<PRI>". Total. */
void syslog_parse_rfc3164(struct syslog_parser *parser, const struct syslog_line *line,
                          struct record *record);

#endif
