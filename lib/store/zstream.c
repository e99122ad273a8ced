/* SPDX-License-Identifier: MIT */
#include "store/zstream.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "store/write_all.h"

static const uint8_t magic[4] = {0x28, 0xb5, 0x2f, 0xfd};

struct zwriter {
    int fd;
    ZSTD_CCtx *zstd; /* NULL: not compressed */
    char *room;
    size_t room_bytes;
};

struct zreader {
    int fd;
    ZSTD_DCtx *zstd; /* NULL: not compressed */
    bool is_probed, is_at_end, is_in_frame;
    char *room;
    size_t room_bytes;
    ZSTD_inBuffer in;
};

/* ---- writing */

int zwriter_new(int fd, int level, struct zwriter **ret_writer)
{
    struct zwriter *writer = calloc(1, sizeof(*writer));
    if (!writer)
        return -ENOMEM;
    writer->fd = fd;
    if (level != 0) {
        writer->room_bytes = ZSTD_CStreamOutSize();
        writer->room = malloc(writer->room_bytes);
        writer->zstd = ZSTD_createCCtx();
        if (!writer->room || !writer->zstd) {
            zwriter_free(writer);
            return -ENOMEM;
        }
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, level);
        ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_checksumFlag, 1);
    }
    *ret_writer = writer;
    return 0;
}

struct zwriter *zwriter_free(struct zwriter *writer)
{
    if (!writer)
        return NULL;
    ZSTD_freeCCtx(writer->zstd);
    free(writer->room);
    free(writer);
    return NULL;
}

static int compress(struct zwriter *writer, const char *data, size_t len, ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {data, len, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {writer->room, writer->room_bytes, 0};
        left = ZSTD_compressStream2(writer->zstd, &out, &in, end);
        if (ZSTD_isError(left))
            return -ENOMEM; /* the only way in which it fails */
        int r = write_all(writer->fd, writer->room, out.pos);
        if (r < 0)
            return r;
    } while (in.pos < in.size || (end == ZSTD_e_end && left > 0));
    return 0;
}

int zwriter_write(void *arg, const char *data, size_t len)
{
    struct zwriter *writer = arg;
    return writer->zstd ? compress(writer, data, len, ZSTD_e_continue)
                        : write_all(writer->fd, data, len);
}

int zwriter_end(struct zwriter *writer)
{
    return writer->zstd ? compress(writer, NULL, 0, ZSTD_e_end) : 0;
}

/* ---- reading */

int zreader_new(int fd, struct zreader **ret_reader)
{
    struct zreader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return -ENOMEM;
    reader->fd = fd;
    reader->room_bytes = ZSTD_DStreamInSize();
    reader->room = malloc(reader->room_bytes);
    if (!reader->room) {
        zreader_free(reader);
        return -ENOMEM;
    }
    reader->in.src = reader->room;
    *ret_reader = reader;
    return 0;
}

struct zreader *zreader_free(struct zreader *reader)
{
    if (!reader)
        return NULL;
    ZSTD_freeDCtx(reader->zstd);
    free(reader->room);
    free(reader);
    return NULL;
}

/* More bytes behind those in the room. Returns 0 or a negative errno. */
static int fill(struct zreader *reader)
{
    ZSTD_inBuffer *in = &reader->in;
    ssize_t n;
    if (in->pos == in->size)
        in->pos = in->size = 0;
    do
        n = read(reader->fd, reader->room + in->size, reader->room_bytes - in->size);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    in->size += (size_t)n;
    reader->is_at_end = n == 0;
    return 0;
}

static int probe(struct zreader *reader)
{
    int r = 0;
    while (r == 0 && reader->in.size < sizeof(magic) && !reader->is_at_end)
        r = fill(reader);
    reader->is_probed = r == 0;
    if (r < 0 || reader->in.size < sizeof(magic) || memcmp(reader->room, magic, sizeof(magic)) != 0)
        return r;
    reader->zstd = ZSTD_createDCtx();
    return reader->zstd ? 0 : -ENOMEM;
}

static size_t copy(struct zreader *reader, char *bytes, size_t size)
{
    size_t n = reader->in.size - reader->in.pos;
    n = n < size ? n : size;
    memcpy(bytes, reader->room + reader->in.pos, n);
    reader->in.pos += n;
    return n;
}

/* Returns 0 or -EBADMSG. */
static int decompress(struct zreader *reader, char *bytes, size_t size, size_t *ret_n)
{
    ZSTD_outBuffer out = {bytes, size, 0};
    size_t left = ZSTD_decompressStream(reader->zstd, &out, &reader->in);
    *ret_n = out.pos;
    if (ZSTD_isError(left))
        return -EBADMSG;
    reader->is_in_frame = left != 0;
    return 0;
}

long zreader_read(struct zreader *reader, char *bytes, size_t size)
{
    size_t n = 0;
    int r = reader->is_probed ? 0 : probe(reader);
    while (r == 0 && n == 0) {
        bool is_empty = reader->in.pos == reader->in.size;
        if (is_empty && !reader->is_at_end) {
            r = fill(reader);
            continue;
        }
        if (is_empty && !reader->is_in_frame)
            break;
        if (!reader->zstd) {
            n = copy(reader, bytes, size);
            break;
        }
        /* At the end zstd may still hold bytes that it has decompressed. */
        r = decompress(reader, bytes, size, &n);
        if (r == 0 && n == 0 && is_empty && reader->is_in_frame)
            r = -EBADMSG;
    }
    return r < 0 ? r : (long)n;
}
