/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_PARSE_H
#define SYSLOG_PARSE_H

/*
 * Parsing: a line in, the fields of its record out. Total and pure: every line gives a record; what
 * fits no format is RECORD_RAW, with the whole line as its message and the time of reception as its
 * time.
 *
 *   "<PRI>1 " …    RFC 5424, all of section 6, structured data included; what damage it survives: rfc5424.c
 *   "<PRI>"  …     RFC 3164 as it is spoken: with and without time, host, tag, pid; ISO 8601 times; a year;
 *                  Cisco's sequence numbers and "*" before the time; in detail: rfc3164.c
 *   anything else  raw: without a PRI of 0 to 191 in one to three digits, whatever follows
 *
 * A time without a year gets the one that is nearest to the reception; a time that is none
 * (November 31) is left where it stands, as part of the message. Every span lies in the line; the
 * message, if there is one, goes on to the line's end.
 */

#include "record/batch.h"
#include "syslog/zone.h"

struct syslog_parser {
    const struct syslog_zone *zone; /* of times that carry none; NULL: UTC */
    /*
     * The last minute, or RFC 3164's second, that was parsed, so that a run of lines costs one
     * conversion. Private.
     */
    struct {
        char text[20];
        int64_t seconds;
    } memo;
};

#define SYSLOG_PARSER_INIT(z) ((struct syslog_parser){.zone = (z)})

/*
 * Parses one record of the batch in place, from its `line` and `received_us`: sets everything from
 * host to message, the time, format, facility, severity and RECORD_TIME_RECEIVED; keeps the rest. A
 * parser belongs to one thread; its zone may be changed between calls.
 */
void syslog_parse(struct syslog_parser *parser, const struct batch *batch, struct record *record);

/* All records of the batch. */
void syslog_parse_batch(struct syslog_parser *parser, struct batch *batch);

/* STRUCTURED-DATA as it was kept (record.sd) is taken apart by sd.h. */

#endif
