/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <string.h>

/* What a person may have meant by a word that nothing is called: the nearest by edits, or a key
 * that stands elsewhere. */

#define WORD_MAX 32 /* longer words are nobody's misspelling */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned min = a < b ? a : b;
    return min < c ? min : c;
}

/* Insertions, deletions, replacements and swaps of neighbours that make b of a (optimal string
 * alignment). */
static unsigned edits(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1]; /* of i, i - 1, i - 2 modulo 3 */
    size_t len_a = strlen(a), len_b = strlen(b);
    for (size_t j = 0; j <= len_b; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= len_a; i++) {
        unsigned *row = rows[i % 3], *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= len_b; j++) {
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                above2[j - 2] + 1 < row[j])
                row[j] = above2[j - 2] + 1;
        }
    }
    return rows[len_a % 3][len_b];
}

const char *config_nearest(const char *word, const char *const *words, size_t n_words)
{
    const char *nearest = NULL;
    unsigned least = ((unsigned)strlen(word) + 2) / 3 + 1; /* more than a third is another word */
    if (strlen(word) > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n_words; i++) {
        unsigned n = strlen(words[i]) <= WORD_MAX ? edits(word, words[i]) : least;
        if (n < least) {
            least = n;
            nearest = words[i];
        }
    }
    return nearest;
}

/* Everything that may stand in the section: its keys, its members' names, for the file also the
 * sections. */
static size_t known_words(const struct config_section *section, bool members, const char *words[64])
{
    size_t n = 0;
    for (size_t i = 0; members && section->members[i]; i++)
        words[n++] = section->members[i];
    for (size_t i = 0; !members && i < config_n_keys; i++)
        if (config_key_in(&config_keys[i], section))
            words[n++] = config_key_leaf(&config_keys[i]);
    for (size_t i = 0; *section->name == '\0' && i < config_n_sections; i++)
        if (*config_sections[i].name)
            words[n++] = config_sections[i].name;
    return n;
}

/* A key of this name in another place. */
static const char *elsewhere(const char *leaf)
{
    for (size_t i = 0; i < config_n_keys; i++)
        if (strcmp(config_key_leaf(&config_keys[i]), leaf) == 0)
            return config_keys[i].pattern;
    return NULL;
}

static void join_words(const char *const *words, size_t n_words, char out[512])
{
    out[0] = '\0';
    for (size_t i = 0; i < n_words; i++)
        strcat(strcat(out, i ? ", " : ""), words[i]);
}

void config_unknown_key(struct config_loader *loader, const struct config_section *section,
                        const char *shown_section, const struct yaml_tree *entry)
{
    const char *words[64];
    char list[512];
    /* "stages" itself names members; "stages.parse" names keys */
    bool members = section->members && strcmp(shown_section, section->name) == 0;
    size_t n_words = known_words(section, members, words);
    const char *near = config_nearest(entry->key, words, n_words);
    const char *other = elsewhere(entry->key);
    struct config_quoted key = config_quote(entry->key);
    const char *separator = *shown_section ? ": " : "";

    if (near) {
        config_error(&loader->errors, &entry->key_place, "%s%sunknown key %s; did you mean \"%s\"?",
                     shown_section, separator, key.text, near);
    } else if (other) {
        config_error(&loader->errors, &entry->key_place, "%s%sunknown key %s; did you mean %s?",
                     shown_section, separator, key.text, other);
    } else {
        join_words(words, n_words, list);
        config_error(&loader->errors, &entry->key_place, "%s%sunknown key %s; known here are %s",
                     shown_section, separator, key.text, list);
    }
}
