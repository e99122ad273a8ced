/* SPDX-License-Identifier: MIT */
#ifndef STORE_REFILL_H
#define STORE_REFILL_H

/*
 * Rows back into a batch, so that they can be encoded again: for merging and recompressing segments,
 * and for importing. The batch is one that its maker sized; the texts of a row are copied into it,
 * those of its place too.
 *
 *   bytes    [ row | row | row | row | row | room ]      one arena
 *   records  [  r     r     r  |  r     r  | room ]
 *   batches     input 0          input 1                 views of both: a batch has one input
 */

#include "record/batch.h"
#include "store/reader.h"

struct refill;

/*
 * Makes batches for up to n_records rows (at most STORE_MAX_ROWS) and n_bytes of text. Returns 0,
 * -ENOMEM.
 */
int refill_new(size_t n_records, size_t n_bytes, struct refill **ret_refill);
struct refill *refill_free(struct refill *refill);
/* Bytes that refill_new() takes; a row that makes it grow adds to that. */
size_t refill_bytes(size_t n_records, size_t n_bytes);
/* Empties the batch. */
void refill_clear(struct refill *refill);
/*
 * Appends a row (all of its columns), as it would have come from the pipeline: what is encoded from
 * the batch decodes to the same row but for its id and the name of its input, which must be one of
 * the encoder's (index `input`). An address of its place that is neither the peer's nor stands in
 * the message cannot be kept. The length of the line, as it was received, is not known any more:
 * that of its texts stands in. Returns 0, -ENOSPC (it is full: encode and clear first; a row that an
 * empty batch has no room for makes the batch grow), -ENOMEM.
 */
int refill_add(struct refill *refill, const struct store_row *row, uint16_t input);
/* The batch, where all rows came with one input. */
struct batch *refill_batch(struct refill *refill);
/*
 * The batches in the order of the rows, as store_encode() takes them; none where no row is. They
 * live until the next call. Returns 0, -ENOMEM.
 */
int refill_batches(struct refill *refill, struct batch *const **ret_batches, size_t *ret_n);

#endif
