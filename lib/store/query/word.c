/* SPDX-License-Identifier: MIT */
#include "store/query/word.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

int parser_fail(struct parser *parser, size_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    parser->error->at = at;
    vsnprintf(parser->error->message, sizeof(parser->error->message), format, args);
    va_end(args);
    return -EINVAL;
}

char parser_peek(const struct parser *parser, size_t ahead)
{
    return ahead < parser->len - parser->at ? parser->text[parser->at + ahead] : '\0';
}

static bool at_end(const struct parser *parser)
{
    return parser->at == parser->len;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

void parser_skip_space(struct parser *parser)
{
    while (!at_end(parser) && is_space(parser_peek(parser, 0)))
        parser->at++;
}

static bool ends_word(char byte, bool in_list)
{
    return byte == '\0' || is_space(byte) || byte == '(' || byte == ')' || byte == '|' ||
           (in_list && byte == ',');
}

bool parser_at_keyword(const struct parser *parser, const char *keyword)
{
    size_t len = strlen(keyword);
    return parser->len - parser->at >= len &&
           strncasecmp(parser->text + parser->at, keyword, len) == 0 &&
           ends_word(parser_peek(parser, len), false);
}

bool parser_take_keyword(struct parser *parser, const char *keyword)
{
    if (!parser_at_keyword(parser, keyword))
        return false;
    parser->at += strlen(keyword);
    return true;
}

size_t parser_name_len(const struct parser *parser)
{
    size_t len = 0;
    for (char byte; (byte = parser_peek(parser, len)) != '\0'; len++)
        if (ends_word(byte, true) || strchr("=!:<>\"*\\|", byte) != NULL)
            break;
    return len;
}

static void append(struct word *word, char byte, bool star)
{
    word->text[word->len] = byte;
    word->is_star[word->len++] = star;
    word->has_star |= star;
}

static int hex_value(char byte)
{
    return isdigit((unsigned char)byte) ? byte - '0' : tolower((unsigned char)byte) - 'a' + 10;
}

static int take_escape(struct parser *parser, struct word *word)
{
    static const char letters[] = "\"\\nrt*", meanings[] = "\"\\\n\r\t*";
    char letter = parser_peek(parser, 1), high = parser_peek(parser, 2);
    const char *known = letter == '\0' ? NULL : strchr(letters, letter);
    if (known != NULL) {
        append(word, meanings[known - letters], false);
        parser->at += 2;
        return 0;
    }
    if (letter == 'x' && isxdigit((unsigned char)high) &&
        isxdigit((unsigned char)parser_peek(parser, 3))) {
        append(word, (char)(hex_value(high) * 16 + hex_value(parser_peek(parser, 3))), false);
        parser->at += 4;
        return 0;
    }
    return parser_fail(
        parser, parser->at,
        "unknown escape in a quoted text: expected \\\" \\\\ \\n \\r \\t \\* or \\xHH");
}

static int take_quoted(struct parser *parser, struct word *word)
{
    size_t start = parser->at++;
    word->quoted = true;
    while (!at_end(parser) && parser_peek(parser, 0) != '"') {
        if (parser_peek(parser, 0) == '\\') {
            int r = take_escape(parser, word);
            if (r < 0)
                return r;
        } else {
            append(word, parser->text[parser->at++], false);
        }
    }
    if (at_end(parser))
        return parser_fail(parser, start, "this quote is never closed: expected another \"");
    parser->at++;
    return 0;
}

static int take_piece(struct parser *parser, struct word *word)
{
    char byte = parser_peek(parser, 0);
    if (byte == '"')
        return take_quoted(parser, word);
    if (byte == '\\') {
        if (parser_peek(parser, 1) == '\0')
            return parser_fail(parser, parser->at, "expected a character after the backslash");
        parser->at++;
    }
    append(word, parser->text[parser->at++], byte == '*');
    return 0;
}

int parser_take_word(struct parser *parser, bool in_list, struct word *ret_word)
{
    size_t room = parser->len - parser->at + 1;
    char *memory = query_alloc(parser->query, 2 * room);
    if (memory == NULL)
        return -ENOMEM;
    struct word word = {.text = memory, .is_star = (uint8_t *)memory + room, .at = parser->at};
    while (!at_end(parser) && !ends_word(parser_peek(parser, 0), in_list)) {
        int r = take_piece(parser, &word);
        if (r < 0)
            return r;
    }
    *ret_word = word;
    return 0;
}

static int take_flags(struct parser *parser, struct regex_options *ret_options)
{
    struct regex_options options = {0};
    for (char flag; !ends_word(flag = parser_peek(parser, 0), false); parser->at++) {
        if (flag != 'i' && flag != 'u')
            return parser_fail(parser, parser->at,
                               "expected i (any case), u (UTF-8) or nothing behind a /regex/; text "
                               "with slashes goes into \"quotes\"");
        options.caseless |= flag == 'i';
        options.utf |= flag == 'u';
    }
    *ret_options = options;
    return 0;
}

int parser_take_regex(struct parser *parser, struct word *ret_word,
                      struct regex_options *ret_options)
{
    struct word word = {.text = query_alloc(parser->query, parser->len - parser->at),
                        .at = parser->at};
    if (word.text == NULL)
        return -ENOMEM;
    for (parser->at++; !at_end(parser) && parser_peek(parser, 0) != '/'; parser->at++) {
        char next = parser_peek(parser, 1);
        if (parser_peek(parser, 0) == '\\' && next != '\0') {
            if (next != '/')
                word.text[word.len++] = '\\';
            parser->at++;
        }
        word.text[word.len++] = parser_peek(parser, 0);
    }
    if (at_end(parser))
        return parser_fail(parser, word.at,
                           "this regular expression is never closed: expected another / (text goes "
                           "into \"quotes\")");
    if (word.len == 0)
        return parser_fail(parser, parser->at, "expected a pattern between the slashes");
    parser->at++;
    *ret_word = word;
    return take_flags(parser, ret_options);
}
