/* SPDX-License-Identifier: MIT */
#include "store/template_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "store/byte_masks.h"
#include "store/number.h"

/* A text that has not found its template after so many turns is left to split_text(). */
#define MAX_TURNS 256
/* Places that it may come back to. */
#define MAX_BACK 32
/* Numbers that make an address. */
#define CHAIN 4

int template_tree_init(struct template_tree *tree, uint32_t max_nodes)
{
    tree->max_nodes = max_nodes;
    tree->nodes = aligned_alloc(sizeof(*tree->nodes), max_nodes * sizeof(*tree->nodes));
    tree->fans = malloc(max_nodes / 2 * sizeof(*tree->fans));
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

/* Called when what is behind the node has changed. */
static void set_way(struct tree_node *node)
{
    unsigned n_ways =
        (node->child != TREE_NONE) + (node->fan != TREE_NONE) + (node->leaf != TREE_NONE);
    node->way = node->child != TREE_NONE ? WAY_LABEL : node->fan != TREE_NONE ? WAY_FAN : WAY_LEAF;
    for (unsigned class = 0; class < N_SLOT_CLASSES; class ++) {
        if (node->slots[class] == TREE_NONE)
            continue;
        n_ways++;
        node->way = (uint8_t) class;
    }
    if (n_ways > 1)
        node->way = WAY_FORK;
}

static uint32_t new_node(struct template_tree *tree, const char *label, size_t len)
{
    if (tree->n_nodes == tree->max_nodes)
        return TREE_NONE;
    struct tree_node *node = &tree->nodes[tree->n_nodes];
    *node = (struct tree_node){
        .child = TREE_NONE,
        .fan = TREE_NONE,
        .slots = {TREE_NONE, TREE_NONE, TREE_NONE},
        .leaf = TREE_NONE,
        .way = WAY_LEAF,
    };
    set_label(node, label, len);
    return tree->n_nodes++;
}

void template_tree_clear(struct template_tree *tree)
{
    tree->n_nodes = tree->n_fans = 0;
    new_node(tree, "", 0);
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
    if (node->child != TREE_NONE)
        return node->child;
    for (uint32_t at = node->fan; at != TREE_NONE; at = tree->fans[at].next) {
        unsigned i = find_byte(tree->fans[at].firsts, first);
        if (i < FAN_CHILDREN)
            return tree->fans[at].child[i];
    }
    return TREE_NONE;
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

static const char *skip_token(const char *at, const char *end)
{
    while (at < end && token_byte(*at))
        at++;
    return at;
}

/*
 * Are there slots in a chain of as many numbers as an address has, or more? Static numbers count as
 * slots do: "10.0.0." DIGITS would take addresses apart.
 */
static bool is_chained(const char *skeleton, size_t n)
{
    const char *at = skeleton, *end = skeleton + n;
    unsigned n_numbers = 0;
    bool has_slot = false, behind_number = false;
    while (at < end) {
        bool joins = behind_number && *at == '.', is_slot = *at == '\0';
        unsigned n_more = is_slot && at[1] == SLOT_ADDRESS ? CHAIN : is_slot || token_digit(*at);
        at = is_slot ? at + SKELETON_SLOT_BYTES : token_byte(*at) ? skip_token(at, end) : at + 1;
        behind_number = n_more > 0;
        if (!behind_number && !joins) {
            n_numbers = 0;
            has_slot = false;
        }
        n_numbers += n_more;
        has_slot |= is_slot;
        if (has_slot && (n_numbers > CHAIN || (n_numbers == CHAIN && n_more == 1)))
            return true;
    }
    return false;
}

/* The node keeps the first n bytes of its label; a new one takes the rest, and what is behind. */
static bool split_node(struct template_tree *tree, uint32_t index, uint32_t n)
{
    struct tree_node *node = &tree->nodes[index];
    uint32_t rest = new_node(tree, node->label + n, node->len - n);
    if (rest == TREE_NONE)
        return false;
    struct tree_node *behind = &tree->nodes[rest];
    behind->child = node->child;
    behind->fan = node->fan;
    behind->leaf = node->leaf;
    behind->way = node->way;
    memcpy(behind->slots, node->slots, sizeof(node->slots));
    set_label(node, node->label, n);
    node->child = rest;
    node->fan = TREE_NONE;
    node->leaf = TREE_NONE;
    node->slots[0] = node->slots[1] = node->slots[2] = TREE_NONE;
    node->way = WAY_LABEL;
    return true;
}

/* Walks a piece of static text, adding what is missing. Returns the node behind it. */
static uint32_t insert_piece(struct template_tree *tree, uint32_t at, const char *piece, size_t len)
{
    while (len > 0) {
        struct tree_node *parent = &tree->nodes[at];
        uint32_t child = find_child(tree, parent, *piece), n = 1;
        if (child == TREE_NONE || tree->nodes[child].head[0] != *piece) {
            child = new_node(tree, piece, len);
            if (child == TREE_NONE)
                return TREE_NONE;
            add_child(tree, parent, child);
            set_way(parent);
            return child;
        }
        const struct tree_node *node = &tree->nodes[child];
        while (n < node->len && n < len && node->label[n] == piece[n])
            n++;
        if (n < node->len && !split_node(tree, child, n))
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
    node->slots[class] = new_node(tree, "", 0);
    set_way(node);
}

void template_tree_insert(struct template_tree *tree, const char *skeleton, size_t n, uint32_t leaf)
{
    const char *at = skeleton, *end = skeleton + n;
    uint32_t node = 0;
    if (is_chained(skeleton, n))
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
    set_way(&tree->nodes[node]);
}

static inline uint32_t take_digits(const char *text, uint64_t *ret_value)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    uint64_t value, more;
    unsigned n = number_take8(text, &value);
    if (n == 8) {
        unsigned n_more = number_take8(text + 8, &more);
        value = value * powers[n_more] + more;
        n += n_more;
        for (uint8_t digit; n >= 16 && (digit = (uint8_t)(text[n] - '0')) <= 9; n++)
            value = value * 10 + digit;
    }
    *ret_value = value_of_digits(value, n);
    return n <= SLOT_MAX_DIGITS ? n : 0;
}

static inline uint32_t take_address(const char *text, uint64_t *ret_value)
{
    uint32_t value = 0;
    size_t len = token_address_value(text, text + TOKEN_ADDRESS_BYTES, &value);
    *ret_value = value;
    return (uint32_t)len;
}

static inline uint32_t take_text(const char *text, uint32_t at, uint64_t *ret_value)
{
    uint64_t digits = 0;
    uint32_t len = 0;
    unsigned n;
    do {
        struct mask16 mask = mask_16(text + len);
        n = (unsigned)__builtin_ctzll(~mask.tokens);
        digits |= mask.digits & ((UINT64_C(1) << n) - 1);
        len += n;
    } while (n == 16);
    *ret_value = value_of_text(at, len);
    return digits ? len : 0;
}

/* How far the text and the tree have come together. */
struct position {
    const struct tree_node *node;
    uint64_t *value; /* of the next slot; a path has no more of them than a template may have */
    uint32_t at;
};

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

static inline bool has_label(const struct tree_node *node, const char *text, uint32_t left)
{
    return node->len <= left && (~mask_equal16(node->head, text) & node->mask) == 0 &&
           (node->len <= TREE_LABEL_BYTES || has_rest(node, text));
}

static inline bool over_label(struct position *position, const struct tree_node *next,
                              const char *text, uint32_t len)
{
    if (!has_label(next, text + position->at, len - position->at))
        return false;
    position->at += next->len;
    position->node = next;
    return true;
}

static inline bool over_child(const struct template_tree *tree, struct position *position,
                              const char *text, uint32_t len)
{
    uint32_t child = find_child(tree, position->node, text[position->at]);
    return child != TREE_NONE && over_label(position, &tree->nodes[child], text, len);
}

/* A fork to which the walk may come back, and where it goes then: the slots from this class on. */
struct step {
    struct position position;
    unsigned class;
};

struct trail {
    unsigned n;
    bool has_chain; /* a dot was behind an address */
    struct step steps[MAX_BACK];
};

static inline bool over_slot(const struct template_tree *tree, struct position *position,
                             enum slot_class class, const char *text, struct trail *trail)
{
    uint32_t at = position->at, n;
    switch (class) {
    case SLOT_DIGITS:
        n = take_digits(text + at, position->value);
        break;
    case SLOT_ADDRESS:
        n = take_address(text + at, position->value);
        trail->has_chain |= text[at + n] == '.';
        break;
    default:
        n = take_text(text + at, at, position->value);
    }
    if (n == 0)
        return false;
    position->at += n;
    position->value++;
    position->node = &tree->nodes[position->node->slots[class]];
    return true;
}

/* At a fork, one of its slots, from this class on; those that are left are put on the trail. */
static bool fork_slot(const struct template_tree *tree, struct position *position, unsigned class,
                      const char *text, struct trail *trail)
{
    const struct position here = *position;
    for (; class < N_SLOT_CLASSES; class ++) {
        if (here.node->slots[class] == TREE_NONE || !over_slot(tree, position, class, text, trail))
            continue;
        if (class + 1 < N_SLOT_CLASSES && trail->n < MAX_BACK)
            trail->steps[trail->n++] = (struct step){here, class + 1};
        return true;
    }
    return false;
}

static bool fork_label(const struct template_tree *tree, struct position *position,
                       const char *text, uint32_t len, struct trail *trail)
{
    const struct position here = *position;
    if (!over_child(tree, position, text, len))
        return fork_slot(tree, position, 0, text, trail);
    if (trail->n < MAX_BACK)
        trail->steps[trail->n++] = (struct step){here, 0};
    return true;
}

/* Where there is one way, on. False: it is no way for this text, or there is not one. */
static inline bool go_straight(const struct template_tree *tree, struct position *position,
                               const char *text, uint32_t len, struct trail *trail)
{
    switch ((enum tree_way)position->node->way) {
    case WAY_DIGITS:
        return over_slot(tree, position, SLOT_DIGITS, text, trail);
    case WAY_ADDRESS:
        return over_slot(tree, position, SLOT_ADDRESS, text, trail);
    case WAY_TEXT:
        return over_slot(tree, position, SLOT_TEXT, text, trail);
    case WAY_LABEL:
        return over_label(position, &tree->nodes[position->node->child], text, len);
    case WAY_FAN:
        return over_child(tree, position, text, len);
    case WAY_LEAF:
    case WAY_FORK:
        break;
    }
    return false;
}

/* Back to the last fork that has another way. */
static bool go_back(const struct template_tree *tree, struct position *position, const char *text,
                    struct trail *trail)
{
    while (trail->n > 0) {
        const struct step last = trail->steps[--trail->n];
        *position = last.position;
        if (fork_slot(tree, position, last.class, text, trail))
            return true;
    }
    return false;
}

/* Where going straight has ended. Returns whether there is a way on. */
static bool turn(const struct template_tree *tree, struct position *position, const char *text,
                 uint32_t len, struct trail *trail)
{
    return (position->node->way == WAY_FORK && fork_label(tree, position, text, len, trail)) ||
           go_back(tree, position, text, trail);
}

uint32_t template_tree_walk(const struct template_tree *tree, const char *text, uint32_t len,
                            uint64_t *ret_values, bool *ret_has_chain)
{
    struct position position = {tree->nodes, ret_values, 0}, turned;
    struct trail trail;
    trail.n = 0;
    trail.has_chain = false;
    for (unsigned i = 0; i < MAX_TURNS; i++) {
        while (go_straight(tree, &position, text, len, &trail))
            ;
        if (position.at == len && position.node->leaf != TREE_NONE) {
            *ret_has_chain = trail.has_chain;
            return position.node->leaf;
        }
        turned = position; /* a copy, so that the position itself can stay in registers */
        if (!turn(tree, &turned, text, len, &trail))
            return TREE_NONE;
        position = turned;
    }
    return TREE_NONE;
}

/* Copied in front of zeros, which are in no label and no slot. */
uint32_t template_tree_walk_copy(const struct template_tree *tree, const char *text, size_t len,
                                 uint64_t *ret_values, bool *ret_has_chain)
{
    char copy[TEMPLATE_MAX_BYTES + TREE_SLACK];
    if (len > TEMPLATE_MAX_BYTES)
        return TREE_NONE;
    memcpy(copy, text, len);
    memset(copy + len, 0, TREE_SLACK);
    return template_tree_walk(tree, copy, (uint32_t)len, ret_values, ret_has_chain);
}
