/* SPDX-License-Identifier: MIT */
#ifndef STORE_SUM_H
#define STORE_SUM_H

/* What all files together hold: from the trailers of the sealed ones, and the block headers of the
 * others. */

#include "store/catalog.h"
#include "store/reader.h"

/* Returns 0, or -ENOMEM. What cannot be read counts as quarantined. */
int catalog_sum(const struct catalog *catalog, int root_fd, struct store_info *ret_info);

#endif
