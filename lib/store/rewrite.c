/* SPDX-License-Identifier: MIT */
#include "store/rewrite.h"

#include "store/block.h"
#include "store/encoder.h"
#include "store/merge.h"
#include "store/refill.h"

/*
 * Block by block: rows out of one or several blocks into a refill, and out of that into a block of
 * the new file. What such a block says of its rows (how many, which times, severities, facilities)
 * must be what the old ones said together: a check that costs nothing, and stands between an error
 * here and years of old lines.
 *
 * A file in which damage was found is left alone: what is there may be all that is left of it.
 */

/* Room for the places of a row, beside what came with its line; a refill that is full is written
 * out early. */
#define PLACE_BYTES 64

struct work {
    const struct rewrite *rewrite;
    struct file_index new;
    struct block block;
    struct store_encoder *encoder;
    struct refill *refill;
    size_t max_rows, max_bytes; /* of the refill */
    char **inputs;
    size_t n_inputs;
    struct buffer copy;
};

size_t rewrite_bytes(size_t n_records, size_t n_bytes)
{
    size_t decoded = n_bytes + n_records * (sizeof(struct store_row) + PLACE_BYTES);
    return refill_bytes(n_records, n_bytes + n_records * PLACE_BYTES) + 2 * decoded +
           store_encoder_bytes(n_bytes, n_records);
}

static void work_deinit(struct work *work)
{
    for (size_t i = 0; i < work->n_inputs; i++)
        free(work->inputs[i]);
    free(work->inputs);
    refill_free(work->refill);
    store_encoder_free(work->encoder);
    block_deinit(&work->block);
    buffer_deinit(&work->copy);
    file_index_deinit(&work->new);
}

static int work_init(struct work *work, const struct rewrite *rewrite)
{
    const struct store_options options = {.compression = rewrite->compression};
    *work = (struct work){
        .rewrite = rewrite,
        .new = {.header = rewrite->index->header,
                .end = FILE_HEADER_BYTES,
                .level = rewrite->level},
    };
    int r = block_init(&work->block);
    return r < 0 ? r : encoder_new(&options, &work->encoder);
}

/* The index of a name among those that the encoder knows, which grow. */
static int find_input(struct work *work, struct text name, uint16_t *ret_input)
{
    for (size_t i = 0; i < work->n_inputs; i++) {
        struct text known = {work->inputs[i], (uint32_t)strlen(work->inputs[i])};
        if (same_text(known, name)) {
            *ret_input = (uint16_t)i;
            return 0;
        }
    }
    if (work->n_inputs == UINT16_MAX || (name.len > 0 && memchr(name.data, '\0', name.len)))
        return -EBADMSG;
    char **inputs = realloc(work->inputs, (work->n_inputs + 1) * sizeof(*inputs));
    if (!inputs)
        return -ENOMEM;
    work->inputs = inputs;
    char *copy = strndup(name.len ? name.data : "", name.len);
    if (!copy)
        return -ENOMEM;
    *ret_input = (uint16_t)work->n_inputs;
    inputs[work->n_inputs++] = copy;
    work->encoder->inputs = (const char *const *)inputs;
    work->encoder->n_inputs = work->n_inputs;
    return 0;
}

/* Puts a block behind the new file's last; header and table are in the bytes. */
static int put_block(struct work *work, const void *bytes, const struct block_header *header)
{
    if (file_index_reserve(&work->new) < 0)
        return -ENOMEM;
    int r = write_fully(work->rewrite->to, bytes, header->total_bytes, work->new.end);
    if (r == 0)
        file_index_add(&work->new, header);
    return r;
}

static int copy_block(struct work *work, const struct block_entry *entry)
{
    size_t n_bytes = entry->header.total_bytes;
    work->copy.len = 0;
    if (buffer_reserve(&work->copy, n_bytes) < 0)
        return -ENOMEM;
    int r = block_open(&work->block, work->rewrite->from, entry->at, &entry->header);
    if (r == 0)
        r = block_verify(&work->block);
    if (r == 0)
        r = read_fully(work->rewrite->from, work->copy.data, n_bytes, entry->at);
    return r < 0 ? r : put_block(work, work->copy.data, &entry->header);
}

/* The rows of the refill as one block. raw_bytes: of the lines of the run that are not accounted for
 * yet; is_last: all of them are this block's. */
static int flush(struct work *work, uint64_t first_id, uint64_t *raw_bytes, bool is_last)
{
    struct batch *const *batches;
    size_t n;
    struct block_header *header = &work->encoder->header;
    int r = refill_batches(work->refill, &batches, &n);
    if (r == 0)
        r = store_encode(work->encoder, batches, n);
    if (r < 0)
        return r;
    if (is_last || header->raw_bytes > *raw_bytes)
        header->raw_bytes = *raw_bytes;
    *raw_bytes -= header->raw_bytes;
    header->file_id = work->new.header.file_id;
    header->info.first_id = first_id;
    uint8_t *block = encoder_block(work->encoder);
    block_header_put(block, header);
    r = put_block(work, block, header);
    refill_clear(work->refill);
    return r;
}

/* The run's rows go into a refill that is large enough for them, in all likelihood. */
static int ready_refill(struct work *work, const struct totals *run)
{
    size_t n_bytes = run->raw_bytes + run->records * PLACE_BYTES;
    if (work->refill && run->records <= work->max_rows && n_bytes <= work->max_bytes)
        return 0;
    work->refill = refill_free(work->refill);
    work->max_rows = run->records;
    work->max_bytes = n_bytes;
    return refill_new(work->max_rows, work->max_bytes, &work->refill);
}

static int refill_from(struct work *work, const struct block_entry *entry, uint64_t *first_id,
                       uint64_t *raw_bytes)
{
    struct store_row row;
    uint16_t input;
    int r = block_open(&work->block, work->rewrite->from, entry->at, &entry->header);
    if (r == 0)
        r = block_load(&work->block, STORE_ALL);
    for (uint32_t i = 0; r == 0 && i < entry->header.info.n_rows; i++) {
        block_row(&work->block, i, &row);
        r = find_input(work, row.input, &input);
        if (r == 0)
            r = refill_add(work->refill, &row, input);
        if (r == -ENOSPC) {
            r = flush(work, *first_id, raw_bytes, false);
            *first_id = row.id;
            if (r == 0)
                r = refill_add(work->refill, &row, input);
        }
    }
    return r;
}

/* Do they say the same of the same number of rows? */
static bool same_totals(const struct totals *a, const struct totals *b)
{
    return a->records == b->records && a->raw_bytes == b->raw_bytes && a->next_id == b->next_id &&
           a->min_time_ns == b->min_time_ns && a->max_time_ns == b->max_time_ns &&
           a->min_received_us == b->min_received_us && a->max_received_us == b->max_received_us &&
           a->severities == b->severities && a->facilities == b->facilities;
}

/* n blocks, decoded and encoded again as one. */
static int encode_run(struct work *work, const struct block_entry *entries, uint32_t n)
{
    uint64_t first_id = entries[0].header.info.first_id;
    uint32_t n_before = work->new.n_blocks;
    struct totals old = {0}, new = {0};
    for (uint32_t i = 0; i < n; i++)
        totals_add(&old, &entries[i].header);
    uint64_t raw_bytes = old.raw_bytes;
    int r = ready_refill(work, &old);
    for (uint32_t i = 0; r == 0 && i < n; i++)
        r = refill_from(work, &entries[i], &first_id, &raw_bytes);
    if (r == 0)
        r = flush(work, first_id, &raw_bytes, true);
    for (uint32_t i = n_before; i < work->new.n_blocks; i++)
        totals_add(&new, &work->new.blocks[i].header);
    if (work->refill)
        refill_clear(work->refill);
    return r == 0 && !same_totals(&old, &new) ? -EBADMSG : r;
}

static int write_header(struct work *work)
{
    uint8_t bytes[FILE_HEADER_BYTES];
    file_header_put(bytes, &work->new.header);
    return write_fully(work->rewrite->to, bytes, sizeof(bytes), 0);
}

static int write_blocks(struct work *work)
{
    const struct rewrite *rewrite = work->rewrite;
    const struct file_index *index = rewrite->index;
    int r = 0;
    for (uint32_t at = 0, n; r == 0 && at < index->n_blocks; at += n) {
        if (!rewrite->goes_on(rewrite->arg))
            return -ECANCELED;
        n = merge_count(index, at, rewrite->full_bytes);
        if (n == 1 && !rewrite->encodes_all)
            r = copy_block(work, &index->blocks[at]);
        else
            r = encode_run(work, &index->blocks[at], n);
    }
    return r < 0 || same_totals(&index->totals, &work->new.totals) ? r : -EBADMSG;
}

int rewrite_file(const struct rewrite *rewrite, struct file_index *ret_index)
{
    struct work work;
    int r = work_init(&work, rewrite);
    if (r == 0 && (rewrite->index->totals.n_quarantined > 0 || rewrite->index->n_blocks == 0))
        r = -EBADMSG;
    if (r == 0)
        r = write_header(&work);
    if (r == 0)
        r = write_blocks(&work);
    if (r == 0)
        r = tail_write(&work.new, rewrite->to);
    if (r == 0) {
        *ret_index = work.new;
        work.new = FILE_INDEX_NULL;
    }
    work_deinit(&work);
    return r;
}
