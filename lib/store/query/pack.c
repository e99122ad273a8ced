/* SPDX-License-Identifier: MIT */
#include "store/query/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Texts of few rows share a small chunk, those of many large ones. */
#define SMALL_CHUNK_BYTES 2048
#define LARGE_CHUNK_BYTES 65536

struct pack_chunk {
    struct pack_chunk *next;
    size_t n_bytes;
    char bytes[];
};

static int reserve_rows(struct pack *pack, size_t n_rows)
{
    struct store_row *rows = realloc(pack->rows, n_rows * sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    pack->bytes += (n_rows - pack->capacity) * sizeof(*rows);
    pack->rows = rows;
    pack->capacity = n_rows;
    return 0;
}

int pack_new(size_t n_rows, struct pack **ret_pack)
{
    struct pack *pack = calloc(1, sizeof(*pack));
    if (pack == NULL)
        return -ENOMEM;
    pack->bytes = sizeof(*pack);
    if (reserve_rows(pack, n_rows > 0 ? n_rows : 1) < 0) {
        free(pack);
        return -ENOMEM;
    }
    *ret_pack = pack;
    return 0;
}

struct pack *pack_free(struct pack *pack)
{
    if (pack == NULL)
        return NULL;
    for (struct pack_chunk *next, *at = pack->chunks; at != NULL; at = next) {
        next = at->next;
        free(at);
    }
    free(pack->rows);
    free(pack);
    return NULL;
}

static int add_chunk(struct pack *pack, size_t len)
{
    size_t n_bytes = pack->capacity < 64 ? SMALL_CHUNK_BYTES : LARGE_CHUNK_BYTES;
    if (n_bytes < len)
        n_bytes = len;
    struct pack_chunk *chunk = malloc(sizeof(*chunk) + n_bytes);
    if (chunk == NULL)
        return -ENOMEM;
    chunk->next = pack->chunks;
    chunk->n_bytes = n_bytes;
    pack->chunks = chunk;
    pack->chunk_left = n_bytes;
    pack->bytes += sizeof(*chunk) + n_bytes;
    return 0;
}

static size_t text_bytes(const struct store_row *row)
{
    return (size_t)row->host.len + row->app.len + row->procid.len + row->msgid.len + row->sd.len +
           row->message.len + row->input.len + row->place.city.len + row->place.region.len +
           row->place.org.len;
}

static void take_text(struct text *text, char **at)
{
    if (text->len > 0)
        memcpy(*at, text->data, text->len);
    text->data = text->len > 0 ? *at : NULL;
    *at += text->len;
}

int pack_add(struct pack *pack, const struct store_row *row)
{
    size_t len = text_bytes(row);
    if (pack->n_rows == pack->capacity && reserve_rows(pack, pack->capacity * 2) < 0)
        return -ENOMEM;
    if ((pack->chunks == NULL || len > pack->chunk_left) && add_chunk(pack, len) < 0)
        return -ENOMEM;
    struct store_row *copy = &pack->rows[pack->n_rows++];
    char *at = pack->chunks->bytes + pack->chunks->n_bytes - pack->chunk_left;
    *copy = *row;
    struct text *texts[] = {&copy->host,         &copy->app,      &copy->procid, &copy->msgid,
                            &copy->sd,           &copy->message,  &copy->input,  &copy->place.city,
                            &copy->place.region, &copy->place.org};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        take_text(texts[i], &at);
    pack->chunk_left -= len;
    return 0;
}
