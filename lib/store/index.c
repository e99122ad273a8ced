/* SPDX-License-Identifier: MIT */
#include "store/index.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* How much of a file is searched at a time for the next block. */
#define SEARCH_BYTES (256u << 10)

void file_index_deinit(struct file_index *index)
{
    free(index->blocks);
    *index = FILE_INDEX_NULL;
}

int read_fully(int fd, void *bytes, size_t len, uint64_t at)
{
    uint8_t *to = bytes;
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EBADMSG;
        to += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int write_fully(int fd, const void *bytes, size_t len, uint64_t at)
{
    const uint8_t *from = bytes;
    while (len > 0) {
        ssize_t n = pwrite(fd, from, len, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        from += n;
        at += (size_t)n;
        len -= (size_t)n;
    }
    return 0;
}

int file_index_reserve(struct file_index *index)
{
    if (index->n_blocks < index->capacity)
        return 0;
    uint32_t capacity = index->capacity ? index->capacity * 2 : 64;
    struct block_entry *blocks = realloc(index->blocks, capacity * sizeof(*blocks));
    if (!blocks)
        return -ENOMEM;
    index->blocks = blocks;
    index->capacity = capacity;
    return 0;
}

void file_index_add(struct file_index *index, const struct block_header *header)
{
    index->blocks[index->n_blocks++] = (struct block_entry){index->end, *header};
    index->end += header->total_bytes;
    totals_add(&index->totals, header);
}

void file_index_drop_last(struct file_index *index)
{
    struct totals totals = {.n_quarantined = index->totals.n_quarantined,
                            .next_id = index->header.first_id};
    index->end = index->blocks[--index->n_blocks].at;
    for (uint32_t i = 0; i < index->n_blocks; i++)
        totals_add(&totals, &index->blocks[i].header);
    index->totals = totals;
}

/* Is a whole block of this file at `at`, that may follow those known? Returns 1, 0, or a negative
 * errno of reading. */
static int block_at(const struct file_index *index, int fd, uint64_t at, uint64_t limit,
                    struct block_header *ret_header)
{
    uint8_t bytes[BLOCK_HEADER_BYTES + MAX_SECTIONS * SECTION_BYTES];
    if (limit < at || limit - at < BLOCK_HEADER_BYTES)
        return 0;
    size_t len = limit - at < sizeof(bytes) ? (size_t)(limit - at) : sizeof(bytes);
    int r = read_fully(fd, bytes, len, at);
    if (r < 0)
        return r == -EBADMSG ? 0 : r; /* a log that was cut meanwhile */
    if (block_header_parse(bytes, len, ret_header) < 0)
        return 0;
    return ret_header->file_id == index->header.file_id && ret_header->total_bytes <= limit - at &&
           ret_header->info.first_id >= index->totals.next_id;
}

/* Looks for the next whole block from `at` on. Returns 1, 0, or a negative errno. */
static int find_block(const struct file_index *index, int fd, uint64_t at, uint64_t limit,
                      uint64_t *ret_at, struct block_header *ret_header)
{
    uint8_t *bytes = malloc(SEARCH_BYTES);
    int r = bytes ? 0 : -ENOMEM;
    while (r == 0 && limit > at && limit - at >= BLOCK_HEADER_BYTES) {
        size_t len = limit - at < SEARCH_BYTES ? (size_t)(limit - at) : SEARCH_BYTES;
        r = read_fully(fd, bytes, len, at);
        const uint8_t *found = bytes;
        while (r == 0 &&
               (found = memmem(found, len - (size_t)(found - bytes), BLOCK_MAGIC, MAGIC_BYTES))) {
            *ret_at = at + (size_t)(found - bytes);
            r = block_at(index, fd, *ret_at, limit, ret_header);
            found++;
        }
        at += len - (len == limit - at ? 0 : MAGIC_BYTES - 1);
    }
    free(bytes);
    return r == -EBADMSG ? 0 : r;
}

int trailer_read(int fd, uint64_t file_bytes, struct trailer *ret_trailer)
{
    uint8_t bytes[TRAILER_BYTES];
    struct trailer trailer;
    if (file_bytes < FILE_HEADER_BYTES + TRAILER_BYTES)
        return -EBADMSG;
    int r = read_fully(fd, bytes, sizeof(bytes), file_bytes - TRAILER_BYTES);
    if (r == 0)
        r = trailer_parse(bytes, &trailer);
    if (r < 0)
        return r;
    uint64_t tail_bytes = TRAILER_BYTES + trailer.n_sections * (uint64_t)SECTION_BYTES;
    if (trailer.tail_at < FILE_HEADER_BYTES || trailer.tail_at > file_bytes ||
        file_bytes - trailer.tail_at < tail_bytes)
        return -EBADMSG;
    *ret_trailer = trailer;
    return 0;
}

/* Where blocks end: at the tail if there is one, else at the file's end. */
static uint64_t blocks_limit(const struct file_index *index, int fd, uint64_t file_bytes,
                             bool *ret_sealed)
{
    struct trailer trailer;
    *ret_sealed = trailer_read(fd, file_bytes, &trailer) == 0 &&
                  trailer.file_id == index->header.file_id && trailer.tail_at >= index->end;
    return *ret_sealed ? trailer.tail_at : file_bytes;
}

int file_index_extend(struct file_index *index, int fd)
{
    struct stat status;
    struct block_header header;
    uint32_t n_before = index->n_blocks;
    bool sealed;
    if (index->sealed)
        return 0;
    if (fstat(fd, &status) < 0)
        return -errno;
    uint64_t file_bytes = (uint64_t)status.st_size, at;
    index->seen_bytes = file_bytes;
    if (file_bytes <= index->end)
        return 0;
    uint64_t limit = blocks_limit(index, fd, file_bytes, &sealed);
    int r;
    for (;;) {
        at = index->end;
        r = block_at(index, fd, at, limit, &header);
        if (r == 0)
            r = find_block(index, fd, at + 1, limit, &at, &header);
        if (r <= 0)
            break;
        r = file_index_reserve(index);
        if (r < 0)
            break;
        index->totals.n_quarantined += at != index->end;
        index->end = at;
        file_index_add(index, &header);
    }
    if (r < 0)
        return r;
    if (sealed && index->end < limit)
        index->totals.n_quarantined++;
    if (sealed)
        index->end = limit;
    index->sealed = sealed;
    return (int)(index->n_blocks - n_before);
}
