/* SPDX-License-Identifier: MIT */
#include "daemon/config_key.h"

#include <errno.h>
#include <jansson.h>

/*
 * The effective values as JSON in the shape of the file, written as the file writes them ("256M",
 * "1s"). JSON is YAML, so the dump is itself a configuration, and loads to the same values.
 */

static json_t *json_number(const struct config_key *key, const void *field)
{
    int64_t value = key->size == sizeof(uint32_t) ? (int64_t) * (const uint32_t *)field
                                                  : *(const int64_t *)field;
    return key->type == CONFIG_INTEGER ? json_integer(value)
                                       : json_string(config_number_format(key->type, value).text);
}

static json_t *json_item(const struct config_key *key, const void *field, size_t i)
{
    switch (key->type) {
    case CONFIG_PATHS:
        return json_string((*(char *const *const *)field)[i]);
    case CONFIG_WORDS:
        return json_string(config_word_name(key->words, ((const int *)field)[i]));
    default:
        return json_string((*(const struct config_listen *const *)field)[i].url);
    }
}

/* Returns NULL without memory, or for a text that is not UTF-8; so do the functions below. */
static json_t *json_list(const struct config_key *key, const void *field, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < n; i++)
        if (json_array_append_new(list, json_item(key, field, i)) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

static json_t *json_value(const struct config_key *key, const void *base)
{
    const void *field = (const char *)base + key->offset;
    switch (key->type) {
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        return json_number(key, field);
    case CONFIG_ENUM:
        return json_string(config_word_name(key->words, *(const int *)field));
    case CONFIG_STRING:
    case CONFIG_PATH:
    case CONFIG_ADDRESS:
        return json_string(*(char *const *)field);
    default:
        return json_list(key, field, *(const size_t *)((const char *)base + key->n_offset));
    }
}

static int add_keys(json_t *object, const struct config_section *section, const void *base)
{
    int r = 0;
    for (size_t i = 0; i < config_n_keys && r == 0; i++)
        if (config_key_in(&config_keys[i], section))
            r = json_object_set_new(object, config_key_leaf(&config_keys[i]),
                                    json_value(&config_keys[i], base));
    return r;
}

static int add_members(json_t *object, const struct config *config,
                       const struct config_section *section)
{
    const char *name;
    void *base;
    int r = 0;
    for (size_t n = 0; r == 0 && config_member(config, section, n, &name, &base); n++) {
        json_t *member = json_object();
        r = json_object_set_new(object, name, member);
        if (r == 0)
            r = add_keys(member, section, base);
    }
    return r;
}

static int add_section(json_t *root, const struct config *config,
                       const struct config_section *section)
{
    json_t *object = root;
    if (*section->name) {
        object = json_object();
        if (json_object_set_new(root, section->name, object) < 0)
            return -1;
    }
    return config_section_has_members(section) ? add_members(object, config, section)
                                               : add_keys(object, section, config);
}

int config_write_json(const struct config *config, FILE *out)
{
    json_t *root = json_object();
    int r = root ? 0 : -1;
    for (size_t i = 0; i < config_n_sections && r == 0; i++)
        r = add_section(root, config, &config_sections[i]);
    if (r == 0)
        r = json_dumpf(root, out, JSON_INDENT(2)) < 0 || fputc('\n', out) == EOF ? -EIO : 0;
    else
        r = -ENOMEM;
    json_decref(root);
    return r;
}
