/* SPDX-License-Identifier: MIT */
#include "store/format.h"

#include <errno.h>
#include <xxhash.h>

#include "store/store.h"

/*
 * File header, block header and trailer are built alike: magic, XXH3-64 of what follows, version,
 * own length, fields. A header may be longer than this version's: fields are only ever added at its
 * end, and skipped by who does not know them. A changed meaning changes the version, and a reader
 * refuses versions that it does not know.
 */
#define CHECKSUM_AT 8
#define FIELDS_AT   16

static void seal_head(uint8_t *bytes, const char *magic, size_t len)
{
    memcpy(bytes, magic, MAGIC_BYTES);
    put_u64(bytes + CHECKSUM_AT, XXH3_64bits(bytes + FIELDS_AT, len - FIELDS_AT));
}

static bool head_is_whole(const uint8_t *bytes, const char *magic, size_t len)
{
    return memcmp(bytes, magic, MAGIC_BYTES) == 0 &&
           get_u64(bytes + CHECKSUM_AT) == XXH3_64bits(bytes + FIELDS_AT, len - FIELDS_AT);
}

void totals_add(struct totals *totals, const struct block_header *header)
{
    const struct store_block_info *info = &header->info;
    if (totals->n_blocks == 0) {
        totals->min_time_ns = info->min_time_ns;
        totals->max_time_ns = info->max_time_ns;
        totals->min_received_us = info->min_received_us;
        totals->max_received_us = info->max_received_us;
    }
    if (info->min_time_ns < totals->min_time_ns)
        totals->min_time_ns = info->min_time_ns;
    if (info->max_time_ns > totals->max_time_ns)
        totals->max_time_ns = info->max_time_ns;
    if (info->min_received_us < totals->min_received_us)
        totals->min_received_us = info->min_received_us;
    if (info->max_received_us > totals->max_received_us)
        totals->max_received_us = info->max_received_us;
    totals->n_blocks++;
    totals->records += info->n_rows;
    totals->raw_bytes += header->raw_bytes;
    totals->severities |= info->severities;
    totals->facilities |= info->facilities;
    totals->next_id = info->first_id + info->n_rows;
}

void file_header_put(uint8_t bytes[FILE_HEADER_BYTES], const struct file_header *header)
{
    memset(bytes, 0, FILE_HEADER_BYTES);
    put_u16(bytes + 16, FORMAT_VERSION);
    put_u16(bytes + 18, FILE_HEADER_BYTES);
    put_u64(bytes + 24, header->file_id);
    put_u64(bytes + 32, header->first_id);
    put_u64(bytes + 40, (uint64_t)header->created_us);
    seal_head(bytes, FILE_MAGIC, FILE_HEADER_BYTES);
}

int file_header_parse(const uint8_t bytes[FILE_HEADER_BYTES], struct file_header *ret_header)
{
    if (!head_is_whole(bytes, FILE_MAGIC, FILE_HEADER_BYTES) ||
        get_u16(bytes + 16) != FORMAT_VERSION || get_u16(bytes + 18) != FILE_HEADER_BYTES)
        return -EBADMSG;
    *ret_header = (struct file_header){
        .file_id = get_u64(bytes + 24),
        .first_id = get_u64(bytes + 32),
        .created_us = (int64_t)get_u64(bytes + 40),
    };
    return 0;
}

void block_fields_put(uint8_t *bytes, const struct block_header *header)
{
    const struct store_block_info *info = &header->info;
    put_u16(bytes, FORMAT_VERSION);
    put_u16(bytes + 2, header->header_bytes);
    put_u16(bytes + 4, header->n_sections);
    put_u16(bytes + 6, info->severities);
    put_u64(bytes + 8, header->file_id);
    put_u64(bytes + 16, info->first_id);
    put_u32(bytes + 24, info->n_rows);
    put_u32(bytes + 28, header->total_bytes);
    put_u64(bytes + 32, header->raw_bytes);
    put_u64(bytes + 40, (uint64_t)info->min_time_ns);
    put_u64(bytes + 48, (uint64_t)info->max_time_ns);
    put_u64(bytes + 56, (uint64_t)info->min_received_us);
    put_u64(bytes + 64, (uint64_t)info->max_received_us);
    put_u32(bytes + 72, info->facilities);
    put_u32(bytes + 76, 0);
}

int block_fields_parse(const uint8_t *bytes, struct block_header *ret_header)
{
    struct block_header header = {
        .header_bytes = get_u16(bytes + 2),
        .n_sections = get_u16(bytes + 4),
        .file_id = get_u64(bytes + 8),
        .total_bytes = get_u32(bytes + 28),
        .raw_bytes = get_u64(bytes + 32),
        .info =
            {
                .severities = get_u16(bytes + 6),
                .first_id = get_u64(bytes + 16),
                .n_rows = get_u32(bytes + 24),
                .min_time_ns = (int64_t)get_u64(bytes + 40),
                .max_time_ns = (int64_t)get_u64(bytes + 48),
                .min_received_us = (int64_t)get_u64(bytes + 56),
                .max_received_us = (int64_t)get_u64(bytes + 64),
                .facilities = get_u32(bytes + 72),
            },
    };
    uint32_t head_bytes = header.header_bytes + header.n_sections * (uint32_t)SECTION_BYTES;
    if (get_u16(bytes) != FORMAT_VERSION || header.header_bytes < BLOCK_HEADER_BYTES ||
        header.n_sections > MAX_SECTIONS || header.info.n_rows == 0 ||
        header.info.n_rows > STORE_MAX_ROWS || header.total_bytes < head_bytes ||
        header.total_bytes > MAX_BLOCK_BYTES ||
        header.info.first_id > UINT64_MAX - header.info.n_rows)
        return -EBADMSG;
    *ret_header = header;
    return 0;
}

void block_header_put(uint8_t *bytes, const struct block_header *header)
{
    block_fields_put(bytes + FIELDS_AT, header);
    seal_head(bytes, BLOCK_MAGIC,
              header->header_bytes + header->n_sections * (size_t)SECTION_BYTES);
}

int block_header_parse(const uint8_t *bytes, size_t len, struct block_header *ret_header)
{
    struct block_header header;
    if (len < BLOCK_HEADER_BYTES)
        return -EAGAIN;
    if (memcmp(bytes, BLOCK_MAGIC, MAGIC_BYTES) != 0 ||
        block_fields_parse(bytes + FIELDS_AT, &header) < 0)
        return -EBADMSG;
    size_t head_bytes = header.header_bytes + header.n_sections * (size_t)SECTION_BYTES;
    if (len < head_bytes)
        return -EAGAIN;
    if (!head_is_whole(bytes, BLOCK_MAGIC, head_bytes))
        return -EBADMSG;
    *ret_header = header;
    return 0;
}

void section_put(uint8_t bytes[SECTION_BYTES], const struct section *section)
{
    put_u16(bytes, section->id);
    bytes[2] = section->encoding;
    bytes[3] = section->codec;
    put_u32(bytes + 4, section->raw_bytes);
    put_u32(bytes + 8, section->stored_bytes);
    put_u32(bytes + 12, 0);
    put_u64(bytes + 16, section->checksum);
}

int sections_parse(const uint8_t *bytes, unsigned n_sections, uint64_t start, uint64_t end,
                   struct section *ret_sections)
{
    for (unsigned i = 0; i < n_sections; i++, bytes += SECTION_BYTES) {
        struct section *section = &ret_sections[i];
        *section = (struct section){
            .id = get_u16(bytes),
            .encoding = bytes[2],
            .codec = bytes[3],
            .raw_bytes = get_u32(bytes + 4),
            .stored_bytes = get_u32(bytes + 8),
            .checksum = get_u64(bytes + 16),
            .at = start,
        };
        if (section->stored_bytes > end - start || section->raw_bytes > MAX_SECTION_BYTES)
            return -EBADMSG;
        start += section->stored_bytes;
    }
    return 0;
}

void trailer_put(uint8_t bytes[TRAILER_BYTES], const struct trailer *trailer)
{
    const struct totals *totals = &trailer->totals;
    put_u16(bytes + 16, FORMAT_VERSION);
    put_u16(bytes + 18, TRAILER_BYTES);
    put_u16(bytes + 20, trailer->n_sections);
    put_u16(bytes + 22, totals->severities);
    put_u64(bytes + 24, trailer->file_id);
    put_u64(bytes + 32, trailer->first_id);
    put_u64(bytes + 40, totals->next_id);
    put_u64(bytes + 48, totals->records);
    put_u64(bytes + 56, totals->raw_bytes);
    put_u32(bytes + 64, totals->n_blocks);
    put_u32(bytes + 68, totals->n_quarantined);
    put_u64(bytes + 72, trailer->tail_at);
    put_u64(bytes + 80, (uint64_t)totals->min_time_ns);
    put_u64(bytes + 88, (uint64_t)totals->max_time_ns);
    put_u64(bytes + 96, (uint64_t)totals->min_received_us);
    put_u64(bytes + 104, (uint64_t)totals->max_received_us);
    put_u32(bytes + 112, totals->facilities);
    bytes[116] = trailer->level;
    bytes[117] = trailer->flags;
    put_u16(bytes + 118, 0);
    put_u64(bytes + 120, trailer->table_checksum);
    seal_head(bytes, TRAILER_MAGIC, TRAILER_BYTES);
}

int trailer_parse(const uint8_t bytes[TRAILER_BYTES], struct trailer *ret_trailer)
{
    if (!head_is_whole(bytes, TRAILER_MAGIC, TRAILER_BYTES) ||
        get_u16(bytes + 16) != FORMAT_VERSION || get_u16(bytes + 20) > MAX_SECTIONS)
        return -EBADMSG;
    *ret_trailer = (struct trailer){
        .n_sections = get_u16(bytes + 20),
        .file_id = get_u64(bytes + 24),
        .first_id = get_u64(bytes + 32),
        .tail_at = get_u64(bytes + 72),
        .level = bytes[116],
        .flags = bytes[117],
        .table_checksum = get_u64(bytes + 120),
        .totals =
            {
                .severities = get_u16(bytes + 22),
                .next_id = get_u64(bytes + 40),
                .records = get_u64(bytes + 48),
                .raw_bytes = get_u64(bytes + 56),
                .n_blocks = get_u32(bytes + 64),
                .n_quarantined = get_u32(bytes + 68),
                .min_time_ns = (int64_t)get_u64(bytes + 80),
                .max_time_ns = (int64_t)get_u64(bytes + 88),
                .min_received_us = (int64_t)get_u64(bytes + 96),
                .max_received_us = (int64_t)get_u64(bytes + 104),
                .facilities = get_u32(bytes + 112),
            },
    };
    return 0;
}
