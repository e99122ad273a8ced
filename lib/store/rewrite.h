/* SPDX-License-Identifier: MIT */
#ifndef STORE_REWRITE_H
#define STORE_REWRITE_H

/*
 * A sealed file, written anew: its small blocks merged, or all of its blocks compressed at another
 * level. The rows, their ids, their order, and the identity of the file stay; blocks that need not
 * change are copied byte for byte.
 */

#include <stdbool.h>
#include "store/index.h"

struct rewrite {
    int from, to; /* descriptors; `to` is an empty file */
    const struct file_index *index;
    uint64_t full_bytes; /* merge.h */
    int compression;     /* of blocks that are encoded again */
    bool encodes_all;    /* else only those that are merged */
    uint8_t level;       /* what the new trailer says of it */
    /* Asked between blocks: false gives up. */
    bool (*goes_on)(void *arg);
    void *arg;
};

/*
 * Writes all of the file, tail included, and does not sync it; ret_index is that of the new file.
 * Returns 0, -ECANCELED, -EBADMSG (damage was found: such a file stays as it is), -ENOMEM, or
 * another errno of reading or writing.
 */
int rewrite_file(const struct rewrite *rewrite, struct file_index *ret_index);
/* Bytes it may hold at most, for blocks of so many rows and bytes of lines. */
size_t rewrite_bytes(size_t n_records, size_t n_bytes);

#endif
