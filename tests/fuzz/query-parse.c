/* SPDX-License-Identifier: MIT */
/*
 * What is promised: an expression is understood, or the error says where; what is printed of it is
 * understood, too, and is printed the same again.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "store/query/ast.h"

static char *print(const struct query *query)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    CHECK(out);
    query_print(query, out);
    fclose(out);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    CHECK(text);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    struct query *query, *again;
    struct query_error error = {.at = SIZE_MAX};
    int r = query_parse(text, &query, &error);
    CHECK(r == 0 || (r == -EINVAL && error.at <= strlen(text) && error.message[0] != '\0'));
    if (r == 0) {
        char *printed = print(query);
        CHECK(query_parse(printed, &again, &error) == 0);
        char *reprinted = print(again);
        CHECK(strcmp(printed, reprinted) == 0);
        query_free(again);
        query_free(query);
        free(reprinted);
        free(printed);
    }
    free(text);
    return 0;
}
