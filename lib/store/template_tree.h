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
 * children begin with different bytes.
 */

#include "store/split.h"

#define TREE_MAX_NODES 8192
#define TREE_NONE      UINT32_MAX

struct tree_node {
    const char *label; /* of a skeleton that was inserted, which must outlive the tree */
    uint64_t head;     /* the first bytes of the label, as they lie in memory; zeros behind it */
    uint64_t mask;     /* of those bytes */
    uint16_t len;
    uint16_t n_name; /* bytes in front of a slot here that belong to its token */
    uint32_t sibling, child;        /* by label; TREE_NONE: none, as with all that follow */
    uint32_t slots[N_SLOT_CLASSES]; /* by slot */
    uint32_t leaf;                  /* the template, where the text may end here */
    char first;     /* byte of the label */
    uint8_t n_slots; /* classes that slots[] has; a single one is `class` */
    uint8_t class;
} __attribute__((aligned(64)));

struct template_tree {
    struct tree_node *nodes; /* the first is the root */
    uint32_t n_nodes;
};

/* Returns 0, -ENOMEM. */
int template_tree_init(struct template_tree *tree);
void template_tree_deinit(struct template_tree *tree);
void template_tree_clear(struct template_tree *tree);

/*
 * Where texts fit several templates, those with more static text are tried first. Left out when
 * there is no room, and when the skeleton holds a chain that may or may not be an address (slots
 * with dots between): those are split_text()'s.
 */
void template_tree_insert(struct template_tree *tree, const char *skeleton, size_t n, uint32_t leaf);

/*
 * The template that a text is of, or TREE_NONE; the tree need not find every text of it. Fills the
 * split but for the skeleton. The slots are as split_text() has them, except that those which are
 * static in the template are not slots, and that a TEXT slot may hold digits alone.
 */
uint32_t template_tree_match(const struct template_tree *tree, const char *text, size_t len,
                             struct split *split);

#endif
