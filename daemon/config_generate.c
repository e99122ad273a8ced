/* SPDX-License-Identifier: MIT */
#include "daemon/config.h"

#include <string.h>

/* config-generate sample|man|help FILE: writes what is kept in the tree from the key table (ninja
 * update-config). */

static const struct document {
    const char *name;
    void (*write)(FILE *out);
} documents[] = {
    {"sample", config_write_sample},
    {"man", config_write_man},
    {"help", config_write_help},
};

static int generate(const struct document *document, const char *path)
{
    FILE *out = fopen(path, "we");
    if (out) {
        document->write(out);
        if (fclose(out) == 0)
            return 0;
    }
    fprintf(stderr, "config-generate: cannot write %s: %m\n", path);
    return 1;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 3 && i < sizeof(documents) / sizeof(documents[0]); i++)
        if (strcmp(argv[1], documents[i].name) == 0)
            return generate(&documents[i], argv[2]);
    fprintf(stderr, "usage: config-generate sample|man|help FILE\n");
    return 2;
}
