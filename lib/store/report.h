/* SPDX-License-Identifier: MIT */
#ifndef STORE_REPORT_H
#define STORE_REPORT_H

/* What a person should know, handed to whoever opened the store. */

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>

struct reporter {
    void (*report)(void *arg, int priority, const char *message); /* may be NULL */
    void *arg;
};

__attribute__((format(printf, 3, 4))) static inline void
report(const struct reporter *reporter, int priority, const char *format, ...)
{
    char message[512];
    va_list args;
    if (!reporter->report)
        return;
    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    reporter->report(reporter->arg, priority, message);
}

#endif
