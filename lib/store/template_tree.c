/* SPDX-License-Identifier: MIT */
#include "store/template_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/number.h"
#include "store/token.h"

/* A text that has not found its template after so many steps is left to split_text(). */
#define MAX_STEPS 512
/* Places that it may come back to. */
#define MAX_BACK 64
/* Of a step: labels come first, then the classes of slots. */
#define TRY_LABEL UINT32_MAX
/* Numbers that make an address. */
#define CHAIN 4

int template_tree_init(struct template_tree *tree)
{
    tree->nodes = aligned_alloc(sizeof(*tree->nodes), TREE_MAX_NODES * sizeof(*tree->nodes));
    if (!tree->nodes)
        return -ENOMEM;
    template_tree_clear(tree);
    return 0;
}

void template_tree_deinit(struct template_tree *tree)
{
    free(tree->nodes);
    *tree = (struct template_tree){0};
}

static void set_label(struct tree_node *node, const char *label, size_t len)
{
    node->label = label;
    node->len = (uint16_t)len;
    node->first = *label;
    node->head = node->mask = 0;
    size_t n = len < sizeof(node->head) ? len : sizeof(node->head);
    memcpy(&node->head, label, n);
    memset(&node->mask, 0xff, n);
}

static uint32_t new_node(struct template_tree *tree, const char *label, size_t len, uint32_t n_name)
{
    if (tree->n_nodes == TREE_MAX_NODES)
        return TREE_NONE;
    struct tree_node *node = &tree->nodes[tree->n_nodes];
    *node = (struct tree_node){
        .sibling = TREE_NONE,
        .child = TREE_NONE,
        .slots = {TREE_NONE, TREE_NONE, TREE_NONE},
        .leaf = TREE_NONE,
        .n_name = (uint16_t)n_name,
    };
    set_label(node, label, len);
    return tree->n_nodes++;
}

void template_tree_clear(struct template_tree *tree)
{
    tree->n_nodes = 0;
    new_node(tree, "", 0, 0);
}

/* The slot that ends the piece at `at`, or NULL: it is the last. */
static const char *find_slot(const char *at, const char *end)
{
    return memchr(at, '\0', (size_t)(end - at));
}

static bool has_chain(const char *skeleton, size_t n)
{
    const char *at = skeleton, *end = skeleton + n;
    unsigned n_numbers = 0;
    for (;;) {
        const char *slot = find_slot(at, end);
        if (!slot)
            return false;
        bool joins = slot - at == 1 && *at == '.', is_address = slot[1] == SLOT_ADDRESS;
        n_numbers = (joins ? n_numbers : 0) + (is_address ? CHAIN : 1);
        if (n_numbers > CHAIN || (n_numbers == CHAIN && !is_address))
            return true;
        at = slot + SKELETON_SLOT_BYTES;
    }
}

static uint32_t find_child(const struct template_tree *tree, uint32_t node, char first)
{
    uint32_t child = tree->nodes[node].child;
    while (child != TREE_NONE && tree->nodes[child].first != first)
        child = tree->nodes[child].sibling;
    return child;
}

/* How many token bytes a text ends with; all of it, and those before it, if it has no others. */
static uint32_t count_name(const char *text, size_t len, uint32_t before)
{
    uint32_t n = 0;
    while (n < len && token_byte(text[len - 1 - n]))
        n++;
    return n == len ? n + before : n;
}

/* The node keeps the first n bytes of its label; a new one takes the rest, and what is behind. */
static bool split_node(struct template_tree *tree, uint32_t index, uint32_t n, uint32_t before)
{
    struct tree_node *node = &tree->nodes[index];
    uint32_t rest = new_node(tree, node->label + n, node->len - n, node->n_name);
    if (rest == TREE_NONE)
        return false;
    struct tree_node *behind = &tree->nodes[rest];
    behind->child = node->child;
    behind->leaf = node->leaf;
    behind->n_slots = node->n_slots;
    behind->class = node->class;
    memcpy(behind->slots, node->slots, sizeof(node->slots));
    set_label(node, node->label, n);
    node->child = rest;
    node->leaf = TREE_NONE;
    node->n_slots = 0;
    node->slots[0] = node->slots[1] = node->slots[2] = TREE_NONE;
    node->n_name = (uint16_t)count_name(node->label, n, before);
    return true;
}

/* Walks a piece of static text, adding what is missing. Returns the node behind it. */
static uint32_t insert_piece(struct template_tree *tree, uint32_t at, const char *piece, size_t len)
{
    while (len > 0) {
        uint32_t before = tree->nodes[at].n_name, child = find_child(tree, at, *piece), n = 1;
        if (child == TREE_NONE) {
            child = new_node(tree, piece, len, count_name(piece, len, before));
            if (child == TREE_NONE)
                return TREE_NONE;
            tree->nodes[child].sibling = tree->nodes[at].child;
            tree->nodes[at].child = child;
            return child;
        }
        const struct tree_node *node = &tree->nodes[child];
        while (n < node->len && n < len && node->label[n] == piece[n])
            n++;
        if (n < node->len && !split_node(tree, child, n, before))
            return TREE_NONE;
        piece += n;
        len -= n;
        at = child;
    }
    return at;
}

static void add_slot(struct template_tree *tree, uint32_t at, unsigned class)
{
    struct tree_node *node = &tree->nodes[at];
    node->slots[class] = new_node(tree, "", 0, 0);
    node->n_slots += node->slots[class] != TREE_NONE;
    node->class = (uint8_t)class;
}

void template_tree_insert(struct template_tree *tree, const char *skeleton, size_t n, uint32_t leaf)
{
    const char *at = skeleton, *end = skeleton + n;
    uint32_t node = 0;
    if (has_chain(skeleton, n))
        return;
    for (;;) {
        const char *slot = find_slot(at, end);
        node = insert_piece(tree, node, at, (size_t)((slot ? slot : end) - at));
        if (node == TREE_NONE)
            return;
        if (!slot)
            break;
        unsigned class = (unsigned)slot[1];
        if (tree->nodes[node].slots[class] == TREE_NONE)
            add_slot(tree, node, class);
        node = tree->nodes[node].slots[class];
        if (node == TREE_NONE)
            return;
        at = slot + SKELETON_SLOT_BYTES;
    }
    tree->nodes[node].leaf = leaf;
}

static bool take_digits(const char *at, const char *end, struct slot *slot)
{
    const char *start = at;
    uint64_t value = 0;
    uint8_t digit;
    if (end - at >= 8) {
        unsigned n = number_take8(at, &value);
        slot->value = value;
        slot->end += n;
        if (n < 8)
            return n > 0;
        at += 8;
    }
    for (; at < end && (digit = (uint8_t)(*at - '0')) <= 9; at++)
        value = value * 10 + digit;
    slot->value = value;
    slot->end = slot->at + (uint32_t)(at - start);
    return at > start && at - start <= SLOT_MAX_DIGITS;
}

static bool take_address(const char *at, const char *end, struct slot *slot)
{
    uint32_t value = 0;
    size_t len = token_address_value(at, end, &value);
    slot->value = value;
    slot->end += (uint32_t)len;
    return len > 0;
}

static bool take_text(const char *at, const char *end, struct slot *slot)
{
    uint8_t seen = 0;
    const char *start = at;
    for (; at < end && token_byte(*at); at++)
        seen |= token_class[(uint8_t)*at];
    slot->value = 0;
    slot->end += (uint32_t)(at - start);
    return seen & TOKEN_DIGIT;
}

static bool take_slot(const struct tree_node *node, enum slot_class class, const char *text,
                      uint32_t at, uint32_t len, struct slot *slot)
{
    slot->at = slot->end = at;
    slot->token_at = at - node->n_name;
    slot->class = class;
    if (class == SLOT_DIGITS)
        return take_digits(text + at, text + len, slot);
    if (class == SLOT_ADDRESS)
        return take_address(text + at, text + len, slot);
    return take_text(text + at, text + len, slot);
}

static inline bool has_label(const struct tree_node *node, const char *text, uint32_t left)
{
    uint64_t bytes;
    if (left < sizeof(bytes))
        return node->len <= left && memcmp(node->label, text, node->len) == 0;
    memcpy(&bytes, text, sizeof(bytes));
    if (((bytes ^ node->head) & node->mask) != 0)
        return false;
    return node->len <= sizeof(bytes) ||
           (node->len <= left && memcmp(node->label + sizeof(bytes), text + sizeof(bytes),
                                        node->len - sizeof(bytes)) == 0);
}

/* A node to which the walk may come back: its slots from this class on are left to be tried. */
struct step {
    uint32_t node, at, n_slots, class;
};

/*
 * Over one of a node's slots, from this class on, where the text has one. Returns the node behind,
 * or TREE_NONE; and whether classes behind that one are left.
 */
static uint32_t over_slot(const struct tree_node *node, uint32_t *class, const char *text,
                          uint32_t at, uint32_t len, struct slot *slot)
{
    for (uint32_t c = node->n_slots == 1 ? node->class : *class; c < N_SLOT_CLASSES; c++) {
        *class = c + 1;
        if (node->slots[c] != TREE_NONE && take_slot(node, c, text, at, len, slot))
            return node->slots[c];
        if (node->n_slots == 1)
            break;
    }
    return TREE_NONE;
}

uint32_t template_tree_match(const struct template_tree *tree, const char *text, size_t n,
                             struct split *split)
{
    const struct tree_node *nodes = tree->nodes, *node;
    struct step back[MAX_BACK], *top = back;
    uint32_t here = 0, at = 0, n_slots = 0, len = (uint32_t)n;
    uint32_t class = TRY_LABEL;
    if (n > TEMPLATE_MAX_BYTES)
        return TREE_NONE;
    for (unsigned i = 0; i < MAX_STEPS && top < back + MAX_BACK; i++) {
        uint32_t next = TREE_NONE;
        node = &nodes[here];
        if (at == len && node->leaf != TREE_NONE) {
            split->n_slots = n_slots;
            return node->leaf;
        }
        if (at < len && class == TRY_LABEL) {
            class = 0;
            next = find_child(tree, here, text[at]);
            if (next != TREE_NONE && has_label(&nodes[next], text + at, len - at)) {
                if (node->n_slots > 0)
                    *top++ = (struct step){here, at, n_slots, 0};
                at += nodes[next].len;
                here = next;
                class = TRY_LABEL;
                continue;
            }
            next = TREE_NONE;
        }
        if (at < len && node->n_slots > 0 && n_slots < TEMPLATE_MAX_SLOTS)
            next = over_slot(node, &class, text, at, len, &split->slots[n_slots]);
        if (next != TREE_NONE) {
            if (node->n_slots > 1 && class < N_SLOT_CLASSES)
                *top++ = (struct step){here, at, n_slots, class};
            at = split->slots[n_slots++].end;
            here = next;
            class = TRY_LABEL;
        } else if (top > back) {
            here = (--top)->node;
            at = top->at;
            n_slots = top->n_slots;
            class = top->class;
        } else {
            return TREE_NONE;
        }
    }
    return TREE_NONE;
}
