/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_TEMPLATE_H
#define STORE_QUERY_TEMPLATE_H

/*
 * Judging all rows of a message template (store/template.h) at once. What most expressions look for
 * are words, and words without digits stand in the static text of a template or nowhere; those with
 * digits stand there, or among the values of its slots, which are fewer bytes than its messages.
 */

#include "store/query/ast.h"

/* A template's static text, with one of these bytes for each slot: part of a token, as a slot is. */
#define TEMPLATE_SLOT 0xff

struct template_text {
    struct text text;
    bool has_words; /* a slot may hold letters; else they hold digits, and dots between digits */
    /*
     * May this token be one of a message, with a slot for its end? ASCII case does not matter.
     * false is certain. NULL: it may.
     */
    bool (*may_hold)(const void *arg, const char *token, size_t len);
    const void *arg;
};

/* Only an answer that is certain is other than MAYBE. Pure. */
enum verdict template_judge(const struct node *node, const struct template_text *template);

#endif
