/* SPDX-License-Identifier: MIT */
#ifndef STORE_REFILL_H
#define STORE_REFILL_H

/*
 * Rows back into a batch, so that they can be encoded again: for merging and recompressing segments,
 * and for importing. The batch is one that its maker sized; the texts of a row are copied into it,
 * those of its place too.
 */

#include "record/batch.h"
#include "store/reader.h"

struct refill;

/* Makes batches for up to n_records rows and n_bytes of text. Returns 0, -ENOMEM. */
int refill_new(size_t n_records, size_t n_bytes, struct refill **ret_refill);
struct refill *refill_free(struct refill *refill);
/* Empties the batch. */
void refill_clear(struct refill *refill);
/*
 * Appends a row (all of its columns), as it would have come from the pipeline: what is encoded from
 * the batch decodes to the same row but for its id and the name of its input, which must be one of
 * the encoder's (index `input`). Returns 0, -ENOSPC (it is full: encode and clear first; a row that
 * an empty batch has no room for makes the batch grow), -ENOMEM.
 */
int refill_add(struct refill *refill, const struct store_row *row, uint16_t input);
struct batch *refill_batch(struct refill *refill);

#endif
