/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One value of the tree into one field. What does not fit is reported and leaves the field as it
 * was. */

static const char *kind_name(const struct yaml_tree *value)
{
    return value->kind == YAML_LIST ? "a list" : value->kind == YAML_MAP ? "a map" : "nothing";
}

/* The value is of another kind than the key wants, or not of its form. */
static void report_value(struct config_loader *loader, const struct config_key *key,
                         const char *path, const struct yaml_tree *value)
{
    char wanted[256];
    config_key_describe(key, wanted, sizeof(wanted));
    if (value->kind == YAML_NOTHING)
        config_error(&loader->errors, &value->place, "%s: the value is missing, expected %s", path,
                     wanted);
    else
        config_error(
            &loader->errors, &value->place, "%s: expected %s, not %s%s", path, wanted,
            value->kind == YAML_TEXT ? config_quote(value->text).text : kind_name(value),
            config_type_is_list(key->type) ? "; write [A, B] or lines that begin with \"- \"" : "");
}

/* The word is none of the key's. */
static void report_word(struct config_loader *loader, const struct config_key *key,
                        const char *path, const struct yaml_tree *value)
{
    const char *names[16];
    char list[128] = "";
    size_t n = 0;
    for (const struct config_word *word = key->words; word->name; word++) {
        strcat(strcat(list, n ? ", " : ""), word->name);
        names[n++] = word->name;
    }
    const char *near = config_nearest(value->text, names, n);
    config_error(&loader->errors, &value->place, "%s: expected one of %s, not %s%s%s%s", path, list,
                 config_quote(value->text).text, near ? "; did you mean \"" : "", near ? near : "",
                 near ? "\"?" : "");
}

static void store_unsigned(void *field, size_t size, int64_t value)
{
    assert(size == sizeof(uint32_t) || size == sizeof(uint64_t));
    if (size == sizeof(uint32_t))
        *(uint32_t *)field = (uint32_t)value;
    else
        *(uint64_t *)field = (uint64_t)value;
}

static void apply_number(struct config_loader *loader, const struct config_key *key, void *field,
                         const char *path, const struct yaml_tree *value)
{
    int64_t number;
    if (config_number_parse(key, value->text, &number) < 0)
        report_value(loader, key, path, value);
    else
        store_unsigned(field, key->size, number);
}

static char *copy_text(struct config_loader *loader, const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        config_error_memory(&loader->errors);
    return copy;
}

static bool text_fits(struct config_loader *loader, const struct config_key *key, const char *path,
                      const struct yaml_tree *value)
{
    const char *problem;
    size_t len = strlen(value->text);
    bool fits = false;
    if (len < (size_t)key->smallest)
        config_error(&loader->errors, &value->place,
                     "%s: expected a %s, such as %s, not an empty one", path,
                     config_type_name(key->type), config_key_example(key));
    else if (len > (size_t)key->largest)
        config_error(&loader->errors, &value->place,
                     "%s: expected at most %d bytes, not %zu; choose a shorter %s", path,
                     (int)key->largest, len, config_type_name(key->type));
    else if (key->type == CONFIG_ADDRESS && len > 0 && !config_address_valid(value->text, &problem))
        config_error(&loader->errors, &value->place, "%s: expected %s, not %s", path, problem,
                     config_quote(value->text).text);
    else
        fits = true;
    return fits;
}

static void apply_text(struct config_loader *loader, const struct config_key *key, char **field,
                       const char *path, const struct yaml_tree *value)
{
    if (!text_fits(loader, key, path, value))
        return;
    char *copy = copy_text(loader, value->text);
    if (!copy)
        return;
    free(*field);
    *field = copy;
}

static void apply_enum(struct config_loader *loader, const struct config_key *key, int *field,
                       const char *path, const struct yaml_tree *value)
{
    if (!config_word_value(key->words, value->text, field))
        report_word(loader, key, path, value);
}

/* Counts a list's items. Are they all texts, each there once, and as many as may be? Reports what
 * is not. */
static bool items_fit(struct config_loader *loader, const struct config_key *key, const char *path,
                      const struct yaml_tree *list, size_t *ret_n)
{
    unsigned n_errors = loader->errors.n;
    size_t n = 0;
    for (const struct yaml_tree *item = list->first; item; item = item->next, n++) {
        if (item->kind == YAML_REFUSED)
            return false; /* reported */
        if (item->kind != YAML_TEXT)
            config_error(&loader->errors, &item->place, "%s: expected a text as item, not %s", path,
                         kind_name(item));
        for (const struct yaml_tree *other = list->first; other != item; other = other->next)
            if (other->kind == YAML_TEXT && item->kind == YAML_TEXT &&
                strcmp(other->text, item->text) == 0) {
                config_error(&loader->errors, &item->place, "%s: %s is in the list twice; keep one",
                             path, config_quote(item->text).text);
                break;
            }
    }
    if (n < (size_t)key->smallest || n > (size_t)key->largest)
        config_error(&loader->errors, &list->place,
                     "%s: expected %d to %d items, such as %s, not %zu", path, (int)key->smallest,
                     (int)key->largest, config_key_example(key), n);
    *ret_n = n;
    return loader->errors.n == n_errors;
}

static void apply_paths(struct config_loader *loader, char ***field, size_t *n_field,
                        const char *path, const struct yaml_tree *list, size_t n)
{
    char **texts = calloc(n ? n : 1, sizeof(*texts));
    size_t filled = 0;
    if (!texts)
        config_error_memory(&loader->errors);
    for (const struct yaml_tree *item = list->first; texts && item; item = item->next) {
        if (item->text[0] == '\0')
            config_error(&loader->errors, &item->place, "%s: expected a path, not an empty one",
                         path);
        else if ((texts[filled] = copy_text(loader, item->text)))
            filled++;
    }
    if (!texts || filled < n) {
        config_texts_free(texts, filled);
        return;
    }
    config_texts_free(*field, *n_field);
    *field = texts;
    *n_field = n;
}

static void apply_words(struct config_loader *loader, const struct config_key *key, int *field,
                        size_t *n_field, const char *path, const struct yaml_tree *list, size_t n)
{
    unsigned n_errors = loader->errors.n;
    int values[8];
    size_t i = 0;
    assert(n <= sizeof(values) / sizeof(values[0]));
    for (const struct yaml_tree *item = list->first; item; item = item->next)
        if (!config_word_value(key->words, item->text, &values[i++]))
            report_word(loader, key, path, item);
    if (loader->errors.n != n_errors)
        return;
    memcpy(field, values, n * sizeof(*values));
    *n_field = n;
}

static bool apply_url(struct config_loader *loader, struct config_listen *listen, const char *path,
                      const struct yaml_tree *item)
{
    const char *problem;
    int r = config_listen_parse(item->text, listen, &problem);
    if (r == -ENOMEM)
        config_error_memory(&loader->errors);
    else if (r < 0)
        config_error(&loader->errors, &item->place, "%s: expected %s, not %s", path, problem,
                     config_quote(item->text).text);
    if (r == 0) {
        listen->line = item->place.line;
        listen->column = item->place.column;
    }
    return r == 0;
}

static void apply_urls(struct config_loader *loader, struct config_listen **field, size_t *n_field,
                       const char *path, const struct yaml_tree *list, size_t n)
{
    struct config_listen *listen = calloc(n, sizeof(*listen));
    size_t filled = 0;
    if (!listen)
        config_error_memory(&loader->errors);
    for (const struct yaml_tree *item = list->first; listen && item; item = item->next)
        if (apply_url(loader, &listen[filled], path, item))
            filled++;
    if (!listen || filled < n) {
        config_listens_free(listen, filled);
        return;
    }
    config_listens_free(*field, *n_field);
    *field = listen;
    *n_field = n;
}

static void apply_list(struct config_loader *loader, const struct config_key *key, void *field,
                       size_t *n_field, const char *path, const struct yaml_tree *list)
{
    size_t n;
    if (!items_fit(loader, key, path, list, &n))
        return;
    if (key->type == CONFIG_PATHS)
        apply_paths(loader, field, n_field, path, list, n);
    else if (key->type == CONFIG_WORDS)
        apply_words(loader, key, field, n_field, path, list, n);
    else
        apply_urls(loader, field, n_field, path, list, n);
}

void config_apply_value(struct config_loader *loader, const struct config_key *key, void *base,
                        const char *path, const struct yaml_tree *value)
{
    void *field = (char *)base + key->offset;
    if (value->kind == YAML_REFUSED)
        return;
    if (value->kind != (config_type_is_list(key->type) ? YAML_LIST : YAML_TEXT)) {
        report_value(loader, key, path, value);
        return;
    }
    switch (key->type) {
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        apply_number(loader, key, field, path, value);
        break;
    case CONFIG_ENUM:
        apply_enum(loader, key, field, path, value);
        break;
    case CONFIG_STRING:
    case CONFIG_PATH:
    case CONFIG_ADDRESS:
        apply_text(loader, key, field, path, value);
        break;
    default:
        apply_list(loader, key, field, (size_t *)((char *)base + key->n_offset), path, value);
    }
}
