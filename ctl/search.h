/* SPDX-License-Identifier: MIT */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

/*
 * What query and tail share: from arguments to a parsed query, a printer and an open store.
 */

#include "ctl/ctl.h"
#include "ctl/format.h"
#include "store/query.h"

struct search {
    char *store;
    struct store_reader *reader;
    struct query *query;
    struct query_options options;
    const struct format *format;
    bool utc;
    const char *color; /* auto, always or never */
    struct printer printer;
};

#define SEARCH_INIT                                                                                \
    ((struct search){.options = {.since_ns = INT64_MIN, .until_ns = INT64_MAX},                    \
                     .format = &format_short,                                                      \
                     .color = "auto"})

/* Frees what there is. */
void search_deinit(struct search *search);

/* Options that both have: entries of the table, and who handles them (CTL_DONE, or it was said). */
enum { SEARCH_UTC = OPTION_OWN, SEARCH_COLOR, SEARCH_OWN };
#define SEARCH_OPTIONS                                                                             \
    {"output", required_argument, NULL, 'o'}, {"lines", required_argument, NULL, 'n'},             \
        {"utc", no_argument, NULL, SEARCH_UTC},                                                    \
    {                                                                                              \
        "color", required_argument, NULL, SEARCH_COLOR                                             \
    }
int search_option(const struct ctl *ctl, struct search *search, int option);

/* n arguments, joined with spaces, as the expression. Returns CTL_DONE, or it was said. */
int search_parse(const struct ctl *ctl, struct search *search, char **words, int n);

/* The printer on stdout, after all options. Returns CTL_DONE, or it was said. */
int search_start_printer(struct search *search);

/* Opens the store at search->store. Returns 0 or a negative errno; says nothing. */
int search_open(struct search *search);
/* Says why it could not be opened, and what to do. */
int search_fail_open(const struct search *search, int error);

/* A word that is a whole number. Returns false when it is not. */
bool search_number(const char *word, unsigned base, uint64_t *ret_number);

/* The end of a run: flushes; says what went wrong. r is what query_run returned. */
int search_finish(struct search *search, int r);

#define SEARCH_OPTIONS_HELP                                                                        \
    "  -o, --output FORMAT  short (default): one line for a person\n"                              \
    "                       json: one object a line, every field\n"                                \
    "                       csv: with a header line, every field\n"                                \
    "                       raw: the message, byte for byte as it came\n"                          \
    "                       cat: the message, control characters escaped\n"                        \
    "      --utc            short: times in UTC instead of local time\n"                           \
    "      --color WHEN     short: auto (default: on a terminal, unless NO_COLOR is set),\n"       \
    "                       always or never\n"

/* The language, for both helps. */
#define SEARCH_EXPRESSION_HELP                                                                     \
    "Expressions:\n"                                                                               \
    "  failed                 text in the message, in upper or lower case (ASCII)\n"               \
    "  \"no route to\"          a phrase; \\\" \\\\ \\n \\r \\t \\xHH inside the quotes\n"         \
    "  host=web01             the same bytes; != is its opposite\n"                                \
    "  host:web*  app=ssh*    * stands for any bytes (not inside quotes); `:` ignores case\n"      \
    "  host=*  host=\"\"        has one; has none\n"                                               \
    "  message:disk           inside the message, as a bare word is\n"                             \
    "  severity<=warning      warning and worse (emerg is 0, debug 7); < <= > >= = !=\n"           \
    "  facility=local1  geo.asn>64512  peer_port=514  id>0000000000000a00\n"                       \
    "  time>=2026-11-24T11:00:00Z  received<1h     times as --since takes them\n"                  \
    "  geo.country in (DE,FR)  host not in (a,b)\n"                                                \
    "  peer=10.0.0.0/8  geo.ip=2001:db8::/32\n"                                                    \
    "  sd.origin.ip=192.0.2.7 a parameter of the structured data: sd.ID.PARAM\n"                   \
    "  a b   a and b   a or b   not a   (a or b) c\n"                                              \
    "                         `not` binds tighter than `and`, `and` than `or`\n"                   \
    "  Fields: host app procid msgid message input format peer peer_port facility severity id\n"   \
    "  time received geo.country geo.city geo.region geo.org geo.asn geo.ip sd.ID.PARAM\n"         \
    "  Mind the shell: put an expression into 'single quotes'.\n"

#endif
