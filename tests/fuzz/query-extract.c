/* SPDX-License-Identifier: MIT */
/*
 * The first line is a name, the rest a message. What is promised: a value lies in the message;
 * unescaping makes nothing longer; each part of the name stands in a message that has it.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "store/query/extract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *start = (const char *)data, *line = memchr(start, '\n', size);
    if (line == NULL)
        return 0;
    struct text name = {start, (uint32_t)(line - start)};
    struct text message = {line + 1, (uint32_t)(start + size - line - 1)};
    struct extract found;
    if (!extract_find(message, name, &found))
        return 0;
    const char *end = message.data + message.len;
    CHECK(found.value.data >= message.data && found.value.data + found.value.len <= end);
    char *plain = malloc(found.value.len + 1);
    CHECK(extract_unescape(found.value, plain) <= found.value.len);
    free(plain);
    for (const char *part = name.data, *dot; part <= line; part = dot + 1) {
        dot = memchr(part, '.', (size_t)(line - part));
        dot = dot == NULL ? line : dot;
        CHECK(memmem(message.data, message.len, part, (size_t)(dot - part)) != NULL);
    }
    return 0;
}
