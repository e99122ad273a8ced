/* SPDX-License-Identifier: MIT */
#include "daemon/config_key.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Suffixes, the largest first: formatting takes the first that divides the value. */
struct suffix {
    const char *name;
    int64_t factor;
};

static const struct suffix sizes[] = {{"T", INT64_C(1) << 40},
                                      {"TiB", INT64_C(1) << 40},
                                      {"G", INT64_C(1) << 30},
                                      {"GiB", INT64_C(1) << 30},
                                      {"M", INT64_C(1) << 20},
                                      {"MiB", INT64_C(1) << 20},
                                      {"K", INT64_C(1) << 10},
                                      {"KiB", INT64_C(1) << 10},
                                      {"", 1},
                                      {0}};

static const struct suffix durations[] = {
    {"d", INT64_C(86400000000000)}, {"h", INT64_C(3600000000000)}, {"m", INT64_C(60000000000)},
    {"s", INT64_C(1000000000)},     {"ms", INT64_C(1000000)},      {0}};

static const struct suffix plain[] = {{"", 1}, {0}};

static const struct suffix *suffixes_of(enum config_type type)
{
    return type == CONFIG_SIZE ? sizes : type == CONFIG_DURATION ? durations : plain;
}

/* 0 on success, -ERANGE when there are more digits than int64_t holds, -EINVAL without any. */
static int parse_digits(const char **text, int64_t *ret_value)
{
    int64_t value = 0;
    bool overflow = false;
    const char *p = *text;
    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++)
        overflow = overflow || __builtin_mul_overflow(value, 10, &value) ||
                   __builtin_add_overflow(value, *p - '0', &value);
    *text = p;
    *ret_value = value;
    return overflow ? -ERANGE : 0;
}

static const struct suffix *find_suffix(enum config_type type, const char *name)
{
    for (const struct suffix *suffix = suffixes_of(type); suffix->name; suffix++)
        if (type == CONFIG_SIZE ? strcasecmp(suffix->name, name) == 0
                                : strcmp(suffix->name, name) == 0)
            return suffix;
    return NULL;
}

int config_number_parse(const struct config_key *key, const char *text, int64_t *ret_value)
{
    static const struct suffix none = {"", 1};
    int64_t value = 0;
    int r = parse_digits(&text, &value);
    if (r == -EINVAL)
        return r;
    const struct suffix *suffix = find_suffix(key->type, text);
    if (!suffix && *text == '\0' && value == 0 && r == 0)
        suffix = &none; /* nothing lasts 0, in any unit */
    if (!suffix)
        return -EINVAL;
    if (r < 0 || __builtin_mul_overflow(value, suffix->factor, &value))
        return -ERANGE;
    if (value < key->smallest || value > key->largest)
        return -ERANGE;
    *ret_value = value;
    return 0;
}

struct config_number config_number_format(enum config_type type, int64_t value)
{
    struct config_number number = {"0"};
    for (const struct suffix *suffix = suffixes_of(type); value != 0 && suffix->name; suffix++)
        if (value % suffix->factor == 0) {
            snprintf(number.text, sizeof(number.text), "%" PRId64 "%s", value / suffix->factor,
                     suffix->name);
            break;
        }
    return number;
}

const char *config_key_example(const struct config_key *key)
{
    return key->example ? key->example : key->def;
}

bool config_type_is_list(enum config_type type)
{
    return type == CONFIG_PATHS || type == CONFIG_WORDS || type == CONFIG_URLS;
}

const char *config_type_name(enum config_type type)
{
    static const char *const names[] = {
        [CONFIG_INTEGER] = "whole number", [CONFIG_SIZE] = "size",
        [CONFIG_DURATION] = "duration",    [CONFIG_ENUM] = "word",
        [CONFIG_STRING] = "text",          [CONFIG_PATH] = "path",
        [CONFIG_ADDRESS] = "address",      [CONFIG_PATHS] = "list of paths",
        [CONFIG_WORDS] = "list of words",  [CONFIG_URLS] = "list of URLs",
    };
    return names[type];
}

static void describe_words(const struct config_key *key, FILE *out)
{
    fputs(key->type == CONFIG_WORDS ? "a list of " : "one of ", out);
    for (const struct config_word *word = key->words; word->name; word++)
        fprintf(out, "%s%s", word == key->words ? "" : ", ", word->name);
}

static void describe(const struct config_key *key, FILE *out)
{
    bool number =
        key->type == CONFIG_INTEGER || key->type == CONFIG_SIZE || key->type == CONFIG_DURATION;
    if (key->words)
        describe_words(key, out);
    else if (key->type == CONFIG_ADDRESS)
        fputs("HOST:PORT", out);
    else
        fprintf(out, "a %s", config_type_name(key->type));
    if (number)
        fprintf(out, " from %s to %s", config_number_format(key->type, key->smallest).text,
                config_number_format(key->type, key->largest).text);
    if (key->unit)
        fprintf(out, " %s", key->unit);
    if (key->type != CONFIG_INTEGER && !key->words)
        fprintf(out, ", such as %s", config_key_example(key));
}

void config_key_describe(const struct config_key *key, char *out, size_t size)
{
    FILE *stream = fmemopen(out, size, "w");
    out[0] = '\0';
    if (!stream)
        return; /* without memory the error says less */
    describe(key, stream);
    fclose(stream);
    out[size - 1] = '\0';
}
