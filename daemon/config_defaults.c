/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/*
 * Defaults are written in the table as a person would write them, and are set by the way a file's
 * values are. Keys with user_def wait until the files have been read: some depend on others (the
 * socket may lie in the store's folder).
 */

static bool is_root(const struct config_loader *loader)
{
    return loader->user->euid == 0;
}

/* Sets a value of the table itself. */
static void set_text(struct config_loader *loader, const struct config_key *key, void *base,
                     const char *text)
{
    unsigned n_errors = loader->errors.n;
    struct yaml_tree *tree = yaml_tree_load(text, strlen(text), "default", &loader->errors);
    if (tree)
        config_apply_value(loader, key, base, key->pattern, tree);
    yaml_tree_free(tree);
    assert(loader->errors.n == n_errors);
}

static void set_section(struct config_loader *loader, const struct config_section *section,
                        void *base)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section) && !config_keys[i].user_def)
            set_text(loader, &config_keys[i], base, config_keys[i].def);
}

void config_defaults_apply(struct config_loader *loader)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        const struct config_section *section = &config_sections[i];
        const char *name;
        void *base;
        if (!config_section_has_members(section))
            set_section(loader, section, loader->config);
        else
            for (size_t n = 0; config_member(loader->config, section, n, &name, &base); n++)
                set_section(loader, section, base);
    }
}

struct config_input *config_input_add(struct config_loader *loader, const char *name)
{
    struct config *config = loader->config;
    struct config_input *inputs =
        reallocarray(config->inputs, config->n_inputs + 1, sizeof(*inputs));
    if (inputs)
        config->inputs = inputs;
    char *copy = strdup(name);
    if (!inputs || !copy) {
        free(copy);
        config_error_memory(&loader->errors);
        return NULL;
    }
    struct config_input *input = &inputs[config->n_inputs++];
    *input = (struct config_input){.name = copy};
    set_section(loader, config_section_find("inputs"), input);
    return input;
}

static void add_default_input(struct config_loader *loader)
{
    const struct config_key *listen = config_key_find("inputs.*.listen");
    struct config_input *input = config_input_add(loader, config_section_find("inputs")->example);
    if (!input)
        return;
    set_text(loader, listen, input, is_root(loader) ? listen->def : listen->user_def);
    for (size_t i = 0; i < input->n_listen; i++)
        input->listen[i].line = input->listen[i].column = 0;
}

__attribute__((format(printf, 3, 4))) static void set_path(struct config_loader *loader,
                                                           char **field, const char *format, ...)
{
    char *path;
    va_list args;
    va_start(args, format);
    if (vasprintf(&path, format, args) < 0)
        config_error_memory(&loader->errors);
    else
        *field = path;
    va_end(args);
}

/* The XDG base directory specification: a relative path is to be ignored. */
static bool is_usable(const char *directory)
{
    return directory && directory[0] == '/';
}

static void set_store_path(struct config_loader *loader)
{
    const struct config_user *user = loader->user;
    char **path = &loader->config->store.path;
    if (is_root(loader))
        set_path(loader, path, "%s", config_key_find("store.path")->def);
    else if (is_usable(user->xdg_state_home))
        set_path(loader, path, "%s/logboom", user->xdg_state_home);
    else if (is_usable(user->home))
        set_path(loader, path, "%s/.local/state/logboom", user->home);
    else
        config_error(
            &loader->errors, &(struct config_place){"defaults", 0, 0},
            "no folder for the store: neither XDG_STATE_HOME nor HOME is set; set store.path");
}

static void set_socket(struct config_loader *loader)
{
    const struct config_key *key = config_key_find("status.socket");
    const struct config *config = loader->config;
    char **path = &loader->config->status.socket;
    if (is_root(loader))
        set_path(loader, path, "%s", key->def);
    else if (is_usable(loader->user->xdg_runtime_dir))
        set_path(loader, path, "%s/logboom/status.sock", loader->user->xdg_runtime_dir);
    else if (config->store.path)
        set_path(loader, path, "%s/status.sock", config->store.path);
    if (*path && strlen(*path) > (size_t)key->largest)
        config_error(&loader->errors, &(struct config_place){"defaults", 0, 0},
                     "%s is too long for a socket (%d bytes at most); set status.socket",
                     config_quote(*path).text, (int)key->largest);
}

void config_defaults_finish(struct config_loader *loader)
{
    struct config *config = loader->config;
    if (config->n_inputs == 0)
        add_default_input(loader);
    if (!config->store.path)
        set_store_path(loader);
    if (!config->status.socket)
        set_socket(loader);
}
