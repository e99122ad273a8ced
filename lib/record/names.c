/* SPDX-License-Identifier: MIT */
#include "record/record.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "record/batch.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* RFC 5424 table 1; the words are those of <syslog.h>, and RFC 3164's meaning where it has none. */
static const char *const facilities[] = {
    "kern",   "user",   "mail",     "daemon", "auth",   "syslog", "lpr",    "news",
    "uucp",   "cron",   "authpriv", "ftp",    "ntp",    "audit",  "alert",  "clock",
    "local0", "local1", "local2",   "local3", "local4", "local5", "local6", "local7",
};

/* RFC 5424 table 2. */
static const char *const severities[] = {
    "emerg", "alert", "crit", "err", "warning", "notice", "info", "debug",
};

static const char *const formats[] = {
    [RECORD_RAW] = "raw",
    [RECORD_RFC5424] = "rfc5424",
    [RECORD_RFC3164] = "rfc3164",
};

static const char *const reasons[] = {
    [DROP_QUEUE_FULL] = "queue_full",   [DROP_MEMORY] = "memory",
    [DROP_OVERSIZE] = "oversize",       [DROP_EMPTY] = "empty",
    [DROP_STORE_ERROR] = "store_error", [DROP_SHUTDOWN] = "shutdown",
};

static const char *const stages[] = {
    [STAGE_INPUT] = "input",
    [STAGE_PARSE] = "parse",
    [STAGE_ENRICH] = "enrich",
    [STAGE_STORE] = "store",
};

static const struct alias {
    const char *name;
    int value;
} severity_aliases[] = {{"panic", 0}, {"emergency", 0}, {"critical", 2},
                        {"error", 3}, {"warn", 4},      {"informational", 6}},
  facility_aliases[] = {{"security", 4}, {"kernel", 0}};

static const char *name_at(const char *const *names, size_t n_names, unsigned index)
{
    return index < n_names ? names[index] : NULL;
}

static int from_digits(const char *name, size_t len, size_t n_names)
{
    unsigned value = 0;
    if (len == 0 || len > 2)
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if (name[i] < '0' || name[i] > '9')
            return -EINVAL;
        value = value * 10 + (unsigned)(name[i] - '0');
    }
    return value < n_names ? (int)value : -EINVAL;
}

static bool same_word(const char *word, const char *name, size_t len)
{
    return strlen(word) == len && strncasecmp(word, name, len) == 0;
}

static int index_of(const char *const *names, size_t n_names, const struct alias *aliases,
                    size_t n_aliases, const char *name, size_t len)
{
    for (size_t i = 0; i < n_names; i++)
        if (same_word(names[i], name, len))
            return (int)i;
    for (size_t i = 0; i < n_aliases; i++)
        if (same_word(aliases[i].name, name, len))
            return aliases[i].value;
    return from_digits(name, len, n_names);
}

const char *record_facility_name(unsigned facility)
{
    return name_at(facilities, N_OF(facilities), facility);
}

const char *record_severity_name(unsigned severity)
{
    return name_at(severities, N_OF(severities), severity);
}

const char *record_format_name(unsigned format)
{
    return name_at(formats, N_OF(formats), format);
}

const char *drop_reason_name(enum drop_reason reason)
{
    return name_at(reasons, N_OF(reasons), reason);
}

const char *stage_name(enum stage_id stage)
{
    return name_at(stages, N_OF(stages), stage);
}

int record_facility_from_name(const char *name, size_t len)
{
    return index_of(facilities, N_OF(facilities), facility_aliases, N_OF(facility_aliases), name,
                    len);
}

int record_severity_from_name(const char *name, size_t len)
{
    return index_of(severities, N_OF(severities), severity_aliases, N_OF(severity_aliases), name,
                    len);
}

int record_format_from_name(const char *name, size_t len)
{
    return index_of(formats, N_OF(formats), NULL, 0, name, len);
}
