/* SPDX-License-Identifier: MIT */
#include "store/block.h"

#include <arpa/inet.h>

static struct text dict_text(const struct dict *dict, uint32_t index)
{
    return ((const struct text *)dict->texts.data)[index];
}

static const struct peer *peer_at(const struct block *block, uint32_t position)
{
    return &((const struct peer *)block->peers.data)[block->peer[position]];
}

/* An address as text; all zero where it is none. */
static void parse_address(const char *data, size_t len, uint8_t ret_ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    if (len == 0 || len >= sizeof(text))
        return;
    memcpy(text, data, len);
    text[len] = '\0';
    if (memchr(text, ':', len)) {
        if (inet_pton(AF_INET6, text, ret_ip) != 1)
            memset(ret_ip, 0, 16);
    } else if (inet_pton(AF_INET, text, ret_ip + 12) == 1) {
        memcpy(ret_ip, mapped, sizeof(mapped));
    }
}

static void find_address(struct block *block, uint32_t position, uint8_t ret_ip[16])
{
    if (block->geo_from[position] == RECORD_GEO_PEER) {
        memcpy(ret_ip, peer_at(block, position)->address, 16);
    } else if (block->geo_from[position] == RECORD_GEO_MESSAGE) {
        struct text message = text_rows_get(&block->text[TEXT_MESSAGE], position);
        uint32_t off = block->geo_off[position], len = block->geo_len[position];
        if (off <= message.len && len <= message.len - off)
            parse_address(message.data + off, len, ret_ip);
    }
}

static void fill_place(struct block *block, uint32_t position, struct store_row *row)
{
    uint32_t place = block->place[position];
    if (place == 0)
        return;
    row->has_place = true;
    row->place = ((const struct place *)block->places.data)[place - 1];
    if (block->wanted & STORE_GEO)
        find_address(block, position, row->geo_ip);
}

static void fill_pri(const struct block *block, uint32_t position, struct store_row *row)
{
    uint8_t facility = block->pri[position] / PRI_SEVERITIES;
    uint8_t severity = block->pri[position] % PRI_SEVERITIES;
    row->facility = facility == PRI_NO_FACILITY ? RECORD_NO_FACILITY : facility;
    row->severity = severity == PRI_NO_SEVERITY ? RECORD_NO_SEVERITY : severity;
}

/* The columns whose rows are grouped. */
static void fill_grouped(struct block *block, uint32_t position, struct store_row *row)
{
    uint32_t wanted = block->wanted;
    if (wanted & STORE_TIME) {
        row->time_digits = block->digits[position];
        row->flags = block->flags[position];
    }
    if (wanted & STORE_PROCID)
        row->procid = text_rows_get(&block->text[TEXT_PROCID], position);
    if (wanted & STORE_MSGID)
        row->msgid = text_rows_get(&block->text[TEXT_MSGID], position);
    if (wanted & STORE_SD)
        row->sd = text_rows_get(&block->text[TEXT_SD], position);
    if (wanted & STORE_MESSAGE)
        row->message = text_rows_get(&block->text[TEXT_MESSAGE], position);
    if (wanted & STORE_PRI)
        fill_pri(block, position, row);
    if (wanted & STORE_FORMAT)
        row->format = block->format[position];
    if (wanted & STORE_INPUT)
        row->input = dict_text(&block->inputs, block->input[position]);
    if (wanted & STORE_PEER)
        row->peer = *peer_at(block, position);
    if (wanted & (STORE_GEO | STORE_PLACE))
        fill_place(block, position, row);
}

static void fill_stream(const struct block *block, uint32_t stream, struct store_row *row)
{
    const uint32_t *hosts = (const uint32_t *)block->stream_parts.data;
    if (block->wanted & STORE_HOST)
        row->host = dict_text(&block->hosts, hosts[stream]);
    if (block->wanted & STORE_APP)
        row->app = dict_text(&block->apps, hosts[block->n_streams + stream]);
}

/* In pieces: compilers clear a struct of this size as a whole by an instruction that takes longer
 * than all else here. */
static void clear(struct store_row *row)
{
    const struct text none = {NULL, 0};
    row->time_ns = row->received_us = 0;
    row->host = row->app = row->procid = none;
    row->msgid = row->sd = row->message = row->input = none;
    row->peer = (struct peer){0};
    row->place = (struct place){0};
    memset(row->geo_ip, 0, sizeof(row->geo_ip));
    row->has_place = false;
    row->format = row->facility = row->severity = row->time_digits = row->flags = 0;
}

static void fill(struct block *block, uint32_t index, struct store_row *row)
{
    uint32_t wanted = block->wanted;
    row->id = block->header.info.first_id + index;
    if (wanted == STORE_MESSAGE) {
        row->message = text_rows_get(&block->text[TEXT_MESSAGE], block->position[index]);
        return;
    }
    if (wanted & STORE_RECEIVED)
        row->received_us = block->received_us[index];
    if (wanted & STORE_TIME)
        row->time_ns = block->time_ns[index];
    if (wanted & ~(uint32_t)STORE_RECEIVED) {
        fill_stream(block, block->stream[index], row);
        fill_grouped(block, block->position[index], row);
    }
}

void block_row(struct block *block, uint32_t index, struct store_row *ret_row)
{
    clear(ret_row);
    fill(block, index, ret_row);
}

void block_row_again(struct block *block, uint32_t index, struct store_row *row)
{
    /* All others are there in each row or in none. */
    if (block->wanted & (STORE_GEO | STORE_PLACE))
        clear(row);
    fill(block, index, row);
}
