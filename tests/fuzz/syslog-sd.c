/* SPDX-License-Identifier: MIT */
/*
 * What is promised: every item lies in the text, behind the one before it; the iterator comes to an
 * end and stays there; syslog_sd_len() says how far it came; unescaping makes nothing longer.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "syslog/sd.h"

static const char *check_text(struct text text, const char *from, const char *end)
{
    CHECK(text.data >= from && text.data + text.len <= end);
    return text.data + text.len;
}

static void check_value(struct text value)
{
    char *out = malloc(value.len ? value.len : 1);
    size_t n = syslog_sd_unescape(value.data, value.len, out);
    CHECK(n <= value.len);
    CHECK(memchr(value.data, '\\', value.len) ||
          (n == value.len && memcmp(out, value.data, n) == 0));
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *start = (const char *)data, *end = start + size, *at = start;
    struct syslog_sd iterator = SYSLOG_SD_INIT(start, size);
    struct text name, value;
    int r;
    while ((r = syslog_sd_next(&iterator, &name, &value)) > 0) {
        CHECK(name.len > 0);
        at = check_text(name, at, end);
        if (r == SYSLOG_SD_PARAM) {
            at = check_text(value, at, end);
            check_value(value);
        }
        CHECK(iterator.at >= at && iterator.at <= end);
    }
    CHECK(syslog_sd_next(&iterator, &name, &value) == r);
    CHECK(syslog_sd_len(start, size) == (r < 0 ? 0 : (size_t)(iterator.at - start)));
    return 0;
}
