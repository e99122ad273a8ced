/* SPDX-License-Identifier: MIT */
#include "store/query/ast.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <time.h>

#include "store/query/pipes.h"
#include "store/token.h"

static void print_quoted(const uint8_t *text, size_t len, FILE *out)
{
    fputc('"', out);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fprintf(out, "\\%c", text[i]);
        else if (text[i] < ' ' || text[i] == 0x7f)
            fprintf(out, "\\x%02x", text[i]);
        else
            fputc(text[i], out);
    }
    fputc('"', out);
}

/*
 * A star at an end says that it is open. Where a text is searched inside, both ends are open anyway,
 * and the star says that a token may go on there.
 */
static void print_pattern(const struct pattern *pattern, bool inside, FILE *out)
{
    bool star_start = pattern->open_start, star_end = pattern->open_end;
    size_t n = pattern->n_needles;
    if (inside && n > 0) {
        const struct needle *last = &pattern->needles[n - 1];
        star_start = !pattern->bound_start && token_byte((char)pattern->needles[0].text[0]);
        star_end = !pattern->bound_end && token_byte((char)last->text[last->len - 1]);
    }
    if (star_start)
        fputc('*', out);
    else if (n == 0)
        fputs("\"\"", out);
    for (size_t i = 0; i < n; i++) {
        print_quoted(pattern->needles[i].text, pattern->needles[i].len, out);
        if (i + 1 < n || star_end)
            fputc('*', out);
    }
}

static void print_regex(const struct regex *regex, FILE *out)
{
    struct regex_options options;
    size_t len;
    const char *pattern = regex_pattern(regex, &len, &options);
    fputc('/', out);
    for (size_t i = 0; i < len; i++) {
        if (pattern[i] == '/')
            fputc('\\', out);
        fputc(pattern[i], out);
    }
    fprintf(out, "/%s%s", options.caseless ? "i" : "", options.utf ? "u" : "");
}

static void print_text(const struct node *node, const struct value *value, FILE *out)
{
    bool inside = node->op == CMP_MATCH && node->field->contains;
    if (value->regex != NULL)
        print_regex(value->regex, out);
    else if (value->is_decimal)
        fprintf(out, "%.*s", (int)value->pattern.needles[0].len,
                (const char *)value->pattern.needles[0].text);
    else
        print_pattern(&value->pattern, inside, out);
}

static void print_time(int64_t ns, FILE *out)
{
    struct tm tm;
    char text[32];
    int64_t fraction = ns % 1000000000;
    time_t seconds = (time_t)(ns / 1000000000);
    if (fraction < 0) {
        fraction += 1000000000;
        seconds--;
    }
    gmtime_r(&seconds, &tm);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
    fprintf(out, "%s.%09" PRId64 "Z", text, fraction);
}

static void print_address(const struct value *value, FILE *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    bool v4 = value->bits >= 96;
    for (size_t i = 0; i < sizeof(mapped); i++)
        v4 = v4 && value->address[i] == mapped[i];
    inet_ntop(v4 ? AF_INET : AF_INET6, value->address + (v4 ? 12 : 0), text, sizeof(text));
    fprintf(out, "%s/%d", text, value->bits - (v4 ? 96 : 0));
}

static void print_value(const struct node *node, const struct value *value, FILE *out)
{
    if (value->any) {
        fputc('*', out);
        return;
    }
    switch (node->field->type) {
    case FIELD_TEXT:
    case FIELD_COUNTRY:
    case FIELD_SD:
    case FIELD_KEY:
        print_text(node, value, out);
        break;
    case FIELD_DOUBLE:
        fprintf(out, "%.17g", value->decimal);
        break;
    case FIELD_NUMBER:
        fprintf(out, "%" PRId64, value->number);
        break;
    case FIELD_ID:
        fprintf(out, "%016" PRIx64, (uint64_t)value->number ^ (UINT64_C(1) << 63));
        break;
    case FIELD_TIME:
        print_time(value->number, out);
        break;
    case FIELD_SEVERITY:
        fputs(record_severity_name((unsigned)value->number), out);
        break;
    case FIELD_FACILITY:
        fputs(record_facility_name((unsigned)value->number), out);
        break;
    case FIELD_FORMAT:
        fputs(record_format_name((unsigned)value->number), out);
        break;
    case FIELD_ADDRESS:
        print_address(value, out);
        break;
    }
}

void print_field(const struct node *node, FILE *out)
{
    fputs(node->field->name, out);
    if (node->field->type == FIELD_SD)
        fprintf(out, ".%.*s.%.*s", (int)node->sd_id.len, node->sd_id.data, (int)node->sd_param.len,
                node->sd_param.data);
    if (node->field->type == FIELD_KEY)
        fprintf(out, ".%.*s", (int)node->key.len, node->key.data);
}

static void print_compare(const struct node *node, FILE *out)
{
    print_field(node, out);
    fputs(node->op == CMP_IN ? " in (" : compare_text(node->op), out);
    for (size_t i = 0; i < node->n_values; i++) {
        if (i > 0)
            fputs(", ", out);
        print_value(node, &node->values[i], out);
    }
    if (node->op == CMP_IN)
        fputc(')', out);
}

static void print_node(const struct node *node, FILE *out)
{
    const char *between = node->kind == NODE_AND ? " and " : " or ";
    switch (node->kind) {
    case NODE_ALL:
        break;
    case NODE_COMPARE:
        print_compare(node, out);
        break;
    case NODE_NOT:
        fputs("not ", out);
        print_node(node->child, out);
        break;
    case NODE_AND:
    case NODE_OR:
        fputc('(', out);
        for (const struct node *child = node->child; child != NULL; child = child->next) {
            print_node(child, out);
            fputs(child->next != NULL ? between : ")", out);
        }
        break;
    }
}

void query_print(const struct query *query, FILE *out)
{
    print_node(query->root, out);
    pipes_print(query, out);
}
