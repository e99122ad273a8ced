/* SPDX-License-Identifier: MIT */
#include "syslog/formats.h"
#include "syslog/scan.h"
#include "syslog/scan16.h"
#include "syslog/sd.h"

/*
 * "<PRI>1" SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]
 *
 * The four names are what stands between single spaces: any length, bytes >= 0x80 too, no control
 * characters, not empty. "-" is absent. VERSION is 1; a line of another version is none of ours,
 * and is read as RFC 3164. What real senders damage, and what comes of it:
 *
 *   TIMESTAMP good or "-", names,               RFC 5424
 *   STRUCTURED-DATA good
 *   TIMESTAMP good, names, STRUCTURED-DATA      RFC 5424 without sd; the message is all that
 *   left out or malformed                       follows MSGID
 *   TIMESTAMP begins like a date but is none,   RFC 5424 with the time of reception
 *   names, STRUCTURED-DATA good
 *   TIMESTAMP good, the names do not fit        RFC 3164 from TIMESTAMP on: "host tag: message"
 *   anything else                               RFC 3164 from VERSION on: it was a message that
 *                                               begins with "1 "
 *
 * TIMESTAMP is as liberal as syslog_time_iso(): without a zone it is in the parser's.
 */

enum { HOST, APP, PROCID, MSGID, N_NAMES };

struct header {
    struct span names[N_NAMES];
    const char *rest; /* behind MSGID and its space */
};

enum stamp { STAMP_NONE, STAMP_BAD, STAMP_NIL, STAMP_GOOD };

/* The first byte that cannot be part of a name. */
static const char *name_end(const char *at, const char *end)
{
    for (; end - at >= 8; at += 8) {
        uint64_t word = scan_load(at);
        uint64_t mask = scan_below(word, ' ' + 1) | scan_equal(word, 0x7f);
        if (mask)
            return at + scan_first(mask);
    }
    while (at < end && (unsigned char)*at > ' ' && *at != 0x7f)
        at++;
    return at;
}

static inline uint64_t name_ends_16(const char *at)
{
    scan16 bytes = scan16_load(at);
    return scan16_bits(scan16_either(scan16_at_most(bytes, ' '), scan16_equal(bytes, 0x7f)));
}

/* The bytes of a window that cannot be part of a name; none when there is not a window's length. */
static uint64_t name_ends(const char *at, const char *end)
{
    if (end - at < SCAN_WINDOW)
        return 0;
    return scan_join(name_ends_16(at), name_ends_16(at + 16), name_ends_16(at + 32),
                     name_ends_16(at + 48));
}

static bool looks_like_date(const char *at, const char *end)
{
    if (end - at < 5 || at[4] != '-')
        return false;
    for (int i = 0; i < 4; i++)
        if (at[i] < '0' || at[i] > '9')
            return false;
    return true;
}

/* Moves *at behind TIMESTAMP and its space, unless there is none. */
static enum stamp read_stamp(struct syslog_parser *parser, const char **at, const char *end,
                             struct syslog_time *ret)
{
    const char *p = *at;
    enum stamp stamp = STAMP_GOOD;
    if (!syslog_time_iso(parser, &p, end, ret) || (p < end && *p != ' ')) {
        p = name_end(*at, end);
        stamp = p - *at == 1 && **at == '-' ? STAMP_NIL
                : looks_like_date(*at, end) ? STAMP_BAD
                                            : STAMP_NONE;
    }
    if (p == end || *p != ' ')
        return STAMP_NONE;
    *at = p + 1;
    return stamp;
}

/* One window holds the ends of all four, most times; the ends behind it are looked for one by one. */
static bool read_names(const struct syslog_line *line, const char *at, struct header *header)
{
    const char *window = at, *end = line->end;
    uint64_t ends = name_ends(window, end);
    for (int i = 0; i < N_NAMES; i++) {
        const char *stop = ends ? window + __builtin_ctzll(ends) : name_end(at, end);
        ends &= ends - 1;
        if (stop == at || stop == end || *stop != ' ')
            return false;
        header->names[i] = syslog_span(line, at, stop);
        if (header->names[i].len == 1 && *at == '-')
            header->names[i] = (struct span){0};
        at = stop + 1;
    }
    header->rest = at;
    return true;
}

/* Bytes of STRUCTURED-DATA at the start of what follows MSGID, NILVALUE's one included; 0: it does
 * not fit. */
static size_t sd_len(const char *at, const char *end)
{
    size_t left = (size_t)(end - at);
    size_t len = left > 0 && *at == '-' ? 1 : syslog_sd_len(at, left);
    return len < left && at[len] != ' ' ? 0 : len;
}

static void fill(const struct syslog_line *line, const struct header *header, size_t len,
                 struct record *record)
{
    const char *message = header->rest;
    if (len > 0) {
        if (*message == '[')
            record->sd = syslog_span(line, message, message + len);
        message += len;
        message += message < line->end; /* the space */
    }
    record->format = RECORD_RFC5424;
    record->host = header->names[HOST];
    record->app = header->names[APP];
    record->procid = header->names[PROCID];
    record->msgid = header->names[MSGID];
    record->message = syslog_span(line, syslog_skip_bom(message, line->end), line->end);
}

bool syslog_parse_rfc5424(struct syslog_parser *parser, struct syslog_line *line,
                          struct record *record)
{
    const char *at = line->at;
    struct syslog_time time;
    struct header header;
    enum stamp stamp = read_stamp(parser, &at, line->end, &time);
    if (stamp != STAMP_NONE && read_names(line, at, &header)) {
        size_t len = sd_len(header.rest, line->end);
        if (len > 0 || stamp == STAMP_GOOD) {
            if (stamp == STAMP_GOOD)
                syslog_set_time(record, time);
            fill(line, &header, len, record);
            return true;
        }
    }
    if (stamp != STAMP_GOOD)
        line->at -= 2;
    return false;
}
