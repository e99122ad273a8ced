/* SPDX-License-Identifier: MIT */
/*
 * The first byte says max_line, the second where the reads split the rest. What is promised: frames
 * lie in the data, something is consumed with each, what is kept is bounded, and without NUL bytes
 * the splits change nothing.
 */
#include "fuzz/fuzz.h"

#include <string.h>

#include "syslog/frame.h"

struct reader {
    struct syslog_framer framer;
    uint64_t hash; /* of all frames, in order */
    const char *data;
    size_t at; /* bytes of data that are done with */
};

static void add(uint64_t *hash, uint64_t value)
{
    *hash = (*hash ^ value) * UINT64_C(0x100000001b3);
}

static void add_frame(struct reader *reader, const struct syslog_frame *frame)
{
    const char *message = reader->data + reader->at + frame->off;
    for (size_t i = 0; i < frame->len; i++)
        add(&reader->hash, (unsigned char)message[i]);
    add(&reader->hash, 256 + frame->len);
    add(&reader->hash, frame->cut);
}

/* Data up to `end` is there. In memory of its own, so that a byte read behind it is seen. */
static void read_to(struct reader *reader, size_t end, bool ended)
{
    for (;;) {
        struct syslog_frame frame;
        size_t len = end - reader->at;
        char *copy = malloc(len ? len : 1);
        if (len)
            memcpy(copy, reader->data + reader->at, len);
        enum syslog_frame_result r = ended ? syslog_frame_end(&reader->framer, copy, len, &frame)
                                           : syslog_frame_next(&reader->framer, copy, len, &frame);
        free(copy);
        CHECK(frame.consumed <= len);
        if (r == SYSLOG_FRAME_MORE) {
            CHECK(frame.consumed > 0 || len <= reader->framer.max_line + 16u);
            CHECK(!ended || frame.consumed == len);
            reader->at += frame.consumed;
            return;
        }
        CHECK(frame.consumed > 0);
        CHECK(frame.off + frame.len <= frame.consumed && frame.len <= reader->framer.max_line);
        add_frame(reader, &frame);
        reader->at += frame.consumed;
    }
}

static uint64_t run(const char *data, size_t size, uint32_t max_line, size_t step)
{
    struct reader reader = {.framer = SYSLOG_FRAMER_INIT(max_line), .data = data};
    for (size_t end = 0; end < size; end += step)
        read_to(&reader, end, false);
    read_to(&reader, size, false);
    read_to(&reader, size, true);
    CHECK(reader.at == size);
    return reader.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 4096)
        return 0;
    const char *stream = (const char *)data + 2;
    uint32_t max_line = 1 + data[0] % 64;
    uint64_t whole = run(stream, size - 2, max_line, size);
    uint64_t split = run(stream, size - 2, max_line, 1 + data[1] % 32);
    uint64_t bytes = run(stream, size - 2, max_line, 1);
    CHECK(memchr(stream, '\0', size - 2) || (whole == split && whole == bytes));
    return 0;
}
