/* SPDX-License-Identifier: MIT */
#include "syslog/parse.h"

#include "syslog/formats.h"

/*
 * From the most to the least that a line can be:
 *
 *   no "<PRI>", or one above 191      raw: the whole line is the message, nothing else is known
 *   "<PRI>1 " and RFC 5424's header   rfc5424, see rfc5424.c for how damaged it may be
 *   "<PRI>" and anything              rfc3164, down to RFC 3164 4.3.3: all behind PRI is content
 *
 * A record starts out with the answer for raw, and each step adds what it has understood.
 */

#define MAX_PRI 191 /* 23 * 8 + 7 */

/* Moves line->at behind "<" 1*3DIGIT ">". Leading zeros are accepted. */
static bool read_pri(struct syslog_line *line, unsigned *ret_pri)
{
    const char *p = line->at, *end = line->end;
    if (p == end || *p++ != '<')
        return false;
    const char *first = p;
    unsigned pri = 0;
    while (p < end && p - first < 3 && *p >= '0' && *p <= '9')
        pri = pri * 10 + (unsigned)(*p++ - '0');
    if (p == first || p == end || *p != '>' || pri > MAX_PRI)
        return false;
    *ret_pri = pri;
    line->at = p + 1;
    return true;
}

static bool read_version(struct syslog_line *line)
{
    if (line->end - line->at < 2 || line->at[0] != '1' || line->at[1] != ' ')
        return false;
    line->at += 2;
    return true;
}

static void start_raw(struct record *record)
{
    record->host = record->app = record->procid = record->msgid = record->sd = (struct span){0};
    record->message = record->line;
    record->format = RECORD_RAW;
    record->facility = RECORD_NO_FACILITY;
    record->severity = RECORD_NO_SEVERITY;
    record->time_ns = record->received_us * 1000;
    record->time_digits = 6;
    record->flags |= RECORD_TIME_RECEIVED;
}

void syslog_parse(struct syslog_parser *parser, const struct batch *batch, struct record *record)
{
    const char *start = batch->bytes + record->line.off;
    struct syslog_line line = {batch->bytes, start, start + record->line.len};
    unsigned pri;
    start_raw(record);
    if (!read_pri(&line, &pri))
        return;
    record->facility = (uint8_t)(pri >> 3);
    record->severity = (uint8_t)(pri & 7);
    if (read_version(&line) && syslog_parse_rfc5424(parser, &line, record))
        return;
    syslog_parse_rfc3164(parser, &line, record);
}

void syslog_parse_batch(struct syslog_parser *parser, struct batch *batch)
{
    for (uint32_t i = 0; i < batch->n_records; i++)
        syslog_parse(parser, batch, &batch->records[i]);
}
