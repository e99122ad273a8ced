/* SPDX-License-Identifier: MIT */
#ifndef STORE_VERIFY_FILE_H
#define STORE_VERIFY_FILE_H

/* The checks of verify.c on one file: each finds damage in it, and none keeps anything. */

#include "store/block.h"
#include "store/catalog.h"
#include "store/index.h"
#include "store/verify.h"

/* A file whose blocks are being checked. */
struct verify_file {
    const struct catalog_file *file;
    uint64_t end_id; /* first id of the next file; UINT64_MAX: there is none */
    char name[NAME_BYTES];
    int fd;
    struct file_index index;
    uint32_t next_block; /* not yet handed to a worker */
    unsigned n_users;    /* workers in one of its blocks */
};

/* Keeps a copy. Returns 0, -ENOMEM. */
int verify_add(struct verify_result *result, const struct verify_damage *damage);

/*
 * Opens it and checks all but its blocks: header, tail, gaps. Returns 1 (its blocks can be read), 0
 * (they cannot, or it is gone), -ENOMEM.
 */
int verify_file_open(struct verify_file *file, int root_fd, struct verify_result *result);
/* Looks again at what is behind the last whole block of a log. Returns 0, -ENOMEM. */
int verify_file_end(struct verify_file *file, struct verify_result *result);
void verify_file_close(struct verify_file *file);

/* Checks a block. Returns 1 (it is whole), 0 (ret_damage is filled), -ENOMEM. */
int verify_block(const struct verify_file *file, uint32_t index, struct block *scratch,
                 bool checksums_alone, struct verify_damage *ret_damage);

#endif
