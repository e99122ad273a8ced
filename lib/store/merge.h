/* SPDX-License-Identifier: MIT */
#ifndef STORE_MERGE_H
#define STORE_MERGE_H

/*
 * Which blocks of a file become one. In quiet hours every line makes a block of its own; under load
 * blocks are full, and stay byte for byte as they are.
 *
 *   | full | s | s | s | full | s | s | full |   ──▶   | full | sss | full | ss | full |
 *
 * Small is what has less than a quarter of a full block's bytes and rows; a run of them becomes at
 * most one full block, and has no gaps between its ids.
 */

#include "store/index.h"

/* Rows of a full block, however short they are. */
#define MERGE_ROWS 16384

/* How many blocks, from this one on, become one; 1: it stays. full_bytes: of a full block's lines as
 * they were received; 0: all stay. */
uint32_t merge_count(const struct file_index *index, uint32_t at, uint64_t full_bytes);
/* Would merging save a quarter of the blocks? */
bool merge_is_worth_it(const struct file_index *index, uint64_t full_bytes);

#endif
