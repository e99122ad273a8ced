/* SPDX-License-Identifier: MIT */
/*
 * What every match of a pattern must hold, from the pattern's text alone.
 *
 *   sshd\[\d+\]: (Failed|Invalid) user x+.*port [0-9]* ssh2?$
 *   └───┘    └─┘└─┘              └─────┘  └────┘      └──┘      runs: `sshd[` `]: ` ` user x` `port ` ` ssh`
 *
 * Only the top level is looked at: a group, a class, or anything that may match more than one text
 * ends a run. One must not be wrong here, for a run that is not in every match loses hits; so
 * wherever the meaning of what follows would depend on more than this file knows, it gives up and
 * says that there are none.
 */
#include "store/query/regex.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "store/query/ast.h"
#include "store/token.h"

struct reading {
    const char *at, *end;
    char *bytes; /* of all runs, one after another */
    size_t n_bytes, run;
    struct regex_literal *runs;
    size_t n_runs;
    bool bound_start; /* of the run that is open */
};

static char peek(const struct reading *reading)
{
    return reading->at < reading->end ? *reading->at : '\0';
}

/* Ends the run. A literal byte of a token is whole when the run itself goes on beside it; at the
 * run's own ends only the edges of the text are known to bound it. */
static void end_run(struct reading *reading, bool bound_end)
{
    size_t len = reading->n_bytes - reading->run;
    if (len > 0)
        reading->runs[reading->n_runs++] = (struct regex_literal){
            reading->bytes + reading->run, len, reading->bound_start, bound_end};
    reading->run = reading->n_bytes;
    reading->bound_start = false;
}

static void put(struct reading *reading, char byte)
{
    reading->bytes[reading->n_bytes++] = byte;
}

/* The last character, whole, may be missing from the text. */
static void drop_character(struct reading *reading)
{
    while (reading->n_bytes > reading->run) {
        uint8_t byte = (uint8_t)reading->bytes[--reading->n_bytes];
        if (byte < 0x80 || byte >= 0xc0)
            break;
    }
}

/* { as a quantifier, in any version of PCRE2; returns its length, 0: it is none. */
static size_t braces_len(const struct reading *reading)
{
    const char *at = reading->at + 1;
    while (at < reading->end && (isdigit((unsigned char)*at) || *at == ',' || *at == ' '))
        at++;
    return at < reading->end && *at == '}' ? (size_t)(at + 1 - reading->at) : 0;
}

static size_t quantifier_len(const struct reading *reading)
{
    char byte = peek(reading);
    return byte == '{' ? braces_len(reading) : byte == '?' || byte == '*' || byte == '+';
}

/* Takes a quantifier, if one stands here, and ends the run behind what it repeats. */
static void take_quantifier(struct reading *reading)
{
    char byte = peek(reading);
    size_t len = quantifier_len(reading);
    if (len == 0)
        return;
    reading->at += len;
    if (byte != '+')
        drop_character(reading);
    end_run(reading, false);
    if (peek(reading) == '?' || peek(reading) == '+')
        reading->at++;
}

/* Escapes that match one text of many, or none, and have no argument. */
static bool is_plain_class(char letter)
{
    return letter != '\0' && strchr("dDwWsShHvVbBAZzGRXK", letter) != NULL;
}

static int take_hex(struct reading *reading)
{
    static const char digits[] = "0123456789abcdef";
    int value = 0;
    for (int i = 0; i < 2; i++) {
        char byte = (char)tolower((unsigned char)peek(reading));
        const char *digit = byte == '\0' ? NULL : strchr(digits, byte);
        if (digit == NULL)
            return -EINVAL;
        value = value * 16 + (int)(digit - digits);
        reading->at++;
    }
    return value;
}

/* Returns 0, -EINVAL: gives up. */
static int take_escape(struct reading *reading)
{
    static const char letters[] = "tnrfea", meanings[] = "\t\n\r\f\x1b\a";
    reading->at++;
    char letter = peek(reading);
    if (reading->at++ == reading->end)
        return -EINVAL;
    const char *known = letter == '\0' ? NULL : strchr(letters, letter);
    if (known != NULL) {
        put(reading, meanings[known - letters]);
    } else if (letter == 'x') {
        int byte = take_hex(reading);
        if (byte < 0 || byte >= 0x80)
            return -EINVAL;
        put(reading, (char)byte);
    } else if (is_plain_class(letter)) {
        end_run(reading, false);
    } else if (isalnum((unsigned char)letter)) {
        return -EINVAL;
    } else {
        put(reading, letter);
    }
    return 0;
}

/* The last byte of [:digit:] inside of a class, or NULL. */
static const char *posix_class_end(const char *at, const char *end)
{
    for (at += 2; at < end && (islower((unsigned char)*at) || *at == '^'); at++)
        ;
    return end - at > 1 && at[0] == ':' && at[1] == ']' ? at + 1 : NULL;
}

/* [...]: from the bracket to behind its end. */
static int skip_class(struct reading *reading)
{
    const char *at = reading->at + 1, *end = reading->end;
    at += at < end && *at == '^';
    at += at < end && *at == ']';
    for (; at < end && *at != ']'; at++) {
        if (*at == '\\') {
            if (++at == end || *at == 'Q' || *at == 'E' || *at == 'c')
                return -EINVAL;
        } else if (*at == '[' && end - at > 1 && (at[1] == ':' || at[1] == '.' || at[1] == '=')) {
            at = posix_class_end(at, end);
            if (at == NULL)
                return -EINVAL;
        }
    }
    if (at >= end)
        return -EINVAL;
    reading->at = at + 1;
    return 0;
}

/* Groups that change nothing outside of themselves. */
static bool is_plain_group(const struct reading *reading)
{
    const char *at = reading->at + 1;
    if (at == reading->end || *at == '*')
        return false;
    if (*at != '?')
        return true;
    return at + 1 < reading->end && strchr(":=!<>P'|", at[1]) != NULL;
}

/* (...): from the parenthesis to behind its match. */
static int skip_group(struct reading *reading)
{
    size_t depth = 0;
    int r = 0;
    do {
        char byte = peek(reading);
        if (reading->at >= reading->end || (byte == '(' && !is_plain_group(reading)))
            return -EINVAL;
        if (byte == '[') {
            r = skip_class(reading);
        } else if (byte == '\\') {
            char letter = reading->end - reading->at > 1 ? reading->at[1] : 'Q';
            r = letter == 'Q' || letter == 'E' || letter == 'c' ? -EINVAL : 0;
            reading->at += 2;
        } else {
            depth += byte == '(';
            depth -= byte == ')';
            reading->at++;
        }
    } while (r == 0 && depth > 0);
    return r;
}

static int read_atom(struct reading *reading)
{
    switch (*reading->at) {
    case '|':
    case ')':
        return -EINVAL;
    case '(':
        end_run(reading, false);
        return skip_group(reading);
    case '[':
        end_run(reading, false);
        return skip_class(reading);
    case '\\':
        return take_escape(reading);
    case '.':
        end_run(reading, false);
        break;
    case '^':
        end_run(reading, false);
        reading->bound_start = true;
        break;
    case '$':
        /* `$?` says nothing. */
        reading->at++;
        end_run(reading, quantifier_len(reading) == 0);
        return 0;
    default:
        put(reading, *reading->at);
        break;
    }
    reading->at++;
    return 0;
}

int regex_literals(struct query *query, const char *pattern, size_t len,
                   const struct regex_options *options, struct regex_literal **ret_literals,
                   size_t *ret_n)
{
    struct reading reading = {.at = pattern,
                              .end = pattern + len,
                              .bytes = query_alloc(query, len + 1),
                              .runs = query_alloc(query, (len + 1) * sizeof(*reading.runs))};
    if (reading.bytes == NULL || reading.runs == NULL)
        return -ENOMEM;
    /* Unicode folds letters into others (k into the Kelvin sign) that bytes do not know. */
    int r = options->caseless && options->utf ? -EINVAL : 0;
    while (r == 0 && reading.at < reading.end) {
        r = read_atom(&reading);
        if (r == 0)
            take_quantifier(&reading);
    }
    end_run(&reading, false);
    *ret_literals = reading.runs;
    *ret_n = r == 0 ? reading.n_runs : 0;
    return 0;
}
