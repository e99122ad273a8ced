/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <stdlib.h>

#include "daemon/config_key.h"

void config_texts_free(char **texts, size_t n_texts)
{
    for (size_t i = 0; i < n_texts; i++)
        free(texts[i]);
    free(texts);
}

void config_listens_free(struct config_listen *listen, size_t n_listen)
{
    for (size_t i = 0; i < n_listen; i++) {
        free(listen[i].url);
        free(listen[i].host);
    }
    free(listen);
}

static void free_input(struct config_input *input)
{
    config_listens_free(input->listen, input->n_listen);
    free(input->name);
    free(input->time_zone);
}

struct config *config_free(struct config *config)
{
    if (!config)
        return NULL;
    for (size_t i = 0; i < config->n_inputs; i++)
        free_input(&config->inputs[i]);
    free(config->inputs);
    config_texts_free(config->geoip.databases, config->geoip.n_databases);
    free(config->store.path);
    free(config->status.socket);
    free(config->status.http);
    free(config->path);
    free(config);
    return NULL;
}
