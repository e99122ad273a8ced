/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <stdlib.h>

static void free_input(struct config_input *input)
{
    for (size_t i = 0; i < input->n_listen; i++) {
        free(input->listen[i].url);
        free(input->listen[i].host);
    }
    free(input->listen);
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
    for (size_t i = 0; i < config->geoip.n_databases; i++)
        free(config->geoip.databases[i]);
    free(config->geoip.databases);
    free(config->store.path);
    free(config->status.socket);
    free(config->status.http);
    free(config->path);
    free(config);
    return NULL;
}
