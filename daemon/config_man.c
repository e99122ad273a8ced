/* SPDX-License-Identifier: MIT */
#include "daemon/config_document.h"

#include <string.h>

/* logboom.yaml(5) for scdoc: fixed text around the keys of the table. */

static const char head[] =
    "logboom.yaml(5)\n"
    "\n"
    "# NAME\n"
    "\n"
    "logboom.yaml - configuration of logboomd\n"
    "\n"
    "# SYNOPSIS\n"
    "\n"
    "_/etc/logboom/logboom.yaml_\n"
    "\n"
    "_/etc/logboom/conf.d/\\*.yaml_\n"
    "\n"
    "# DESCRIPTION\n"
    "\n"
    "*logboomd*(8) reads this file, or the one that *--config* names, and after it the "
    "files *conf.d/\\*.yaml* beside it, in the order of their names; files whose name "
    "begins with a dot are passed over. What a later file says replaces what an earlier "
    "one says: single values and whole lists are replaced, sections are merged key by "
    "key.\n"
    "\n"
    "Every key has a default, and without any file the defaults apply. Where no file "
    "names an input, there is the default input *network*; the first input that is "
    "written down takes its place. Some defaults depend on whether root runs the daemon.\n"
    "\n"
    "The files are YAML in UTF-8 of at most 1 MiB: maps, lists, scalars and comments. "
    "Anchors, aliases, tags and several documents in a file are refused. What a value "
    "means is decided by its key, never by how it looks: *NO* is a text, and *\"5\"* is "
    "a number where one is expected.\n"
    "\n"
    "All errors of all files are reported at once, each with file, line and column, and "
    "with what was expected. *logboomd --check* reports them and does nothing else; "
    "*logboomd --dump-config* writes the values that are in effect as JSON, which is "
    "itself a valid configuration.\n"
    "\n"
    "# VALUES\n"
    "\n"
    "*size*\n"
    "\tBytes, or a number with K, M, G or T (also KiB, MiB, GiB, TiB), which are powers "
    "of 1024: 64K is 65536.\n"
    "\n"
    "*duration*\n"
    "\tA number with ms, s, m, h or d: 500ms, 1s, 5m, 24h, 30d; or 0.\n"
    "\n"
    "*list*\n"
    "\t\\[a, b\\], or one item a line that begins with \"- \".\n"
    "\n"
    "*whole number*, *word*, *text*, *path*\n"
    "\tAs they are, with or without quotes.\n"
    "\n"
    "# KEYS\n"
    "\n";

static const char tail[] =
    "# EXAMPLE\n"
    "\n"
    "```\n"
    "inputs:\n"
    "  network:\n"
    "    listen: [\"udp://[::]:514\", \"tcp://[::]:514\"]\n"
    "    time_zone: Europe/Berlin\n"
    "  backup:\n"
    "    listen: [tcp://127.0.0.1:6514]\n"
    "    on_full: block\n"
    "geoip:\n"
    "  databases: [/var/lib/GeoIP/GeoLite2-City.mmdb]\n"
    "store:\n"
    "  retain_size: 200G\n"
    "  retain_age: 90d\n"
    "```\n"
    "\n"
    "# FILES\n"
    "\n"
    "_/etc/logboom/logboom.yaml_\n"
    "\tThe configuration. Where it is missing and no other is named, the defaults apply.\n"
    "\n"
    "_/etc/logboom/conf.d/\\*.yaml_\n"
    "\tRead after it. The folder must belong to root or to the user who runs logboomd.\n"
    "\n"
    "# SEE ALSO\n"
    "\n"
    "*logboomd*(8), *logboomctl*(1)\n";

/* scdoc(5): these characters mean something unless they follow a backslash. */
static void write_escaped(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("\\*_#[]|~<>`", *text))
            fputc('\\', out);
        fputc(*text, out);
    }
}

static void man_key(FILE *out, const struct config_key *key)
{
    fputc('*', out);
    write_escaped(out, key->pattern);
    fprintf(out, "* (%s", config_type_name(key->type));
    config_write_range(out, key, ": ");
    fputs("; default ", out);
    write_escaped(out, key->def);
    fputs(")\n\t", out);
    write_escaped(out, key->help);
    if (key->user_def) {
        fputs(" Without root, the default is ", out);
        write_escaped(out, key->user_def);
        fputc('.', out);
    }
    fputs("\n\n", out);
}

static void man_section(FILE *out, const struct config_section *section)
{
    fprintf(out, "## %s\n\n", *section->name ? section->name : "general");
    write_escaped(out, section->help);
    fputs("\n\n", out);
    if (section->members) {
        fputs("The \\* stands for one of", out);
        for (const char *const *member = section->members; *member; member++)
            fprintf(out, "%s %s", member == section->members ? "" : ",", *member);
        fputs(".\n\n", out);
    }
    for (size_t i = 0; i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section))
            man_key(out, &config_keys[i]);
}

void config_write_man(FILE *out)
{
    fputs(head, out);
    for (size_t i = 0; i < config_n_sections; i++)
        man_section(out, &config_sections[i]);
    fputs(tail, out);
}
