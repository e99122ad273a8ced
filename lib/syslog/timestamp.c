/* SPDX-License-Identifier: MIT */
#include "syslog/timestamp.h"

#include <string.h>

#include "syslog/civil.h"
#include "syslog/scan.h"

/*
 * A timestamp becomes "local seconds" first: its civil time, counted as if it were UTC. The zone is
 * applied afterwards, each time. Local seconds are what the parser's memo keeps, beside the text
 * that they came from, so that a run of lines pays for the calendar once and the memo does not
 * depend on the zone. Of ISO 8601's form it keeps the minute, as the clocks of senders differ by
 * seconds.
 *
 * RFC 3164's form has no year, so its memo depends on the time of reception. It holds as long as
 * the two are closer than half a year: then no other year can be nearer.
 */

#define ISO_LEN    19 /* 2026-11-24T11:00:00 */
#define MINUTE_LEN 16 /* 2026-11-24T11:00 */
#define BSD_LEN    15 /* Nov 24 11:00:00 */

#define DAY_S       86400
#define HALF_YEAR_S (180 * (int64_t)DAY_S)
#define NS_PER_S    INT64_C(1000000000)

#define NO_NUMBER 100u

struct civil {
    int64_t year; /* 0: not given */
    unsigned month, day, hour, minute, second;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The number in two digits, or NO_NUMBER. */
static unsigned two_digits(const char *p)
{
    unsigned tens = (unsigned char)(p[0] - '0'), ones = (unsigned char)(p[1] - '0');
    return tens < 10 && ones < 10 ? tens * 10 + ones : NO_NUMBER;
}

static bool read_clock(const char *p, struct civil *civil)
{
    civil->hour = two_digits(p);
    civil->minute = two_digits(p + 3);
    civil->second = two_digits(p + 6);
    return p[2] == ':' && p[5] == ':' && civil->hour < 24 && civil->minute < 60 &&
           civil->second <= 60;
}

static bool is_date(const struct civil *civil)
{
    bool leap = civil->year == 0 || civil_is_leap(civil->year);
    return civil->month >= 1 && civil->month <= 12 && civil->day >= 1 &&
           civil->day <= civil_days_in_month(leap, civil->month);
}

static int64_t local_seconds(const struct civil *civil)
{
    return civil_days(civil->year, civil->month, civil->day) * DAY_S + civil->hour * 3600 +
           civil->minute * 60 + civil->second;
}

static int64_t to_utc(const struct syslog_parser *parser, int64_t local_s)
{
    return parser->zone ? syslog_zone_to_utc(parser->zone, local_s) : local_s;
}

/* The last byte of memo.text tells the two forms apart, and from a memo that is still empty. */
static bool is_remembered(const struct syslog_parser *parser, const char *text, size_t len,
                          char form)
{
    return parser->memo.text[19] == form && memcmp(parser->memo.text, text, len) == 0;
}

static void remember(struct syslog_parser *parser, const char *text, size_t len, char form,
                     int64_t local_s)
{
    memcpy(parser->memo.text, text, len);
    parser->memo.text[19] = form;
    parser->memo.seconds = local_s;
}

/* Eight digits, the first one lowest, by their values. */
static uint32_t number_of_8(uint64_t digits)
{
    digits = (digits * 10 + (digits >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
    digits = (digits * 100 + (digits >> 16)) & UINT64_C(0x0000ffff0000ffff);
    return (uint32_t)(digits * 10000 + (digits >> 32));
}

/*
 * The digits at p, of which eight bytes are there, as the first ones of eight; returns how many
 * there are, or 8: all, and there may be more.
 */
static unsigned read_digits_of_8(const char *p, uint32_t *ret_number)
{
    uint64_t word = scan_load(p) ^ SCAN_ONES * '0';
    uint64_t others = (word | (word + SCAN_ONES * (0x80 - 10))) & SCAN_TOPS;
    if (others == 0)
        return 8;
    unsigned n = (unsigned)scan_first(others);
    *ret_number = number_of_8(word & ((UINT64_C(1) << 8 * n) - 1));
    return n;
}

/* An optional fraction of 1 to 9 digits. */
static bool read_fraction(const char **at, const char *end, int64_t *ret_ns, uint8_t *ret_digits)
{
    static const int32_t scale[] = {0,     100000000, 10000000, 1000000, 100000,
                                    10000, 1000,      100,      10,      1};
    const char *p = *at;
    *ret_ns = 0;
    *ret_digits = 0;
    if (p == end || (*p != '.' && *p != ','))
        return true;
    const char *first = ++p, *limit = end - p > 9 ? p + 9 : end;
    uint32_t value = 0;
    unsigned n = end - p >= 8 ? read_digits_of_8(p, &value) : 8;
    if (n > 0 && n < 8) {
        *ret_ns = (int64_t)value * 10;
        *ret_digits = (uint8_t)n;
        *at = p + n;
        return true;
    }
    for (uint32_t digit; p < limit && (digit = (uint32_t)(*p - '0')) < 10; p++)
        value = value * 10 + digit;
    if (p == first || (p < end && is_digit(*p)))
        return false;
    *ret_ns = (int64_t)value * scale[p - first];
    *ret_digits = (uint8_t)(p - first);
    *at = p;
    return true;
}

/* "+hh:mm" or "+hhmm". */
static bool read_offset(const char **at, const char *end, int64_t *ret_offset_s)
{
    const char *p = *at;
    if (end - p < 5)
        return false;
    size_t colon = p[3] == ':';
    if (colon && end - p < 6)
        return false;
    unsigned hours = two_digits(p + 1), minutes = two_digits(p + 3 + colon);
    if (hours > 23 || minutes > 59)
        return false;
    int64_t offset_s = hours * 3600 + minutes * 60;
    *ret_offset_s = *p == '-' ? -offset_s : offset_s;
    *at = p + 5 + colon;
    return true;
}

/* Applies the zone that stands at *at, or the parser's when there is none. */
static bool read_zone(const struct syslog_parser *parser, const char **at, const char *end,
                      int64_t local_s, int64_t *ret_utc_s)
{
    char c = *at < end ? **at : '\0';
    int64_t offset_s = 0;
    if (c == 'Z' || c == 'z') {
        ++*at;
    } else if (c == '+' || c == '-') {
        if (!read_offset(at, end, &offset_s))
            return false;
    } else {
        *ret_utc_s = to_utc(parser, local_s);
        return true;
    }
    *ret_utc_s = local_s - offset_s;
    return true;
}

static bool read_minute(const char *p, int64_t *ret_local_s)
{
    unsigned century = two_digits(p), year = two_digits(p + 2);
    struct civil civil = {.month = two_digits(p + 5),
                          .day = two_digits(p + 8),
                          .hour = two_digits(p + 11),
                          .minute = two_digits(p + 14)};
    if (century == NO_NUMBER || year == NO_NUMBER || p[4] != '-' || p[7] != '-' ||
        (p[10] != 'T' && p[10] != ' ' && p[10] != 't') || civil.hour > 23 || p[13] != ':' ||
        civil.minute > 59)
        return false;
    civil.year = century * 100 + year;
    if (civil.year < 1678 || civil.year > 2261 || !is_date(&civil))
        return false;
    *ret_local_s = local_seconds(&civil);
    return true;
}

/* ISO_LEN bytes are there. */
static bool read_iso(struct syslog_parser *parser, const char *p, int64_t *ret_local_s)
{
    unsigned second = two_digits(p + 17);
    int64_t minute_s;
    if (p[16] != ':' || second > 60)
        return false;
    if (is_remembered(parser, p, MINUTE_LEN, 'i'))
        minute_s = parser->memo.seconds;
    else if (read_minute(p, &minute_s))
        remember(parser, p, MINUTE_LEN, 'i', minute_s);
    else
        return false;
    *ret_local_s = minute_s + second;
    return true;
}

bool syslog_time_iso(struct syslog_parser *parser, const char **at, const char *end,
                     struct syslog_time *ret)
{
    const char *p = *at;
    int64_t local_s, utc_s, ns;
    uint8_t digits;
    if (end - p < ISO_LEN || !read_iso(parser, p, &local_s))
        return false;
    p += ISO_LEN;
    if (!read_fraction(&p, end, &ns, &digits) || !read_zone(parser, &p, end, local_s, &utc_s))
        return false;
    *ret = (struct syslog_time){utc_s * NS_PER_S + ns, digits};
    *at = p;
    return true;
}

#define WORD3(a, b, c) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16)

/* 1-12 for three letters in any case, 0 for anything else. */
static unsigned month_from_name(const char *p)
{
    static const uint32_t names[] = {
        WORD3('j', 'a', 'n'), WORD3('f', 'e', 'b'), WORD3('m', 'a', 'r'), WORD3('a', 'p', 'r'),
        WORD3('m', 'a', 'y'), WORD3('j', 'u', 'n'), WORD3('j', 'u', 'l'), WORD3('a', 'u', 'g'),
        WORD3('s', 'e', 'p'), WORD3('o', 'c', 't'), WORD3('n', 'o', 'v'), WORD3('d', 'e', 'c'),
    };
    uint32_t name = WORD3((unsigned char)p[0], (unsigned char)p[1], (unsigned char)p[2]) | 0x202020;
    for (unsigned i = 0; i < 12; i++)
        if (names[i] == name)
            return i + 1;
    return 0;
}

/* A year of four digits, before ' ' or ':' as the end of a word; 0 when it is not one
 * ("2001:db8::1"). */
static int64_t year_at(const char *p, const char *end)
{
    if (end - p < 5 || (p[4] != ' ' && (p[4] != ':' || (end - p > 5 && p[5] != ' '))))
        return 0;
    unsigned century = two_digits(p), year = two_digits(p + 2);
    if (century < 19 || century > 21 || year == NO_NUMBER || (century == 19 && year < 70))
        return 0;
    return century * 100 + year;
}

static void read_year_word(const char **at, const char *end, int64_t *year)
{
    int64_t found = year_at(*at, end);
    if (found && (*at)[4] == ' ') {
        *year = found;
        *at += 5;
    }
}

/* "D", "DD" or " D", and the space behind it. */
static unsigned read_day(const char **at, const char *end)
{
    const char *p = *at;
    if (end - p < 3)
        return 0;
    if (*p == ' ')
        p++;
    unsigned day = (unsigned char)(*p++ - '0');
    if (day < 10 && is_digit(*p) && p - *at == 1)
        day = day * 10 + (unsigned)(*p++ - '0');
    if (day > 31 || p == end || *p != ' ')
        return 0;
    *at = p + 1;
    return day;
}

static bool read_bsd(const char **at, const char *end, struct civil *civil)
{
    const char *p = *at;
    *civil = (struct civil){0};
    read_year_word(&p, end, &civil->year);
    if (end - p < 4 || p[3] != ' ')
        return false;
    civil->month = month_from_name(p);
    p += 4;
    civil->day = read_day(&p, end);
    read_year_word(&p, end, &civil->year);
    if (end - p < 8 || !read_clock(p, civil))
        return false;
    *at = p + 8;
    return true;
}

static int64_t distance(int64_t a, int64_t b)
{
    return a < b ? b - a : a - b;
}

/* Local seconds of a time without a year. A leap day is at most eight years away (1896 to 1904,
 * 2096 to 2104). */
static int64_t nearest_local(const struct syslog_parser *parser, struct civil civil,
                             int64_t received_s)
{
    int64_t days = (received_s - (received_s < 0 ? DAY_S - 1 : 0)) / DAY_S;
    int64_t this_year = civil_year(days), best = 0, best_distance = INT64_MAX;
    int64_t reach = civil.month == 2 && civil.day == 29 ? 8 : 1;
    for (civil.year = this_year - reach; civil.year <= this_year + reach; civil.year++) {
        if (!is_date(&civil))
            continue;
        int64_t local_s = local_seconds(&civil);
        int64_t away = distance(to_utc(parser, local_s), received_s);
        if (away < best_distance) {
            best = local_s;
            best_distance = away;
        }
    }
    return best;
}

/* " YYYY" behind the time. */
static void read_year_behind(const char **at, const char *end, int64_t *year)
{
    int64_t found = *at < end && **at == ' ' ? year_at(*at + 1, end) : 0;
    if (found) {
        *year = found;
        *at += 5;
    }
}

/* Passes over a zone's name behind the time; true: it is UTC. */
static bool read_zone_word(const char **at, const char *end)
{
    const char *p = *at;
    if (p == end || *p != ' ')
        return false;
    const char *word = ++p;
    while (p < end && *p >= 'A' && *p <= 'Z' && p - word < 5)
        p++;
    size_t left = (size_t)(end - p);
    bool utc = p - word == 3 && (memcmp(word, "UTC", 3) == 0 || memcmp(word, "GMT", 3) == 0) &&
               (left == 0 || *p == ' ' || *p == ':');
    if (utc || (p - word >= 2 && left >= 3 && memcmp(p, ": %", 3) == 0))
        *at = p;
    return utc;
}

/* The same for text [at, at + len) that it was read from, by the memo where it holds. */
static int64_t remembered_nearest_local(struct syslog_parser *parser, const char *at, size_t len,
                                        const struct civil *civil, int64_t received_s)
{
    if (len != BSD_LEN)
        return nearest_local(parser, *civil, received_s);
    if (!is_remembered(parser, at, BSD_LEN, 'b') ||
        distance(parser->memo.seconds, received_s) >= HALF_YEAR_S)
        remember(parser, at, BSD_LEN, 'b', nearest_local(parser, *civil, received_s));
    return parser->memo.seconds;
}

bool syslog_time_bsd(struct syslog_parser *parser, int64_t received_us, const char **at,
                     const char *end, struct syslog_time *ret)
{
    const char *p = *at;
    struct civil civil;
    int64_t ns;
    uint8_t digits;
    if (!read_bsd(&p, end, &civil))
        return false;
    size_t len = (size_t)(p - *at);
    if (!read_fraction(&p, end, &ns, &digits))
        return false;
    read_year_behind(&p, end, &civil.year);
    if (!is_date(&civil))
        return false;
    bool utc = read_zone_word(&p, end);
    int64_t local_s =
        civil.year ? local_seconds(&civil)
                   : remembered_nearest_local(parser, *at, len, &civil, received_us / 1000000);
    int64_t utc_s = utc ? local_s : to_utc(parser, local_s);
    *ret = (struct syslog_time){utc_s * NS_PER_S + ns, digits};
    *at = p;
    return true;
}
