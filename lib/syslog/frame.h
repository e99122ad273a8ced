/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_FRAME_H
#define SYSLOG_FRAME_H

/*
 * Framing of a byte stream (RFC 6587), told apart frame by frame:
 *
 *   octet counting   3.4.1   MSG-LEN SP MSG          1-9 and up to 9 more digits, a space, then '<'
 *   line feed        3.4.2   MSG LF | MSG CR LF      everything else; also MSG NUL, as many senders do
 *
 * Pure: a framer sees bytes and says where the next frame is. It never fails: bytes that start like
 * an octet count but are not one (no '<' behind the space, more digits, digits without a space) are
 * a line of their own.
 *
 * A NUL ends a frame when what follows is '<', 1-9, LF, another NUL, or nothing yet; any other NUL
 * is a byte of the message. Two frame ends in a row have a frame of length 0 between them. Of a
 * counted frame, a LF, CR LF or NUL at its end does not belong to the message, inside the count or,
 * LF or NUL, behind it.
 *
 * The frames are the same wherever the reads split the stream; only a NUL at the end of a read may
 * end a frame that would otherwise have gone on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct syslog_framer {
    uint32_t max_line;  /* longest frame that is handed out, bytes */
    uint64_t skip;      /* octets of a cut counted frame that are still to come */
    size_t searched;    /* bytes of the line that is to come that are known to hold no frame end */
    bool skip_line;     /* a cut line's end is still to come */
    bool after_count;   /* the last frame was counted: a lone LF or NUL after it is no frame */
};

#define SYSLOG_FRAMER_INIT(max) ((struct syslog_framer){.max_line = (max)})

enum syslog_frame_result {
    /* no whole frame: keep the bytes after `consumed` and come again with more behind them */
    SYSLOG_FRAME_MORE = 0,
    SYSLOG_FRAME_ONE = 1,  /* one frame */
};

struct syslog_frame {
    size_t off, len;  /* the message, in the data given; without count, LF, CR LF or NUL */
    size_t consumed;  /* bytes of the data that are done with */
    /* longer than max_line: these are its first max_line bytes; the rest is skipped as it comes */
    bool cut;
};

/*
 * Looks for the next frame at the start of data. ret_frame->consumed is valid for both results.
 * Once more than max_line + 16 bytes are there, it never answers MORE with consumed = 0: what must
 * be kept between calls is bounded. A line that is cut is skipped up to its end; a counted frame,
 * for what is left of its count.
 */
enum syslog_frame_result syslog_frame_next(struct syslog_framer *framer, const char *data, size_t len,
                                           struct syslog_frame *ret_frame);
/*
 * The stream ended with these bytes unfinished: they are the last frame (RFC 6587 3.4.2: many
 * senders do not end the last line; without a CR at its end), cut when its count promised more.
 * MORE when there is nothing to keep; until then, call it again with what it has not consumed.
 */
enum syslog_frame_result syslog_frame_end(struct syslog_framer *framer, const char *data, size_t len,
                                          struct syslog_frame *ret_frame);

/*
 * A datagram is one message (RFC 5426 3.1). Returns its length without one trailing LF, CR LF
 * and/or NUL.
 */
size_t syslog_datagram_len(const char *data, size_t len);

#endif
