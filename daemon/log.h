/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_LOG_H
#define DAEMON_LOG_H

/*
 * What the daemon says about itself: one line a message on stderr.
 *
 *   a person's terminal   logboomd: warning: network: 12 connections refused
 *   the journal           <4>network: 12 connections refused          PRIORITY=4, see sd-daemon(3)
 *
 * Context (input=network, conn=17, batch=2041) is part of the text. A message can never become two
 * lines and never holds control bytes, whatever its arguments hold. Every function may be called
 * from any thread.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

/* Longest line written, prefix and newline included: one atomic write, even to a pipe. */
#define LOG_LINE_MAX 2048

/*
 * Looks where stderr leads (JOURNAL_STREAM, systemd.exec(5)) and sets the level: the most detailed
 * severity written, LOG_EMERG to LOG_DEBUG. Before the call messages up to LOG_INFO are written as
 * to a terminal.
 */
void log_open(int level);
void log_set_level(int level);
/* Did log_open() find that stderr leads to the journal? */
bool log_is_journal(void);
/* Is a message of this priority written? For callers that would work to make one. */
bool log_enabled(int priority);

/* Writes one line; too long ones are cut and end in "…". %m is the caller's errno, and errno is
 * kept. Blocks only as stderr does. */
void log_msg(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Restrains one call site, or one object, that may repeat: `burst` messages in interval_ns, the
 * others are counted. The first message after the interval says how many "more like this" there
 * were.
 *
 *   static struct log_limit limit = LOG_LIMIT(5, 30 * INT64_C(1000000000));
 *   log_limited(&limit, now_ns, LOG_WARNING, "input=%s: bad frame from %s", name, peer);
 */
struct log_limit {
    int64_t interval_ns;
    uint32_t burst;
    pthread_mutex_t lock; /* everything below; a leaf */
    bool open;            /* an interval has begun */
    int64_t since_ns;     /* when it began */
    uint32_t n;           /* messages let through in it */
    uint64_t suppressed;  /* messages counted since it began */
};

#define LOG_LIMIT(n_burst, interval)                                                               \
    {                                                                                              \
        .interval_ns = (interval), .burst = (n_burst), .lock = PTHREAD_MUTEX_INITIALIZER           \
    }

/* now_ns: any monotonic clock, always the same one for one limit. */
void log_limited(struct log_limit *limit, int64_t now_ns, int priority, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * The decision alone. true: the message may go; *ret_suppressed is then how many were held back in
 * the last *ret_over_ns (0 unless an interval has just ended). false: it has been counted.
 */
bool log_limit_take(struct log_limit *limit, int64_t now_ns, uint64_t *ret_suppressed,
                    int64_t *ret_over_ns);

/*
 * Makes bytes from outside fit to be shown: printable UTF-8 stays, anything else becomes \n, \t,
 * \r, \\ or \xNN. What does not fit in size is cut between characters and marked "…". Always
 * terminates; size is at least 8. Pure. Returns out.
 */
char *log_escape(char *out, size_t size, const char *bytes, size_t len);

#endif
