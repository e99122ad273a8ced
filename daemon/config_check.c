/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <string.h>

static void check_has_listen(struct config_loader *loader, const struct config_input *input)
{
    char path[CONFIG_PATH_MAX];
    snprintf(path, sizeof(path), "inputs.%s", input->name);
    const struct config_origin *origin = config_origin_find(loader, path);
    snprintf(path, sizeof(path), "inputs.%s.listen", input->name);
    if (input->n_listen == 0 && origin && !config_origin_find(loader, path))
        config_error(&loader->errors, &origin->place,
                     "inputs.%s: the key \"listen\" is missing; add listen: %s", input->name,
                     config_key_find("inputs.*.listen")->example);
}

/* The file is that of the whole list: lists are replaced, never mixed. */
static struct config_place listen_place(const struct config_loader *loader,
                                        const struct config_input *input,
                                        const struct config_listen *listen)
{
    char path[CONFIG_PATH_MAX];
    snprintf(path, sizeof(path), "inputs.%s.listen", input->name);
    const struct config_origin *origin = config_origin_find(loader, path);
    return (struct config_place){origin ? origin->place.file : "defaults", listen->line,
                                 listen->column};
}

/* Looks for the address of inputs[i].listen[j] in everything before it. */
static void check_listen_unique(struct config_loader *loader, size_t i, size_t j)
{
    const struct config *config = loader->config;
    const struct config_listen *listen = &config->inputs[i].listen[j];
    for (size_t a = 0; a <= i; a++) {
        const struct config_input *input = &config->inputs[a];
        for (size_t b = 0; b < (a < i ? input->n_listen : j); b++) {
            if (!config_listen_same(listen, &input->listen[b]))
                continue;
            struct config_place place = listen_place(loader, &config->inputs[i], listen);
            struct config_place other = listen_place(loader, input, &input->listen[b]);
            config_error(
                &loader->errors, &place,
                "inputs.%s.listen: the address %s is taken by inputs.%s at %s:%u; keep one",
                config->inputs[i].name, config_quote(listen->url).text, input->name, other.file,
                other.line);
            return;
        }
    }
}

static void check_inputs(struct config_loader *loader)
{
    for (size_t i = 0; i < loader->config->n_inputs; i++) {
        check_has_listen(loader, &loader->config->inputs[i]);
        for (size_t j = 0; j < loader->config->inputs[i].n_listen; j++)
            check_listen_unique(loader, i, j);
    }
}

static void check_stage(struct config_loader *loader, const char *name,
                        const struct config_stage *stage)
{
    static const char *const leaves[] = {"workers_max", "workers_min"};
    char path[CONFIG_PATH_MAX];
    const struct config_origin *origin = NULL;
    if (stage->workers_max == 0 || stage->workers_max >= stage->workers_min)
        return;
    for (size_t i = 0; i < 2 && !origin; i++) {
        snprintf(path, sizeof(path), "stages.%s.%s", name, leaves[i]);
        origin = config_origin_find(loader, path);
    }
    config_error(
        &loader->errors, &origin->place,
        "stages.%s: workers_max is %u, expected at least workers_min, which is %u (or 0: by "
        "the machine)",
        name, stage->workers_max, stage->workers_min);
}

void config_check(struct config_loader *loader)
{
    const struct config_section *stages = config_section_find("stages");
    const char *name;
    void *base;
    check_inputs(loader);
    for (size_t n = 0; config_member(loader->config, stages, n, &name, &base); n++)
        check_stage(loader, name, base);
}
