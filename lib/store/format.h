/* SPDX-License-Identifier: MIT */
#ifndef STORE_FORMAT_H
#define STORE_FORMAT_H

/*
 * What lies on disk: docs/store-format.md is the description, this is its vocabulary. Everything is
 * little-endian.
 *
 *   file     [ file header | block | block | … | tail (sealed files only) ]
 *   block    [ block header | section table | section | section | … ]
 *   tail     [ section table | section … | trailer ]
 *
 * The parse functions take untrusted bytes and return 0 or -EBADMSG.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <endian.h>
#include "store/reader.h"

#define FORMAT_VERSION     1
#define FILE_HEADER_BYTES  64
#define BLOCK_HEADER_BYTES 96
#define SECTION_BYTES      24
#define TRAILER_BYTES      128
#define MAX_SECTIONS       64
#define MAX_BLOCK_BYTES    (1u << 30)
#define MAX_SECTION_BYTES  (1u << 30)
/* A block's header with the longest section table there may be. */
#define MAX_HEAD_BYTES (UINT16_MAX + MAX_SECTIONS * SECTION_BYTES)
/* A file with this many blocks is sealed, which bounds the index that is kept of it in memory. */
#define MAX_FILE_BLOCKS 65536

#define MAGIC_BYTES   8
#define FILE_MAGIC    "LOGBOOM\n"
#define BLOCK_MAGIC   "LBBLOCK\n"
#define TRAILER_MAGIC "LBSEALED"

/* Columns of a block. "Grouped" ones hold the rows ordered by stream, the others in order of
 * reception. */
enum section_id {
    SECTION_GROUP = 0, /* small columns, one behind the other: id, encoding, varint length, bytes */
    SECTION_HOSTS = 1, /* texts */
    SECTION_APPS = 2,  /* texts */
    SECTION_STREAMS = 3,     /* varint n, ints: host of each stream, ints: app of each stream */
    SECTION_STREAM = 4,      /* ints: stream of each row */
    SECTION_RECEIVED = 5,    /* varint first, ints: distance from the row before */
    SECTION_TIME = 6,        /* see encode_time.c */
    SECTION_TIME_DIGITS = 7, /* grouped from here on */
    SECTION_FLAGS = 8,
    SECTION_PRI = 9, /* facility * 9 + severity; 24 and 8 stand for none */
    SECTION_FORMAT = 10,
    SECTION_INPUTS = 11, /* texts */
    SECTION_INPUT = 12,
    SECTION_PEERS = 13, /* varint n, 19 byte planes: address, port, family */
    SECTION_PEER = 14,
    SECTION_PLACES = 15, /* see encode_geo.c */
    SECTION_PLACE = 16,  /* 1 + index of the place, 0: none */
    SECTION_GEO_FROM = 17,
    SECTION_GEO_OFF = 18,
    SECTION_GEO_LEN = 19,
    SECTION_TEXTS = 20, /* to 27: SECTION_LENGTHS and SECTION_TEXT of each text column */
    SECTION_FILTER = 28, /* filter.h; plain, and first in the block */
    SECTION_ROLLUP = 29, /* rollup.h */
    SECTION_TEMPLATES = 30, /* to 45: SECTION_TEMPLATE of each text column */
};

enum text_column { TEXT_MESSAGE = 0, TEXT_PROCID = 1, TEXT_MSGID = 2, TEXT_SD = 3, N_TEXT_COLUMNS };

/* Sections of a text column: what templates hold (template.h), and the texts kept whole. */
#define SECTION_LENGTHS(column)        ((enum section_id)(SECTION_TEXTS + 2 * (column)))
#define SECTION_TEXT(column)           ((enum section_id)(SECTION_TEXTS + 2 * (column) + 1))
#define SECTION_TEMPLATE(column, part) ((enum section_id)(SECTION_TEMPLATES + 4 * (column) + (part)))

/* Sections of a sealed file's tail. */
enum tail_section_id {
    TAIL_BLOCKS = 1, /* a BLOCK_ENTRY_BYTES entry for each block */
    TAIL_ROLLUP = 2, /* rollup.h: all blocks' summed up */
};

enum section_codec { CODEC_PLAIN = 0, CODEC_ZSTD = 1 };

#define PRI_SEVERITIES  9 /* 0-7, none */
#define PRI_NO_SEVERITY 8
#define PRI_NO_FACILITY 24
#define PRI_CODES       (25 * PRI_SEVERITIES)

/* How times are told: bits of the first byte of SECTION_TIME. */
#define TIME_FROM_RECEIVED 0x01 /* distance from the row's own reception, not from the row before  \
                                 */
#define TIME_SKIPS_FLAGGED 0x02 /* rows flagged RECORD_TIME_RECEIVED are left out */

struct file_header {
    uint64_t
        file_id; /* random; each block repeats it, so that no bytes of a message pass for a block */
    uint64_t first_id;
    int64_t created_us;
};

struct section {
    uint16_t id;
    uint8_t encoding; /* 0; a reader leaves out what it does not know */
    uint8_t codec;
    uint32_t raw_bytes;
    uint32_t stored_bytes;
    uint64_t checksum; /* XXH3-64 of the stored bytes */
    uint64_t at;       /* not stored: from the first byte of the block (or of the tail) */
};

struct block_header {
    uint64_t file_id;
    struct store_block_info info;
    uint32_t total_bytes; /* header, table and sections */
    uint64_t raw_bytes;   /* of the lines as they were received */
    uint16_t header_bytes;
    uint16_t n_sections;
};

/* An entry of TAIL_BLOCKS: the offset in the file, then bytes 16 to 96 of the block's header. */
#define BLOCK_ENTRY_BYTES (8 + BLOCK_HEADER_BYTES - 16)

/* What a sealed file, or the walk over a log, says of all its blocks together. */
struct totals {
    uint64_t records, raw_bytes;
    uint64_t next_id; /* greater than every id in the file */
    uint32_t n_blocks, n_quarantined;
    int64_t min_time_ns, max_time_ns;
    int64_t min_received_us, max_received_us;
    uint16_t severities;
    uint32_t facilities;
};

struct trailer {
    uint64_t file_id, first_id;
    uint64_t tail_at; /* where the blocks end and the tail's section table begins */
    uint16_t n_sections;
    uint8_t level; /* of compression: all blocks were compressed again at it; 0: as they were appended */
    uint8_t flags; /* TRAILER_… */
    uint64_t table_checksum;
    struct totals totals;
};

/* There are runs of small blocks that are worth merging. */
#define TRAILER_FRAGMENTED 0x01

void totals_add(struct totals *totals, const struct block_header *header);

void file_header_put(uint8_t bytes[FILE_HEADER_BYTES], const struct file_header *header);
int file_header_parse(const uint8_t bytes[FILE_HEADER_BYTES], struct file_header *ret_header);

/* The header's fields without magic and checksum: what blocks and index entries have in common. */
void block_fields_put(uint8_t *bytes, const struct block_header *header);
int block_fields_parse(const uint8_t *bytes, struct block_header *ret_header);

/* Writes header and checksum in front of a section table that is in place already. */
void block_header_put(uint8_t *bytes, const struct block_header *header);
/* bytes hold `len` bytes. -EAGAIN: they may be the beginning of a header, but more are needed. */
int block_header_parse(const uint8_t *bytes, size_t len, struct block_header *ret_header);

void section_put(uint8_t bytes[SECTION_BYTES], const struct section *section);
/* Sets `at` from start on; all must end at or before `end`. */
int sections_parse(const uint8_t *bytes, unsigned n_sections, uint64_t start, uint64_t end,
                   struct section *ret_sections);

void trailer_put(uint8_t bytes[TRAILER_BYTES], const struct trailer *trailer);
int trailer_parse(const uint8_t bytes[TRAILER_BYTES], struct trailer *ret_trailer);

static inline void put_u16(uint8_t *at, uint16_t value)
{
    value = htole16(value);
    memcpy(at, &value, sizeof(value));
}

static inline void put_u32(uint8_t *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static inline void put_u64(uint8_t *at, uint64_t value)
{
    value = htole64(value);
    memcpy(at, &value, sizeof(value));
}

static inline uint16_t get_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return le16toh(value);
}

static inline uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static inline uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

#endif
