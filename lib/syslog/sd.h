/* SPDX-License-Identifier: MIT */
#ifndef SYSLOG_SD_H
#define SYSLOG_SD_H

/*
 * STRUCTURED-DATA (RFC 5424 6.3) as it was kept, item by item, without copying:
 *
 *   [meta@32473 seq="7" env="a\"b"][empty]
 *    └───┬────┘ └──┬──┘ └───┬────┘  └─┬─┘
 *     ELEMENT    PARAM    PARAM    ELEMENT
 *
 * Liberal where senders are: names may be longer than 32 bytes and hold bytes >= 0x80, more than
 * one space may separate parameters, a space may precede ']', and ']' may stand unescaped in a
 * value. Pure; any bytes may be given. Everything that is handed out points into them.
 */

#include <stddef.h>

#include "record/record.h"

enum syslog_sd_item {
    SYSLOG_SD_END = 0, /* no element begins at iterator.at */
    SYSLOG_SD_ELEMENT, /* ret_name: SD-ID */
    SYSLOG_SD_PARAM,   /* of the last element; ret_name: PARAM-NAME, ret_value: PARAM-VALUE, escapes
                          and all */
};

struct syslog_sd {
    const char *at, *end; /* what is not yet handed out */
    bool in_element;      /* private */
};

#define SYSLOG_SD_INIT(data, len) ((struct syslog_sd){.at = (data), .end = (data) + (len)})

/*
 * The next item, as enum syslog_sd_item, or -EBADMSG: from iterator.at on it is not
 * STRUCTURED-DATA; the answer stays the same when asked again. ret_value is written for parameters
 * only.
 */
int syslog_sd_next(struct syslog_sd *iterator, struct text *ret_name, struct text *ret_value);

/*
 * Bytes of the elements that data begins with; 0 when there is none or one of them is malformed.
 * NILVALUE ("-") is not an element.
 */
size_t syslog_sd_len(const char *data, size_t len);

/*
 * A PARAM-VALUE without its escapes (6.3.3): \" \\ \] stand for the second byte, a backslash before
 * anything else for itself. Writes at most len bytes to out, which may be value itself, and returns
 * how many.
 */
size_t syslog_sd_unescape(const char *value, size_t len, char *out);

#endif
