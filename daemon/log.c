/* SPDX-License-Identifier: MIT */
#include "daemon/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A line is built on the caller's stack and leaves in one write(2), so lines of several threads
 * never mix and no lock is held while stderr blocks. The journal needs no library for this: systemd
 * connects stderr to it and reads "<N>".
 */

#define CUT     "…"
#define CUT_LEN (sizeof(CUT) - 1)
#define TEXT_MAX                                                                                   \
    (LOG_LINE_MAX - 64) /* leaves room for the prefix, a suppression notice is part of the text */

static const char *const severities[] = {
    "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug",
};

static atomic_int max_level = LOG_INFO;
static atomic_bool to_journal;

static bool stderr_is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    char rest;
    struct stat st;

    if (!stream || sscanf(stream, "%" SCNuMAX ":%" SCNuMAX "%c", &device, &inode, &rest) != 2)
        return false;
    return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

bool log_is_journal(void)
{
    return atomic_load(&to_journal);
}

void log_open(int level)
{
    atomic_store(&to_journal, stderr_is_journal());
    log_set_level(level);
}

void log_set_level(int level)
{
    atomic_store(&max_level, level);
}

bool log_enabled(int priority)
{
    return LOG_PRI(priority) <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

/* Bytes of the well-formed, printable UTF-8 character at p (RFC 3629; C1 controls are not), or 0.
 */
static size_t printable(const unsigned char *p, size_t len)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80   ? 1
               : p[0] < 0xc2 ? 0
               : p[0] < 0xe0 ? 2
               : p[0] < 0xf0 ? 3
               : p[0] < 0xf5 ? 4
                             : 0;
    if (n <= 1)
        return p[0] >= 0x20 && p[0] != 0x7f ? n : 0;
    if (n > len)
        return 0;
    uint32_t code = p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    bool fits = code >= smallest[n] && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
    bool control =
        code < 0xa0 || code == 0x2028 || code == 0x2029; /* C1, line and paragraph separators */
    return fits && !control ? n : 0;
}

/* One character of the input as it will be shown. Returns the bytes read; piece holds at least 5.
 */
static size_t escape_one(const char *bytes, size_t len, char *piece, size_t *ret_piece_len)
{
    static const char letters[] = {['\n'] = 'n', ['\t'] = 't', ['\r'] = 'r', ['\\'] = '\\'};
    unsigned char c = (unsigned char)bytes[0];
    if (c < sizeof(letters) && letters[c]) {
        *ret_piece_len = (size_t)sprintf(piece, "\\%c", letters[c]);
        return 1;
    }
    size_t n = printable((const unsigned char *)bytes, len);
    if (n == 0) {
        *ret_piece_len = (size_t)sprintf(piece, "\\x%02x", c);
        return 1;
    }
    memcpy(piece, bytes, n);
    *ret_piece_len = n;
    return n;
}

char *log_escape(char *out, size_t size, const char *bytes, size_t len)
{
    size_t n = 0, fits = 0; /* fits: where the text may still be cut and marked */
    for (size_t i = 0, piece_len; i < len; n += piece_len) {
        char piece[8];
        i += escape_one(bytes + i, len - i, piece, &piece_len);
        if (n + piece_len + 1 > size) {
            memcpy(out + fits, CUT, sizeof(CUT));
            return out;
        }
        memcpy(out + n, piece, piece_len);
        if (n + piece_len + CUT_LEN + 1 <= size)
            fits = n + piece_len;
    }
    out[n] = '\0';
    return out;
}

/* The formatted text is mostly ours, so backslashes stay as they are; bytes that would break the
 * line do not. */
static void flatten(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            text[i] = text[i] == '\n' || text[i] == '\t' || text[i] == '\r' ? ' ' : '?';
}

/* Cuts text of `len` bytes, the last of which may be half a character, and marks the cut. Returns
 * its length. */
static size_t mark_cut(char *text, size_t len)
{
    len -= CUT_LEN;
    while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    memcpy(text + len, CUT, CUT_LEN);
    return len + CUT_LEN;
}

static void write_all(const char *line, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDERR_FILENO, line, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* nobody is left to tell */
        line += n;
        len -= (size_t)n;
    }
}

static void write_line(int priority, char *text, size_t len)
{
    char line[LOG_LINE_MAX];
    int n = atomic_load_explicit(&to_journal, memory_order_relaxed)
                ? sprintf(line, "<%d>", LOG_PRI(priority))
                : sprintf(line, "logboomd: %s: ", severities[LOG_PRI(priority)]);
    flatten(text, len);
    memcpy(line + n, text, len);
    line[(size_t)n + len] = '\n';
    write_all(line, (size_t)n + len + 1);
}

/* Formats into text[TEXT_MAX], leaving `reserve` bytes at its end free. Returns the length. */
__attribute__((format(printf, 3, 0))) static size_t format_text(char *text, size_t reserve,
                                                                const char *format, va_list args)
{
    size_t size = TEXT_MAX - reserve;
    int n = vsnprintf(text, size, format, args);
    if (n < 0)
        return (size_t)sprintf(text, "(a message that cannot be formatted)");
    return (size_t)n < size ? (size_t)n : mark_cut(text, size - 1);
}

void log_msg(int priority, const char *format, ...)
{
    int saved_errno = errno;
    if (!log_enabled(priority))
        return;
    char text[TEXT_MAX];
    va_list args;
    va_start(args, format);
    size_t len = format_text(text, 0, format, args);
    va_end(args);
    write_line(priority, text, len);
    errno = saved_errno;
}

bool log_limit_take(struct log_limit *limit, int64_t now_ns, uint64_t *ret_suppressed,
                    int64_t *ret_over_ns)
{
    *ret_suppressed = 0;
    *ret_over_ns = 0;
    pthread_mutex_lock(&limit->lock);
    if (!limit->open || now_ns - limit->since_ns >= limit->interval_ns) {
        *ret_suppressed = limit->suppressed;
        *ret_over_ns = limit->suppressed ? now_ns - limit->since_ns : 0;
        limit->open = true;
        limit->since_ns = now_ns;
        limit->n = 0;
        limit->suppressed = 0;
    }
    bool let = limit->n < limit->burst;
    if (let)
        limit->n++;
    else
        limit->suppressed++;
    pthread_mutex_unlock(&limit->lock);
    return let;
}

void log_limited(struct log_limit *limit, int64_t now_ns, int priority, const char *format, ...)
{
    enum { NOTICE_MAX = 96 };
    int saved_errno = errno;
    uint64_t suppressed;
    int64_t over_ns;
    if (!log_enabled(priority) || !log_limit_take(limit, now_ns, &suppressed, &over_ns))
        return;
    char text[TEXT_MAX];
    va_list args;
    errno = saved_errno; /* for %m */
    va_start(args, format);
    size_t len = format_text(text, NOTICE_MAX, format, args);
    va_end(args);
    if (suppressed)
        len += (size_t)snprintf(
            text + len, NOTICE_MAX,
            " … and %" PRIu64 " more like this suppressed in the last %" PRId64 " s", suppressed,
            over_ns / 1000000000 + (over_ns % 1000000000 >= 500000000));
    write_line(priority, text, len);
    errno = saved_errno;
}
