/* SPDX-License-Identifier: MIT */
#include "syslog/formats.h"

/*
 * RFC 3164 as it is spoken. Nothing behind PRI is sure, so each piece is taken only when it looks
 * right:
 *
 *   [SEQUENCE ": "] [ORIGIN ": "] ["*" | "."] TIME [":"] [HOST] [TAG] CONTENT
 *
 *   SEQUENCE, ORIGIN, "*", "."   Cisco's; only when TIME, or its "%FACILITY-SEVERITY-MNEMONIC",
 * follows TIME     RFC 3164's, or ISO 8601 (timestamp.h). Without one there is no host (4.3.3) HOST
 * a word of a host name's bytes, or an IPv6 address, that something follows; "-" is absent. A word
 *            that is a tag is none, and there is none where ':' follows the time, nor in syslogd's
 * "last message repeated N times" TAG      NAME ":", then a space or the end   app NAME "[" PID
 * "]:"                   app and procid NAME "[" DIGITS "]", then a space   app and procid NAME is
 * not digits only (they are a sequence number or a port), and has no quotes, brackets, braces, '=',
 * ',' or ';', so that JSON and key=value are content CONTENT  the message: what follows the tag and
 * one space; else what follows the host, the time or PRI
 */

#define DIGIT 0x01
#define HOST  0x02 /* of a host name; '/' and '@' are in syslog-ng's chains of relays */
#define NAME  0x04 /* of a tag's name */
#define HEX   0x08

static const unsigned char classes[256] = {
    ['!'] = NAME,
    ['#' ... '&'] = NAME,
    ['(' ... '+'] = NAME,
    ['-' ... '/'] = NAME | HOST,
    ['0' ... '9'] = NAME | HOST | HEX | DIGIT,
    ['?'] = NAME,
    ['@'] = NAME | HOST,
    ['A' ... 'F'] = NAME | HOST | HEX,
    ['G' ... 'Z'] = NAME | HOST,
    ['\\'] = NAME,
    ['^'] = NAME,
    ['_'] = NAME | HOST,
    ['a' ... 'f'] = NAME | HOST | HEX,
    ['g' ... 'z'] = NAME | HOST,
    ['|'] = NAME,
    ['~'] = NAME,
    [0x80 ... 0xff] = NAME | HOST,
};

/* The first byte that is not of the class. */
static const char *run_of(unsigned char class, const char *at, const char *end)
{
    while (at < end && (classes[(unsigned char)*at] & class))
        at++;
    return at;
}

static bool is_at(const char *at, const char *end, char c)
{
    return at < end && *at == c;
}

static const char *skip_one(const char *at, const char *end, char c)
{
    return at + is_at(at, end, c);
}

static const char *skip_spaces(const char *at, const char *end)
{
    while (is_at(at, end, ' '))
        at++;
    return at;
}

static const char *pid_end(const char *at, const char *end)
{
    while (at < end && (unsigned char)*at > ' ' && *at != '[' && *at != ']')
        at++;
    return at;
}

static const char *read_tag_with_pid(const struct syslog_line *line, const char *name,
                                     const char *bracket, struct record *record)
{
    const char *end = line->end, *pid = bracket + 1, *stop = pid_end(pid, end);
    if (!is_at(stop, end, ']'))
        return name;
    const char *rest = stop + 1;
    bool colon = is_at(rest, end, ':');
    bool digits = stop > pid && run_of(DIGIT, pid, stop) == stop;
    if (!colon && !(digits && (rest == end || *rest == ' ')))
        return name;
    record->app = syslog_span(line, name, bracket);
    record->procid = syslog_span(line, pid, stop);
    return skip_one(rest + colon, end, ' ');
}

/* Where the content begins behind the tag at `at`; `at` itself when there is no tag. */
static const char *read_tag(const struct syslog_line *line, const char *at, struct record *record)
{
    const char *end = line->end, *stop = run_of(NAME, at, end);
    if (stop == at || stop == end)
        return at;
    if (*stop == '[')
        return read_tag_with_pid(line, at, stop, record);
    const char *rest = stop + 1;
    if (*stop != ':' || (rest < end && *rest != ' ' && *rest != '\t') ||
        run_of(DIGIT, at, stop) == stop)
        return at;
    record->app = syslog_span(line, at, stop);
    return skip_one(rest, end, ' ');
}

/* An address in one of its full forms, so that times ("12:30:45") and MAC addresses are none. */
static const char *ipv6_end(const char *at, const char *end)
{
    const char *p = at;
    unsigned n_colons = 0;
    bool gap = false;
    for (; p < end && (*p == ':' || *p == '.' || (classes[(unsigned char)*p] & HEX)); p++) {
        n_colons += *p == ':';
        gap |= *p == ':' && is_at(p + 1, end, ':');
    }
    if (!gap && n_colons != 7)
        return at;
    return is_at(p, end, '%') ? run_of(HOST, p + 1, end) : p;
}

static bool is_repeat(const char *at, const char *end)
{
    static const char words[] = "last message repeated ";
    return (size_t)(end - at) >= sizeof(words) - 1 && memcmp(at, words, sizeof(words) - 1) == 0;
}

/* Reads HOST and TAG behind the time; returns where the content begins. */
static const char *read_host_and_tag(const struct syslog_line *line, const char *at,
                                     struct record *record)
{
    const char *end = line->end, *stop = run_of(HOST, at, end);
    if (!is_at(stop, end, ' ')) {
        const char *content = read_tag(line, at, record);
        if (content > at)
            return content;
        stop = ipv6_end(at, end);
    }
    if (stop == at || *at == '/' || !is_at(stop, end, ' ') || is_repeat(at, end))
        return at;
    if (stop - at > 1 || *at != '-')
        record->host = syslog_span(line, at, stop);
    at = stop + 1;
    if (end - at >= 2 && at[0] == ':' && at[1] == ' ') /* Cisco ASA: "host : %ASA-…" */
        at += 2;
    return read_tag(line, at, record);
}

/* TIME, and that it is a word of its own. */
static bool read_time(struct syslog_parser *parser, const struct syslog_line *line, const char **at,
                      struct record *record)
{
    const char *p = *at, *end = line->end;
    struct syslog_time time;
    if (is_at(p, end, '*') || is_at(p, end, '.'))
        p++;
    if (!syslog_time_bsd(parser, record->received_us, &p, end, &time) &&
        !syslog_time_iso(parser, &p, end, &time))
        return false;
    if (p < end && *p != ' ' && *p != ':')
        return false;
    syslog_set_time(record, time);
    *at = p;
    return true;
}

enum head {
    HEAD_NONE,     /* *at is where it was */
    HEAD_TIME,     /* *at is behind TIME */
    HEAD_SEQUENCE, /* *at is behind SEQUENCE, at a mnemonic */
};

/* SEQUENCE, the digits of which may be missing, and what belongs to it. */
static enum head read_sequence(struct syslog_parser *parser, const struct syslog_line *line,
                               const char **at, struct record *record)
{
    const char *end = line->end, *p = run_of(DIGIT, *at, end);
    if (end - p < 2 || p[0] != ':' || p[1] != ' ')
        return HEAD_NONE;
    p = skip_spaces(p + 1, end);
    if (is_at(p, end, '%')) {
        *at = p;
        return HEAD_SEQUENCE;
    }
    if (!read_time(parser, line, &p, record)) {
        const char *origin = p, *stop = run_of(HOST, p, end);
        if (stop == origin || end - stop < 2 || stop[0] != ':' || stop[1] != ' ')
            return HEAD_NONE;
        p = stop + 2;
        if (!read_time(parser, line, &p, record))
            return HEAD_NONE;
        record->host = syslog_span(line, origin, stop);
    }
    *at = p;
    return HEAD_TIME;
}

static enum head read_head(struct syslog_parser *parser, const struct syslog_line *line,
                           const char **at, struct record *record)
{
    const char *p = skip_spaces(*at, line->end);
    enum head head =
        read_time(parser, line, &p, record) ? HEAD_TIME : read_sequence(parser, line, &p, record);
    if (head != HEAD_NONE)
        *at = p;
    return head;
}

void syslog_parse_rfc3164(struct syslog_parser *parser, const struct syslog_line *line,
                          struct record *record)
{
    const char *end = line->end, *at = line->at;
    enum head head = read_head(parser, line, &at, record);
    bool colon = head == HEAD_TIME && is_at(at, end, ':');
    record->format = RECORD_RFC3164;
    if (head == HEAD_TIME)
        at = skip_one(at + colon, end, ' ');
    at = syslog_skip_bom(at, end);
    if (head == HEAD_TIME && !colon && record->host.len == 0)
        at = read_host_and_tag(line, at, record);
    else
        at = read_tag(line, at, record);
    record->message = syslog_span(line, syslog_skip_bom(at, end), end);
}
