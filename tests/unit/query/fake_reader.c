/* SPDX-License-Identifier: MIT */
#include "fake_reader.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/reader_files.h"
#include "store/snapshot.h"

struct fake_store fake;

struct scanner {
    const struct fake_block *block;
    bool loaded;
    uint32_t columns;
    char *texts; /* of the loaded block */
    size_t n_texts;
};

struct store_reader {
    size_t next; /* forwards: the block that comes; backwards: one behind it */
    bool started, backwards;
    uint64_t seek_id;
    struct scanner scanner;
};

void fake_reset(void)
{
    fake = (struct fake_store){.next_id = 1, .event_fd = -1};
}

struct text fake_text(const char *string)
{
    return (struct text){string, (uint32_t)strlen(string)};
}

struct peer fake_peer(const char *address, uint16_t port)
{
    struct peer peer = {.port = port, .family = strchr(address, ':') != NULL ? 6 : 4};
    if (peer.family == 6) {
        assert(inet_pton(AF_INET6, address, peer.address) == 1);
        return peer;
    }
    peer.address[10] = peer.address[11] = 0xff;
    assert(inet_pton(AF_INET, address, peer.address + 12) == 1);
    return peer;
}

struct store_row fake_row(const char *message, int second)
{
    return (struct store_row){
        .time_ns = (FAKE_T0_S + second) * 1000000000,
        .received_us = (FAKE_T0_S + second) * 1000000 + 250,
        .host = fake_text("web01"),
        .app = fake_text("sshd"),
        .message = fake_text(message),
        .input = fake_text("network"),
        .peer = fake_peer("192.0.2.7", 40000),
        .format = RECORD_RFC5424,
        .facility = 4,
        .severity = 6,
    };
}

struct fake_block *fake_append(const struct store_row *rows, size_t n_rows)
{
    assert(fake.n_blocks < FAKE_MAX_BLOCKS && n_rows <= FAKE_MAX_ROWS);
    struct fake_block *block = &fake.blocks[fake.n_blocks];
    *block = (struct fake_block){.n_rows = (uint32_t)n_rows};
    for (size_t i = 0; i < n_rows; i++) {
        block->rows[i] = rows[i];
        block->rows[i].id = fake.next_id++;
    }
    fake.n_blocks++;
    if (fake.event_fd >= 0)
        assert(write(fake.event_fd, &(uint64_t){1}, 8) == 8);
    return block;
}

int store_reader_open(const struct store_reader_options *options, struct store_reader **ret_reader)
{
    assert(options->path != NULL);
    if (fake.open_error != 0)
        return fake.open_error;
    *ret_reader = calloc(1, sizeof(**ret_reader));
    assert(*ret_reader != NULL);
    return 0;
}

static void forget_texts(struct scanner *scanner)
{
    if (scanner->texts != NULL)
        memset(scanner->texts, '!', scanner->n_texts);
    free(scanner->texts);
    scanner->texts = NULL;
    scanner->n_texts = 0;
    scanner->loaded = false;
}

struct store_reader *store_reader_close(struct store_reader *reader)
{
    if (reader != NULL)
        forget_texts(&reader->scanner);
    free(reader);
    return NULL;
}

int store_reader_info(struct store_reader *reader, struct store_info *ret_info)
{
    *ret_info = (struct store_info){.segments = 1, .bytes_raw = 1000, .bytes_disk = 100};
    for (size_t i = 0; i < fake.n_blocks; i++)
        ret_info->records += fake.blocks[i].n_rows;
    if (fake.n_blocks > 0) {
        ret_info->oldest_ns = fake.blocks[0].rows[0].received_us * 1000;
        ret_info->newest_ns = fake.blocks[fake.n_blocks - 1].rows[0].received_us * 1000;
    }
    return 0;
}

static void describe(const struct fake_block *block, struct store_block_info *info)
{
    *info = (struct store_block_info){.first_id = block->rows[0].id,
                                      .n_rows = block->n_rows,
                                      .min_time_ns = INT64_MAX,
                                      .max_time_ns = INT64_MIN,
                                      .min_received_us = INT64_MAX,
                                      .max_received_us = INT64_MIN};
    for (uint32_t i = 0; i < block->n_rows; i++) {
        const struct store_row *row = &block->rows[i];
        if (row->time_ns < info->min_time_ns)
            info->min_time_ns = row->time_ns;
        if (row->time_ns > info->max_time_ns)
            info->max_time_ns = row->time_ns;
        if (row->received_us < info->min_received_us)
            info->min_received_us = row->received_us;
        if (row->received_us > info->max_received_us)
            info->max_received_us = row->received_us;
        info->severities |= (uint16_t)(1u << (row->severity < 8 ? row->severity : 8));
        info->facilities |= 1u << (row->facility < 24 ? row->facility : 24);
    }
}

/* The block that holds id, or the first after it. */
static size_t find_block(uint64_t id)
{
    size_t at = 0;
    while (at < fake.n_blocks && fake.blocks[at].rows[fake.blocks[at].n_rows - 1].id < id)
        at++;
    return at;
}

int store_reader_next(struct store_reader *reader, bool backwards,
                      struct store_block_info *ret_info)
{
    if (fake.on_next != NULL)
        fake.on_next(fake.n_next);
    if (!reader->started) {
        reader->backwards = backwards;
        reader->started = true;
        reader->next = backwards ? fake.n_blocks : find_block(reader->seek_id);
    }
    assert(backwards == reader->backwards);
    forget_texts(&reader->scanner);
    reader->scanner.block = NULL;
    if (backwards ? reader->next == 0 : reader->next >= fake.n_blocks)
        return 0;
    size_t current = backwards ? --reader->next : reader->next++;
    reader->scanner.block = &fake.blocks[current];
    fake.n_next++;
    describe(reader->scanner.block, ret_info);
    return 1;
}

int store_reader_seek(struct store_reader *reader, uint64_t id)
{
    forget_texts(&reader->scanner);
    reader->started = false;
    reader->seek_id = id;
    return 0;
}

static size_t text_bytes(const struct store_row *row)
{
    return row->host.len + row->app.len + row->procid.len + row->msgid.len + row->sd.len +
           row->message.len + row->input.len;
}

int store_reader_load(struct store_reader *reader, uint32_t columns)
{
    return scanner_load(&reader->scanner, columns);
}

void store_reader_row(struct store_reader *reader, uint32_t index, struct store_row *ret_row)
{
    scanner_row(&reader->scanner, index, ret_row);
}

struct scanner *reader_scanner(struct store_reader *reader)
{
    return &reader->scanner;
}

int scanner_load(struct scanner *scanner, uint32_t columns)
{
    const struct fake_block *block = scanner->block;
    assert(block != NULL);
    forget_texts(scanner);
    atomic_fetch_add(&fake.n_loads, 1);
    atomic_fetch_or(&fake.columns, columns);
    atomic_fetch_add(&fake.n_message_loads, (columns & STORE_MESSAGE) != 0);
    if (block->damaged)
        return -EBADMSG;
    for (uint32_t i = 0; i < block->n_rows; i++)
        scanner->n_texts += text_bytes(&block->rows[i]);
    scanner->texts = malloc(scanner->n_texts + 1);
    assert(scanner->texts != NULL);
    scanner->loaded = true;
    scanner->columns = columns;
    return 0;
}

/* A copy in the memory of the loaded block, or nothing when the column was not asked for. */
static struct text take_text(const struct scanner *scanner, uint32_t column, struct text text,
                             char **at)
{
    char *copy = *at;
    *at += text.len;
    if ((scanner->columns & column) == 0 || text.len == 0)
        return (struct text){0};
    memcpy(copy, text.data, text.len);
    return (struct text){copy, text.len};
}

void scanner_row(struct scanner *scanner, uint32_t index, struct store_row *ret_row)
{
    const struct fake_block *block = scanner->block;
    assert(scanner->loaded && index < block->n_rows);
    const struct store_row *from = &block->rows[index];
    uint32_t columns = scanner->columns;
    char *at = scanner->texts;
    for (uint32_t i = 0; i < index; i++)
        at += text_bytes(&block->rows[i]);
    struct store_row row = {.id = from->id};
    row.host = take_text(scanner, STORE_HOST, from->host, &at);
    row.app = take_text(scanner, STORE_APP, from->app, &at);
    row.procid = take_text(scanner, STORE_PROCID, from->procid, &at);
    row.msgid = take_text(scanner, STORE_MSGID, from->msgid, &at);
    row.sd = take_text(scanner, STORE_SD, from->sd, &at);
    row.message = take_text(scanner, STORE_MESSAGE, from->message, &at);
    row.input = take_text(scanner, STORE_INPUT, from->input, &at);
    if (columns & STORE_TIME) {
        row.time_ns = from->time_ns;
        row.time_digits = from->time_digits;
        row.flags = from->flags;
    }
    if (columns & STORE_RECEIVED)
        row.received_us = from->received_us;
    if (columns & STORE_PRI) {
        row.facility = from->facility;
        row.severity = from->severity;
    }
    if (columns & STORE_FORMAT)
        row.format = from->format;
    if (columns & STORE_PEER)
        row.peer = from->peer;
    if (columns & STORE_GEO) {
        row.has_place = from->has_place;
        row.place = from->place;
        memcpy(row.geo_ip, from->geo_ip, sizeof(row.geo_ip));
    }
    *ret_row = row;
}

/* All blocks are one file. */
struct segment {
    size_t n_blocks;
};

struct snapshot {
    struct segment segment;
};

int snapshot_new(struct store_reader *reader, struct snapshot **ret_snapshot)
{
    *ret_snapshot = calloc(1, sizeof(**ret_snapshot));
    assert(*ret_snapshot != NULL);
    (*ret_snapshot)->segment.n_blocks = fake.n_blocks;
    return 0;
}

struct snapshot *snapshot_free(struct snapshot *snapshot)
{
    free(snapshot);
    return NULL;
}

size_t snapshot_n_files(const struct snapshot *snapshot)
{
    return snapshot->segment.n_blocks > 0;
}

int snapshot_look(struct snapshot *snapshot, size_t file, struct snapshot_file *ret_file)
{
    assert(file == 0);
    segment_describe(&snapshot->segment, ret_file);
    return 1;
}

int segment_open(struct snapshot *snapshot, size_t file, struct segment **ret_segment)
{
    assert(file == 0);
    *ret_segment = &snapshot->segment;
    return 1;
}

void segment_describe(const struct segment *segment, struct snapshot_file *ret_file)
{
    struct store_block_info *info = &ret_file->info, block;
    size_t n_blocks = segment->n_blocks;
    describe(&fake.blocks[0], info);
    for (size_t i = 1; i < n_blocks; i++) {
        describe(&fake.blocks[i], &block);
        info->n_rows += block.n_rows;
        info->severities |= block.severities;
        info->facilities |= block.facilities;
        if (block.min_time_ns < info->min_time_ns)
            info->min_time_ns = block.min_time_ns;
        if (block.max_time_ns > info->max_time_ns)
            info->max_time_ns = block.max_time_ns;
        if (block.min_received_us < info->min_received_us)
            info->min_received_us = block.min_received_us;
        if (block.max_received_us > info->max_received_us)
            info->max_received_us = block.max_received_us;
    }
    ret_file->end_id = fake.next_id;
    ret_file->bytes = 1000;
    ret_file->n_blocks = (uint32_t)n_blocks;
}

struct segment *segment_close(struct segment *segment)
{
    return NULL;
}

uint32_t segment_n_blocks(const struct segment *segment)
{
    return (uint32_t)segment->n_blocks;
}

void segment_block(const struct segment *segment, uint32_t block, struct store_block_info *ret_info,
                   uint32_t *ret_bytes)
{
    assert(block < segment->n_blocks);
    describe(&fake.blocks[block], ret_info);
    *ret_bytes = 100;
}

int scanner_new(struct scanner **ret_scanner)
{
    *ret_scanner = calloc(1, sizeof(**ret_scanner));
    assert(*ret_scanner != NULL);
    return 0;
}

struct scanner *scanner_free(struct scanner *scanner)
{
    if (scanner != NULL)
        forget_texts(scanner);
    free(scanner);
    return NULL;
}

int scanner_open(struct scanner *scanner, const struct segment *segment, uint32_t block)
{
    assert(block < segment->n_blocks);
    forget_texts(scanner);
    scanner->block = &fake.blocks[block];
    return 0;
}

int scanner_filter(struct scanner *scanner, const uint8_t **ret_lines, size_t *ret_bytes)
{
    return 0;
}

int scanner_rollup(struct scanner *scanner, struct rollup_cell **ret_cells, size_t *ret_n)
{
    return 0;
}

int scanner_file_rollup(struct scanner *scanner, const struct segment *segment,
                        struct rollup_cell **ret_cells, size_t *ret_n)
{
    return 0;
}

int scanner_cost(struct scanner *scanner, size_t *ret_bytes)
{
    *ret_bytes = 1000;
    return 0;
}

void scanner_row_again(struct scanner *scanner, uint32_t index, struct store_row *row)
{
    scanner_row(scanner, index, row);
}

void scanner_spent(const struct scanner *scanner, uint64_t *ret_read, uint64_t *ret_raw)
{
    *ret_read = *ret_raw = scanner->loaded ? 100 : 0;
}

int scanner_trim(struct scanner *scanner)
{
    forget_texts(scanner);
    return 0;
}

uint32_t scanner_n_templates(const struct scanner *scanner)
{
    return 0;
}

int scanner_template(struct scanner *scanner, uint32_t number, char slot, struct text *ret_text,
                     bool *ret_has_words)
{
    return -EINVAL;
}

bool scanner_template_may_hold(const struct scanner *scanner, uint32_t number, const char *token,
                               size_t len)
{
    return true;
}

uint32_t scanner_row_template(const struct scanner *scanner, uint32_t index)
{
    return 0;
}

int store_reader_fd(struct store_reader *reader)
{
    return fake.event_fd >= 0 ? fake.event_fd : -ENOSYS;
}

void store_reader_ack(struct store_reader *reader)
{
    uint64_t count;
    assert(read(fake.event_fd, &count, sizeof(count)) == sizeof(count));
}
