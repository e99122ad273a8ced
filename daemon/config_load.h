/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_LOAD_H
#define DAEMON_CONFIG_LOAD_H

/*
 * Loading, step by step:
 *
 *   defaults      every key, but those that depend on the user
 *      ▼
 *   logboom.yaml, conf.d/10-a.yaml, conf.d/20-b.yaml
 *      ▼          each is set over what is there: scalars and lists replace, maps merge by key
 *   finish        what no file has set and depends on the user
 *      ▼
 *   check         what no value shows alone
 */

#include <sys/types.h>
#include "daemon/config.h"
#include "daemon/config_errors.h"
#include "daemon/config_key.h"
#include "daemon/yaml_tree.h"

/* Who runs the daemon, as far as defaults depend on it. NULL: not set. */
struct config_user {
    uid_t euid;
    const char *home, *xdg_state_home, *xdg_runtime_dir;
};

/* config_load() with all that it takes from outside; default_path is CONFIG_DEFAULT_PATH there. */
int config_load_as(const struct config_user *user, const char *path, const char *default_path,
                   FILE *errors, struct config **ret_config);

/* Where a key or a member was written last, to point at in later errors. */
struct config_origin {
    char path[CONFIG_PATH_MAX]; /* "inputs.network.listen" */
    struct config_place place;
};

struct config_loader {
    struct config *config;
    struct config_errors errors;
    const struct config_user *user;
    struct config_origin *origins;
    size_t n_origins;
    char **files; /* names, alive as long as places may point at them */
    size_t n_files;
    bool any_file; /* was there anything to read? */
};

/* config_apply.c: sets what the tree says; all that does not fit is reported. */
void config_apply(struct config_loader *loader, const struct yaml_tree *tree);
/* config_set.c: one value into the struct `base` that holds key's field; path as in config_origin.
 */
void config_apply_value(struct config_loader *loader, const struct config_key *key, void *base,
                        const char *path, const struct yaml_tree *value);
const struct config_origin *config_origin_find(const struct config_loader *loader,
                                               const char *path);

/* config_unknown.c: the entry's key is none of the section, which is shown as shown_section. */
void config_unknown_key(struct config_loader *loader, const struct config_section *section,
                        const char *shown_section, const struct yaml_tree *entry);
/* The nearest of words, if one is near enough to be meant; else NULL. */
const char *config_nearest(const char *word, const char *const *words, size_t n_words);

/* config_defaults.c */
void config_defaults_apply(struct config_loader *loader);
/* A new input of this name with the defaults of every key but listen; NULL: no memory, reported. */
struct config_input *config_input_add(struct config_loader *loader, const char *name);
/* The defaults that depend on the user or on other values, where no file has set them. */
void config_defaults_finish(struct config_loader *loader);

/* config_check.c: what only the whole configuration shows. */
void config_check(struct config_loader *loader);

#endif
