/* SPDX-License-Identifier: MIT */
#ifndef STORE_TEMPLATE_TREE_H
#define STORE_TEMPLATE_TREE_H

/*
 * Known templates as a tree, so that a text of one of them is taken apart by comparing, without
 * looking at what its bytes are.
 *
 *   root ─ "Failed password for " ─┬─ "root from " ─ ADDRESS ─ " port " ─ DIGITS ─ " ssh2" ■ template 3
 *     │                             └─ TEXT ─ " from " ─ ADDRESS ─ …
 *     └── DIGITS ─ " ms" ■ template 8
 *
 * A radix tree: a node is reached by a label of static text, or by a slot; the labels of its
 * children begin with different bytes. Of several children a fan tells which, by that byte.
 */

#include "store/split.h"
#include "store/token.h"

#define TREE_NONE UINT32_MAX

/* Bytes of a label that the node itself has. */
#define TREE_LABEL_BYTES 16

/* What is behind a node: nearly always there is one way to go. */
enum tree_way {
    WAY_DIGITS = SLOT_DIGITS, /* a slot of this class */
    WAY_ADDRESS = SLOT_ADDRESS,
    WAY_TEXT = SLOT_TEXT,
    WAY_LABEL, /* the only child */
    WAY_FAN,   /* one of several labels */
    WAY_LEAF,  /* nothing: texts end here */
    WAY_FORK,  /* several of these */
};

struct tree_node {
    char head[TREE_LABEL_BYTES]; /* of the label; zeros behind it */
    const char *label;           /* of a skeleton that was inserted, which must outlive the tree */
    uint16_t len;
    uint16_t mask; /* the bytes that head[] has */
    uint8_t way;   /* enum tree_way */
    uint32_t child; /* by label: the only one; TREE_NONE: none, as with all that follow */
    uint32_t fan;   /* by label: more than one */
    uint32_t slots[N_SLOT_CLASSES]; /* by slot */
    uint32_t leaf;                  /* the template, where the text may end here */
} __attribute__((aligned(64)));

#define FAN_CHILDREN 8

struct tree_fan {
    uint64_t firsts; /* the first bytes of the labels, the lowest byte that of child[0] */
    uint32_t child[FAN_CHILDREN]; /* TREE_NONE: not taken */
    uint32_t next;                /* of the same node */
};

struct template_tree {
    struct tree_node *nodes; /* the first is the root */
    struct tree_fan *fans;
    uint32_t n_nodes, n_fans, max_nodes;
};

/* Bytes that a tree of so many nodes holds at most: every fan has two children at least, and two
 * have nine or more. */
static inline size_t template_tree_bytes(uint32_t max_nodes)
{
    return max_nodes * sizeof(struct tree_node) + max_nodes / 2 * sizeof(struct tree_fan);
}

/* Returns 0, -ENOMEM. */
int template_tree_init(struct template_tree *tree, uint32_t max_nodes);
void template_tree_deinit(struct template_tree *tree);
void template_tree_clear(struct template_tree *tree);

/*
 * Where texts fit several templates, those with more static text are tried first. Left out when
 * there is no room, and when the skeleton holds a chain that may or may not be an address (slots
 * and numbers with dots between): those are split_text()'s.
 */
void template_tree_insert(struct template_tree *tree, const char *skeleton, size_t n,
                          uint32_t leaf);

/*
 * A walk reads up to TREE_SLACK bytes beyond the text; the byte behind it is in no slot, so that only
 * labels may reach over the end. A copy of the text is walked where that is not so.
 */
#define TREE_SLACK 32
uint32_t template_tree_walk(const struct template_tree *tree, const char *text, uint32_t len,
                            uint64_t *ret_values, bool *ret_has_chain);
uint32_t template_tree_walk_copy(const struct template_tree *tree, const char *text, size_t len,
                                 uint64_t *ret_values, bool *ret_has_chain);

/*
 * The template that a text is of, or TREE_NONE; the tree need not find every text of it.
 * n_readable >= len: bytes at `text` that may be read, of whatever value. ret_values has room for
 * TEMPLATE_MAX_SLOTS; they, and has_chain, are as split_text() has them, except that those which are
 * static in the template are no slots, and that a TEXT slot may hold digits alone.
 */
static inline uint32_t template_tree_match(const struct template_tree *tree, const char *text,
                                           size_t len, size_t n_readable, uint64_t *ret_values,
                                           bool *ret_has_chain)
{
    if (n_readable < len + TREE_SLACK || len > TEMPLATE_MAX_BYTES || token_byte(text[len]) ||
        text[len] == '.')
        return template_tree_walk_copy(tree, text, len, ret_values, ret_has_chain);
    return template_tree_walk(tree, text, (uint32_t)len, ret_values, ret_has_chain);
}

#endif
