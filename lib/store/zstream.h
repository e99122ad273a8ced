/* SPDX-License-Identifier: MIT */
#ifndef STORE_ZSTREAM_H
#define STORE_ZSTREAM_H

/*
 * Descriptors that are perhaps compressed (zstd, RFC 8878): what is exported and imported.
 */

#include <stdbool.h>
#include <stddef.h>

struct zwriter;

/* fd is borrowed. level: of zstd; 0: the bytes as they are. Returns 0, -ENOMEM. */
int zwriter_new(int fd, int level, struct zwriter **ret_writer);
struct zwriter *zwriter_free(struct zwriter *writer);
/* Returns 0 or a negative errno. */
int zwriter_write(void *writer, const char *data, size_t len);
/* Ends the frame: without it, what was written is not whole. Returns as zwriter_write(). */
int zwriter_end(struct zwriter *writer);

struct zreader;

/* fd is borrowed. Whether it is compressed is seen from its first bytes. Returns 0, -ENOMEM. */
int zreader_new(int fd, struct zreader **ret_reader);
struct zreader *zreader_free(struct zreader *reader);
/*
 * Up to size bytes. Returns how many; 0 at the end; -EBADMSG (what is compressed is damaged, or cut
 * short), or another negative errno of reading.
 */
long zreader_read(struct zreader *reader, char *bytes, size_t size);

#endif
