/* SPDX-License-Identifier: MIT */
/*
 * Deriving needs. A need must be certain: one too many loses hits, one too few costs time.
 *
 *   conjunction   the needs of all terms
 *   disjunction   any of them, if every term needs something
 *   negation      nothing: a block without the word is full of rows that match
 *
 * Which tokens a value needs is worked out where its pattern or regular expression is built: a token
 * next to a star may be part of a longer one in the text.
 */
#include "store/query/need.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static int add_entry(struct query *query, enum filter_kind filter, const char *data, size_t len,
                     struct need **list)
{
    struct need *need = query_alloc(query, sizeof(*need));
    if (need == NULL)
        return -ENOMEM;
    *need = (struct need){.kind = NEED_ENTRY,
                          .filter = filter,
                          .hash = filter_hash(filter, data, len),
                          .text = {data, (uint32_t)len},
                          .next = *list};
    *list = need;
    return 0;
}

static struct need *reverse(struct need *list)
{
    struct need *reversed = NULL;
    for (struct need *next; list != NULL; list = next) {
        next = list->next;
        list->next = reversed;
        reversed = list;
    }
    return reversed;
}

/* Makes one need of a list, which is taken; its last comes first. */
static int join(struct query *query, enum need_kind kind, struct need *list, struct need **ret_need)
{
    *ret_need = list;
    if (list == NULL || list->next == NULL)
        return 0;
    struct need *need = query_alloc(query, sizeof(*need));
    if (need == NULL)
        return -ENOMEM;
    *need = (struct need){.kind = kind, .child = reverse(list)};
    *ret_need = need;
    return 0;
}

/* Those of the message, as the value knows them. */
static int token_needs(struct query *query, const struct value *value, struct need **list)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < value->n_tokens; i++)
        r = add_entry(query, FILTER_TOKEN, value->tokens[i].data, value->tokens[i].len, list);
    return r;
}

/* A whole value, without a star. */
static int text_needs(struct query *query, enum filter_kind filter, const struct pattern *pattern,
                      struct need **list)
{
    const struct needle *needle = pattern->needles;
    if (pattern->n_needles != 1 || pattern->open_start || pattern->open_end)
        return 0;
    return add_entry(query, filter, (const char *)needle->text, needle->len, list);
}

static int value_needs(struct query *query, const struct node *node, const struct value *value,
                       struct need **list)
{
    const struct field *field = node->field;
    if (value->n_tokens > 0)
        return token_needs(query, value, list);
    if (value->any || value->regex != NULL)
        return 0;
    if (field->type == FIELD_ADDRESS && field->column == STORE_PEER && value->bits == 128)
        return add_entry(query, FILTER_PEER, (const char *)value->address, 16, list);
    if (field->type == FIELD_COUNTRY)
        return text_needs(query, FILTER_COUNTRY, &value->pattern, list);
    if (field->type != FIELD_TEXT)
        return 0;
    if (field->column == STORE_HOST)
        return text_needs(query, FILTER_HOST, &value->pattern, list);
    if (field->column == STORE_APP)
        return text_needs(query, FILTER_APP, &value->pattern, list);
    return 0;
}

static int compare_needs(struct query *query, const struct node *node, struct need **ret_need)
{
    struct need *any = NULL;
    *ret_need = NULL;
    if (node->op == CMP_NE)
        return 0;
    for (size_t i = 0; i < node->n_values; i++) {
        struct need *list = NULL, *need = NULL;
        int r = value_needs(query, node, &node->values[i], &list);
        if (r == 0)
            r = join(query, NEED_ALL, list, &need);
        if (r < 0 || need == NULL)
            return r;
        need->next = any;
        any = need;
    }
    return join(query, NEED_ANY, any, ret_need);
}

static int group_needs(struct query *query, const struct node *node, struct need **ret_need)
{
    bool is_any = node->kind == NODE_OR;
    struct need *list = NULL;
    *ret_need = NULL;
    for (const struct node *child = node->child; child != NULL; child = child->next) {
        struct need *need;
        int r = need_derive(query, child, &need);
        if (r < 0 || (need == NULL && is_any))
            return r;
        if (need != NULL) {
            need->next = list;
            list = need;
        }
    }
    return join(query, is_any ? NEED_ANY : NEED_ALL, list, ret_need);
}

int need_derive(struct query *query, const struct node *node, struct need **ret_need)
{
    *ret_need = NULL;
    if (node->kind == NODE_COMPARE)
        return compare_needs(query, node, ret_need);
    if (node->kind == NODE_AND || node->kind == NODE_OR)
        return group_needs(query, node, ret_need);
    return 0;
}

bool need_may_hold(const struct need *need, const uint8_t *lines, size_t n_bytes)
{
    if (need == NULL)
        return true;
    if (need->kind == NEED_ENTRY)
        return filter_may_hold(lines, n_bytes, need->hash);
    bool is_any = need->kind == NEED_ANY;
    for (const struct need *child = need->child; child != NULL; child = child->next)
        if (need_may_hold(child, lines, n_bytes) == is_any)
            return is_any;
    return !is_any;
}

static void print_entry(const struct need *need, FILE *out)
{
    static const char *const kinds[] = {[FILTER_TOKEN] = "",
                                        [FILTER_HOST] = "host ",
                                        [FILTER_APP] = "app ",
                                        [FILTER_COUNTRY] = "country ",
                                        [FILTER_PEER] = "peer "};
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char address[INET6_ADDRSTRLEN];
    fputs(kinds[need->filter], out);
    if (need->filter != FILTER_PEER) {
        fprintf(out, "%.*s", (int)need->text.len, need->text.data);
        return;
    }
    bool v4 = memcmp(need->text.data, mapped, sizeof(mapped)) == 0;
    fputs(inet_ntop(v4 ? AF_INET : AF_INET6, need->text.data + (v4 ? 12 : 0), address,
                    sizeof(address)),
          out);
}

static void print_need(const struct need *need, bool is_inside, FILE *out)
{
    if (need->kind == NEED_ENTRY) {
        print_entry(need, out);
        return;
    }
    if (is_inside)
        fputc('(', out);
    for (const struct need *child = need->child; child != NULL; child = child->next) {
        print_need(child, true, out);
        if (child->next != NULL)
            fputs(need->kind == NEED_ANY ? " OR " : " AND ", out);
    }
    if (is_inside)
        fputc(')', out);
}

void need_print(const struct need *need, FILE *out)
{
    if (need == NULL)
        fputs("nothing that a filter knows", out);
    else
        print_need(need, false, out);
}
