/* SPDX-License-Identifier: MIT */
#include "geo/tree.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * The "Binary Search Tree Section" of the MaxMind DB File Format Specification 2.0. A node is two
 * records of 24, 28 or 32 bits, for a next bit of 0 and of 1:
 *
 *   record < n_nodes   the next node
 *         == n_nodes   nothing is known
 *          > n_nodes   the entry at record - n_nodes - 16 of the data section
 *
 *   24 bits  LLLLLL RRRRRR     28 bits  LLLLLL LR RRRRRR     32 bits  LLLLLLLL RRRRRRRR
 *                                              └ L's upper four bits
 *
 * A walk of an address that nobody asked for lately is a chain of cache misses, in a tree of tens
 * of megabytes. So the walks of several addresses take turns, a node each, and each fetches its
 * next node before the others have theirs: their misses overlap. The first 16 steps of IPv4
 * addresses are taken by one table.
 *
 * Bounds. A record is followed only when it is below n_nodes; that many nodes and the 16 bytes
 * between tree and data were checked to lie in the file, so that a node may be read as eight bytes.
 * A walk ends with the address, however the nodes are linked.
 */

#define SEPARATOR_BYTES 16
#define TABLE_BITS      16

static uint32_t read_record(const struct geo_tree *tree, uint32_t node, unsigned bit)
{
    uint64_t bytes;
    memcpy(&bytes, tree->nodes + (size_t)node * tree->node_bytes, sizeof(bytes));
    bytes = be64toh(bytes);
    switch (tree->node_bytes) {
    case 6:
        return (uint32_t)(bytes >> (bit ? 16 : 40)) & 0xffffff;
    case 7:
        return bit ? (uint32_t)(bytes >> 8) & 0xfffffff
                   : (uint32_t)(bytes >> 40 | (bytes >> 36 & 15) << 24);
    default:
        return (uint32_t)(bytes >> (bit ? 0 : 32));
    }
}

static void prefetch_node(const struct geo_tree *tree, uint32_t node)
{
    __builtin_prefetch(tree->nodes + (size_t)node * tree->node_bytes);
}

/* What all heads of so many bits lead to from a record. */
static void fill_table(const struct geo_tree *tree, uint32_t record, unsigned bits, uint32_t *table)
{
    if (bits > 0 && record < tree->n_nodes) {
        size_t half = (size_t)1 << (bits - 1);
        fill_table(tree, read_record(tree, record, 0), bits - 1, table);
        fill_table(tree, read_record(tree, record, 1), bits - 1, table + half);
        return;
    }
    for (size_t i = 0; i < (size_t)1 << bits; i++)
        table[i] = record;
}

static uint32_t find_root4(const struct geo_tree *tree)
{
    uint32_t record = 0;
    for (unsigned bit = 0; tree->is_ipv6 && bit < 96 && record < tree->n_nodes; bit++)
        record = read_record(tree, record, 0);
    return record;
}

int geo_tree_init(struct geo_tree *tree, const uint8_t *file, size_t file_bytes,
                  const struct geo_tree_shape *shape)
{
    bool is_known =
        shape->record_bits == 24 || shape->record_bits == 28 || shape->record_bits == 32;
    size_t node_bytes = shape->record_bits / 4;
    if (!is_known || (shape->ip_version != 4 && shape->ip_version != 6) ||
        file_bytes < SEPARATOR_BYTES ||
        (file_bytes - SEPARATOR_BYTES) / node_bytes < shape->n_nodes)
        return -EBADMSG;
    struct geo_tree new = {
        .nodes = file,
        .n_nodes = shape->n_nodes,
        .section_bytes = shape->section_bytes,
        .node_bytes = (uint8_t)node_bytes,
        .is_ipv6 = shape->ip_version == 6,
    };
    new.root4 = find_root4(&new);
    if (new.root4 < new.n_nodes) {
        new.table4 = malloc(sizeof(*new.table4) << TABLE_BITS);
        if (!new.table4)
            return -ENOMEM;
        fill_table(&new, new.root4, TABLE_BITS, new.table4);
    }
    *tree = new;
    return 0;
}

void geo_tree_deinit(struct geo_tree *tree)
{
    free(tree->table4);
    *tree = GEO_TREE_NULL;
}

static const uint32_t *table_entry(const struct geo_tree *tree, const struct geo_walk *walk)
{
    return &tree->table4[walk->address[12] << 8 | walk->address[13]];
}

static void start(const struct geo_tree *tree, struct geo_walk *walk)
{
    if (!walk->is_ipv4) {
        walk->at = tree->is_ipv6 ? 0 : tree->n_nodes;
        walk->bit = 0;
    } else if (tree->table4) {
        walk->at = *table_entry(tree, walk);
        walk->bit = 96 + TABLE_BITS;
    } else {
        walk->at = tree->root4;
        walk->bit = 96;
    }
}

static uint32_t offset_of(const struct geo_tree *tree, uint32_t record)
{
    uint64_t first = (uint64_t)tree->n_nodes + SEPARATOR_BYTES;
    /* libmaxminddb's limit as well; what it leaves out is where the metadata are */
    uint64_t end = (uint64_t)tree->n_nodes + tree->section_bytes;
    return record >= first && record < end ? (uint32_t)(record - first) : GEO_TREE_NOTHING;
}

/* Takes one step. False: this was the last. */
static bool step(const struct geo_tree *tree, struct geo_walk *walk)
{
    if (walk->at >= tree->n_nodes || walk->bit == 128) {
        walk->at = offset_of(tree, walk->at);
        return false;
    }
    unsigned bit = walk->address[walk->bit >> 3] >> (7 - (walk->bit & 7)) & 1u;
    walk->at = read_record(tree, walk->at, bit);
    walk->bit++;
    if (walk->at < tree->n_nodes)
        prefetch_node(tree, walk->at);
    return true;
}

void geo_tree_walk(const struct geo_tree *tree, struct geo_walk *walks, size_t n)
{
    assert(n <= GEO_TREE_LANES);
    uint8_t under_way[GEO_TREE_LANES];
    for (size_t i = 0; tree->table4 && i < n; i++)
        __builtin_prefetch(table_entry(tree, &walks[i]));
    for (size_t i = 0; i < n; i++) {
        under_way[i] = (uint8_t)i;
        start(tree, &walks[i]);
        if (walks[i].at < tree->n_nodes)
            prefetch_node(tree, walks[i].at);
    }
    while (n > 0) {
        size_t n_left = 0;
        for (size_t i = 0; i < n; i++) {
            uint8_t lane = under_way[i];
            under_way[n_left] = lane;
            n_left += step(tree, &walks[lane]);
        }
        n = n_left;
    }
}
