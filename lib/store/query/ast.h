/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_AST_H
#define STORE_QUERY_AST_H

/*
 * The tree of an expression. Private to lib/store/query and its tests.
 *
 *   host:web* and not (severity<=err or "no route")
 *
 *   AND ─┬─ COMPARE host MATCH [web*]
 *        └─ NOT ── OR ─┬─ COMPARE severity LE [3]
 *                      └─ COMPARE message MATCH [no route]
 *
 * AND and OR have any number of children, so that a long chain is no deep tree; depth is bounded by
 * QUERY_MAX_DEPTH. Everything hangs on the query's own memory and dies with it. After parsing the
 * tree is never changed: any number of threads may match against it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "store/query.h"
#include "store/query/regex.h"
#include "store/query/result.h"

#define QUERY_MAX_DEPTH 64
#define QUERY_MAX_BYTES 65536

enum node_kind { NODE_ALL, NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE };
enum compare { CMP_EQ, CMP_NE, CMP_LT, CMP_LE, CMP_GT, CMP_GE, CMP_MATCH, CMP_IN };

/* What kind of value a field has; decides how a value is read, and which comparisons it has. */
enum field_type {
    FIELD_TEXT,
    FIELD_COUNTRY, /* text of two letters, compared without case */
    FIELD_NUMBER,
    FIELD_ID,   /* 16 hexadecimal digits, as -o json prints it */
    FIELD_TIME, /* nanoseconds since 1970 UTC */
    FIELD_SEVERITY,
    FIELD_FACILITY,
    FIELD_FORMAT,
    FIELD_ADDRESS,
    FIELD_SD,     /* text: a parameter of the structured data */
    FIELD_DOUBLE, /* degrees */
    FIELD_KEY,    /* text: fields.NAME, extracted from the message (extract.h) */
};

struct field {
    const char *name;
    enum field_type type;
    uint32_t column; /* enum store_column */
    size_t offset;   /* FIELD_TEXT: of its struct text in struct store_row */
    bool contains;   /* ':' searches inside, by tokens, instead of comparing the whole */
    bool numeric;    /* a text that may be a number: has an order with numbers */
    /* Everything that is compared as a number: false when the row has none. */
    bool (*number)(const struct store_row *row, int64_t *ret_number);
    /* FIELD_ADDRESS: NULL when the row has none. */
    const uint8_t *(*address)(const struct store_row *row);
    /* FIELD_DOUBLE: false when the row has none. */
    bool (*decimal)(const struct store_row *row, double *ret_number);
};

/*
 * A run of literal bytes of a pattern. A byte b of the text fits byte i when (b | mask[i]) ==
 * text[i]: the mask is 0x20 for a letter that is compared without case (and text[i] is its lower
 * case), else 0.
 */
struct needle {
    const uint8_t *text, *mask;
    size_t len;
    size_t probe_a, probe_b; /* the two bytes that a scan looks at first; a <= b */
};

/*
 * needle * needle * needle; open at an end: a star stands there, or the text is searched inside. No
 * needle at all: any text but the empty one. bound at an (open) end: there a token begins or ends,
 * so the byte beside the first or last needle must be no token byte (token.h).
 */
struct pattern {
    struct needle *needles;
    size_t n_needles;
    bool open_start, open_end;
    bool bound_start, bound_end;
};

struct value {
    bool any;        /* a lone star: the field is present */
    bool is_decimal; /* decimal is set: the value was written as a number, and field->numeric or
                            FIELD_DOUBLE */
    double decimal;
    struct regex *regex; /* in place of the pattern, or NULL */
    /*
     * Tokens that stand in the message of each row that this value fits (so not with CMP_NE, which
     * takes the others), of those a filter knows (token_is_filtered()): for pruning. Conservative:
     * there may be more. Only message and fields.NAME have any.
     */
    const struct text *tokens;
    size_t n_tokens;
    union {
        struct pattern pattern;
        int64_t number;
        struct {
            uint8_t address[16];
            uint8_t bits; /* of the prefix, in the 128-bit form */
        };
    };
};

struct node {
    enum node_kind kind;
    uint32_t columns;          /* enum store_column: what this node and those under it look at */
    struct node *child, *next; /* first child; next sibling */
    const struct field *field; /* from here: NODE_COMPARE */
    enum compare op;
    struct text sd_id, sd_param; /* FIELD_SD */
    struct text key;             /* FIELD_KEY: NAME */
    struct value *values;        /* one, or n with CMP_IN */
    size_t n_values;
    uint32_t set; /* FIELD_SEVERITY, FIELD_FACILITY: bit i: value i fits; the bit after the last
                     value: none */
};

struct need;

struct query {
    struct node *root;
    /*
     * The children of a root that is a conjunction, else the root: a row that all let pass matches.
     * Those that look at big columns come last.
     */
    const struct node **terms;
    size_t n_terms;
    struct need *need;   /* what a block must hold; NULL: nothing */
    bool is_of_cells; /* the expression looks at nothing but severities and countries */
    struct pipe *pipes;        /* in their order (pipes.h); NULL: none */
    struct query_table *table; /* what query_result() says */
    struct regex *regexes;     /* all of them: freed with the query */
    struct allocation *allocations;
};

/* Zeroed memory that lives as long as the query, or NULL. */
void *query_alloc(struct query *query, size_t size);

/* parse.c. Fills root. Returns as query_parse(). */
int query_parse_tree(struct query *query, const char *text, struct query_error *ret_error);
struct parser;
/* field_name.c. Fills the node's field, and what is behind its dot, from a name that stands at `at`. Returns 0,
 * -ENOMEM, -EINVAL (the parser's error is filled). */
int parser_read_field(struct parser *parser, const char *name, size_t len, size_t at,
                      struct node *node);
/* How an operator is written. */
const char *compare_text(enum compare op);

/* field.c. The table, and what it says of a name; NULL: no such field. */
const struct field *field_find(const char *name, size_t len);
/* The nearest known name, or NULL when none is near. */
const char *field_nearest(const char *name, size_t len);
bool field_is_text(const struct field *field);
/* May this field be compared so? */
bool field_allows(const struct field *field, enum compare op);
/* The operators, as an error message lists them. */
const char *field_operators(const struct field *field);
/* How many values a field of severities or facilities has; 0 for others. */
unsigned field_set_size(const struct field *field);

/* print.c. The canonical text of the tree and its pipes, which parses into the same. */
void query_print(const struct query *query, FILE *out);
/* A node's field, with what is behind its dot. */
void print_field(const struct node *node, FILE *out);

/* match.c */
bool node_matches(const struct node *node, const struct store_row *row);
/* Does it look at columns that are long, or for which the message must be read? */
static inline bool node_is_big(const struct node *node)
{
    return (node->columns & (STORE_MESSAGE | STORE_SD | STORE_GEO)) != 0;
}

/* prune.c. What is known of all rows of a block from its header alone. */
enum verdict { VERDICT_NEVER, VERDICT_MAYBE, VERDICT_ALWAYS };
/* What is known of a tree from what judge says of its comparisons. */
enum verdict node_fold(const struct node *node,
                       enum verdict (*judge)(const struct node *compare, const void *arg),
                       const void *arg);
enum verdict node_judge(const struct node *node, const struct store_block_info *info);

#endif
