/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_CONFIG_KEY_H
#define DAEMON_CONFIG_KEY_H

/*
 * The table of keys: everything that is known about a key stands in its row, and loading, checking,
 * defaults, the help, the sample file, the manual page and the dump are made from it. A new key is
 * a row and a field in config.h.
 *
 *   inputs.*.max_line     the pattern; "*" is the name of a member
 *   └──────┘ └──────┘
 *   the place, which       the field in it:
 *   decides the struct:    offset, size
 *   "" and sections: struct config; inputs.*: struct config_input; stages.*: struct config_stage
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "daemon/config.h"

enum config_type {
    CONFIG_INTEGER,  /* unsigned, of the field's size */
    CONFIG_SIZE,     /* bytes: uint32_t or uint64_t */
    CONFIG_DURATION, /* ns: int64_t */
    CONFIG_ENUM,     /* int, one of words */
    CONFIG_STRING,   /* char *; smallest and largest are its length in bytes */
    CONFIG_PATH,     /* the same */
    CONFIG_ADDRESS,  /* char *: HOST:PORT or "" */
    CONFIG_PATHS,    /* char **, and size_t at n_offset; smallest and largest count the items */
    CONFIG_WORDS,    /* int[largest], and size_t at n_offset */
    CONFIG_URLS,     /* struct config_listen *, and size_t at n_offset */
};

struct config_word {
    const char *name;
    int value;
};

struct config_key {
    const char *pattern;
    enum config_type type;
    const char *unit; /* what an integer counts; NULL: nothing worth a word */
    int64_t smallest, largest;
    const char *def; /* as it is written in YAML; what root gets */
    const char
        *user_def; /* in words, what others than root get; NULL: the same (config_defaults.c) */
    const char *example;             /* a valid value to show in errors; NULL: def */
    const struct config_word *words; /* ends with a NULL name */
    const char *help;
    size_t offset, size, n_offset;
};

/* A map of keys. Everything that is written from the two tables has their order. */
struct config_section {
    const char *name;           /* "" is the file itself */
    const char *const *members; /* its keys are in members: those named here (NULL ends)… */
    const char *example;        /* … or of any name, such as this one */
    const char *help;
};

extern const struct config_key config_keys[];
extern const size_t config_n_keys;
extern const struct config_section config_sections[];
extern const size_t config_n_sections;

#define CONFIG_INPUTS_MAX 64
#define CONFIG_NAME_MAX   64  /* bytes of a member's name */
#define CONFIG_PATH_MAX   128 /* of "inputs.NAME.KEY", with the NUL */

const struct config_key *config_key_find(const char *pattern);
const struct config_section *config_section_find(const char *name);
static inline bool config_section_has_members(const struct config_section *section)
{
    return section->members || section->example;
}
/* "workers_min" of "stages.*.workers_min" */
const char *config_key_leaf(const struct config_key *key);
/* Is key one of this section, or of its members? */
bool config_key_in(const struct config_key *key, const struct config_section *section);
/* The nth member of a section with members: its name and its struct; false: there are no more. */
bool config_member(const struct config *config, const struct config_section *section, size_t n,
                   const char **ret_name, void **ret_base);

/* A word's value in *ret_value; or its name; false and NULL: there is none. */
bool config_word_value(const struct config_word *words, const char *name, int *ret_value);
const char *config_word_name(const struct config_word *words, int value);

/* "64K", "1s", "5" as the key's type wants it. Pure. Returns 0, -EINVAL (form), -ERANGE (range). */
int config_number_parse(const struct config_key *key, const char *text, int64_t *ret_value);
/* The shortest exact way to write the value: 67108864 as a size is "64M". */
struct config_number {
    char text[32];
};
struct config_number config_number_format(enum config_type type, int64_t value);

/*
 * URL or HOST:PORT. Pure but for memory. Returns 0, -ENOMEM, or -EINVAL and in *ret_problem what
 * was expected (a constant). ret_listen's url and host are the caller's to free.
 */
int config_listen_parse(const char *text, struct config_listen *ret_listen,
                        const char **ret_problem);
bool config_address_valid(const char *text, const char **ret_problem);
/* Would both sockets want the same address? Port 0 never clashes. */
bool config_listen_same(const struct config_listen *a, const struct config_listen *b);

/* Frees an array and what its items own. */
void config_texts_free(char **texts, size_t n_texts);
void config_listens_free(struct config_listen *listen, size_t n_listen);

/* What a value must be, for people: "a size from 16M to 64G, such as 256M". Cut to size. */
void config_key_describe(const struct config_key *key, char *out, size_t size);
/* A valid value, as it is written. */
const char *config_key_example(const struct config_key *key);
bool config_type_is_list(enum config_type type);
/* "list of words" */
const char *config_type_name(enum config_type type);

#endif
