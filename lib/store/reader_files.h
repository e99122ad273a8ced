/* SPDX-License-Identifier: MIT */
#ifndef STORE_READER_FILES_H
#define STORE_READER_FILES_H

/* What snapshots and queries take from a reader. */

#include "store/catalog.h"
#include "store/reader.h"

/*
 * Lists the store's files anew into the catalog, which the caller frees. The descriptor of the
 * store's directory and the reporter stay the reader's. Returns 0, -ENOMEM, or an errno of reading.
 */
int reader_files(struct store_reader *reader, int *ret_root_fd,
                 const struct reporter **ret_reporter, struct catalog *ret_catalog);

struct scanner;
/* What the reader decodes its current block with. */
struct scanner *reader_scanner(struct store_reader *reader);

#endif
