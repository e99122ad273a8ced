/* SPDX-License-Identifier: MIT */
#ifndef CTL_IMPORT_ROW_H
#define CTL_IMPORT_ROW_H

/*
 * A line of JSON, as `store export` writes it (and `query -o json`, in what that has), as a row.
 */

#include <jansson.h>
#include "store/reader.h"

struct import_row {
    struct store_row row; /* its texts point into `json` and `memory` */
    json_t *json;
    char **memory; /* what was decoded or put together */
    size_t n_memory;
    char error[200]; /* what was expected, and where */
};

/*
 * Returns 0, -ENOMEM, or -EINVAL (error is filled). Whatever is returned, import_row_deinit() it.
 * line: len bytes.
 */
int import_row_read(struct import_row *import, const char *line, size_t len);
void import_row_deinit(struct import_row *import);

#endif
