/* SPDX-License-Identifier: MIT */
#include "ctl/human.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

const char *human_bytes(uint64_t bytes, char text[HUMAN_SIZE])
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(text, HUMAN_SIZE, "%u B", (unsigned)bytes);
        return text;
    }
    for (value /= 1024; value >= 1024 && unit < 5; unit++)
        value /= 1024;
    snprintf(text, HUMAN_SIZE, "%.*f %s", value < 10 ? 1 : 0, value, units[unit]);
    return text;
}

const char *human_number(uint64_t number, char text[HUMAN_SIZE])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);
    char *to = text;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

const char *human_us(double us, char text[HUMAN_SIZE])
{
    if (us < 1000)
        snprintf(text, HUMAN_SIZE, "%.0f us", us);
    else if (us < 1000000)
        snprintf(text, HUMAN_SIZE, "%.1f ms", us / 1000);
    else
        snprintf(text, HUMAN_SIZE, "%.2f s", us / 1000000);
    return text;
}

const char *human_span(double seconds, char text[HUMAN_SIZE])
{
    uint64_t whole = seconds > 0 && seconds < 1e15 ? (uint64_t)seconds : 0;
    unsigned s = (unsigned)(whole % 60), min = (unsigned)(whole / 60 % 60);
    unsigned h = (unsigned)(whole / 3600 % 24);
    unsigned long d = (unsigned long)(whole / 86400);
    if (d > 0)
        snprintf(text, HUMAN_SIZE, "%lu d %u h", d, h);
    else if (h > 0)
        snprintf(text, HUMAN_SIZE, "%u h %u min", h, min);
    else if (min > 0)
        snprintf(text, HUMAN_SIZE, "%u min %u s", min, s);
    else
        snprintf(text, HUMAN_SIZE, "%u s", s);
    return text;
}

const char *human_time(int64_t ns, char text[HUMAN_SIZE])
{
    struct tm tm = {0};
    time_t seconds = (time_t)(ns / 1000000000);
    localtime_r(&seconds, &tm);
    strftime(text, HUMAN_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm);
    return text;
}
