/* SPDX-License-Identifier: MIT */
/*
 * Lines, separated by LF. What is promised: every line gives a record whose spans lie in the line
 * and do not overlap, the message goes on to its end, and what was parsed before changes nothing.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "syslog/parse.h"

#define RECEIVED_US INT64_C(1795521600000000)

static const struct syslog_zone zone = {
    .n = 3,
    .since = {INT64_MIN, 1774746000, 1792890000},
    .offset_s = {3600, 7200, 3600},
};

/* The span is absent, or begins at `from` or later and ends in the line; returns where it ends. */
static uint32_t check_span(struct span span, uint32_t from, const struct record *record)
{
    if (span.len == 0)
        return from;
    CHECK(span.off >= from && span.len <= record->line.len);
    CHECK(span.off + span.len <= record->line.off + record->line.len);
    return span.off + span.len;
}

static void check_record(const struct record *record)
{
    const struct span spans[] = {record->host,  record->app, record->procid,
                                 record->msgid, record->sd,  record->message};
    uint32_t end = record->line.off;
    for (size_t i = 0; i < sizeof(spans) / sizeof(spans[0]); i++)
        end = check_span(spans[i], end, record);
    CHECK(record->message.len == 0 || end == record->line.off + record->line.len);
    CHECK(record->format < RECORD_N_FORMATS && record->time_digits <= 9);
    CHECK((record->format == RECORD_RAW) == (record->facility == RECORD_NO_FACILITY));
    CHECK((record->format == RECORD_RAW) == (record->severity == RECORD_NO_SEVERITY));
    CHECK(record->format == RECORD_RAW || (record->facility < 24 && record->severity < 8));
    CHECK(record->format != RECORD_RAW || record->message.len == record->line.len);
    if (record->flags & RECORD_TIME_RECEIVED)
        CHECK(record->time_ns == record->received_us * 1000 && record->time_digits == 6);
}

static void parse_line(struct syslog_parser *parser, const char *line, size_t len)
{
    struct record again, record = {.line = {0, (uint32_t)len}, .received_us = RECEIVED_US};
    struct syslog_parser other = SYSLOG_PARSER_INIT(&zone);
    char *copy = malloc(len ? len : 1);
    memcpy(copy, line, len);
    struct batch batch = {.bytes = copy};
    again = record;
    syslog_parse(parser, &batch, &record);
    check_record(&record);
    syslog_parse(&other, &batch, &again);
    CHECK(memcmp(&record, &again, sizeof(record)) == 0);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(&zone);
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *lf = memchr(at, '\n', (size_t)(end - at));
        const char *stop = lf ? lf : end;
        parse_line(&parser, at, (size_t)(stop - at));
        at = lf ? lf + 1 : end;
    }
    return 0;
}
