/* SPDX-License-Identifier: MIT */
#include "store/encode_text.h"

#include "store/encode_slots.h"
#include "store/token.h"

/*
 * Each row is split, its template looked up, and the values of its slots are appended to `vars`,
 * eight bytes each. When all rows are there, the templates with too few of them are given up, the
 * values are sorted by column (a counting sort: the places are known), and the columns are written
 * (encode_slots.c).
 *
 *   vars      row 0: a0 b0 c0 | row 1: d0 | row 2: a1 b1 c1 | …
 *   columns   template 0: a0 a1 … b0 b1 … c0 c1 … | template 1: d0 …
 *
 * A hash says where to look for a template; its bytes say whether it is the one. So a sender who
 * finds texts of one hash gains nothing.
 */
struct text_template {
    const uint64_t *hashes;  /* of the tokens in its static text */
    const uint32_t *lens;    /* of the n_slots + 1 pieces */
    const uint8_t *classes;  /* of the slots */
    const char *text;        /* the pieces, without gaps */
    uint32_t n_hashes, n_slots, n_bytes;
    /* in this block: */
    uint32_t n_rows, n_seen;
    uint32_t number;    /* 1 + its place on disk; 0: given up */
    size_t first_value; /* in columns */
};

/* Bytes of text that a slot stands for, at least; more slots than that are not kept apart. */
#define BYTES_A_VALUE 8

static size_t max_values(size_t n_bytes)
{
    return n_bytes / BYTES_A_VALUE + TEMPLATE_MAX_SLOTS;
}

size_t text_encoder_bytes(size_t n_rows, size_t n_bytes)
{
    return intern_slots(TEXT_MAX_TEMPLATES) * sizeof(struct intern_slot) +
           TEXT_MAX_TEMPLATES * (sizeof(struct text_template) + sizeof(uint32_t)) +
           TEXT_TEMPLATES_BYTES + n_rows * sizeof(uint32_t) +
           max_values(n_bytes) * 2 * sizeof(uint64_t) + 3 * n_bytes;
}

int text_encoder_init(struct text_encoder *encoder, struct filter_builder *filter)
{
    *encoder = (struct text_encoder){.filter = filter};
    encoder->templates = malloc(TEXT_MAX_TEMPLATES * sizeof(*encoder->templates));
    encoder->used = malloc(TEXT_MAX_TEMPLATES * sizeof(*encoder->used));
    if (!encoder->templates || !encoder->used ||
        buffer_reserve(&encoder->bytes, TEXT_TEMPLATES_BYTES) < 0)
        return -ENOMEM;
    return intern_clear(&encoder->known, TEXT_MAX_TEMPLATES);
}

void text_encoder_deinit(struct text_encoder *encoder)
{
    intern_deinit(&encoder->known);
    free(encoder->templates);
    free(encoder->used);
    free(encoder->rows);
    free(encoder->vars);
    free(encoder->columns);
    buffer_deinit(&encoder->bytes);
    buffer_deinit(&encoder->dict);
    buffer_deinit(&encoder->plain);
    buffer_deinit(&encoder->dense);
    *encoder = (struct text_encoder){0};
}

static int grow(uint64_t **values, size_t n)
{
    uint64_t *grown = realloc(*values, n * sizeof(*grown));
    if (!grown)
        return -ENOMEM;
    *values = grown;
    return 0;
}

static int reserve(struct text_encoder *encoder, size_t n_rows, size_t n_values)
{
    if (n_rows > encoder->row_capacity) {
        uint32_t *rows = realloc(encoder->rows, n_rows * sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        encoder->rows = rows;
        encoder->row_capacity = n_rows;
    }
    if (n_values <= encoder->var_capacity)
        return 0;
    if (grow(&encoder->vars, n_values) < 0 || grow(&encoder->columns, n_values) < 0)
        return -ENOMEM;
    encoder->var_capacity = n_values;
    return 0;
}

/* Forgets all templates when the last block left little room for new ones. */
static int make_room(struct text_encoder *encoder)
{
    if (encoder->n_templates <= TEXT_MAX_TEMPLATES / 2 &&
        encoder->bytes.len <= TEXT_TEMPLATES_BYTES / 2)
        return 0;
    encoder->n_templates = 0;
    encoder->bytes.len = 0;
    return intern_clear(&encoder->known, TEXT_MAX_TEMPLATES);
}

int text_encoder_begin(struct text_encoder *encoder, size_t n_rows, size_t n_bytes)
{
    for (uint32_t i = 0; i < encoder->n_used; i++)
        encoder->templates[encoder->used[i]].n_rows = 0;
    encoder->n_used = 0;
    encoder->n_rows = encoder->n_vars = 0;
    int r = make_room(encoder);
    return r < 0 ? r : reserve(encoder, n_rows, max_values(n_bytes));
}

static bool is_template(const struct text_template *template, const char *text, size_t len,
                        const struct split *split)
{
    const char *piece = template->text;
    uint32_t at = 0;
    if (template->n_slots != split->n_slots)
        return false;
    for (uint32_t i = 0; i <= split->n_slots; i++) {
        const struct slot *slot = i < split->n_slots ? &split->slots[i] : NULL;
        uint32_t n = (slot ? slot->at : (uint32_t)len) - at;
        if (template->lens[i] != n || memcmp(piece, text + at, n) != 0 ||
            (slot && template->classes[i] != slot->class))
            return false;
        piece += n;
        at = slot ? slot->end : at;
    }
    return true;
}

/* Room in `bytes`, aligned for 64 bits; there must be enough. */
static void *take(struct text_encoder *encoder, size_t n_bytes)
{
    void *at = encoder->bytes.data + encoder->bytes.len;
    encoder->bytes.len += (n_bytes + 7) & ~(size_t)7;
    return at;
}

/* The tokens of the static text: those of the whole text that are not, or in, a slot. */
static uint32_t hash_tokens(const char *text, size_t len, const struct split *split,
                            uint64_t *hashes, uint32_t max)
{
    struct token_walk walk = TOKEN_WALK_INIT(text, len);
    struct token token;
    uint32_t n = 0, slot = 0;
    while (n < max && token_next(&walk, &token)) {
        uint32_t at = (uint32_t)(token.data - text);
        while (slot < split->n_slots && split->slots[slot].end <= at)
            slot++;
        bool in_slot = slot < split->n_slots && at >= split->slots[slot].token_at;
        if (!in_slot && token_is_filtered(&token))
            hashes[n++] = filter_hash(FILTER_TOKEN, token.data, token.len);
    }
    return n;
}

/* Returns the index of a new template, or UINT32_MAX: no room. */
static uint32_t add_template(struct text_encoder *encoder, const char *text, size_t len,
                             const struct split *split)
{
    size_t n_slots = split->n_slots, max_hashes = encoder->filter ? len / 2 + 1 : 0;
    size_t most = max_hashes * sizeof(uint64_t) + (n_slots + 1) * sizeof(uint32_t) + n_slots + len;
    if (encoder->n_templates == TEXT_MAX_TEMPLATES ||
        most + 32 > TEXT_TEMPLATES_BYTES - encoder->bytes.len)
        return UINT32_MAX;
    struct text_template template = {.n_slots = split->n_slots};
    uint64_t *hashes = (uint64_t *)(encoder->bytes.data + encoder->bytes.len);
    if (encoder->filter)
        template.n_hashes = hash_tokens(text, len, split, hashes, (uint32_t)max_hashes);
    template.hashes = take(encoder, template.n_hashes * sizeof(*hashes));
    uint32_t *lens = take(encoder, (n_slots + 1) * sizeof(*lens));
    uint8_t *classes = take(encoder, n_slots);
    char *pieces = (char *)encoder->bytes.data + encoder->bytes.len;
    uint32_t at = 0;
    for (size_t i = 0; i <= n_slots; i++) {
        const struct slot *slot = i < n_slots ? &split->slots[i] : NULL;
        lens[i] = (slot ? slot->at : (uint32_t)len) - at;
        memcpy(pieces + template.n_bytes, text + at, lens[i]);
        template.n_bytes += lens[i];
        at += lens[i];
        if (slot) {
            classes[i] = (uint8_t)slot->class;
            at = slot->end;
        }
    }
    template.lens = lens;
    template.classes = classes;
    template.text = take(encoder, template.n_bytes);
    encoder->templates[encoder->n_templates] = template;
    return encoder->n_templates++;
}

/* Found or added; UINT32_MAX: no room for it. */
static uint32_t find_template(struct text_encoder *encoder, const char *text, size_t len,
                              const struct split *split)
{
    struct intern_slot *slot = intern_first(&encoder->known, split->hash);
    for (; intern_taken(&encoder->known, slot); slot = intern_next(&encoder->known, slot))
        if (slot->hash == split->hash &&
            is_template(&encoder->templates[slot->index], text, len, split))
            return slot->index;
    uint32_t index = add_template(encoder, text, len, split);
    if (index != UINT32_MAX)
        intern_set(&encoder->known, slot, split->hash, index);
    return index;
}

/* A chain of more than four numbers holds more addresses than the slot (token.h). */
static void add_chain(struct filter_builder *filter, const char *text, size_t len,
                      const struct slot *slot)
{
    for (uint32_t at = slot->at + 1; at < slot->end; at++) {
        size_t quad = text[at - 1] == '.' ? token_address(text + at, text + len) : 0;
        if (quad > 0)
            filter_builder_add(filter, filter_hash(FILTER_TOKEN, text + at, quad));
    }
}

static void add_to_filter(struct filter_builder *filter, const char *text, size_t len,
                          const struct split *split)
{
    for (uint32_t i = 0; i < split->n_slots; i++) {
        const struct slot *slot = &split->slots[i];
        bool is_number = slot->class == SLOT_DIGITS && slot->token_at == slot->at;
        if (is_number && slot->end - slot->at <= TOKEN_SHORT_DIGITS)
            continue;
        filter_builder_add(filter, filter_hash(FILTER_TOKEN, text + slot->token_at,
                                               slot->end - slot->token_at));
        if (slot->class == SLOT_ADDRESS && slot->end < len && text[slot->end] == '.')
            add_chain(filter, text, len, slot);
    }
}

/* Counts a row to its template. */
static void use_template(struct text_encoder *encoder, uint32_t index)
{
    struct text_template *template = &encoder->templates[index];
    if (template->n_rows++ > 0)
        return;
    encoder->used[encoder->n_used++] = index;
    for (uint32_t i = 0; i < template->n_hashes; i++)
        filter_builder_add(encoder->filter, template->hashes[i]);
}

void text_encoder_add(struct text_encoder *encoder, const char *text, size_t len)
{
    struct split split;
    uint32_t row = (uint32_t)encoder->n_rows++, index = UINT32_MAX;
    bool is_split = split_text(text, len, &split) &&
                    split.n_slots <= encoder->var_capacity - encoder->n_vars;
    if (is_split)
        index = find_template(encoder, text, len, &split);
    encoder->rows[row] = index + 1;
    if (index == UINT32_MAX) {
        if (encoder->filter)
            filter_builder_add_text(encoder->filter, text, len);
        return;
    }
    use_template(encoder, index);
    for (uint32_t i = 0; i < split.n_slots; i++)
        encoder->vars[encoder->n_vars++] = slot_value(&split.slots[i], row);
    if (encoder->filter)
        add_to_filter(encoder->filter, text, len, &split);
}

/* Numbers the templates that stay, and gives their columns places. Returns how many stay. */
static uint32_t number_templates(struct text_encoder *encoder)
{
    uint32_t n = 0;
    size_t n_values = 0;
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        struct text_template *template = &encoder->templates[encoder->used[i]];
        bool stays = template->n_rows >= TEXT_TEMPLATE_ROWS || template->n_bytes == 0;
        template->number = stays ? ++n : 0;
        template->n_seen = 0;
        template->first_value = n_values;
        n_values += stays ? template->n_rows * (size_t)template->n_slots : 0;
    }
    return n;
}

static void sort_values(struct text_encoder *encoder)
{
    const uint64_t *var = encoder->vars;
    for (size_t row = 0; row < encoder->n_rows; row++) {
        if (encoder->rows[row] == 0)
            continue;
        struct text_template *template = &encoder->templates[encoder->rows[row] - 1];
        encoder->rows[row] = template->number;
        if (template->number > 0) {
            uint64_t *value = encoder->columns + template->first_value + template->n_seen++;
            for (uint32_t i = 0; i < template->n_slots; i++, value += template->n_rows)
                *value = var[i];
        }
        var += template->n_slots;
    }
}

static int put_templates(struct text_encoder *encoder, uint32_t n, uint64_t n_text_bytes)
{
    struct buffer *dict = &encoder->dict;
    size_t n_lens = 0, n_bytes = 0;
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        n_lens += template->n_slots + 2;
        n_bytes += template->n_bytes;
    }
    if (buffer_reserve(dict, VARINT_BYTES * (n_lens + 2) + n_bytes) < 0)
        return -ENOMEM;
    buffer_put_varint(dict, n);
    buffer_put_varint(dict, n_text_bytes);
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        if (template->number == 0)
            continue;
        buffer_put_varint(dict, template->n_slots);
        for (uint32_t piece = 0; piece <= template->n_slots; piece++)
            buffer_put_varint(dict, template->lens[piece]);
    }
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        if (template->number > 0)
            buffer_put(dict, template->text, template->n_bytes);
    }
    return 0;
}

static int put_columns(struct text_encoder *encoder, const struct text_source *source)
{
    struct slot_writer writer = {&encoder->dict, &encoder->plain, &encoder->dense, source};
    for (uint32_t i = 0; i < encoder->n_used; i++) {
        const struct text_template *template = &encoder->templates[encoder->used[i]];
        uint64_t *values = encoder->columns + template->first_value;
        for (uint32_t slot = 0; template->number > 0 && slot < template->n_slots; slot++) {
            int r = slot_write(&writer, template->classes[slot], values, template->n_rows);
            if (r < 0)
                return r;
            values += template->n_rows;
        }
    }
    return 0;
}

int text_encoder_finish(struct text_encoder *encoder, const struct text_source *source)
{
    uint64_t n_text_bytes = 0;
    uint32_t n = number_templates(encoder);
    encoder->dict.len = encoder->plain.len = encoder->dense.len = 0;
    sort_values(encoder);
    for (size_t row = 0; row < encoder->n_rows; row++)
        if (encoder->rows[row] > 0)
            n_text_bytes += source->text(source->arg, row).len;
    if (n == 0)
        return 0;
    if (put_templates(encoder, n, n_text_bytes) < 0 || put_columns(encoder, source) < 0)
        return -ENOMEM;
    return 1;
}
