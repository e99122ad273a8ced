/* SPDX-License-Identifier: MIT */
#include "store/when.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define NS_PER_S 1000000000ll
#define N_OF(a)  (sizeof(a) / sizeof((a)[0]))

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, char byte)
{
    if (cursor->at == cursor->end || *cursor->at != byte)
        return false;
    cursor->at++;
    return true;
}

static bool take_word(struct cursor *cursor, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < len || memcmp(cursor->at, word, len) != 0)
        return false;
    cursor->at += len;
    return true;
}

static bool at_digit(const struct cursor *cursor)
{
    return cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';
}

/* Exactly n digits. */
static bool take_digits(struct cursor *cursor, int n, int *ret_value)
{
    int value = 0;
    for (int i = 0; i < n; i++) {
        if (!at_digit(cursor))
            return false;
        value = value * 10 + (*cursor->at++ - '0');
    }
    *ret_value = value;
    return true;
}

static int take_number(struct cursor *cursor, int64_t *ret_value)
{
    int64_t value = 0;
    if (!at_digit(cursor))
        return -EINVAL;
    while (at_digit(cursor))
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *cursor->at++ - '0', &value))
            return -ERANGE;
    *ret_value = value;
    return 0;
}

/* An optional fraction of a second; digits after the ninth are dropped. */
static bool take_fraction(struct cursor *cursor, int64_t *ret_ns)
{
    int64_t scale = NS_PER_S / 10, ns = 0;
    if (!take(cursor, '.')) {
        *ret_ns = 0;
        return true;
    }
    if (!at_digit(cursor))
        return false;
    for (; at_digit(cursor); scale /= 10)
        ns += (*cursor->at++ - '0') * scale;
    *ret_ns = ns;
    return true;
}

static int to_ns(int64_t seconds, int64_t ns, int64_t *ret_ns)
{
    if (__builtin_mul_overflow(seconds, NS_PER_S, &seconds) ||
        __builtin_add_overflow(seconds, ns, ret_ns))
        return -ERANGE;
    return 0;
}

static void now_as_civil(int64_t now_ns, bool utc, struct tm *ret_tm)
{
    time_t seconds = (time_t)(now_ns / NS_PER_S) - (now_ns % NS_PER_S < 0);
    if (utc)
        gmtime_r(&seconds, ret_tm);
    else
        localtime_r(&seconds, ret_tm);
}

static int civil_to_ns(struct tm *tm, bool utc, int64_t ns, int64_t *ret_ns)
{
    tm->tm_isdst = -1;
    return to_ns(utc ? timegm(tm) : mktime(tm), ns, ret_ns);
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static int parse_date(struct cursor *cursor, struct tm *tm)
{
    int year, month, day;
    if (!take_digits(cursor, 4, &year) || !take(cursor, '-') || !take_digits(cursor, 2, &month) ||
        !take(cursor, '-') || !take_digits(cursor, 2, &day))
        return -EINVAL;
    if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
        return -ERANGE;
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return 0;
}

static int parse_clock(struct cursor *cursor, struct tm *tm, int64_t *ret_ns)
{
    int hour, minute, second = 0;
    *ret_ns = 0;
    if (!take_digits(cursor, 2, &hour) || !take(cursor, ':') || !take_digits(cursor, 2, &minute))
        return -EINVAL;
    if (take(cursor, ':') && (!take_digits(cursor, 2, &second) || !take_fraction(cursor, ret_ns)))
        return -EINVAL;
    if (hour > 23 || minute > 59 || second > 60)
        return -ERANGE;
    tm->tm_hour = hour;
    tm->tm_min = minute;
    tm->tm_sec = second;
    return 0;
}

/* Returns 1 (a zone was there), 0 (none), -EINVAL, -ERANGE. */
static int parse_zone(struct cursor *cursor, int *ret_offset_s)
{
    int hours, minutes;
    *ret_offset_s = 0;
    if (take(cursor, 'Z') || take(cursor, 'z') || take_word(cursor, " UTC"))
        return 1;
    bool west = take(cursor, '-');
    if (!west && !take(cursor, '+'))
        return 0;
    if (!take_digits(cursor, 2, &hours))
        return -EINVAL;
    take(cursor, ':');
    if (!take_digits(cursor, 2, &minutes))
        return -EINVAL;
    if (hours > 23 || minutes > 59)
        return -ERANGE;
    *ret_offset_s = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return 1;
}

static int parse_civil(struct cursor cursor, int64_t now_ns, bool utc, int64_t *ret_ns)
{
    struct tm tm;
    int64_t ns = 0, result;
    int offset_s, zone = 0, r;
    now_as_civil(now_ns, utc, &tm);
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    bool date = cursor.end - cursor.at >= 5 && cursor.at[4] == '-';
    if (date && (r = parse_date(&cursor, &tm)) < 0)
        return r;
    if (!date || take(&cursor, 'T') || take(&cursor, 't') || take(&cursor, ' ')) {
        r = parse_clock(&cursor, &tm, &ns);
        if (r < 0)
            return r;
        zone = parse_zone(&cursor, &offset_s);
        if (zone < 0)
            return zone;
    }
    if (cursor.at != cursor.end)
        return -EINVAL;
    r = civil_to_ns(&tm, utc || zone, ns, &result);
    if (r < 0)
        return r;
    if (zone && __builtin_sub_overflow(result, offset_s * NS_PER_S, &result))
        return -ERANGE;
    *ret_ns = result;
    return 0;
}

static int take_unit(struct cursor *cursor, int64_t *ret_seconds)
{
    /* The longer of two words with one beginning comes first. */
    static const struct {
        const char *word;
        int64_t seconds;
    } units[] = {
        {"seconds", 1},   {"second", 1},   {"sec", 1},     {"s", 1},        {"minutes", 60},
        {"minute", 60},   {"min", 60},     {"m", 60},      {"hours", 3600}, {"hour", 3600},
        {"h", 3600},      {"days", 86400}, {"day", 86400}, {"d", 86400},    {"weeks", 604800},
        {"week", 604800}, {"w", 604800},
    };
    for (size_t i = 0; i < N_OF(units); i++)
        if (take_word(cursor, units[i].word)) {
            *ret_seconds = units[i].seconds;
            return 0;
        }
    return -EINVAL;
}

static void skip_spaces(struct cursor *cursor)
{
    while (take(cursor, ' '))
        ;
}

/* A sum of counts with units. */
static int parse_span(struct cursor *cursor, int64_t *ret_ns)
{
    int64_t sum = 0;
    do {
        int64_t count, unit, part;
        int r = take_number(cursor, &count);
        if (r < 0)
            return r;
        skip_spaces(cursor);
        r = take_unit(cursor, &unit);
        if (r < 0)
            return r;
        if (__builtin_mul_overflow(count, unit * NS_PER_S, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return -ERANGE;
        skip_spaces(cursor);
    } while (at_digit(cursor));
    *ret_ns = sum;
    return 0;
}

int when_parse_span(const char *text, size_t len, int64_t *ret_ns)
{
    struct cursor cursor = {text, text + len};
    int64_t span;
    int r = parse_span(&cursor, &span);
    if (r == 0 && cursor.at != cursor.end)
        r = -EINVAL;
    if (r == 0)
        *ret_ns = span;
    return r;
}

static int parse_relative(struct cursor cursor, int64_t now_ns, int64_t *ret_ns)
{
    int64_t span;
    bool after = take(&cursor, '+');
    bool before = !after && take(&cursor, '-');
    int r = parse_span(&cursor, &span);
    if (r < 0)
        return r;
    if (!after && !before)
        take_word(&cursor, "ago");
    if (cursor.at != cursor.end)
        return -EINVAL;
    return __builtin_add_overflow(now_ns, after ? span : -span, ret_ns) ? -ERANGE : 0;
}

static int parse_epoch(struct cursor cursor, int64_t *ret_ns)
{
    int64_t seconds, ns;
    int r = take_number(&cursor, &seconds);
    if (r < 0)
        return r;
    if (!take_fraction(&cursor, &ns) || cursor.at != cursor.end)
        return -EINVAL;
    return to_ns(seconds, ns, ret_ns);
}

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

int when_parse(const char *text, size_t len, int64_t now_ns, bool utc, int64_t *ret_ns)
{
    struct cursor cursor = {text, text + len};
    bool yesterday = is_word(text, len, "yesterday");
    if (is_word(text, len, "now")) {
        *ret_ns = now_ns;
        return 0;
    }
    if (yesterday || is_word(text, len, "today")) {
        struct tm tm;
        now_as_civil(now_ns, utc, &tm);
        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_mday -= yesterday;
        return civil_to_ns(&tm, utc, 0, ret_ns);
    }
    if (take(&cursor, '@'))
        return parse_epoch(cursor, ret_ns);
    /* 11:00 and 2026-… have their mark at a fixed place; no count with a unit has. */
    bool civil = (len > 2 && text[2] == ':') || (len > 4 && text[4] == '-');
    return civil ? parse_civil(cursor, now_ns, utc, ret_ns)
                 : parse_relative(cursor, now_ns, ret_ns);
}
