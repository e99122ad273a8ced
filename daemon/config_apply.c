/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <stdlib.h>
#include <string.h>

/*
 * A walk over the tree and the table side by side: a place in the tree is known by the section it
 * belongs to and by the struct its keys are fields of. A value that does not fit is reported; the
 * walk goes on.
 */
struct level {
    const struct config_section *section;
    void *base;       /* what offsets count from */
    const char *path; /* "", "store", "inputs.network" */
};

/* The path of a key below another. Both are bounded: names of members by CONFIG_NAME_MAX, the rest
 * by the table. */
static void join(char out[CONFIG_PATH_MAX], const char *path, const char *key)
{
    snprintf(out, CONFIG_PATH_MAX, "%s%s%s", path, *path ? "." : "", key);
}

const struct config_origin *config_origin_find(const struct config_loader *loader, const char *path)
{
    for (size_t i = 0; i < loader->n_origins; i++)
        if (strcmp(loader->origins[i].path, path) == 0)
            return &loader->origins[i];
    return NULL;
}

static void set_origin(struct config_loader *loader, const char *path,
                       const struct config_place *place)
{
    struct config_origin *origin = (struct config_origin *)config_origin_find(loader, path);
    if (!origin) {
        size_t n = loader->n_origins + 1;
        struct config_origin *grown = reallocarray(loader->origins, n, sizeof(*grown));
        if (!grown) {
            config_error_memory(&loader->errors);
            return;
        }
        loader->origins = grown;
        loader->n_origins = n;
        origin = &grown[n - 1];
        strcpy(origin->path, path);
    }
    origin->place = *place;
}

static bool is_map(struct config_loader *loader, const char *path, const struct yaml_tree *value)
{
    if (value->kind == YAML_TEXT || value->kind == YAML_LIST)
        config_error(&loader->errors, &value->place,
                     "%s: expected keys below it, one a line and indented, not %s",
                     *path ? path : "the file",
                     value->kind == YAML_LIST ? "a list" : config_quote(value->text).text);
    return value->kind == YAML_MAP;
}

/* Was the key of `entry` in the map before? Then it is reported. */
static bool is_repeated(struct config_loader *loader, const char *path, const struct yaml_tree *map,
                        const struct yaml_tree *entry)
{
    for (const struct yaml_tree *other = map->first; other != entry; other = other->next)
        if (strcmp(other->key, entry->key) == 0) {
            config_error(&loader->errors, &entry->key_place,
                         "%s%s%s is given twice, first on line %u; keep one of them", path,
                         *path ? ": " : "", config_quote(entry->key).text, other->key_place.line);
            return true;
        }
    return false;
}

/* The row of `leaf` in the section (or in its members). */
static const struct config_key *find_key(const struct config_section *section, const char *leaf)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section) &&
            strcmp(config_key_leaf(&config_keys[i]), leaf) == 0)
            return &config_keys[i];
    return NULL;
}

/* One entry that is a key of this level. */
static void apply_key(struct config_loader *loader, const struct level *level,
                      const struct yaml_tree *entry)
{
    const struct config_key *key = find_key(level->section, entry->key);
    if (!key) {
        config_unknown_key(loader, level->section, level->path, entry);
        return;
    }
    char path[CONFIG_PATH_MAX];
    join(path, level->path, entry->key);
    set_origin(loader, path, &entry->key_place);
    config_apply_value(loader, key, level->base, path, entry);
}

/* All keys of one struct. */
static void apply_keys(struct config_loader *loader, const struct level *level,
                       const struct yaml_tree *map)
{
    for (const struct yaml_tree *entry = map->first; entry; entry = entry->next)
        if (!is_repeated(loader, level->path, map, entry))
            apply_key(loader, level, entry);
}

static void *find_member(struct config_loader *loader, const struct config_section *section,
                         const char *wanted)
{
    const char *name;
    void *base;
    for (size_t n = 0; config_member(loader->config, section, n, &name, &base); n++)
        if (strcmp(name, wanted) == 0)
            return base;
    return NULL;
}

static bool is_member_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");
    return len > 0 && len <= CONFIG_NAME_MAX && name[len] == '\0';
}

/* The struct of a member, new where the section's names are free; NULL: reported. */
static void *member(struct config_loader *loader, const struct config_section *section,
                    const struct yaml_tree *entry)
{
    void *base = find_member(loader, section, entry->key);
    if (base)
        return base;
    if (section->members)
        config_unknown_key(loader, section, section->name, entry);
    else if (!is_member_name(entry->key))
        config_error(&loader->errors, &entry->key_place,
                     "%s: expected a name of 1 to %d letters, digits, - and _, not %s",
                     section->name, CONFIG_NAME_MAX, config_quote(entry->key).text);
    else if (loader->config->n_inputs == CONFIG_INPUTS_MAX)
        config_error(&loader->errors, &entry->key_place, "%s: more than %d of them", section->name,
                     CONFIG_INPUTS_MAX);
    else
        base = config_input_add(loader, entry->key);
    return base;
}

static void apply_members(struct config_loader *loader, const struct config_section *section,
                          const struct yaml_tree *map)
{
    for (const struct yaml_tree *entry = map->first; entry; entry = entry->next) {
        char path[CONFIG_PATH_MAX];
        if (is_repeated(loader, section->name, map, entry) || entry->kind == YAML_REFUSED)
            continue;
        struct level level = {section, member(loader, section, entry), path};
        if (!level.base)
            continue;
        join(path, section->name, entry->key);
        if (entry->kind == YAML_NOTHING || is_map(loader, path, entry)) {
            set_origin(loader, path, &entry->key_place);
            apply_keys(loader, &level, entry);
        }
    }
}

static void apply_section(struct config_loader *loader, const struct config_section *section,
                          const struct yaml_tree *entry)
{
    if (!is_map(loader, section->name, entry))
        return;
    if (config_section_has_members(section))
        apply_members(loader, section, entry);
    else
        apply_keys(loader, &(struct level){section, loader->config, section->name}, entry);
}

void config_apply(struct config_loader *loader, const struct yaml_tree *tree)
{
    const struct level file = {config_section_find(""), loader->config, ""};
    if (!is_map(loader, file.path, tree))
        return;
    for (const struct yaml_tree *entry = tree->first; entry; entry = entry->next) {
        const struct config_section *section = *entry->key ? config_section_find(entry->key) : NULL;
        if (is_repeated(loader, file.path, tree, entry))
            continue;
        if (section)
            apply_section(loader, section, entry);
        else
            apply_key(loader, &file, entry);
    }
}
