/* SPDX-License-Identifier: MIT */
#include "daemon/config_document.h"

#include <string.h>

/* The key table as people read it: --help-config and the sample file. */

#define WIDTH 96

/* Words of text, in lines of at most WIDTH that begin with prefix. */
static void write_wrapped(FILE *out, const char *prefix, const char *text)
{
    size_t column = 0;
    while (*text) {
        size_t len = strcspn(text, " ");
        if (column > 0 && column + 1 + len > WIDTH) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s%.*s", prefix, (int)len, text);
        else
            column += (size_t)fprintf(out, " %.*s", (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

void config_write_range(FILE *out, const struct config_key *key, const char *lead)
{
    switch (key->type) {
    case CONFIG_ENUM:
    case CONFIG_WORDS:
        for (const struct config_word *word = key->words; word->name; word++)
            fprintf(out, "%s%s", word == key->words ? lead : ", ", word->name);
        break;
    case CONFIG_INTEGER:
    case CONFIG_SIZE:
    case CONFIG_DURATION:
        fprintf(out, "%s%s to %s", lead, config_number_format(key->type, key->smallest).text,
                config_number_format(key->type, key->largest).text);
        if (key->unit)
            fprintf(out, " %s", key->unit);
        break;
    default:
        break;
    }
}

static void help_key(FILE *out, const struct config_key *key)
{
    fprintf(out, "  %s  (%s", key->pattern, config_type_name(key->type));
    config_write_range(out, key, ": ");
    fprintf(out, "; default %s)\n", key->def);
    write_wrapped(out, "      ", key->help);
    if (key->user_def)
        fprintf(out, "      Without root, the default is %s.\n", key->user_def);
}

void config_write_help(FILE *out)
{
    for (size_t i = 0; i < config_n_sections; i++) {
        const struct config_section *section = &config_sections[i];
        fprintf(out, "%s", i ? "\n" : "");
        write_wrapped(out, "", section->help);
        for (size_t k = 0; k < config_n_keys; k++)
            if (config_key_in(&config_keys[k], section))
                help_key(out, &config_keys[k]);
    }
}

static void sample_comment(FILE *out, const char *indent, const struct config_key *key)
{
    char prefix[16];
    snprintf(prefix, sizeof(prefix), "%s# ", indent);
    write_wrapped(out, prefix, key->help);
    fputs(prefix, out);
    fputs(config_type_name(key->type), out);
    config_write_range(out, key, ": ");
    fputc('\n', out);
}

/* A key whose default depends on the user is set, so that the file means the same for everyone;
 * others are comments. */
static void sample_key(FILE *out, const char *indent, const struct config_key *key)
{
    sample_comment(out, indent, key);
    fprintf(out, "%s%s%s: %s\n", indent, key->user_def ? "" : "#", config_key_leaf(key), key->def);
}

static void sample_keys(FILE *out, const char *indent, const struct config_section *section)
{
    const char *gap = "";
    for (size_t i = 0; i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section)) {
            fputs(gap, out);
            sample_key(out, indent, &config_keys[i]);
            gap = "\n";
        }
}

/* Members with names of ours: the keys are explained once, and each member is one line. */
static void sample_members(FILE *out, const struct config_section *section)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section)) {
            fprintf(out, "  # %s (%s", config_key_leaf(&config_keys[i]),
                    config_type_name(config_keys[i].type));
            config_write_range(out, &config_keys[i], ": ");
            fputs(")\n", out);
            write_wrapped(out, "  #     ", config_keys[i].help);
        }
    for (const char *const *member = section->members; *member; member++) {
        const char *gap = "";
        fprintf(out, "  #%s: { ", *member);
        for (size_t i = 0; i < config_n_keys; i++)
            if (config_key_in(&config_keys[i], section)) {
                fprintf(out, "%s%s: %s", gap, config_key_leaf(&config_keys[i]), config_keys[i].def);
                gap = ", ";
            }
        fputs(" }\n", out);
    }
}

static void sample_section(FILE *out, const struct config_section *section)
{
    fputc('\n', out);
    if (*section->name) {
        write_wrapped(out, "# ", section->help);
        fprintf(out, "%s:\n", section->name);
    }
    if (section->example)
        fprintf(out, "  %s:\n", section->example);
    if (section->members)
        sample_members(out, section);
    else
        sample_keys(out, section->example ? "    " : *section->name ? "  " : "", section);
}

void config_write_sample(FILE *out)
{
    fputs("# The configuration of logboomd; logboom.yaml(5) says more.\n"
          "#\n"
          "# Lines such as \"#memory: 256M\" show the default: remove the # to change it. Sizes "
          "are bytes or\n"
          "# K, M, G, T (1024 based); durations are ms, s, m, h, d. After a change: logboomd "
          "--check\n"
          "# Files conf.d/*.yaml beside this one are read after it and change what it says.\n",
          out);
    for (size_t i = 0; i < config_n_sections; i++)
        sample_section(out, &config_sections[i]);
}
