/* SPDX-License-Identifier: MIT */
#include "daemon/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * libyaml's events become a tree by recursive descent; the depth is bounded by YAML_DEPTH_MAX.
 * read_node() consumes exactly the events of one node and returns NULL only when reading cannot go
 * on (`stopped`); everything else that is wrong is reported and leaves a YAML_REFUSED node, so that
 * one reading finds all errors.
 */
struct reader {
    yaml_parser_t parser;
    const char *text; /* the whole file, to find places that libyaml gives as a byte offset */
    size_t len;
    const char *file;
    struct config_errors *errors;
    unsigned depth, n_nodes;
    bool stopped;
};

static struct yaml_tree *read_node(struct reader *r, const yaml_event_t *event);

static struct config_place place_of(const struct reader *r, const yaml_mark_t *mark)
{
    return (struct config_place){r->file, (unsigned)mark->line + 1, (unsigned)mark->column + 1};
}

static struct config_place place_at_offset(const struct reader *r, size_t offset)
{
    struct config_place place = {r->file, 1, 1};
    for (size_t i = 0; i < offset && i < r->len; i++) {
        if (r->text[i] == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)r->text[i] & 0xc0) != 0x80) {
            place.column++;
        }
    }
    return place;
}

static void *stop(struct reader *r)
{
    r->stopped = true;
    return NULL;
}

/* The byte that a mark points at; marks count characters. */
static char byte_at(const struct reader *r, const yaml_mark_t *mark)
{
    size_t n_characters = 0;
    for (size_t i = 0; i < r->len; i++)
        if (((unsigned char)r->text[i] & 0xc0) != 0x80 && n_characters++ == mark->index)
            return r->text[i];
    return '\0';
}

static void report_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    struct config_place place = place_of(r, &p->problem_mark);

    if (p->error == YAML_MEMORY_ERROR) {
        config_error_memory(r->errors);
    } else if (p->error == YAML_READER_ERROR) {
        place = place_at_offset(r, p->problem_offset);
        config_error(r->errors, &place, "not a text file in UTF-8: %s", p->problem);
    } else if (byte_at(r, &p->problem_mark) == '\t') {
        config_error(r->errors, &place, "not valid YAML: a tab; indent with spaces");
    } else if (p->context) {
        config_error(r->errors, &place, "not valid YAML: %s, %s that began on line %zu", p->problem,
                     p->context, p->context_mark.line + 1);
    } else {
        config_error(r->errors, &place, "not valid YAML: %s", p->problem);
    }
}

static bool next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return true;
    report_syntax(r);
    r->stopped = true;
    return false;
}

static struct yaml_tree *new_node(struct reader *r, enum yaml_kind kind, const yaml_mark_t *mark)
{
    struct config_place place = place_of(r, mark);
    if (++r->n_nodes > YAML_NODES_MAX) {
        config_error(r->errors, &place, "more than %d values: this is no configuration file",
                     YAML_NODES_MAX);
        return stop(r);
    }
    struct yaml_tree *node = calloc(1, sizeof(*node));
    if (!node) {
        config_error_memory(r->errors);
        return stop(r);
    }
    node->kind = kind;
    node->place = place;
    return node;
}

/* Anchors and tags are refused, wherever they stand. */
static void refuse_properties(struct reader *r, struct yaml_tree *node, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor)
        config_error(r->errors, &node->place,
                     "anchors (&%s) are not supported; write the value where it is used",
                     (const char *)anchor);
    if (tag)
        config_error(r->errors, &node->place,
                     "tags (!…) are not supported; leave it out, the type is known from the key");
    if (anchor || tag)
        node->kind = YAML_REFUSED;
}

static struct yaml_tree *read_scalar(struct reader *r, const yaml_event_t *event)
{
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    size_t len = event->data.scalar.length;
    const char *value = (const char *)event->data.scalar.value;
    struct yaml_tree *node =
        new_node(r, plain && len == 0 ? YAML_NOTHING : YAML_TEXT, &event->start_mark);
    if (!node)
        return NULL;
    refuse_properties(r, node, event->data.scalar.anchor, event->data.scalar.tag);
    if (memchr(value, '\0', len)) {
        config_error(r->errors, &node->place, "a NUL byte (\\0) cannot be part of a value");
        node->kind = YAML_REFUSED;
    }
    node->text = strndup(value, len);
    if (!node->text) {
        config_error_memory(r->errors);
        r->stopped = true;
    }
    return node;
}

/* Items until the end of the list are hung below `list`. */
static void read_items(struct reader *r, struct yaml_tree *list)
{
    struct yaml_tree **link = &list->first;
    while (!r->stopped) {
        yaml_event_t event;
        if (!next_event(r, &event))
            return;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && (*link = read_node(r, &event)))
            link = &(*link)->next;
        yaml_event_delete(&event);
        if (end)
            return;
    }
}

/*
 * The value that belongs to a key, whose text it takes over. NULL: reading has stopped, or the key
 * is none (reported), and then its value has been read and thrown away.
 */
static struct yaml_tree *read_value(struct reader *r, struct yaml_tree *key)
{
    yaml_event_t event;
    if (r->stopped || !next_event(r, &event))
        return NULL;
    struct yaml_tree *value = read_node(r, &event);
    yaml_event_delete(&event);
    if (key->kind != YAML_TEXT && key->kind != YAML_REFUSED)
        config_error(r->errors, &key->place, "expected a key and a colon, such as \"workers: 0\"");
    if (!value || key->kind != YAML_TEXT)
        return yaml_tree_free(value);
    value->key_place = key->place;
    value->key = key->text;
    key->text = NULL;
    return value;
}

static void read_entries(struct reader *r, struct yaml_tree *map)
{
    struct yaml_tree **link = &map->first;
    while (!r->stopped) {
        yaml_event_t event;
        if (!next_event(r, &event))
            return;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        struct yaml_tree *key = end ? NULL : read_node(r, &event);
        if (key && (*link = read_value(r, key)))
            link = &(*link)->next;
        yaml_tree_free(key);
        yaml_event_delete(&event);
        if (end)
            return;
    }
}

static struct yaml_tree *read_collection(struct reader *r, const yaml_event_t *event)
{
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    struct yaml_tree *node = new_node(r, list ? YAML_LIST : YAML_MAP, &event->start_mark);
    if (!node)
        return NULL;
    if (++r->depth > YAML_DEPTH_MAX) {
        config_error(r->errors, &node->place, "nested more than %d deep", YAML_DEPTH_MAX);
        r->stopped = true;
    } else if (list) {
        refuse_properties(r, node, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        read_items(r, node);
    } else {
        refuse_properties(r, node, event->data.mapping_start.anchor, event->data.mapping_start.tag);
        read_entries(r, node);
    }
    r->depth--;
    return node;
}

static struct yaml_tree *read_alias(struct reader *r, const yaml_event_t *event)
{
    struct yaml_tree *node = new_node(r, YAML_REFUSED, &event->start_mark);
    if (node)
        config_error(r->errors, &node->place,
                     "aliases (*%s) are not supported; write the value where it is used",
                     (const char *)event->data.alias.anchor);
    return node;
}

static struct yaml_tree *read_node(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(r, event);
    case YAML_ALIAS_EVENT:
        return read_alias(r, event);
    default:
        return read_collection(r, event);
    }
}

/* One event of the stream itself or the first of its document. Returns false at the end. */
static bool read_outer(struct reader *r, const yaml_event_t *event, struct yaml_tree **root)
{
    struct config_place place = place_of(r, &event->start_mark);
    switch (event->type) {
    case YAML_STREAM_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        return true;
    case YAML_STREAM_END_EVENT:
        return false;
    case YAML_DOCUMENT_START_EVENT:
        if (!*root)
            return true;
        config_error(r->errors, &place,
                     "a second document begins here; a configuration file is one document");
        return false;
    default:
        *root = read_node(r, event);
        return true;
    }
}

static struct yaml_tree *read_stream(struct reader *r)
{
    struct yaml_tree *root = NULL;
    bool more = true;
    while (more && !r->stopped) {
        yaml_event_t event;
        if (!next_event(r, &event))
            break;
        more = read_outer(r, &event, &root);
        yaml_event_delete(&event);
    }
    if (!root && !r->stopped)
        root = new_node(r, YAML_NOTHING, &(yaml_mark_t){0});
    return r->stopped ? yaml_tree_free(root) : root;
}

struct yaml_tree *yaml_tree_load(const char *text, size_t len, const char *file,
                                 struct config_errors *errors)
{
    static const char bom[] = {'\xef', '\xbb', '\xbf'};
    struct reader r = {.text = text, .len = len, .file = file, .errors = errors};

    if (len >= sizeof(bom) && memcmp(text, bom, sizeof(bom)) == 0) {
        r.text += sizeof(bom);
        r.len -= sizeof(bom);
    }
    if (!yaml_parser_initialize(&r.parser)) {
        config_error_memory(errors);
        return NULL;
    }
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)r.text, r.len);
    struct yaml_tree *tree = read_stream(&r);
    yaml_parser_delete(&r.parser);
    return tree;
}

struct yaml_tree *yaml_tree_free(struct yaml_tree *tree)
{
    while (tree) {
        struct yaml_tree *next = tree->next;
        yaml_tree_free(tree->first);
        free(tree->text);
        free(tree->key);
        free(tree);
        tree = next;
    }
    return NULL;
}
