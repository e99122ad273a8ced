/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/split.h"
#include "store/template_tree.h"
#include "store/token.h"

#define ROUNDS     20000
#define TEXT_BYTES 120
#define N_LEAVES   64

/* ---- what template.h says, as one would write it without a thought of speed */

struct slot {
    uint32_t token_at; /* where the whole token begins: in front of a DIGITS slot may be letters */
    uint32_t at, end;
    enum slot_class class;
    uint64_t value;
};

struct model {
    uint32_t n_slots, n_skeleton;
    bool has_chain;
    struct slot slots[TEMPLATE_MAX_SLOTS];
    char skeleton[SKELETON_BYTES];
};

static size_t token_end(const char *text, size_t len, size_t at)
{
    while (at < len && token_byte(text[at]))
        at++;
    return at;
}

static size_t find_digit(const char *text, size_t at, size_t end)
{
    while (at < end && !token_digit(text[at]))
        at++;
    return at;
}

static bool all_digits(const char *text, size_t at, size_t end)
{
    for (; at < end; at++)
        if (!token_digit(text[at]))
            return false;
    return true;
}

static bool is_name(const char *text, size_t at, size_t end)
{
    for (; at < end; at++)
        if (!strchr("abcdefABCDEF", text[at]))
            return true;
    return false;
}

static struct slot naive_slot(const char *text, size_t len, size_t at, size_t end)
{
    size_t digit = find_digit(text, at, end);
    struct slot slot = {(uint32_t)at, (uint32_t)at, (uint32_t)end, SLOT_TEXT,
                        value_of_text((uint32_t)at, (uint32_t)(end - at))};
    uint32_t address;
    if (!all_digits(text, digit, end) || end - digit > SLOT_MAX_DIGITS)
        return slot;
    size_t quad = digit == at ? token_address_value(text + at, text + len, &address) : 0;
    if (quad > 0) {
        slot.class = SLOT_ADDRESS;
        slot.end = (uint32_t)(at + quad);
        slot.value = address;
    } else if (digit == at || is_name(text, at, digit)) {
        char number[SLOT_MAX_DIGITS + 1] = {0};
        memcpy(number, text + digit, end - digit);
        slot.class = SLOT_DIGITS;
        slot.at = (uint32_t)digit;
        slot.value = value_of_digits(strtoull(number, NULL, 10), (uint32_t)(end - digit));
    }
    return slot;
}

static void put(struct model *model, const char *text, size_t len)
{
    memcpy(model->skeleton + model->n_skeleton, text, len);
    model->n_skeleton += (uint32_t)len;
}

static bool naive_split(const char *text, size_t len, struct model *model)
{
    size_t piece = 0;
    model->n_slots = model->n_skeleton = 0;
    model->has_chain = false;
    if (len > TEMPLATE_MAX_BYTES || memchr(text, '\0', len))
        return false;
    for (size_t at = 0; at < len;) {
        size_t end = token_end(text, len, at);
        if (find_digit(text, at, end) == end) {
            at = end > at ? end : at + 1;
            continue;
        }
        if (model->n_slots == TEMPLATE_MAX_SLOTS)
            return false;
        struct slot slot = naive_slot(text, len, at, end);
        const char mark[] = {'\0', (char)slot.class};
        put(model, text + piece, slot.at - piece);
        put(model, mark, sizeof(mark));
        model->slots[model->n_slots++] = slot;
        model->has_chain |= slot.class == SLOT_ADDRESS && slot.end < len && text[slot.end] == '.';
        piece = at = slot.end;
    }
    put(model, text + piece, len - piece);
    return true;
}

/* In memory of exactly its size. */
static void check_split(const char *text, size_t len)
{
    static struct split found;
    static struct model expected;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    bool is_split = split_text(copy, len, &found);
    assert_int_equal(is_split, naive_split(text, len, &expected));
    if (is_split) {
        assert_int_equal(found.n_slots, expected.n_slots);
        assert_int_equal(found.has_chain, expected.has_chain);
        for (uint32_t i = 0; i < found.n_slots; i++)
            assert_int_equal(found.values[i], expected.slots[i].value);
        assert_int_equal(found.n_skeleton, expected.n_skeleton);
        assert_memory_equal(found.skeleton, expected.skeleton, found.n_skeleton);
    }
    free(copy);
}

static void assert_skeleton(const char *text, const char *expected)
{
    struct split split;
    char shown[512] = {0}, *out = shown;
    assert_true(split_text(text, strlen(text), &split));
    for (uint32_t i = 0; i < split.n_skeleton; i++)
        *out++ = split.skeleton[i] ? split.skeleton[i] : "DAT"[(int)split.skeleton[++i]];
    assert_string_equal(shown, expected);
}

static void skeletons_hold_what_lines_share(void **state)
{
    assert_skeleton("", "");
    assert_skeleton("no digits", "no digits");
    assert_skeleton("7", "D");
    assert_skeleton("from 192.0.2.7 port 4711 ssh2", "from A port D sshD");
    assert_skeleton("web01 abc1 4f3a 3f_9 x9x", "webD T T T T");
    assert_skeleton("1.2.3 1.2.3.4.5 1.2.3.256", "D.D.D A.D D.D.D.D");
    assert_skeleton("12345678901234567 123456789012345678", "D T");
    assert_skeleton("z123456789012345678", "T");
    assert_skeleton("\xc3\xbc"
                    "7 _7 a7 g7",
                    "\xc3\xbc"
                    "D _D T gD");
    assert_skeleton("10.0.0.1x", "D.D.D.T");
    assert_skeleton("x10.0.0.1", "xD.D.D.D");
}

static void what_is_kept_whole(void **state)
{
    static struct split split;
    static char text[TEMPLATE_MAX_BYTES + 1];
    memset(text, 'x', sizeof(text));
    assert_true(split_text(text, TEMPLATE_MAX_BYTES, &split));
    assert_int_equal(split.n_skeleton, TEMPLATE_MAX_BYTES);
    assert_false(split_text(text, TEMPLATE_MAX_BYTES + 1, &split));
    assert_false(split_text("a\0b", 3, &split));
    assert_false(split_text("\0", 1, &split));
    memset(text, ' ', sizeof(text));
    for (unsigned i = 0; i <= TEMPLATE_MAX_SLOTS; i++)
        text[2 * i] = '1';
    assert_true(split_text(text, 2 * TEMPLATE_MAX_SLOTS, &split));
    assert_int_equal(split.n_slots, TEMPLATE_MAX_SLOTS);
    assert_false(split_text(text, 2 * TEMPLATE_MAX_SLOTS + 1, &split));
}

static size_t random_text(char *text, size_t most)
{
    static const char *const alphabets[] = {"01259..  af_x\xc3", "012.", "0 a", "a1_",
                                            "0123456789"};
    const char *alphabet = alphabets[rand() % 5];
    size_t len = (size_t)rand() % most, n = strlen(alphabet);
    for (size_t i = 0; i < len; i++)
        text[i] = alphabet[(size_t)rand() % n];
    return len;
}

static void splits_as_a_naive_model(void **state)
{
    static char text[TEMPLATE_MAX_BYTES + 100];
    srand(2);
    for (unsigned round = 0; round < ROUNDS; round++)
        check_split(text, random_text(text, TEXT_BYTES));
    /* Runs that cross the words of the bitmaps. */
    for (size_t at = 0; at < 200; at++) {
        memset(text, 'x', 300);
        memset(text + at, '7', 1 + at % 70);
        check_split(text, 300);
        memset(text, '7', 300);
        text[at] = at % 2 ? ' ' : 'x';
        check_split(text, 300);
    }
    for (size_t len = TEMPLATE_MAX_BYTES - 20; len < TEMPLATE_MAX_BYTES + 3; len++) {
        memset(text, 'x', sizeof(text));
        text[len - 1] = '1';
        check_split(text, len);
    }
}

/* ---- the tree */

struct forest {
    struct template_tree tree;
    char *skeletons[N_LEAVES];
    uint32_t lens[N_LEAVES];
    unsigned n;
};

static void forest_add(struct forest *forest, const struct split *split)
{
    if (forest->n == N_LEAVES)
        return;
    char *skeleton = malloc(split->n_skeleton + 1);
    memcpy(skeleton, split->skeleton, split->n_skeleton);
    forest->skeletons[forest->n] = skeleton;
    forest->lens[forest->n] = split->n_skeleton;
    template_tree_insert(&forest->tree, skeleton, split->n_skeleton, forest->n++);
}

static void forest_init(struct forest *forest)
{
    *forest = (struct forest){0};
    assert_int_equal(template_tree_init(&forest->tree, 8192), 0);
}

static void forest_deinit(struct forest *forest)
{
    for (unsigned i = 0; i < forest->n; i++)
        free(forest->skeletons[i]);
    template_tree_deinit(&forest->tree);
}

/* What the slot of a match should hold: as split_text() has it, but that a TEXT slot may hold
 * digits alone. */
static uint64_t value_in(enum slot_class class, const struct slot *slot)
{
    if (class == SLOT_TEXT && slot->class == SLOT_DIGITS)
        return value_of_text(slot->token_at, slot->end - slot->token_at);
    assert_int_equal(slot->class, class);
    return slot->value;
}

/* The template's static text with the slots' text between is the text, and no slot is cut short. */
static void assert_puts_together(const struct forest *forest, uint32_t leaf, const char *text,
                                 size_t len, const struct split *split, const struct model *model)
{
    const char *at = forest->skeletons[leaf], *end = at + forest->lens[leaf];
    size_t done = 0;
    uint32_t n = 0;
    while (at < end) {
        if (*at) {
            assert_true(done < len && text[done] == *at);
            at++, done++;
            continue;
        }
        assert_true(n < model->n_slots);
        const struct slot *slot = &model->slots[n];
        assert_int_equal(at[1] == SLOT_TEXT ? slot->token_at : slot->at, done);
        assert_int_equal(split->values[n++], value_in((enum slot_class)at[1], slot));
        at += SKELETON_SLOT_BYTES;
        done = slot->end;
    }
    assert_int_equal(done, len);
    assert_int_equal(n, model->n_slots);
    assert_true(split->has_chain || !model->has_chain);
}

/* With templates as split_text() makes them, a match is what split_text() says of the text. Returns
 * whether there was one. */
static bool check_match(const struct forest *forest, const char *text, size_t len)
{
    static struct split found;
    static struct model expected;
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    uint32_t leaf =
        template_tree_match(&forest->tree, copy, len, len, found.values, &found.has_chain);
    if (leaf != TREE_NONE) {
        assert_true(naive_split(text, len, &expected));
        assert_puts_together(forest, leaf, text, len, &found, &expected);
    }
    free(copy);
    return leaf != TREE_NONE;
}

/* Other texts of a template: other digits, here and there. */
static void vary(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (rand() % 4 == 0)
            text[i] = token_digit(text[i]) ? (char)('0' + rand() % 10) : text[i];
}

static void matches_as_texts_are_split(void **state)
{
    static struct split split;
    char text[TEXT_BYTES];
    unsigned n_found = 0, n_varied = 0;
    srand(3);
    for (unsigned round = 0; round < 400; round++) {
        struct forest forest;
        forest_init(&forest);
        for (unsigned i = 0; i < 100; i++) {
            size_t len = random_text(text, round % 2 ? 12 : TEXT_BYTES);
            bool is_new = template_tree_match(&forest.tree, text, len, len, split.values,
                                              &split.has_chain) == TREE_NONE;
            check_match(&forest, text, len);
            if (is_new && split_text(text, len, &split))
                forest_add(&forest, &split);
            n_found += check_match(&forest, text, len);
            vary(text, len);
            n_varied += check_match(&forest, text, len);
        }
        forest_deinit(&forest);
    }
    assert_true(n_found > 10000 && n_varied > 2000);
}

static void finds_what_was_inserted(void **state)
{
    static const char *const texts[] = {
        "from 192.0.2.7 port 4711 ssh2",
        "from 192.0.2.7 port 4711 ssh2 x",
        "from web01 port 1 ssh2",
        "GET /a/4f3a9 200",
        "GET /b/17 200",
        "7 ms",
        "no digits",
        "",
        "GET ",
        "4f3a",
    };
    enum { N = sizeof(texts) / sizeof(texts[0]) };
    static struct split split;
    struct forest forest;
    forest_init(&forest);
    for (unsigned i = 0; i < N; i++) {
        assert_true(split_text(texts[i], strlen(texts[i]), &split));
        forest_add(&forest, &split);
    }
    for (unsigned i = 0; i < N; i++)
        assert_int_equal(template_tree_match(&forest.tree, texts[i], strlen(texts[i]),
                                             strlen(texts[i]), split.values, &split.has_chain),
                         i);
    assert_int_equal(template_tree_match(&forest.tree, "from 10.0.0.1 port 2 ssh3", 25, 25,
                                         split.values, &split.has_chain),
                     0);
    assert_int_equal(split.values[0], 0x0a000001);
    assert_int_equal(split.values[2] & VALUE_NUMBER, 3);
    assert_int_equal(template_tree_match(&forest.tree, "from x port 2 ssh3", 18, 18, split.values,
                                         &split.has_chain),
                     TREE_NONE);
    assert_int_equal(
        template_tree_match(&forest.tree, "7 msx", 5, 5, split.values, &split.has_chain),
        TREE_NONE);
    template_tree_clear(&forest.tree);
    assert_int_equal(
        template_tree_match(&forest.tree, "7 ms", 4, 4, split.values, &split.has_chain), TREE_NONE);
    forest_deinit(&forest);
}

/* More static text goes first, and where that leads nowhere the walk comes back. */
static void static_text_is_tried_first(void **state)
{
    static const char general[] = {'v', ' ', '\0', SLOT_DIGITS, ' ', '\0', SLOT_DIGITS};
    static const char special[] = {'v', ' ', '1', ' ', '\0', SLOT_DIGITS};
    static struct split split;
    struct template_tree tree;
    assert_int_equal(template_tree_init(&tree, 8192), 0);
    template_tree_insert(&tree, general, sizeof(general), 0);
    template_tree_insert(&tree, special, sizeof(special), 1);
    assert_int_equal(template_tree_match(&tree, "v 1 5", 5, 5, split.values, &split.has_chain), 1);
    assert_int_equal(split.values[0] & VALUE_NUMBER, 5);
    assert_int_equal(template_tree_match(&tree, "v 2 5", 5, 5, split.values, &split.has_chain), 0);
    assert_int_equal(template_tree_match(&tree, "v 12 5", 6, 6, split.values, &split.has_chain), 0);
    assert_int_equal(split.values[0] & VALUE_NUMBER, 12);
    assert_int_equal(split.values[1] & VALUE_NUMBER, 5);
    template_tree_deinit(&tree);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(skeletons_hold_what_lines_share),
        cmocka_unit_test(what_is_kept_whole),
        cmocka_unit_test(splits_as_a_naive_model),
        cmocka_unit_test(matches_as_texts_are_split),
        cmocka_unit_test(finds_what_was_inserted),
        cmocka_unit_test(static_text_is_tried_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
