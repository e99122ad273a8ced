/* SPDX-License-Identifier: MIT */
#include "store/encode_text.h"

#include <xxhash.h>
#include "store/token.h"

/*
 * Each row is split and its template looked up, by the tree of known templates where that finds it;
 * the values of its slots are appended to `vars`, eight bytes each. What becomes of them when all
 * rows are there is told in encode_text_columns.c.
 *
 * A template is known by its skeleton (split.h). A hash says where to look for it, its bytes say
 * whether it is the one; so a sender who finds texts of one hash gains nothing.
 */

/* Bytes of text that a slot stands for, at least, but for one in each row; more slots than that are
 * not kept apart. */
#define BYTES_A_VALUE 8

static size_t max_values(size_t n_rows, size_t n_bytes)
{
    return n_rows + n_bytes / BYTES_A_VALUE + TEMPLATE_MAX_SLOTS;
}

static size_t bytes_of(const struct text_encoder *encoder)
{
    return encoder->max_templates * (size_t)TEXT_TEMPLATE_BYTES;
}

size_t text_encoder_bytes(uint32_t max_templates, size_t n_rows, size_t n_bytes)
{
    size_t growing = n_rows * (sizeof(struct text_row) + sizeof(uint32_t)) +
                     max_values(n_rows, n_bytes) * 2 * sizeof(uint64_t) + n_bytes;
    return intern_slots(max_templates) * sizeof(struct intern_slot) +
           template_tree_bytes(max_templates * TEXT_TEMPLATE_NODES) +
           max_templates *
               (sizeof(struct text_template) + sizeof(uint32_t) + (size_t)TEXT_TEMPLATE_BYTES) +
           growing + growing / 2 + 3 * n_bytes;
}

int text_encoder_init(struct text_encoder *encoder, struct filter_builder *filter,
                      uint32_t max_templates)
{
    *encoder = (struct text_encoder){.filter = filter, .max_templates = max_templates};
    encoder->templates = malloc(max_templates * sizeof(*encoder->templates));
    encoder->used = malloc(max_templates * sizeof(*encoder->used));
    if (!encoder->templates || !encoder->used ||
        buffer_reserve(&encoder->bytes, bytes_of(encoder)) < 0)
        return -ENOMEM;
    int r = template_tree_init(&encoder->tree, max_templates * TEXT_TEMPLATE_NODES);
    return r < 0 ? r : intern_clear(&encoder->known, encoder->max_templates);
}

void text_encoder_deinit(struct text_encoder *encoder)
{
    intern_deinit(&encoder->known);
    free(encoder->templates);
    free(encoder->used);
    buffer_deinit(&encoder->rows);
    buffer_deinit(&encoder->index);
    buffer_deinit(&encoder->vars);
    buffer_deinit(&encoder->columns);
    buffer_deinit(&encoder->slot_texts);
    buffer_deinit(&encoder->bytes);
    buffer_deinit(&encoder->dict);
    buffer_deinit(&encoder->plain);
    buffer_deinit(&encoder->dense);
    buffer_deinit(&encoder->statics);
    buffer_deinit(&encoder->heads);
    buffer_deinit(&encoder->skeleton);
    template_tree_deinit(&encoder->tree);
    *encoder = (struct text_encoder){0};
}

int text_encoder_reserve(struct text_encoder *encoder, size_t n_rows, size_t n_bytes)
{
    encoder->rows.len = encoder->n_rows * sizeof(struct text_row);
    encoder->vars.len = encoder->n_vars * sizeof(uint64_t);
    encoder->var_capacity = encoder->n_vars + max_values(n_rows, n_bytes);
    return buffer_reserve(&encoder->rows, n_rows * sizeof(struct text_row)) < 0 ||
                   buffer_reserve(&encoder->vars, max_values(n_rows, n_bytes) * sizeof(uint64_t)) <
                       0 ||
                   buffer_reserve(&encoder->slot_texts, n_bytes) < 0
               ? -ENOMEM
               : 0;
}

static bool is_full(const struct text_encoder *encoder)
{
    return encoder->n_templates > encoder->max_templates / 2 ||
           encoder->bytes.len > bytes_of(encoder) / 2;
}

/*
 * Forgets all templates when there is little room for new ones. Where that comes of texts that no
 * template fits twice, learning the next block's would be in vain as well: then the encoder rests
 * for some blocks, each time for twice as many, and keeps whole what the tree does not know.
 */
static int make_room(struct text_encoder *encoder)
{
    if (encoder->n_rest > 0 && --encoder->n_rest > 0)
        return 0;
    if (!is_full(encoder)) {
        encoder->rest = 0;
        return 0;
    }
    if (encoder->n_whole > encoder->n_rows / 4) {
        encoder->rest = encoder->rest < TEXT_MAX_REST ? 2 * encoder->rest + 1 : TEXT_MAX_REST;
        encoder->n_rest = encoder->rest + 1;
    }
    encoder->n_templates = 0;
    encoder->bytes.len = 0;
    template_tree_clear(&encoder->tree);
    return intern_clear(&encoder->known, encoder->max_templates);
}

int text_encoder_begin(struct text_encoder *encoder)
{
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        struct text_template *template = &encoder->templates[encoder->used[i]];
        template->n_rows = 0;
        template->n_text_bytes = 0;
    }
    int r = make_room(encoder);
    encoder->n_used = 0;
    encoder->n_rows = encoder->n_vars = encoder->n_whole = encoder->slot_texts.len = 0;
    encoder->index.len = encoder->columns.len = 0;
    return r;
}

static bool is_template(const struct text_template *template, const char *skeleton, size_t n)
{
    return template->n_skeleton == n && memcmp(template->skeleton, skeleton, n) == 0;
}

/* Room in `bytes`, aligned for 64 bits; there must be enough. */
static void *take(struct text_encoder *encoder, size_t n_bytes)
{
    void *at = encoder->bytes.data + encoder->bytes.len;
    encoder->bytes.len += (n_bytes + 7) & ~(size_t)7;
    return at;
}

/* The tokens of a piece, but for a name that belongs to the slot behind it. */
static uint32_t hash_tokens(const char *piece, size_t len, bool before_slot, uint64_t *hashes)
{
    struct token_walk walk = TOKEN_WALK_INIT(piece, len);
    struct token token;
    uint32_t n = 0;
    while (token_next(&walk, &token)) {
        bool is_name = before_slot && token.data + token.len == piece + len;
        if (!is_name && token_is_filtered(&token))
            hashes[n++] = filter_hash(FILTER_TOKEN, token.data, token.len);
    }
    return n;
}

/* A token and an address in it have a byte each at least. */
static size_t max_hashes(const struct text_encoder *encoder, size_t n_skeleton)
{
    return encoder->filter ? n_skeleton + 1 : 0;
}

static uint32_t hash_pieces(const char *skeleton, size_t n, uint64_t *hashes)
{
    const char *at = skeleton, *end = skeleton + n;
    uint32_t n_hashes = 0;
    for (;;) {
        const char *slot = memchr(at, '\0', (size_t)(end - at));
        n_hashes += hash_tokens(at, (size_t)((slot ? slot : end) - at), slot, hashes + n_hashes);
        if (!slot)
            return n_hashes;
        at = slot + SKELETON_SLOT_BYTES;
    }
}

static uint64_t find_text_slots(const char *skeleton, size_t n)
{
    const char *at = skeleton, *end = skeleton + n;
    uint64_t bits = 0;
    for (uint64_t bit = 1; (at = memchr(at, '\0', (size_t)(end - at))); bit <<= 1) {
        bits |= at[1] == SLOT_TEXT ? bit : 0;
        at += SKELETON_SLOT_BYTES;
    }
    return bits;
}

/* Returns the index of a new template, or UINT32_MAX: no room. */
static uint32_t add_template(struct text_encoder *encoder, const char *skeleton, size_t n,
                             uint32_t n_slots)
{
    size_t most = max_hashes(encoder, n) * sizeof(uint64_t) + n + 16;
    if (encoder->n_templates == encoder->max_templates ||
        most > bytes_of(encoder) - encoder->bytes.len)
        return UINT32_MAX;
    struct text_template template = {
        .n_slots = n_slots, .n_skeleton = (uint32_t)n, .text_slots = find_text_slots(skeleton, n)};
    uint64_t *hashes = (uint64_t *)(encoder->bytes.data + encoder->bytes.len);
    if (encoder->filter)
        template.n_hashes = hash_pieces(skeleton, n, hashes);
    template.hashes = take(encoder, template.n_hashes * sizeof(*hashes));
    template.skeleton = memcpy(take(encoder, n), skeleton, n);
    template_tree_insert(&encoder->tree, template.skeleton, n, encoder->n_templates);
    encoder->templates[encoder->n_templates] = template;
    return encoder->n_templates++;
}

uint32_t text_encoder_template(struct text_encoder *encoder, const char *skeleton, size_t n,
                               uint32_t n_slots)
{
    uint64_t hash = XXH3_64bits(skeleton, n);
    struct intern_slot *slot = intern_first(&encoder->known, hash);
    for (; intern_taken(&encoder->known, slot); slot = intern_next(&encoder->known, slot))
        if (slot->hash == hash && is_template(&encoder->templates[slot->index], skeleton, n))
            return slot->index;
    uint32_t index = add_template(encoder, skeleton, n, n_slots);
    if (index != UINT32_MAX)
        intern_set(&encoder->known, slot, hash, index);
    return index;
}

/* The bytes of a TEXT slot, kept for themselves; there is room. */
static uint64_t keep_text(struct text_encoder *encoder, const char *text, uint64_t value)
{
    uint32_t len = value & 0xffff;
    size_t at = encoder->slot_texts.len;
    buffer_put(&encoder->slot_texts, text + (value >> 16), len);
    return value_of_text(at, len);
}

/* Counts a row to its template. */
static uint32_t use_template(struct text_encoder *encoder, uint32_t index, struct text text,
                             uint64_t *values)
{
    struct text_template *template = &encoder->templates[index];
    for (uint64_t left = template->text_slots; left; left &= left - 1) {
        uint64_t *value = &values[__builtin_ctzll(left)];
        *value = keep_text(encoder, text.data, *value);
    }
    template->n_text_bytes += text.len;
    if (template->n_rows++ == 0)
        encoder->used[encoder->n_used++] = index;
    return template->n_slots;
}

/* What the tree does not find: a template that is known all the same, or a new one. */
static uint32_t split_and_find(struct text_encoder *encoder, struct text text, uint64_t *ret_values,
                               bool *ret_has_chain)
{
    struct split *split = &encoder->split;
    if (encoder->n_rest > 0 || !split_text(text.data, text.len, split))
        return UINT32_MAX;
    memcpy(ret_values, split->values, split->n_slots * sizeof(*ret_values));
    *ret_has_chain = split->has_chain;
    return text_encoder_template(encoder, split->skeleton, split->n_skeleton, split->n_slots);
}

/*
 * One row; returns how many values it has. The values of slots come to the filter column by column;
 * texts without template, and those in which addresses may hide behind one another, at once.
 */
static inline uint32_t add_text(struct text_encoder *encoder, struct text text, size_t n_readable,
                                uint64_t *values, bool has_room, uint32_t *ret_template)
{
    uint32_t index = UINT32_MAX, n_values = 0;
    bool has_chain = false;
    if (has_room)
        index = template_tree_match(&encoder->tree, text.data, text.len, n_readable, values,
                                    &has_chain);
    if (index == TREE_NONE && has_room)
        index = split_and_find(encoder, text, values, &has_chain);
    if (index != UINT32_MAX)
        n_values = use_template(encoder, index, text, values);
    if (encoder->filter && (index == UINT32_MAX || has_chain))
        filter_builder_add_text(encoder->filter, text.data, text.len);
    *ret_template = index + 1;
    return n_values;
}

void text_encoder_add(struct text_encoder *encoder, const struct text_spans *spans)
{
    static const char empty[TREE_SLACK];
    struct text_row *row = (struct text_row *)encoder->rows.data + encoder->n_rows;
    uint64_t *values = (uint64_t *)encoder->vars.data;
    size_t n_vars = encoder->n_vars, last = encoder->var_capacity - TEMPLATE_MAX_SLOTS;
    const char *at = (const char *)spans->first;
    for (size_t i = 0; i < spans->n; i++, row++, at += spans->stride) {
        struct span span;
        memcpy(&span, at, sizeof(span));
        struct text text = {span.len ? spans->bytes + span.off : empty, span.len};
        size_t n_readable = sizeof(empty);
        if (span.len)
            n_readable = spans->n_readable > span.off ? spans->n_readable - span.off : 0;
        row->first_var = (uint32_t)n_vars;
        n_vars += add_text(encoder, text, n_readable, values + n_vars, n_vars <= last,
                           &row->template);
    }
    encoder->n_rows += spans->n;
    encoder->n_vars = n_vars;
}
