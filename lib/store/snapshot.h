/* SPDX-License-Identifier: MIT */
#ifndef STORE_SNAPSHOT_H
#define STORE_SNAPSHOT_H

/*
 * The files of a store at one moment, for many threads to read at once.
 *
 *   snapshot ── file: what its last bytes say of all of it (times, severities)     snapshot_look()
 *      │
 *      └─ segment: a file that was opened, and its blocks' headers                 segment_open()
 *            │
 *            └─ scanner: one thread's hold on one block: filter, columns, rows     scanner_open()
 *
 * A writer may be at work. What is appended after a log was first looked at is not seen. A file that
 * was sealed or rewritten meanwhile is found by its first id under its new name; one that retention
 * deleted is no longer there, as if the query had come later. Damage is reported (one report at a
 * time, from whichever thread met it), counted by the caller, and left out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "store/reader.h"
#include "store/rollup.h"

struct snapshot;
struct segment;
struct scanner;

/* What is known of a whole file. */
struct snapshot_file {
    struct store_block_info info; /* over all its blocks */
    uint64_t end_id;              /* greater than every id in it */
    uint64_t bytes;               /* on disk */
    uint32_t n_blocks;
};

/*
 * The files that the reader's store has now. The reader must outlive the snapshot, and is not used
 * by it but for its directory and its reports. Returns 0, -ENOMEM, or an errno of reading.
 */
int snapshot_new(struct store_reader *reader, struct snapshot **ret_snapshot);
/* All segments are closed. Returns NULL. NULL is allowed. */
struct snapshot *snapshot_free(struct snapshot *snapshot);
/* Files are numbered from 0, by first id. */
size_t snapshot_n_files(const struct snapshot *snapshot);

/*
 * What a file says of itself, without its index where it is sealed. Any thread, but one for a file.
 * Returns 1, 0 (it is gone, has no block, or cannot be read: reported), -ENOMEM, or another negative
 * errno.
 */
int snapshot_look(struct snapshot *snapshot, size_t file, struct snapshot_file *ret_file);

/*
 * Opens a file and reads where its blocks are. Any thread. Returns 1, 0 (as above), -ENOMEM, or
 * another negative errno.
 */
int segment_open(struct snapshot *snapshot, size_t file, struct segment **ret_segment);
/* No scanner may stand in it. Returns NULL. NULL is allowed. */
struct segment *segment_close(struct segment *segment);
void segment_describe(const struct segment *segment, struct snapshot_file *ret_file);
uint32_t segment_n_blocks(const struct segment *segment);
/* ret_bytes: on disk. */
void segment_block(const struct segment *segment, uint32_t block, struct store_block_info *ret_info,
                   uint32_t *ret_bytes);

/* What one thread decodes blocks with. Returns 0, -ENOMEM. */
int scanner_new(struct scanner **ret_scanner);
/* Returns NULL. NULL is allowed. */
struct scanner *scanner_free(struct scanner *scanner);

/* Makes a block the current one; nothing is read. Returns 0, -ENOMEM, -ENOENT (the file is gone). */
int scanner_open(struct scanner *scanner, const struct segment *segment, uint32_t block);
/*
 * The filter of the current block (filter.h); it lives until the next call with this scanner.
 * Returns 1, 0 (it has none, or a damaged one: look at the rows), -ENOMEM.
 */
int scanner_filter(struct scanner *scanner, const uint8_t **ret_lines, size_t *ret_bytes);
/*
 * The roll-up of the current block, or of a whole sealed file (rollup.h). The cells live until the
 * next of these calls with this scanner; they may be changed. Returns 1, 0 (there is none, or a damaged
 * one: count the rows), -ENOMEM, or another errno of reading.
 */
int scanner_rollup(struct scanner *scanner, struct rollup_cell **ret_cells, size_t *ret_n);
int scanner_file_rollup(struct scanner *scanner, const struct segment *segment,
                        struct rollup_cell **ret_cells, size_t *ret_n);
/*
 * How much memory decoding all columns takes at most, and the texts of all rows once more. Returns
 * 0, -EBADMSG (damaged: reported, once a block), -ENOMEM.
 */
int scanner_cost(struct scanner *scanner, size_t *ret_bytes);
/* Decodes columns; those decoded before are not decoded again. Returns 0, -EBADMSG (as above),
 * -ENOMEM. */
int scanner_load(struct scanner *scanner, uint32_t columns);
/* Row 0 … n_rows - 1 with the columns of the last load. Texts live until the scanner moves on. */
void scanner_row(struct scanner *scanner, uint32_t index, struct store_row *ret_row);
/* The same, faster, into a row that scanner_row() filled since the last load. */
void scanner_row_again(struct scanner *scanner, uint32_t index, struct store_row *row);
/*
 * Message templates of the current block, whose messages are loaded: how many there are; the static
 * text of one, with a byte `slot` for each slot, and whether its slots may hold letters (the text
 * lives until the next call; returns 0, -ENOMEM); and which one a row is of: 1 + its number, or 0:
 * of none.
 */
uint32_t scanner_n_templates(const struct scanner *scanner);
int scanner_template(struct scanner *scanner, uint32_t number, char slot, struct text *ret_text,
                     bool *ret_has_words);
/*
 * May a message of a template hold this token, with one of its slots for the token's end? ASCII case
 * does not matter. false is certain; it is found out from the slots' values.
 */
bool scanner_template_may_hold(const struct scanner *scanner, uint32_t number, const char *token,
                               size_t len);
uint32_t scanner_row_template(const struct scanner *scanner, uint32_t index);
/* Bytes of the current block that were read, and what they were decompressed to. */
void scanner_spent(const struct scanner *scanner, uint64_t *ret_read, uint64_t *ret_raw);
/* Gives back what large blocks made it hold. Returns 0, -ENOMEM (it cannot be used further). */
int scanner_trim(struct scanner *scanner);

#endif
