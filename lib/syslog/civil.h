/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_CIVIL_H
#define SYSLOG_CIVIL_H

/*
 * The Gregorian calendar by arithmetic, without libc: days are counted from 1970-01-01. Eras of 400
 * years that begin in March make every leap day the last of its year.
 */

#include <stdbool.h>
#include <stdint.h>

static inline int64_t civil_days(int64_t year, unsigned month, unsigned day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

/* The year that a day is in. */
static inline int64_t civil_year(int64_t days)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    return era * 400 + year_of_era + (day_of_year >= 306);
}

static inline bool civil_is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline unsigned civil_days_in_month(bool leap, unsigned month)
{
    return month == 2 ? 28u + leap : 30u + ((month + (month >> 3)) & 1);
}

#endif
