/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_WORD_H
#define STORE_QUERY_WORD_H

/*
 * The lexical level: where a parse stands in the expression, and words. A word is a run of unquoted
 * bytes and "quoted" pieces, glued as a shell does: web-"1 *"*.eu is `web-1 *`, a star, `.eu`.
 */

#include "store/query/ast.h"
#include "store/query/regex.h"

struct parser {
    struct query *query;
    const char *text;
    size_t len, at;
    unsigned depth;
    int64_t now_ns; /* what relative times are relative to */
    struct query_error *error;
};

struct word {
    char *text;       /* without quotes and escapes */
    uint8_t *is_star; /* for each byte: an unquoted star */
    size_t len, at;   /* at: in the expression */
    bool has_star, quoted;
};

/* Fills the error and returns -EINVAL. */
int parser_fail(struct parser *parser, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

void parser_skip_space(struct parser *parser);
/* The byte at the place + ahead, or NUL behind the end. */
char parser_peek(const struct parser *parser, size_t ahead);
/* Takes a keyword (letters in either case, followed by no part of a word) if it stands here. */
bool parser_take_keyword(struct parser *parser, const char *keyword);
bool parser_at_keyword(const struct parser *parser, const char *keyword);

/* The bytes of a field's name that stand here, perhaps none. Moves nothing. */
size_t parser_name_len(const struct parser *parser);

/* Takes a word, which may be empty only when quoted. in_list: a comma ends it. Returns 0, -ENOMEM,
 * -EINVAL. */
int parser_take_word(struct parser *parser, bool in_list, struct word *ret_word);

/* Takes a /regex/, with its flags, from the slash that stands here; \/ in it is a slash. Returns 0,
 * -ENOMEM, -EINVAL. */
int parser_take_regex(struct parser *parser, struct word *ret_word,
                      struct regex_options *ret_options);

#endif
