/* SPDX-License-Identifier: MIT */
#include "daemon/timezone.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * glibc has no call that lists a zone's changes, so they are found by looking: the offset is asked
 * for day by day, and where it differs from the day before, bisection finds the second. Two changes
 * within a day would be missed; there are none. A name that glibc does not know becomes UTC without
 * a word, so the zone's file is looked at first.
 */

#define DAY_S    86400
#define FUTURE_S (15 * INT64_C(365) * DAY_S)

static int32_t offset_at(int64_t utc_s)
{
    time_t time = (time_t)utc_s;
    struct tm tm;
    localtime_r(&time, &tm);
    return (int32_t)tm.tm_gmtoff;
}

/* The first second in (low, high] whose offset is not that of low. */
static int64_t find_change(int64_t low, int64_t high)
{
    int32_t before = offset_at(low);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (offset_at(middle) == before)
            low = middle;
        else
            high = middle;
    }
    return high;
}

static void add_change(struct syslog_zone *zone, int64_t since, int32_t offset_s)
{
    if (zone->n == SYSLOG_ZONE_MAX) {
        zone->n--;
        memmove(zone->since, zone->since + 1, zone->n * sizeof(zone->since[0]));
        memmove(zone->offset_s, zone->offset_s + 1, zone->n * sizeof(zone->offset_s[0]));
        zone->since[0] = INT64_MIN;
    }
    zone->since[zone->n] = since;
    zone->offset_s[zone->n] = offset_s;
    zone->n++;
}

static void probe(int64_t now_s, struct syslog_zone *zone)
{
    int32_t offset = offset_at(0);
    zone->n = 0;
    add_change(zone, INT64_MIN, offset);
    for (int64_t day = 0; day < now_s + FUTURE_S; day += DAY_S) {
        int32_t next = offset_at(day + DAY_S);
        if (next != offset)
            add_change(zone, find_change(day, day + DAY_S), next);
        offset = next;
    }
}

static bool is_number(const char *text, size_t n_digits)
{
    return strspn(text, "0123456789") >= n_digits;
}

/* "+hh:mm" or "+hhmm". */
static int fixed(const char *name, struct syslog_zone *ret_zone)
{
    size_t colon = strlen(name) > 3 && name[3] == ':', len = 5 + colon;
    if (strlen(name) != len || !is_number(name + 1, 2) || !is_number(name + 3 + colon, 2))
        return -EINVAL;
    int hours = (name[1] - '0') * 10 + name[2] - '0';
    int minutes = (name[3 + colon] - '0') * 10 + name[4 + colon] - '0';
    if (hours > 23 || minutes > 59)
        return -EINVAL;
    int offset_s = hours * 3600 + minutes * 60;
    ret_zone->n = 0;
    add_change(ret_zone, INT64_MIN, *name == '-' ? -offset_s : offset_s);
    return 0;
}

/* A zone's file begins with "TZif" (RFC 8536 3.1); the folder holds others too. */
static bool is_zone_file(const char *path)
{
    char magic[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, magic, sizeof(magic));
    close(fd);
    return n == sizeof(magic) && memcmp(magic, "TZif", sizeof(magic)) == 0;
}

static bool exists(const char *name)
{
    char path[PATH_MAX];
    const char *folder = getenv("TZDIR");
    if (!folder || !*folder)
        folder = "/usr/share/zoneinfo";
    if (!*name || *name == '/' || strstr(name, ".."))
        return false;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, name);
    return n > 0 && (size_t)n < sizeof(path) && is_zone_file(path);
}

static int set_tz(const char *value)
{
    int r = value ? setenv("TZ", value, 1) : unsetenv("TZ");
    tzset();
    return r < 0 ? -errno : 0;
}

static int named(const char *name, int64_t now_s, struct syslog_zone *ret_zone)
{
    if (!exists(name))
        return -ENOENT;
    const char *tz = getenv("TZ");
    char *before = tz ? strdup(tz) : NULL;
    if (tz && !before)
        return -ENOMEM;
    int r = set_tz(name);
    if (r == 0) {
        probe(now_s, ret_zone);
        r = set_tz(before);
    }
    free(before);
    return r;
}

int timezone_load(const char *name, int64_t now_s, struct syslog_zone *ret_zone)
{
    if (*name == '+' || *name == '-')
        return fixed(name, ret_zone);
    if (strcmp(name, "UTC") == 0 || strcmp(name, "Z") == 0)
        return fixed("+00:00", ret_zone);
    if (strcmp(name, "local") != 0)
        return named(name, now_s, ret_zone);
    tzset();
    probe(now_s, ret_zone);
    return 0;
}
