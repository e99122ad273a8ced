/* SPDX-License-Identifier: MIT */
#include "store/template_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/byte_masks.h"
#include "store/number.h"

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
    tree->fans = malloc(TREE_MAX_FANS * sizeof(*tree->fans));
    if (!tree->nodes || !tree->fans) {
        template_tree_deinit(tree);
        return -ENOMEM;
    }
    template_tree_clear(tree);
    return 0;
}

void template_tree_deinit(struct template_tree *tree)
{
    free(tree->nodes);
    free(tree->fans);
    *tree = (struct template_tree){0};
}

static void set_label(struct tree_node *node, const char *label, size_t len)
{
    size_t n = len < sizeof(node->head) ? len : sizeof(node->head);
    memset(node->head, 0, sizeof(node->head));
    memcpy(node->head, label, n);
    node->label = label;
    node->len = (uint16_t)len;
    node->mask = (uint16_t)((1u << n) - 1);
}

static uint32_t new_node(struct template_tree *tree, const char *label, size_t len, uint32_t n_name)
{
    if (tree->n_nodes == TREE_MAX_NODES)
        return TREE_NONE;
    struct tree_node *node = &tree->nodes[tree->n_nodes];
    *node = (struct tree_node){
        .child = TREE_NONE,
        .fan = TREE_NONE,
        .slots = {TREE_NONE, TREE_NONE, TREE_NONE},
        .leaf = TREE_NONE,
        .n_name = (uint16_t)n_name,
    };
    set_label(node, label, len);
    return tree->n_nodes++;
}

void template_tree_clear(struct template_tree *tree)
{
    tree->n_nodes = tree->n_fans = 0;
    new_node(tree, "", 0, 0);
}

/* The first of eight bytes that is this one, or FAN_CHILDREN. */
static inline unsigned find_byte(uint64_t bytes, char byte)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t other = bytes ^ each * (uint8_t)byte;
    uint64_t found = (other - each) & ~other & 0x80 * each;
    return found ? (unsigned)__builtin_ctzll(found) / 8 : FAN_CHILDREN;
}

/* The child whose label may begin with this byte; a single one is not looked at. */
static inline uint32_t find_child(const struct template_tree *tree, const struct tree_node *node,
                                  char first)
{
    uint32_t at = node->fan;
    while (at != TREE_NONE) {
        const struct tree_fan *fan = &tree->fans[at];
        unsigned i = find_byte(fan->firsts, first);
        if (i < FAN_CHILDREN)
            return fan->child[i];
        at = fan->next;
    }
    return node->child;
}

static void put_in_fan(struct template_tree *tree, struct tree_node *node, uint32_t child)
{
    struct tree_fan *fan = node->fan == TREE_NONE ? NULL : &tree->fans[node->fan];
    if (!fan || fan->child[FAN_CHILDREN - 1] != TREE_NONE) {
        fan = &tree->fans[tree->n_fans];
        *fan = (struct tree_fan){.next = node->fan};
        memset(fan->child, 0xff, sizeof(fan->child));
        node->fan = tree->n_fans++;
    }
    unsigned i = 0;
    while (fan->child[i] != TREE_NONE)
        i++;
    fan->child[i] = child;
    fan->firsts |= (uint64_t)(uint8_t)tree->nodes[child].head[0] << (8 * i);
}

static void add_child(struct template_tree *tree, struct tree_node *node, uint32_t child)
{
    if (node->child == TREE_NONE && node->fan == TREE_NONE) {
        node->child = child;
        return;
    }
    if (node->child != TREE_NONE)
        put_in_fan(tree, node, node->child);
    node->child = TREE_NONE;
    put_in_fan(tree, node, child);
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
    behind->fan = node->fan;
    behind->leaf = node->leaf;
    behind->n_slots = node->n_slots;
    behind->class = node->class;
    memcpy(behind->slots, node->slots, sizeof(node->slots));
    set_label(node, node->label, n);
    node->child = rest;
    node->fan = TREE_NONE;
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
        struct tree_node *parent = &tree->nodes[at];
        uint32_t before = parent->n_name, child = find_child(tree, parent, *piece), n = 1;
        if (child == TREE_NONE || tree->nodes[child].head[0] != *piece) {
            child = new_node(tree, piece, len, count_name(piece, len, before));
            if (child != TREE_NONE)
                add_child(tree, parent, child);
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

/*
 * The walk reads a copy of the text with zeros behind it, which are in no label and no slot: so it
 * need not look for the end, and may read SLACK bytes beyond.
 */
#define SLACK 32

static inline bool take_digits(const char *text, struct slot *slot)
{
    static const uint64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
    uint64_t value, more;
    unsigned n = number_take8(text, &value);
    if (n == 8) {
        unsigned n_more = number_take8(text + 8, &more);
        value = value * powers[n_more] + more;
        n += n_more;
        for (uint8_t digit; n >= 16 && (digit = (uint8_t)(text[n] - '0')) <= 9; n++)
            value = value * 10 + digit;
    }
    slot->value = value;
    slot->end = slot->at + n;
    return n > 0 && n <= SLOT_MAX_DIGITS;
}

static inline bool take_address(const char *text, struct slot *slot)
{
    uint32_t value = 0;
    size_t len = token_address_value(text, text + TOKEN_ADDRESS_BYTES, &value);
    slot->value = value;
    slot->end = slot->at + (uint32_t)len;
    return len > 0;
}

static inline bool take_text(const char *text, struct slot *slot)
{
    uint64_t digits = 0;
    uint32_t len = 0;
    for (;;) {
        struct mask16 mask = mask_16(text + len);
        unsigned n = (unsigned)__builtin_ctzll(~mask.tokens);
        digits |= mask.digits & ((UINT64_C(1) << n) - 1);
        len += n;
        if (n < 16)
            break;
    }
    slot->value = 0;
    slot->end = slot->at + len;
    return digits != 0;
}

static inline bool take_slot(const struct tree_node *node, enum slot_class class, const char *text,
                             uint32_t at, struct slot *slot)
{
    slot->at = at;
    slot->token_at = at - node->n_name;
    slot->class = class;
    if (class == SLOT_DIGITS)
        return take_digits(text + at, slot);
    if (class == SLOT_ADDRESS)
        return take_address(text + at, slot);
    return take_text(text + at, slot);
}

/* The label behind its first bytes, which are equal: the last step overlaps the one before. */
static bool has_rest(const struct tree_node *node, const char *text)
{
    uint32_t at = TREE_LABEL_BYTES;
    for (; at + 16 <= node->len; at += 16)
        if (mask_equal16(node->label + at, text + at) != 0xffff)
            return false;
    at = node->len - 16u;
    return mask_equal16(node->label + at, text + at) == 0xffff;
}

static inline bool has_label(const struct tree_node *node, const char *text)
{
    return (mask_equal16(node->head, text) & node->mask) == node->mask &&
           (node->len <= TREE_LABEL_BYTES || has_rest(node, text));
}

/* A node to which the walk may come back: its slots from this class on are left to be tried. */
struct step {
    uint32_t node, at, n_slots, class;
};

/*
 * Over one of a node's slots, from this class on, where the text has one. Returns the node behind,
 * or TREE_NONE; and whether classes behind that one are left.
 */
static inline uint32_t over_slot(const struct tree_node *node, uint32_t *class, const char *text,
                                 uint32_t at, struct slot *slot)
{
    if (node->n_slots == 1) {
        *class = N_SLOT_CLASSES;
        return take_slot(node, node->class, text, at, slot) ? node->slots[node->class] : TREE_NONE;
    }
    for (uint32_t c = *class; c < N_SLOT_CLASSES; c++) {
        *class = c + 1;
        if (node->slots[c] != TREE_NONE && take_slot(node, c, text, at, slot))
            return node->slots[c];
    }
    return TREE_NONE;
}

static uint32_t walk(const struct template_tree *tree, const char *text, uint32_t len,
                     struct split *split)
{
    const struct tree_node *nodes = tree->nodes;
    struct step back[MAX_BACK], *top = back;
    uint32_t here = 0, at = 0, n_slots = 0, class = TRY_LABEL;
    for (unsigned i = 0; i < MAX_STEPS && top < back + MAX_BACK; i++) {
        const struct tree_node *node = &nodes[here];
        uint32_t next;
        if (class == TRY_LABEL) {
            class = 0;
            next = find_child(tree, node, text[at]);
            if (next != TREE_NONE && has_label(&nodes[next], text + at)) {
                if (node->n_slots > 0)
                    *top++ = (struct step){here, at, n_slots, 0};
                at += nodes[next].len;
                here = next;
                class = TRY_LABEL;
                continue;
            }
        }
        next = TREE_NONE;
        if (node->n_slots > 0 && n_slots < TEMPLATE_MAX_SLOTS)
            next = over_slot(node, &class, text, at, &split->slots[n_slots]);
        if (next != TREE_NONE) {
            if (class < N_SLOT_CLASSES)
                *top++ = (struct step){here, at, n_slots, class};
            at = split->slots[n_slots++].end;
            here = next;
            class = TRY_LABEL;
        } else if (at == len && node->leaf != TREE_NONE) {
            split->n_slots = n_slots;
            return node->leaf;
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

uint32_t template_tree_match(const struct template_tree *tree, const char *text, size_t n,
                             struct split *split)
{
    char padded[TEMPLATE_MAX_BYTES + SLACK];
    if (n > TEMPLATE_MAX_BYTES)
        return TREE_NONE;
    if (n > 0)
        memcpy(padded, text, n);
    memset(padded + n, 0, SLACK);
    return walk(tree, padded, (uint32_t)n, split);
}
