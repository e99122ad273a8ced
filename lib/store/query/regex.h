/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_REGEX_H
#define STORE_QUERY_REGEX_H

/*
 * Regular expressions: PCRE2, compiled by its JIT. Its header is included by regex.c alone.
 *
 * Bytes are bytes: `.` is one byte, \w is [A-Za-z0-9_], and invalid UTF-8 is text like other text.
 * With `utf` the pattern and the text are UTF-8: `.` is a character and \w knows the letters of
 * Unicode; nothing matches across invalid bytes.
 *
 * A match has a limit (REGEX_MATCH_LIMIT steps, REGEX_HEAP_KIB of memory), so that no pattern stops a
 * scan: a text on which it is reached does not match and is counted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGEX_MATCH_LIMIT 1000000
#define REGEX_HEAP_KIB    4096

struct query;
struct regex;

struct regex_error {
    size_t at; /* byte offset into the pattern */
    char message[100];
};

struct regex_options {
    bool caseless, utf;
};

/*
 * pattern need not outlive the call. The regex belongs to the query and is freed with it. Returns
 * 0, -ENOMEM, -EINVAL (ret_error is filled).
 */
int regex_new(struct query *query, const char *pattern, size_t len,
              const struct regex_options *options, struct regex **ret_regex,
              struct regex_error *ret_error);
/* Frees all regexes of a query; for query_free(). */
void regex_free_all(struct query *query);

/* Is there a match anywhere in the text? Any number of threads may ask. */
bool regex_matches(struct regex *regex, const char *text, size_t len);

/* How often a text reached the limit, so far. Any thread. */
uint64_t regex_gave_up(const struct regex *regex);

/* As it was given, for printing. */
const char *regex_pattern(const struct regex *regex, size_t *ret_len,
                          struct regex_options *ret_options);

/*
 * A run of literal bytes that every match holds. bound: the pattern has literal bytes beside it, or
 * the edge of the text, so that no byte of a token can stand there.
 */
struct regex_literal {
    const char *text;
    size_t len;
    bool bound_start, bound_end;
};

/*
 * All runs that every match of the pattern must hold, in their order; none where that is not sure
 * (an alternative at the top, options inside the pattern, escapes with arguments). Groups, classes
 * and what may be repeated zero times end a run. Their texts are the query's. Returns 0, -ENOMEM.
 */
int regex_literals(struct query *query, const char *pattern, size_t len,
                   const struct regex_options *options, struct regex_literal **ret_literals,
                   size_t *ret_n);

#endif
