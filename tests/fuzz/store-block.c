/* SPDX-License-Identifier: MIT */
/*
 * A block whose sections hold anything, while its checksums are right: only the decoders stand
 * between these bytes and the rows. What is promised: no byte outside of the sections is read or
 * written; a column that is accepted gives rows that can be asked for, all of whose bytes are there.
 *
 *   input   rows (u16) | section, section, …      1 + (rows & 1023); its high bit: sections near
 *   section what (u8) | length (u16) | bytes      id: what & 63; bit 6: zstd; bit 7: encoding 1
 *
 * Integers are little-endian. Sections that are near lie in what a block's first read brings;
 * others are read into memory of their own, where a byte too many is seen.
 */
#include "fuzz/fuzz.h"

#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/block.h"

#define NEAR      0x8000u
#define ROWS_MASK 1023u
#define FAR_BYTES 8192u /* of a header that fills the first read */
#define ZSTD_BIT  0x40u
#define OTHER_BIT 0x80u

static uint32_t raw_bytes(uint8_t codec, const uint8_t *data, size_t len)
{
    unsigned long long size = codec == CODEC_ZSTD ? ZSTD_getFrameContentSize(data, len) : len;
    return size > 65536 ? 65536 : (uint32_t)size;
}

static void add_section(struct buffer *content, uint8_t what, const uint8_t *data, size_t len,
                        struct section *ret_section)
{
    uint8_t codec = what & ZSTD_BIT ? CODEC_ZSTD : CODEC_PLAIN;
    *ret_section = (struct section){
        .id = what & (MAX_SECTIONS - 1),
        .encoding = what & OTHER_BIT ? 1 : 0,
        .codec = codec,
        .raw_bytes = raw_bytes(codec, data, len),
        .stored_bytes = (uint32_t)len,
        .checksum = XXH3_64bits(data, len),
    };
    CHECK(buffer_reserve(content, len) == 0);
    buffer_put(content, data, len);
}

/* Returns false where the input is too short for a block. */
static bool make_block(const uint8_t *data, size_t size, struct buffer *block)
{
    struct section sections[MAX_SECTIONS];
    struct buffer content = {0};
    struct cursor input = {data, data + size};
    const uint8_t *rows = cursor_take(&input, 2), *head, *bytes;
    unsigned n = 0;
    if (!rows)
        return false;
    while (n < MAX_SECTIONS && (head = cursor_take(&input, 3))) {
        size_t len = get_u16(head + 1), left = cursor_left(&input);
        bytes = cursor_take(&input, len < left ? len : left);
        add_section(&content, *head, bytes, len < left ? len : left, &sections[n++]);
    }
    struct block_header header = {
        .header_bytes = (uint16_t)(get_u16(rows) & NEAR ? BLOCK_HEADER_BYTES : FAR_BYTES),
        .n_sections = (uint16_t)n,
        .info.n_rows = 1 + (get_u16(rows) & ROWS_MASK),
    };
    size_t head_bytes = header.header_bytes + n * (size_t)SECTION_BYTES;
    header.total_bytes = (uint32_t)(head_bytes + content.len);
    CHECK(buffer_reserve(block, header.total_bytes) == 0);
    memset(block->data, 0, head_bytes);
    for (unsigned i = 0; i < n; i++)
        section_put(block->data + header.header_bytes + i * SECTION_BYTES, &sections[i]);
    block_header_put(block->data, &header);
    block->len = head_bytes;
    buffer_put(block, content.data, content.len);
    buffer_deinit(&content);
    return true;
}

/* Looks at every byte. */
static uint64_t hash_text(struct text text)
{
    CHECK(text.data || text.len == 0);
    return text.len > 0 ? XXH3_64bits(text.data, text.len) : 0;
}

static uint64_t hash_row(const struct store_row *row)
{
    const struct text texts[] = {row->host,         row->app,      row->procid, row->msgid,
                                 row->sd,           row->message,  row->input,  row->place.city,
                                 row->place.region, row->place.org};
    uint64_t hash = 0;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        hash = hash * 31 + hash_text(texts[i]);
    CHECK(row->time_digits <= 9);
    CHECK(row->severity < 8 || row->severity == RECORD_NO_SEVERITY);
    CHECK(row->facility < 24 || row->facility == RECORD_NO_FACILITY || row->facility == 0);
    return hash ^ (uint64_t)row->time_ns ^ (uint64_t)row->received_us ^ row->peer.port;
}

static uint64_t hash_rows(struct block *block)
{
    uint64_t hash = 0;
    for (uint32_t i = 0; i < block->header.info.n_rows; i++) {
        struct store_row row;
        block_row(block, i, &row);
        hash = hash * 31 + hash_row(&row);
    }
    return hash;
}

/* The rows of these columns, twice: what is put together at first is found again. */
static int load(struct block *block, int fd, const struct block_header *header, uint32_t columns)
{
    CHECK(block_open(block, fd, 0, header) == 0);
    int r = block_load(block, columns);
    CHECK(r == 0 || r == -EBADMSG || r == -ENOMEM);
    if (r == 0)
        CHECK(hash_rows(block) == hash_rows(block));
    return r;
}

static void check_filter(struct block *block, int fd, const struct block_header *header)
{
    const uint8_t *lines;
    size_t n_bytes;
    CHECK(block_open(block, fd, 0, header) == 0);
    if (block_filter(block, &lines, &n_bytes) <= 0)
        return;
    CHECK(n_bytes % 64 == 0);
    hash_text((struct text){(const char *)lines, (uint32_t)n_bytes});
}

static void read_block(int fd, const struct block_header *header)
{
    struct block block;
    CHECK(block_init(&block) == 0);
    CHECK(block_open(&block, fd, 0, header) == 0);
    CHECK(block_verify(&block) == 0);
    if (load(&block, fd, header, STORE_ALL) < 0)
        for (uint32_t column = 1; column <= STORE_PLACE; column <<= 1)
            load(&block, fd, header, column);
    check_filter(&block, fd, header);
    block_deinit(&block);
}

/* libFuzzer's; there are none when the corpus is replayed. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* Where the head of a section is, one of all by chance; 0: there is none. */
static size_t choose_section(const uint8_t *data, size_t size, unsigned seed)
{
    size_t heads[MAX_SECTIONS], n = 0;
    for (size_t at = 2; at + 3 <= size && n < MAX_SECTIONS; at += 3u + get_u16(data + at + 1))
        heads[n++] = at;
    return n > 0 ? heads[seed % n] : 0;
}

/* Mostly the content of one section, so that those behind it stay what they are. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    size_t head = seed % 8 ? choose_section(data, size, seed / 8) : 0;
    if (head == 0 || size >= max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = head + 3, len = get_u16(data + head + 1);
    len = len < size - at ? len : size - at;
    size_t behind = size - at - len, room = max_size - size + len;
    room = room < UINT16_MAX ? room : UINT16_MAX;
    uint8_t *content = malloc(room + 1);
    CHECK(content);
    memcpy(content, data + at, len);
    size_t changed = LLVMFuzzerMutate(content, len, room);
    memmove(data + at + changed, data + at + len, behind);
    memcpy(data + at, content, changed);
    put_u16(data + head + 1, (uint16_t)changed);
    free(content);
    return at + changed + behind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buffer bytes = {0};
    struct block_header header;
    if (!make_block(data, size, &bytes))
        return 0;
    CHECK(block_header_parse(bytes.data, bytes.len, &header) == 0);
    int fd = memfd_create("block", MFD_CLOEXEC);
    CHECK(fd >= 0 && write(fd, bytes.data, bytes.len) == (ssize_t)bytes.len);
    read_block(fd, &header);
    close(fd);
    buffer_deinit(&bytes);
    return 0;
}
