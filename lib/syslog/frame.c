/* SPDX-License-Identifier: MIT */
#include "syslog/frame.h"

#include "syslog/scan16.h"

/*
 * Each call walks the same ladder, and each rung either consumes bytes or hands over to the next:
 *
 *   skip        the rest of a cut frame: so many octets, or up to the next frame end
 *   trailer     the one LF or NUL that some senders put behind a counted frame
 *   count       "1*10DIGIT SP '<'": the frame is what the count says
 *   line        up to LF, CR LF, or a NUL that ends a frame
 *
 * All that is known about the past is in the framer, so the frames do not depend on where the reads
 * happened to split the stream. The one exception is wanted: a NUL is a frame end when nothing is
 * behind it yet, because a sender that ends its messages by NUL may be silent after it.
 *
 * NUL is an end when what follows is the end of the data, '<', 1-9, LF or NUL; else it is a byte of
 * the message.
 */

#define MAX_DIGITS 10

enum count {
    COUNT_NONE,    /* not octet counting */
    COUNT_PARTIAL, /* may become one */
    COUNT_YES,
};

static bool is_frame_start(char c)
{
    return c == '<' || (c >= '1' && c <= '9');
}

static bool is_nul_end(const char *nul, const char *end)
{
    return nul + 1 == end || is_frame_start(nul[1]) || nul[1] == '\n' || nul[1] == '\0';
}

static inline bool is_end(const char *at, const char *end)
{
    return *at == '\n' || (*at == '\0' && is_nul_end(at, end));
}

static inline scan16 ends_of_16(const char *at)
{
    scan16 bytes = scan16_load(at);
    return scan16_either(scan16_equal(bytes, '\n'), scan16_equal(bytes, '\0'));
}

/* The first frame end in a window, of data that goes on to end; NULL: none. */
static inline const char *find_end_in_window(const char *at, const char *end)
{
    scan16 a = ends_of_16(at), b = ends_of_16(at + 16), c = ends_of_16(at + 32),
           d = ends_of_16(at + 48);
    if (scan16_bits(scan16_either(scan16_either(a, b), scan16_either(c, d))) == 0)
        return NULL;
    uint64_t found = scan_join(scan16_bits(a), scan16_bits(b), scan16_bits(c), scan16_bits(d));
    for (; found; found &= found - 1)
        if (is_end(at + __builtin_ctzll(found), end))
            return at + __builtin_ctzll(found);
    return NULL;
}

/* The first frame end in [at, limit), of data that goes on to end; NULL: none. */
static const char *find_end(const char *at, const char *limit, const char *end)
{
    const char *found;
    for (; limit - at >= SCAN_WINDOW; at += SCAN_WINDOW)
        if ((found = find_end_in_window(at, end)))
            return found;
    for (; at < limit; at++)
        if (is_end(at, end))
            return at;
    return NULL;
}

static enum count read_count(const char *at, const char *end, uint64_t *ret_count,
                             const char **ret_message)
{
    if (*at < '1' || *at > '9')
        return COUNT_NONE;
    uint64_t count = 0;
    const char *p = at;
    while (p < end && p - at < MAX_DIGITS && *p >= '0' && *p <= '9')
        count = count * 10 + (uint64_t)(*p++ - '0');
    if (p == end)
        return COUNT_PARTIAL;
    if (*p != ' ')
        return COUNT_NONE;
    if (++p == end)
        return COUNT_PARTIAL;
    if (*p != '<')
        return COUNT_NONE;
    *ret_count = count;
    *ret_message = p;
    return COUNT_YES;
}

/* Moves *at behind what is left of a cut frame; to the end when more of it is to come. */
static void skip_rest(struct syslog_framer *framer, const char **at, const char *end)
{
    if (framer->skip > 0) {
        uint64_t left = (uint64_t)(end - *at);
        uint64_t n = framer->skip < left ? framer->skip : left;
        *at += n;
        framer->skip -= n;
    } else if (framer->skip_line) {
        const char *stop = find_end(*at, end, end);
        *at = stop ? stop + 1 : end;
        framer->skip_line = !stop;
    }
}

static enum syslog_frame_result one(struct syslog_frame *frame, size_t len, bool cut,
                                    size_t consumed)
{
    frame->len = len;
    frame->cut = cut;
    frame->consumed = consumed;
    return SYSLOG_FRAME_ONE;
}

/* The message starts at frame->off, and `left` bytes are there. */
static enum syslog_frame_result counted_frame(struct syslog_framer *framer, const char *message,
                                              size_t left, uint64_t count, bool ended,
                                              struct syslog_frame *frame)
{
    uint64_t want = count < framer->max_line ? count : framer->max_line;
    if (left < want && !ended)
        return SYSLOG_FRAME_MORE;
    size_t len = left < want ? left : (size_t)want;
    framer->after_count = true;
    framer->skip = count - len;
    if (framer->skip > 0)
        return one(frame, len, true, frame->off + len);
    return one(frame, syslog_datagram_len(message, len), false, frame->off + len);
}

/* The line starts at frame->off, and `left` bytes, at least one, are there. */
static enum syslog_frame_result line_frame(struct syslog_framer *framer, const char *line,
                                           size_t left, bool ended, struct syslog_frame *frame)
{
    /* The longest line that is not cut, with its CR LF. */
    size_t max = framer->max_line, reach = left < max + 2 ? left : max + 2;
    /* max_line may have been lowered since. */
    size_t from = framer->searched < reach ? framer->searched : reach;
    const char *stop = find_end(line + from, line + reach, line + left);
    size_t len = stop ? (size_t)(stop - line) : left;
    if (len > 0 && line[len - 1] == '\r' && (stop ? *stop == '\n' : ended || len == max + 1))
        len--;
    framer->searched = 0;
    if (!stop && len <= max && !ended) {
        framer->searched = left;
        return SYSLOG_FRAME_MORE;
    }
    if (len <= max)
        return one(frame, len, false, frame->off + (stop ? (size_t)(stop - line) + 1 : left));
    framer->skip_line = true;
    return one(frame, max, true, frame->off + max);
}

static enum syslog_frame_result find_frame(struct syslog_framer *framer, const char *data,
                                           size_t size, bool ended, struct syslog_frame *frame)
{
    const char *at = data, *end = data + size, *message;
    uint64_t count;
    skip_rest(framer, &at, end);
    if (at < end && framer->after_count) {
        framer->after_count = false;
        if (*at == '\n' || *at == '\0')
            at++;
    }
    *frame = (struct syslog_frame){.off = (size_t)(at - data), .consumed = (size_t)(at - data)};
    if (at == end)
        return SYSLOG_FRAME_MORE;
    switch (read_count(at, end, &count, &message)) {
    case COUNT_YES:
        frame->off = (size_t)(message - data);
        return counted_frame(framer, message, (size_t)(end - message), count, ended, frame);
    case COUNT_PARTIAL:
        if (!ended)
            return SYSLOG_FRAME_MORE;
        break;
    case COUNT_NONE:
        break;
    }
    return line_frame(framer, at, (size_t)(end - at), ended, frame);
}

enum syslog_frame_result syslog_frame_next(struct syslog_framer *framer, const char *data,
                                           size_t len, struct syslog_frame *ret_frame)
{
    return find_frame(framer, data, len, false, ret_frame);
}

enum syslog_frame_result syslog_frame_end(struct syslog_framer *framer, const char *data,
                                          size_t len, struct syslog_frame *ret_frame)
{
    return find_frame(framer, data, len, true, ret_frame);
}

size_t syslog_datagram_len(const char *data, size_t len)
{
    bool nul = len > 0 && data[len - 1] == '\0';
    if (nul)
        len--;
    if (len > 0 && data[len - 1] == '\n') {
        len--;
        if (len > 0 && data[len - 1] == '\r')
            len--;
    }
    if (!nul && len > 0 && data[len - 1] == '\0')
        len--;
    return len;
}
