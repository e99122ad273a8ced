/* SPDX-License-Identifier: MIT */
#include "store/verify_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/*
 * What is lost is told as exactly as the rest of the file allows: a block that the index knows has
 * its rows, ids and times there. Bytes that belong to no block hold lines whose ids lie between the
 * blocks around them (or the files around this one), and were received between those.
 */

static struct verify_damage damage_of(const struct verify_file *file, enum verify_what what,
                                      uint64_t at, uint64_t n_bytes)
{
    struct verify_damage damage = {
        .what = what,
        .at = at,
        .n_bytes = n_bytes,
        .rows_known = true,
        .first_id = 1, /* none */
        .min_received_us = INT64_MIN,
        .max_received_us = INT64_MAX,
    };
    memcpy(damage.name, file->name, sizeof(file->name));
    return damage;
}

int verify_add(struct verify_result *result, const struct verify_damage *damage)
{
    if (result->n_damages == result->capacity) {
        size_t capacity = result->capacity ? result->capacity * 2 : 16;
        struct verify_damage *grown = realloc(result->damages, capacity * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        result->damages = grown;
        result->capacity = capacity;
    }
    result->damages[result->n_damages++] = *damage;
    result->progress.n_damages++;
    return 0;
}

/* Bytes that are no block, in front of block `next` (n_blocks: behind the last one). */
static int add_gap(const struct verify_file *file, enum verify_what what, uint64_t at,
                   uint64_t n_bytes, uint32_t next, struct verify_result *result)
{
    const struct file_index *index = &file->index;
    struct verify_damage damage = damage_of(file, what, at, n_bytes);
    damage.rows_known = false;
    damage.first_id = file->file->first_id;
    damage.last_id = file->end_id == UINT64_MAX ? UINT64_MAX : file->end_id - 1;
    if (next > 0) {
        const struct store_block_info *before = &index->blocks[next - 1].header.info;
        damage.first_id = before->first_id + before->n_rows;
        damage.min_received_us = before->max_received_us;
    }
    if (next < index->n_blocks) {
        const struct store_block_info *behind = &index->blocks[next].header.info;
        damage.last_id = behind->first_id - 1;
        damage.max_received_us = behind->min_received_us;
    }
    return verify_add(result, &damage);
}

static int find_gaps(const struct verify_file *file, struct verify_result *result)
{
    const struct file_index *index = &file->index;
    uint64_t end = FILE_HEADER_BYTES;
    int r = 0;
    for (uint32_t i = 0; r == 0 && i < index->n_blocks; i++) {
        uint64_t at = index->blocks[i].at;
        if (at > end)
            r = add_gap(file, VERIFY_GAP, end, at - end, i, result);
        end = at + index->blocks[i].header.total_bytes;
    }
    if (r == 0 && index->sealed && index->end > end)
        r = add_gap(file, VERIFY_GAP, end, index->end - end, index->n_blocks, result);
    return r;
}

/* Every checksum of the tail. Returns 0, -EBADMSG, or another errno. */
static int check_tail(int fd, uint64_t file_bytes, uint64_t *ret_at)
{
    struct trailer trailer;
    struct section sections[MAX_SECTIONS];
    int r = trailer_read(fd, file_bytes, &trailer);
    if (r < 0)
        return r;
    *ret_at = trailer.tail_at;
    uint64_t tail_bytes = file_bytes - trailer.tail_at, table_bytes;
    table_bytes = trailer.n_sections * (uint64_t)SECTION_BYTES;
    uint8_t *tail = tail_bytes > MAX_SECTION_BYTES ? NULL : malloc(tail_bytes);
    if (!tail)
        return tail_bytes > MAX_SECTION_BYTES ? -EBADMSG : -ENOMEM;
    r = read_fully(fd, tail, tail_bytes, trailer.tail_at);
    if (r == 0 && XXH3_64bits(tail, table_bytes) != trailer.table_checksum)
        r = -EBADMSG;
    if (r == 0)
        r = sections_parse(tail, trailer.n_sections, table_bytes, tail_bytes - TRAILER_BYTES,
                           sections);
    for (unsigned i = 0; r == 0 && i < trailer.n_sections; i++)
        if (XXH3_64bits(tail + sections[i].at, sections[i].stored_bytes) != sections[i].checksum)
            r = -EBADMSG;
    free(tail);
    return r;
}

/* Does the trailer say what the blocks together say? */
static bool totals_agree(const struct file_index *index, int fd, uint64_t file_bytes)
{
    struct trailer trailer;
    struct totals sum = {.next_id = index->header.first_id};
    if (trailer_read(fd, file_bytes, &trailer) < 0)
        return false;
    for (uint32_t i = 0; i < index->n_blocks; i++)
        totals_add(&sum, &index->blocks[i].header);
    const struct totals *told = &trailer.totals;
    return told->records == sum.records && told->raw_bytes == sum.raw_bytes &&
           told->n_blocks == sum.n_blocks && told->next_id >= sum.next_id &&
           told->min_time_ns == sum.min_time_ns && told->max_time_ns == sum.max_time_ns &&
           told->min_received_us == sum.min_received_us &&
           told->max_received_us == sum.max_received_us && told->severities == sum.severities &&
           told->facilities == sum.facilities;
}

static int check_ends(struct verify_file *file, uint64_t file_bytes, struct verify_result *result)
{
    uint8_t bytes[FILE_HEADER_BYTES];
    struct file_header header;
    uint64_t tail_at = file_bytes < TRAILER_BYTES ? 0 : file_bytes - TRAILER_BYTES;
    int r = 0;
    if (read_fully(file->fd, bytes, sizeof(bytes), 0) < 0 ||
        file_header_parse(bytes, &header) < 0) {
        struct verify_damage damage = damage_of(file, VERIFY_HEADER, 0, FILE_HEADER_BYTES);
        r = verify_add(result, &damage);
    }
    if (r < 0 || !file->file->sealed)
        return r;
    r = check_tail(file->fd, file_bytes, &tail_at);
    if (r == -ENOMEM || (r == 0 && totals_agree(&file->index, file->fd, file_bytes)))
        return r;
    struct verify_damage damage = damage_of(file, VERIFY_INDEX, tail_at, file_bytes - tail_at);
    return verify_add(result, &damage);
}

/* A log of which not even the header is written yet. */
static bool is_being_made(const struct verify_file *file, uint64_t file_bytes)
{
    return !file->file->sealed && file->end_id == UINT64_MAX && file_bytes < FILE_HEADER_BYTES;
}

static int add_unreadable(const struct verify_file *file, uint64_t file_bytes,
                          struct verify_result *result)
{
    return add_gap(file, VERIFY_UNREADABLE, 0, file_bytes, 0, result);
}

int verify_file_open(struct verify_file *file, int root_fd, struct verify_result *result)
{
    const struct reporter silent = {0};
    struct stat status;
    file->index = FILE_INDEX_NULL;
    file->fd = catalog_open(root_fd, file->file, file->name);
    if (file->fd == -ENOENT) /* by retention */
        return 0;
    if (file->fd < 0 || fstat(file->fd, &status) < 0)
        return add_unreadable(file, 0, result);
    uint64_t file_bytes = (uint64_t)status.st_size;
    int r = file_index_read(&file->index, file->fd, file->name, &silent);
    if (r == -ENOMEM)
        return r;
    if (r < 0) {
        file_index_deinit(&file->index);
        return is_being_made(file, file_bytes) ? 0 : add_unreadable(file, file_bytes, result);
    }
    r = check_ends(file, file_bytes, result);
    if (r == 0)
        r = find_gaps(file, result);
    return r < 0 ? r : 1;
}

/*
 * An append at work is no damage: what was behind the last whole block when its file was opened
 * counts only if it is still there when all the blocks have been read, and is not a block by now.
 */
int verify_file_end(struct verify_file *file, struct verify_result *result)
{
    struct file_index *index = &file->index;
    uint64_t end = index->end, seen_bytes = index->seen_bytes;
    if (file->fd < 0 || index->sealed || seen_bytes <= end)
        return 0;
    int r = file_index_extend(index, file->fd);
    if (r == -ENOMEM)
        return r;
    if (r != 0 || index->sealed || index->seen_bytes != seen_bytes)
        return 0;
    return add_gap(file, VERIFY_TORN, end, index->seen_bytes - end, index->n_blocks, result);
}

void verify_file_close(struct verify_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file_index_deinit(&file->index);
}

/* Is the header true of the rows? Pruning relies on it. */
static bool rows_agree(struct block *block)
{
    const struct store_block_info *told = &block->header.info;
    struct store_block_info found = {.min_time_ns = INT64_MAX,
                                     .max_time_ns = INT64_MIN,
                                     .min_received_us = INT64_MAX,
                                     .max_received_us = INT64_MIN};
    struct store_row row;
    for (uint32_t i = 0; i < told->n_rows; i++) {
        block_row(block, i, &row);
        found.min_time_ns = row.time_ns < found.min_time_ns ? row.time_ns : found.min_time_ns;
        found.max_time_ns = row.time_ns > found.max_time_ns ? row.time_ns : found.max_time_ns;
        if (row.received_us < found.min_received_us)
            found.min_received_us = row.received_us;
        if (row.received_us > found.max_received_us)
            found.max_received_us = row.received_us;
        found.severities |= (uint16_t)(1u << (row.severity < 8 ? row.severity : 8));
        found.facilities |= 1u << (row.facility < 24 ? row.facility : 24);
    }
    return found.min_time_ns == told->min_time_ns && found.max_time_ns == told->max_time_ns &&
           found.min_received_us == told->min_received_us &&
           found.max_received_us == told->max_received_us && found.severities == told->severities &&
           found.facilities == told->facilities;
}

/* All columns; the sections beside them are not looked at. */
static int check_rows(struct block *block)
{
    int r = block_load(block, STORE_ALL);
    return r == 0 && !rows_agree(block) ? -EBADMSG : r;
}

int verify_block(const struct verify_file *file, uint32_t index, struct block *scratch,
                 bool checksums_alone, struct verify_damage *ret_damage)
{
    const struct block_entry *entry = &file->index.blocks[index];
    const struct store_block_info *info = &entry->header.info;
    enum verify_what what = VERIFY_BLOCK;
    int r = block_open(scratch, file->fd, entry->at, &entry->header);
    if (r == 0)
        r = block_verify(scratch);
    if (r == -EBADMSG && check_rows(scratch) == 0) {
        what = VERIFY_AID;
    } else if (r == 0 && !checksums_alone) {
        r = check_rows(scratch);
        what = VERIFY_ROWS;
    }
    if (r == 0 || r == -ENOMEM)
        return r < 0 ? r : 1;
    *ret_damage = damage_of(file, what, entry->at, entry->header.total_bytes);
    if (what == VERIFY_AID)
        return 0;
    ret_damage->n_rows = info->n_rows;
    ret_damage->first_id = info->first_id;
    ret_damage->last_id = info->first_id + info->n_rows - 1;
    ret_damage->min_received_us = info->min_received_us;
    ret_damage->max_received_us = info->max_received_us;
    return 0;
}
