/* SPDX-License-Identifier: MIT */
#include "daemon/config_key.h"

#include <string.h>

const struct config_key *config_key_find(const char *pattern)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (strcmp(config_keys[i].pattern, pattern) == 0)
            return &config_keys[i];
    return NULL;
}

const struct config_section *config_section_find(const char *name)
{
    for (size_t i = 0; i < config_n_sections; i++)
        if (strcmp(config_sections[i].name, name) == 0)
            return &config_sections[i];
    return NULL;
}

const char *config_key_leaf(const struct config_key *key)
{
    const char *dot = strrchr(key->pattern, '.');
    return dot ? dot + 1 : key->pattern;
}

bool config_key_in(const struct config_key *key, const struct config_section *section)
{
    size_t len = strcspn(key->pattern, ".");
    if (key->pattern[len] == '\0')
        len = 0;
    return strlen(section->name) == len && strncmp(key->pattern, section->name, len) == 0;
}

static const struct config_stage *stage_at(const struct config *config, size_t n)
{
    const struct config_stage *stages[] = {&config->parse, &config->enrich, &config->store_stage};
    return stages[n];
}

bool config_member(const struct config *config, const struct config_section *section, size_t n,
                   const char **ret_name, void **ret_base)
{
    if (section->members) {
        if (!section->members[n])
            return false;
        *ret_name = section->members[n];
        *ret_base = (void *)stage_at(config, n);
        return true;
    }
    if (n >= config->n_inputs)
        return false;
    *ret_name = config->inputs[n].name;
    *ret_base = &config->inputs[n];
    return true;
}

bool config_word_value(const struct config_word *words, const char *name, int *ret_value)
{
    for (; words->name; words++)
        if (strcmp(words->name, name) == 0) {
            *ret_value = words->value;
            return true;
        }
    return false;
}

const char *config_word_name(const struct config_word *words, int value)
{
    for (; words->name; words++)
        if (words->value == value)
            return words->name;
    return NULL;
}
