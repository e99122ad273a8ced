/* SPDX-License-Identifier: MIT */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

/*
 * Where the blocks of one file are: read from the tail of a sealed file, or found by walking from
 * header to header.
 *
 *   | file header | block | block | ▒▒▒ damaged ▒▒▒ | block | unfinished        a log: `end` is
 * behind the last whole block | file header | block | block | block | tail | sealed: `end` is where
 * the tail begins
 *
 * A walk can go on later: it finds what was appended since. Damage between whole blocks is counted
 * and left out; what follows the last whole block may be an append at work, so a reader waits
 * there, and only the writer may cut it.
 */

#include <stdbool.h>
#include "store/format.h"
#include "store/report.h"

struct block_entry {
    uint64_t at;
    struct block_header header;
};

struct file_index {
    struct file_header header;
    struct block_entry *blocks;
    uint32_t n_blocks, capacity;
    struct totals totals;
    uint64_t end;
    uint64_t seen_bytes; /* length of the file when it was last looked at */
    bool sealed;
    uint8_t level, flags; /* what the trailer says, or shall say, of the blocks; see format.h */
};

#define FILE_INDEX_NULL ((struct file_index){0})
void file_index_deinit(struct file_index *index);

/*
 * Reads the file's header and, if it is sealed, the index in its tail; else walks it. A damaged
 * tail is reported, counted, and walked over. Returns 0, -EBADMSG (not a file of the store),
 * -ENOMEM, or another errno of reading.
 */
int file_index_read(struct file_index *index, int fd, const char *name,
                    const struct reporter *reporter);
/* Finds what was appended since. Returns the number of blocks found, or a negative errno. */
int file_index_extend(struct file_index *index, int fd);
/* For the writer. Returns 0, -ENOMEM. */
int file_index_reserve(struct file_index *index);
void file_index_add(struct file_index *index, const struct block_header *header);
/* Takes the last block off again. */
void file_index_drop_last(struct file_index *index);

/* What a sealed file says of itself in its last bytes. Returns 0, -EBADMSG, or another errno of
 * reading. */
int trailer_read(int fd, uint64_t file_bytes, struct trailer *ret_trailer);
/*
 * Writes the tail behind the last block, so that the file is sealed but for its name. Returns 0,
 * -ENOMEM, -ENOSPC, …: the file ends at the last block again, if the disk allows it.
 */
int tail_write(struct file_index *index, int fd);

/* Reads all of len bytes. Returns 0, -EBADMSG (the file ends before), or another negative errno. */
int read_fully(int fd, void *bytes, size_t len, uint64_t at);
int write_fully(int fd, const void *bytes, size_t len, uint64_t at);

#endif
