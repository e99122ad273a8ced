/* SPDX-License-Identifier: MIT */
/*
 * Lines as senders write them, and every field of what comes out. All are received at the same
 * time, 2026-11-24T12:00:00Z, by a parser whose zone is one hour east of Greenwich.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "syslog/parse.h"

#define RECEIVED_US INT64_C(1795521600000000)
#define S           INT64_C(1000000000)
#define T11         (INT64_C(1795518000) * S) /* 2026-11-24T11:00:00Z */
#define T10         (T11 - 3600 * S)          /* the same on the clock of the parser's zone */

struct expected {
    const char *line;
    size_t len;
    int format, facility, severity;
    int64_t time_ns;
    int digits;
    bool time_received;
    const char *host, *app, *procid, *msgid, *sd, *message;
};

#define L(text)        text, sizeof(text) - 1
#define RAW            RECORD_RAW, RECORD_NO_FACILITY, RECORD_NO_SEVERITY, NO_TIME, NONE5
#define NEW(p)         RECORD_RFC5424, (p) / 8, (p) % 8
#define OLD(p)         RECORD_RFC3164, (p) / 8, (p) % 8
#define NO_TIME        RECEIVED_US * 1000, 6, true
#define AT(ns, digits) (ns), (digits), false
#define NONE5          NULL, NULL, NULL, NULL, NULL

static const struct expected rfc5424_cases[] = {
#include "rfc5424-cases.h"
};

static const struct expected rfc3164_cases[] = {
#include "rfc3164-cases.h"
};

static const struct expected raw_cases[] = {
#include "raw-cases.h"
};

static const struct syslog_zone east = {.n = 1, .since = {INT64_MIN}, .offset_s = {3600}};

static void check_span(const char *line, const char *what, const struct batch *batch,
                       struct span span, const char *expected, size_t len)
{
    if (!expected)
        len = 0;
    if (span.len == len && (len == 0 || memcmp(batch->bytes + span.off, expected, len) == 0))
        return;
    fail_msg("%s: %s is \"%.*s\", expected \"%s\"", line, what, (int)span.len,
             span.len ? batch->bytes + span.off : "", expected ? expected : "");
}

static void check_number(const char *line, const char *what, int64_t value, int64_t expected)
{
    if (value != expected)
        fail_msg("%s: %s is %lld, expected %lld", line, what, (long long)value,
                 (long long)expected);
}

static void check_record(const struct batch *batch, const struct record *record,
                         const struct expected *e)
{
    const char *line = e->line;
    check_number(line, "format", record->format, e->format);
    check_number(line, "facility", record->facility, e->facility);
    check_number(line, "severity", record->severity, e->severity);
    check_number(line, "time", record->time_ns, e->time_ns);
    check_number(line, "digits", record->time_digits, e->digits);
    check_number(line, "flags", record->flags, e->time_received ? RECORD_TIME_RECEIVED : 0);
    check_span(line, "host", batch, record->host, e->host, e->host ? strlen(e->host) : 0);
    check_span(line, "app", batch, record->app, e->app, e->app ? strlen(e->app) : 0);
    check_span(line, "procid", batch, record->procid, e->procid, e->procid ? strlen(e->procid) : 0);
    check_span(line, "msgid", batch, record->msgid, e->msgid, e->msgid ? strlen(e->msgid) : 0);
    check_span(line, "sd", batch, record->sd, e->sd, e->sd ? strlen(e->sd) : 0);
    if (e->format == RECORD_RAW)
        check_span(line, "message", batch, record->message, e->line, e->len);
    else
        check_span(line, "message", batch, record->message, e->message,
                   e->message ? strlen(e->message) : 0);
}

/* The line stands in the middle of other bytes, and once exactly at the end of memory. */
static void check(struct syslog_parser *parser, const struct expected *e)
{
    for (uint32_t off = 0; off <= 7; off += 7) {
        char *bytes = malloc(off + e->len + 1);
        struct record record;
        struct batch batch = {.bytes = bytes, .records = &record, .max_records = 1};
        memset(bytes, '9', off);
        memcpy(bytes + off, e->line, e->len);
        bytes = realloc(bytes, off + e->len ? off + e->len : 1);
        batch.bytes = bytes;
        batch_add_record(&batch, off, (uint32_t)e->len, 0, RECEIVED_US);
        syslog_parse_batch(parser, &batch);
        check_record(&batch, &record, e);
        syslog_parse(parser, &batch, &record);
        check_record(&batch, &record, e);
        free(bytes);
    }
}

static void check_all(const struct expected *cases, size_t n)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(&east);
    for (size_t i = 0; i < n; i++)
        check(&parser, &cases[i]);
}

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

static void test_rfc5424(void **state)
{
    check_all(rfc5424_cases, N_OF(rfc5424_cases));
}

static void test_rfc3164(void **state)
{
    check_all(rfc3164_cases, N_OF(rfc3164_cases));
}

static void test_raw(void **state)
{
    check_all(raw_cases, N_OF(raw_cases));
}

/* What one line leaves in the parser does not change the next. */
static void test_any_order(void **state)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(&east);
    for (size_t i = 0; i < N_OF(rfc3164_cases); i++)
        for (size_t j = 0; j < N_OF(rfc5424_cases); j++) {
            check(&parser, &rfc3164_cases[i]);
            check(&parser, &rfc5424_cases[j]);
            check(&parser, &rfc3164_cases[(i + j) % N_OF(rfc3164_cases)]);
        }
}

/* No prefix of a line reads beyond itself, and each keeps its PRI; the receiver's flag stays. */
static void test_every_prefix(void **state)
{
    struct syslog_parser parser = SYSLOG_PARSER_INIT(&east);
    for (size_t i = 0; i < N_OF(rfc5424_cases); i++)
        for (size_t len = 0; len < rfc5424_cases[i].len; len++) {
            char *bytes = malloc(len ? len : 1);
            struct record record;
            struct batch batch = {.bytes = bytes, .records = &record, .max_records = 1};
            memcpy(bytes, rfc5424_cases[i].line, len);
            batch_add_record(&batch, 0, (uint32_t)len, 0, RECEIVED_US)->flags = RECORD_CUT;
            syslog_parse_batch(&parser, &batch);
            assert_true(record.flags & RECORD_CUT);
            assert_true((record.format == RECORD_RAW) == (record.facility == RECORD_NO_FACILITY));
            if (record.message.len)
                assert_int_equal(record.message.off + record.message.len, len);
            free(bytes);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc5424),      cmocka_unit_test(test_rfc3164),
        cmocka_unit_test(test_raw),          cmocka_unit_test(test_any_order),
        cmocka_unit_test(test_every_prefix),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
