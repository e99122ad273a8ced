/* SPDX-License-Identifier: MIT */
#include "store/query/value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "store/query/number.h"
#include "store/query/pattern.h"
#include "store/query/tokens.h"
#include "store/when.h"

#define WORD_ARGS(word) (int)((word)->len < 40 ? (word)->len : 40), (word)->text

/* Searched inside, by tokens: a star at an end lifts the boundary there. */
static void open_ends(const struct word *word, struct pattern *pattern)
{
    if (pattern->n_needles == 0 || word->len == 0)
        return;
    pattern->bound_start = !pattern->open_start && token_byte(word->text[0]);
    pattern->bound_end = !pattern->open_end && token_byte(word->text[word->len - 1]);
    pattern->open_start = pattern->open_end = true;
}

static bool is_ordering(enum compare op)
{
    return op >= CMP_LT && op <= CMP_GE;
}

static int read_text(struct parser *parser, const struct node *node, const struct word *word,
                     struct value *value)
{
    const struct field *field = node->field;
    bool fold = node->op == CMP_MATCH || field->type == FIELD_COUNTRY;
    bool may_be_decimal = is_ordering(node->op) || (field->type == FIELD_KEY && !word->quoted);
    value->is_decimal = field->numeric && may_be_decimal && !word->has_star &&
                        number_parse(word->text, word->len, &value->decimal);
    if (is_ordering(node->op) && !value->is_decimal)
        return parser_fail(parser, word->at, "\"%.*s\" is no number: %s %s takes one",
                           WORD_ARGS(word), field->name, compare_text(node->op));
    int r =
        pattern_build(parser->query, word->text, word->is_star, word->len, fold, &value->pattern);
    if (r == 0 && node->op == CMP_MATCH && field->contains)
        open_ends(word, &value->pattern);
    return r;
}

static int fail_regex(struct parser *parser, size_t at, const struct word *word,
                      const struct regex_error *error)
{
    /* A \/ of the expression is one byte of the pattern. */
    size_t raw = at + 1;
    for (size_t i = 0; i < error->at && i < word->len; i++)
        raw += 1 + (word->text[i] == '/');
    return parser_fail(parser, raw, "in this regular expression: %s", error->message);
}

static int take_regex(struct parser *parser, struct value *value)
{
    struct regex_options options;
    struct regex_error error;
    struct word word;
    size_t at = parser->at;
    int r = parser_take_regex(parser, &word, &options);
    if (r < 0)
        return r;
    r = regex_new(parser->query, word.text, word.len, &options, &value->regex, &error);
    return r == -EINVAL ? fail_regex(parser, at, &word, &error) : r;
}

static int read_digits(const struct word *word, unsigned base, uint64_t *ret_number)
{
    uint64_t number = 0;
    for (size_t i = 0; i < word->len; i++) {
        char byte = word->text[i];
        unsigned digit = byte >= '0' && byte <= '9'   ? (unsigned)(byte - '0')
                         : byte >= 'a' && byte <= 'f' ? (unsigned)(byte - 'a' + 10)
                         : byte >= 'A' && byte <= 'F' ? (unsigned)(byte - 'A' + 10)
                                                      : base;
        if (digit >= base || __builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit, &number))
            return -EINVAL;
    }
    *ret_number = number;
    return word->len > 0 ? 0 : -EINVAL;
}

static int read_number(struct parser *parser, const struct node *node, const struct word *word,
                       struct value *value)
{
    uint64_t number;
    if (read_digits(word, 10, &number) < 0 || number > INT64_MAX)
        return parser_fail(parser, word->at, "\"%.*s\" is no number: %s takes digits only",
                           WORD_ARGS(word), node->field->name);
    value->number = (int64_t)number;
    return 0;
}

static int read_double(struct parser *parser, const struct node *node, const struct word *word,
                       struct value *value)
{
    value->is_decimal = number_parse(word->text, word->len, &value->decimal);
    if (!value->is_decimal)
        return parser_fail(parser, word->at, "\"%.*s\" is no number: %s takes degrees, as in 52.5",
                           WORD_ARGS(word), node->field->name);
    return 0;
}

static int read_id(struct parser *parser, const struct word *word, struct value *value)
{
    uint64_t id;
    if (read_digits(word, 16, &id) < 0)
        return parser_fail(parser, word->at,
                           "\"%.*s\" is no id: expected hexadecimal digits, as -o json shows it",
                           WORD_ARGS(word));
    value->number = (int64_t)(id ^ (1ull << 63));
    return 0;
}

static int read_time(struct parser *parser, const struct word *word, struct value *value)
{
    int r = when_parse(word->text, word->len, parser->now_ns, false, &value->number);
    if (r == -ERANGE)
        return parser_fail(parser, word->at, "there is no such time as \"%.*s\"", WORD_ARGS(word));
    if (r < 0)
        return parser_fail(parser, word->at, "expected " WHEN_EXPECTED);
    return 0;
}

static int read_name(struct parser *parser, const struct node *node, const struct word *word,
                     struct value *value)
{
    int number = -EINVAL;
    const char *expected = "";
    if (node->field->type == FIELD_SEVERITY) {
        number = record_severity_from_name(word->text, word->len);
        expected = "emerg alert crit err warning notice info debug or 0-7";
    } else if (node->field->type == FIELD_FACILITY) {
        number = record_facility_from_name(word->text, word->len);
        expected = "kern user mail daemon auth ... local0-local7 or 0-23";
    } else {
        number = record_format_from_name(word->text, word->len);
        expected = "rfc5424 rfc3164 or raw";
    }
    if (number < 0)
        return parser_fail(parser, word->at, "\"%.*s\" is no %s: expected %s", WORD_ARGS(word),
                           node->field->name, expected);
    value->number = number;
    return 0;
}

/* Address or address/bits into the 128-bit form. */
static int parse_prefix(const char *text, struct value *value)
{
    char address[INET6_ADDRSTRLEN];
    const char *slash = strchrnul(text, '/');
    size_t len = (size_t)(slash - text);
    if (len >= sizeof(address))
        return -EINVAL;
    memcpy(address, text, len);
    address[len] = '\0';
    unsigned most = strchr(address, ':') == NULL ? 32 : 128;
    uint64_t bits = most;
    struct word digits = {.text = (char *)slash + 1};
    if (*slash != '\0') {
        digits.len = strlen(slash + 1);
        if (read_digits(&digits, 10, &bits) < 0 || bits > most)
            return -EINVAL;
    }
    memset(value->address, 0, sizeof(value->address));
    value->bits = (uint8_t)(128 - most + bits);
    if (most == 128)
        return inet_pton(AF_INET6, address, value->address) == 1 ? 0 : -EINVAL;
    value->address[10] = value->address[11] = 0xff;
    return inet_pton(AF_INET, address, value->address + 12) == 1 ? 0 : -EINVAL;
}

static int read_address(struct parser *parser, const struct node *node, const struct word *word,
                        struct value *value)
{
    /* query_alloc zeroes and the word's buffer has one byte of room: it ends with a NUL. */
    if (strlen(word->text) != word->len || parse_prefix(word->text, value) < 0)
        return parser_fail(parser, word->at,
                           "\"%.*s\" is no address: %s takes 192.0.2.7, 10.0.0.0/8, 2001:db8::/32",
                           WORD_ARGS(word), node->field->name);
    return 0;
}

static bool is_lone_star(const struct word *word)
{
    return word->len == 1 && word->has_star;
}

static int read_word(struct parser *parser, const struct node *node, const struct word *word,
                     struct value *value)
{
    value->any = is_lone_star(word) && !is_ordering(node->op);
    if (field_is_text(node->field))
        return read_text(parser, node, word, value);
    if (value->any)
        return 0;
    if (word->has_star)
        return parser_fail(parser, word->at,
                           "%s takes no wildcard: expected a value, or a * alone for any",
                           node->field->name);
    switch (node->field->type) {
    case FIELD_NUMBER:
        return read_number(parser, node, word, value);
    case FIELD_DOUBLE:
        return read_double(parser, node, word, value);
    case FIELD_ID:
        return read_id(parser, word, value);
    case FIELD_TIME:
        return read_time(parser, word, value);
    case FIELD_ADDRESS:
        return read_address(parser, node, word, value);
    default:
        return read_name(parser, node, word, value);
    }
}

int value_take(struct parser *parser, const struct node *node, bool in_list, struct value *value)
{
    struct word word;
    int r;
    parser_skip_space(parser);
    size_t at = parser->at;
    if (node->op == CMP_MATCH && field_is_text(node->field) && parser_peek(parser, 0) == '/') {
        r = take_regex(parser, value);
    } else {
        r = parser_take_word(parser, in_list, &word);
        if (r == 0 && word.len == 0 && !word.quoted)
            return parser_fail(parser, at, "expected a value for %s", node->field->name);
        if (r == 0)
            r = read_word(parser, node, &word, value);
    }
    return r == 0 ? tokens_of_value(parser->query, node, value) : r;
}
