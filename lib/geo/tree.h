/* SPDX-License-Identifier: MIT */
#ifndef GEO_TREE_H
#define GEO_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The search tree of a MaxMind DB: address → offset of an entry in the data section. Immutable; it
 * reads memory that somebody else keeps alive.
 */
struct geo_tree {
    const uint8_t *nodes;
    uint32_t n_nodes;
    uint32_t section_bytes; /* of the data section */
    uint32_t root4;         /* what 96 zero bits lead to; of an IPv4 tree its root */
    uint32_t *table4;       /* what the 65,536 heads of IPv4 addresses lead to; NULL: root4, all */
    uint8_t node_bytes;     /* 6, 7 or 8: two records */
    bool is_ipv6;
};

#define GEO_TREE_NULL ((struct geo_tree){0})

/* What a file says of its tree. */
struct geo_tree_shape {
    uint32_t n_nodes;
    unsigned record_bits, ip_version;
    uint32_t section_bytes;
};

/*
 * file: from its first byte, where the tree is. Returns 0, -EBADMSG (no such tree, or it does not
 * fit into the file), -ENOMEM.
 */
int geo_tree_init(struct geo_tree *tree, const uint8_t *file, size_t file_bytes,
                  const struct geo_tree_shape *shape);
void geo_tree_deinit(struct geo_tree *tree);

/* Walks that are worth being made at once. */
#define GEO_TREE_LANES 32

#define GEO_TREE_NOTHING UINT32_MAX

/* One address on its way down. */
struct geo_walk {
    const uint8_t *address; /* IPv4 as ::ffff:a.b.c.d */
    bool is_ipv4;           /* is it one of these? An IPv4 tree knows no others. */
    uint8_t bit;            /* the next one to look at */
    uint16_t id;            /* the caller's; order and id of the walks stay */
    uint32_t at;            /* in the end the entry's offset, or GEO_TREE_NOTHING */
};

/* Makes n (up to GEO_TREE_LANES) walks; address and is_ipv4 are set. Damage is "nothing". */
void geo_tree_walk(const struct geo_tree *tree, struct geo_walk *walks, size_t n);

#endif
