/* SPDX-License-Identifier: MIT */
#ifndef CTL_SEARCH_H
#define CTL_SEARCH_H

/*
 * What query and tail share: from arguments to a parsed query, a printer and an open store.
 */

#include "ctl/ctl.h"
#include "ctl/format.h"
#include "ctl/pager.h"
#include "store/query.h"

struct search {
    char *store;
    struct store_reader *reader;
    struct query *query;
    struct query_options options;
    const struct format *format;
    bool utc;
    const char *color; /* auto, always or never */
    struct highlighter *highlighter;
    struct pager pager; /* where the printer writes to */
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

/* --since and --until, read when all options are known: --utc counts. NULL: not given. Returns
 * CTL_DONE, or it was said. */
struct search_times {
    const char *since, *until;
};
int search_times(const struct ctl *ctl, struct search *search, const struct search_times *times);

/* n arguments, joined with spaces, as the expression. Returns CTL_DONE, or it was said. */
int search_parse(const struct ctl *ctl, struct search *search, char **words, int n);

/* The printer on stdout, perhaps through a pager, after all options. Returns CTL_DONE, or it was
 * said. */
int search_start_printer(struct search *search, bool wants_pager);
/* Is there colour, by --color, NO_COLOR and the terminal? */
bool search_wants_color(const struct search *search);

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
    "                       long: every field on a line of its own\n"                              \
    "                       json: one object a line, every field\n"                                \
    "                       csv: with a header line, every field\n"                                \
    "                       raw: the message, byte for byte as it came\n"                          \
    "                       cat: the message, control characters escaped\n"                        \
    "      --utc            short, long: times in UTC instead of local time\n"                     \
    "      --color WHEN     short, long: auto (default: on a terminal, unless NO_COLOR is set),\n" \
    "                       always or never\n"

/* The language, for both helps. */
#define SEARCH_EXPRESSION_HELP                                                                     \
    "Expressions (the manual page has all of it: man logboomctl):\n"                               \
    "  failed  \"no route\"    words of the message, in upper or lower case (ASCII)\n"             \
    "  fail*  *fail*          words that begin so; that hold it\n"                                 \
    "  /user (root|admin)/    a regular expression (PCRE2); /re/i ignores case\n"                  \
    "  host=web01  host!=a    the same bytes, or not; host=* has one, host=\"\" has none\n"        \
    "  host:WEB*  app=ssh*    * stands for any bytes; `:` ignores case\n"                          \
    "  severity<=warning      warning and worse (emerg is 0, debug 7); < <= > >= = !=\n"           \
    "  fields.latency_ms>500  out of the message: JSON or key=value; fields.a.b in depth\n"        \
    "  time>=2026-11-24T11:00:00Z  received<1h     times as --since takes them\n"                  \
    "  geo.country in (DE,FR)  peer=10.0.0.0/8  facility=local1  sd.origin.ip=192.0.2.7\n"         \
    "  a b   a and b   a or b   not a   (a or b) c\n"                                              \
    "  Fields: host app procid msgid message input format peer peer_port facility severity id\n"   \
    "  time received geo.country geo.city geo.region geo.org geo.asn geo.ip sd.ID.PARAM\n"         \
    "  fields.NAME geo.lat geo.lon\n"                                                              \
    "  Mind the shell: put an expression into 'single quotes'.\n"

#endif
