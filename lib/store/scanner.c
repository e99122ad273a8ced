/* SPDX-License-Identifier: MIT */
#include "store/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/block.h"

struct scanner {
    struct block block;
    const char *name; /* of the current block's file; borrowed */
    const struct reporter *reporter;
    int fd; /* its own, where the segment keeps none; -1 */
    bool is_damaged;
    bool has_filter; /* it was read */
    struct rollup rollup;
    struct buffer template;
};

int scanner_new(struct scanner **ret_scanner)
{
    struct scanner *scanner = calloc(1, sizeof(*scanner));
    if (!scanner)
        return -ENOMEM;
    scanner->fd = -1;
    if (block_init(&scanner->block) < 0) {
        free(scanner);
        return -ENOMEM;
    }
    *ret_scanner = scanner;
    return 0;
}

static void close_own(struct scanner *scanner)
{
    if (scanner->fd >= 0)
        close(scanner->fd);
    scanner->fd = -1;
}

struct scanner *scanner_free(struct scanner *scanner)
{
    if (!scanner)
        return NULL;
    close_own(scanner);
    rollup_deinit(&scanner->rollup);
    buffer_deinit(&scanner->template);
    block_deinit(&scanner->block);
    free(scanner);
    return NULL;
}

int scanner_open_at(struct scanner *scanner, int fd, const struct block_entry *entry,
                    const char *name, const struct reporter *reporter)
{
    scanner->name = name;
    scanner->reporter = reporter;
    scanner->is_damaged = scanner->has_filter = false;
    return block_open(&scanner->block, fd, entry->at, &entry->header);
}

int scanner_open(struct scanner *scanner, const struct segment *segment, uint32_t block)
{
    char name[NAME_BYTES];
    close_own(scanner);
    int fd = segment->fd;
    if (fd < 0)
        fd = scanner->fd = catalog_open(segment->root->fd, &segment->file, name);
    return fd < 0 ? fd
                  : scanner_open_at(scanner, fd, &segment->index.blocks[block], segment->name,
                                    &segment->root->serial);
}

bool scanner_is_damaged(const struct scanner *scanner)
{
    return scanner->is_damaged;
}

static int note(struct scanner *scanner, int r)
{
    const struct block *block = &scanner->block;
    if (r != -EBADMSG || scanner->is_damaged)
        return r;
    scanner->is_damaged = true;
    report(scanner->reporter, LOG_WARNING,
           "store: %s: the block at byte %llu is damaged, its %u lines are left out", scanner->name,
           (unsigned long long)block->at, block->header.info.n_rows);
    return r;
}

int scanner_filter(struct scanner *scanner, const uint8_t **ret_lines, size_t *ret_bytes)
{
    struct block *block = &scanner->block;
    int r = block_filter(block, ret_lines, ret_bytes);
    scanner->has_filter = r == 1;
    return r == -EBADMSG ? 0 : r;
}

static int give_cells(struct scanner *scanner, int r, struct rollup_cell **ret_cells, size_t *ret_n)
{
    *ret_cells = scanner->rollup.cells;
    *ret_n = scanner->rollup.n;
    return r == -EBADMSG ? 0 : r;
}

int scanner_rollup(struct scanner *scanner, struct rollup_cell **ret_cells, size_t *ret_n)
{
    int r = block_rollup(&scanner->block, &scanner->rollup);
    return give_cells(scanner, r, ret_cells, ret_n);
}

int scanner_file_rollup(struct scanner *scanner, const struct segment *segment,
                        struct rollup_cell **ret_cells, size_t *ret_n)
{
    int r = segment->fd < 0 ? 0 : file_rollup(segment->fd, &segment->index, &scanner->rollup);
    return give_cells(scanner, r, ret_cells, ret_n);
}

/* The columns that a section is decoded for: enum store_column, or BLOCK_ORDER. */
static uint32_t section_columns(enum section_id id)
{
    static const uint32_t columns[] = {
        [SECTION_GROUP] = UINT32_MAX,    [SECTION_HOSTS] = STORE_HOST,
        [SECTION_APPS] = STORE_APP,      [SECTION_STREAMS] = BLOCK_ORDER,
        [SECTION_STREAM] = BLOCK_ORDER,  [SECTION_RECEIVED] = STORE_RECEIVED,
        [SECTION_TIME] = STORE_TIME,     [SECTION_TIME_DIGITS] = STORE_TIME,
        [SECTION_FLAGS] = STORE_TIME,    [SECTION_PRI] = STORE_PRI,
        [SECTION_FORMAT] = STORE_FORMAT, [SECTION_INPUTS] = STORE_INPUT,
        [SECTION_INPUT] = STORE_INPUT,   [SECTION_PEERS] = STORE_PEER,
        [SECTION_PEER] = STORE_PEER,     [SECTION_PLACES] = STORE_PLACE,
        [SECTION_PLACE] = STORE_PLACE,   [SECTION_GEO_FROM] = STORE_GEO,
        [SECTION_GEO_OFF] = STORE_GEO,   [SECTION_GEO_LEN] = STORE_GEO,
    };
    static const uint32_t texts[N_TEXT_COLUMNS] = {
        [TEXT_MESSAGE] = STORE_MESSAGE,
        [TEXT_PROCID] = STORE_PROCID,
        [TEXT_MSGID] = STORE_MSGID,
        [TEXT_SD] = STORE_SD,
    };
    for (unsigned i = 0; i < N_TEXT_COLUMNS; i++)
        if (id == SECTION_LENGTHS(i) || id == SECTION_TEXT(i) ||
            (id >= SECTION_TEMPLATE(i, 0) && id < SECTION_TEMPLATE(i + 1, 0)))
            return texts[i];
    return id < sizeof(columns) / sizeof(columns[0]) ? columns[id] : 0;
}

/* The arrays of one element a row that a block has: times, texts, numbers, small numbers. */
#define ROW_BYTES                                                                                  \
    (2 * sizeof(int64_t) + N_TEXT_COLUMNS * (sizeof(struct text) + 2 * sizeof(uint32_t)) +         \
     6 * sizeof(uint32_t) + 6)

/* Asked for, it brings the head and the group, and nothing else. */
#define SECTION_OF_NONE ((enum section_id)UINT16_MAX)

int scanner_cost(struct scanner *scanner, size_t *ret_bytes)
{
    struct block *block = &scanner->block;
    const struct block_header *header = &block->header;
    struct cursor bytes;
    size_t n = 0;
    int r = block_section(block, SECTION_OF_NONE, &block->scratch, &bytes);
    if (r < 0)
        return note(scanner, r);
    for (unsigned i = 0; i < header->n_sections; i++)
        n += block->sections[i].raw_bytes;
    *ret_bytes = n + 2 * header->raw_bytes + header->info.n_rows * (size_t)ROW_BYTES;
    return 0;
}

int scanner_load(struct scanner *scanner, uint32_t columns)
{
    return note(scanner, block_load(&scanner->block, columns));
}

void scanner_row(struct scanner *scanner, uint32_t index, struct store_row *ret_row)
{
    block_row(&scanner->block, index, ret_row);
}

void scanner_row_again(struct scanner *scanner, uint32_t index, struct store_row *row)
{
    block_row_again(&scanner->block, index, row);
}

void scanner_spent(const struct scanner *scanner, uint64_t *ret_read, uint64_t *ret_raw)
{
    const struct block *block = &scanner->block;
    uint64_t n_read = block->head.len, n_raw = 0;
    for (unsigned i = 0; block->head.len > 0 && i < block->header.n_sections; i++) {
        const struct section *section = &block->sections[i];
        bool is_used = section->id == SECTION_FILTER
                           ? scanner->has_filter
                           : (section_columns(section->id) & block->decoded) != 0;
        if (is_used && section->at + section->stored_bytes > block->head.len)
            n_read += section->stored_bytes;
        if (is_used && section->codec != CODEC_PLAIN)
            n_raw += section->raw_bytes;
    }
    *ret_read = n_read;
    *ret_raw = n_raw;
}

int scanner_trim(struct scanner *scanner)
{
    block_deinit(&scanner->block);
    return block_init(&scanner->block);
}

uint32_t scanner_n_templates(const struct scanner *scanner)
{
    return scanner->block.text[TEXT_MESSAGE].n_templates;
}

int scanner_template(struct scanner *scanner, uint32_t number, char slot, struct text *ret_text,
                     bool *ret_has_words)
{
    struct buffer *text = &scanner->template;
    text->len = 0;
    int r = text_rows_template(&scanner->block.text[TEXT_MESSAGE], number, slot, text,
                               ret_has_words);
    *ret_text = (struct text){(const char *)text->data, (uint32_t)text->len};
    return r;
}

bool scanner_template_may_hold(const struct scanner *scanner, uint32_t number, const char *token,
                               size_t len)
{
    return text_rows_may_hold(&scanner->block.text[TEXT_MESSAGE], number, token, len);
}

uint32_t scanner_row_template(const struct scanner *scanner, uint32_t index)
{
    const struct block *block = &scanner->block;
    return block->text[TEXT_MESSAGE].index[block->position[index]];
}
