/* SPDX-License-Identifier: MIT */
#ifndef TESTS_STORE_ROWS_H
#define TESTS_STORE_ROWS_H

/* Stores, compared row by row and column by column. */

#include "fixture.h"

#include <stdbool.h>

/* A reader that goes from row to row. */
struct walk {
    struct store_reader *reader;
    struct store_block_info info;
    uint32_t at;
};

void walk_open(struct walk *walk, struct fixture *fixture);
bool walk_next(struct walk *walk, struct store_row *ret_row);

/* All but the ids. */
void assert_same_row(const struct store_row *a, const struct store_row *b);
/* Both have these n_rows rows, and no more. */
void assert_same_stores(struct fixture *a, struct fixture *b, size_t n_rows);

#endif
