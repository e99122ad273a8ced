/* SPDX-License-Identifier: MIT */
/*
 * PCRE2 is asked only about texts that hold the pattern's longest literal, which is looked for with
 * the substring search of pattern.c: most texts never reach it.
 *
 *   / user (root|admin) /   ──▶  " user " is not there: no match
 *                                it is: pcre2_match() from the start of the text
 *
 * Compiled code is read-only and shared. What one match needs, PCRE2 wants to allocate itself: it
 * gets a few hundred bytes of the caller's stack for it, so that a match takes no lock and keeps
 * nothing for the next one.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "store/query/regex.h"

#include <errno.h>
#include <pcre2.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/query/ast.h"
#include "store/query/pattern.h"

struct regex {
    struct regex *next; /* of the query's */
    char *pattern;
    size_t len;
    struct regex_options options;
    pcre2_code *code;
    pcre2_match_context *limits;
    bool is_jit; /* its code may be called directly: it is there, and no text needs to be checked */
    bool has_needle;
    struct pattern needle; /* the longest literal, if there is one */
    atomic_uint_least64_t n_gave_up;
};

/* Serves allocations in the order they come, from the stack while there is room. */
struct arena {
    alignas(max_align_t) char bytes[1024];
    size_t used;
};

static void *arena_alloc(PCRE2_SIZE size, void *data)
{
    struct arena *arena = data;
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (rounded > sizeof(arena->bytes) - arena->used)
        return malloc(size);
    void *memory = arena->bytes + arena->used;
    arena->used += rounded;
    return memory;
}

static void arena_free(void *memory, void *data)
{
    struct arena *arena = data;
    uintptr_t at = (uintptr_t)memory, start = (uintptr_t)arena->bytes;
    if (at < start || at >= start + sizeof(arena->bytes))
        free(memory);
}

static int compile(struct regex *regex, struct regex_error *ret_error)
{
    uint32_t flags = (regex->options.caseless ? PCRE2_CASELESS : 0) |
                     (regex->options.utf ? PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF : 0);
    int code;
    size_t at;
    regex->code = pcre2_compile((PCRE2_SPTR)regex->pattern, regex->len,
                                flags | PCRE2_NEVER_BACKSLASH_C, &code, &at, NULL);
    if (regex->code == NULL && code == PCRE2_ERROR_HEAP_FAILED)
        return -ENOMEM;
    if (regex->code == NULL) {
        ret_error->at = at;
        pcre2_get_error_message(code, (PCRE2_UCHAR *)ret_error->message,
                                sizeof(ret_error->message));
        return -EINVAL;
    }
    /* Where there is no JIT, or none for this pattern, it is interpreted. */
    regex->is_jit = pcre2_jit_compile(regex->code, PCRE2_JIT_COMPLETE) == 0 && !regex->options.utf;
    regex->limits = pcre2_match_context_create(NULL);
    if (regex->limits == NULL)
        return -ENOMEM;
    pcre2_set_match_limit(regex->limits, REGEX_MATCH_LIMIT);
    pcre2_set_heap_limit(regex->limits, REGEX_HEAP_KIB);
    return 0;
}

static int choose_needle(struct query *query, struct regex *regex)
{
    struct regex_literal *literals;
    size_t n, longest = 0;
    int r = regex_literals(query, regex->pattern, regex->len, &regex->options, &literals, &n);
    if (r < 0 || n == 0)
        return r;
    for (size_t i = 1; i < n; i++)
        if (literals[i].len > literals[longest].len)
            longest = i;
    regex->has_needle = true;
    return pattern_build(query, literals[longest].text, NULL, literals[longest].len,
                         regex->options.caseless, &regex->needle);
}

int regex_new(struct query *query, const char *pattern, size_t len,
              const struct regex_options *options, struct regex **ret_regex,
              struct regex_error *ret_error)
{
    struct regex *regex = query_alloc(query, sizeof(*regex));
    char *copy = query_alloc(query, len + 1);
    if (regex == NULL || copy == NULL)
        return -ENOMEM;
    memcpy(copy, pattern, len);
    *regex =
        (struct regex){.next = query->regexes, .pattern = copy, .len = len, .options = *options};
    query->regexes = regex;
    int r = compile(regex, ret_error);
    if (r == 0)
        r = choose_needle(query, regex);
    if (r == 0)
        *ret_regex = regex;
    return r;
}

void regex_free_all(struct query *query)
{
    for (struct regex *regex = query->regexes; regex != NULL; regex = regex->next) {
        pcre2_match_context_free(regex->limits);
        pcre2_code_free(regex->code);
    }
    query->regexes = NULL;
}

static bool match(struct regex *regex, const char *text, size_t len)
{
    struct arena arena;
    arena.used = 0; /* alone: clearing all of it would take as long as many a match */
    pcre2_general_context *memory = pcre2_general_context_create(arena_alloc, arena_free, &arena);
    pcre2_match_data *data = memory == NULL ? NULL : pcre2_match_data_create(1, memory);
    int r = PCRE2_ERROR_NOMEMORY;
    if (data != NULL) {
        PCRE2_SPTR subject = (PCRE2_SPTR)(text == NULL ? "" : text);
        r = regex->is_jit ? pcre2_jit_match(regex->code, subject, len, 0, 0, data, regex->limits)
                          : pcre2_match(regex->code, subject, len, 0, 0, data, regex->limits);
        /* The JIT has 32 KiB of stack, the interpreter REGEX_HEAP_KIB. */
        if (r == PCRE2_ERROR_JIT_STACKLIMIT)
            r = pcre2_match(regex->code, subject, len, 0, PCRE2_NO_JIT, data, regex->limits);
    }
    pcre2_match_data_free(data);
    pcre2_general_context_free(memory);
    if (r < 0 && r != PCRE2_ERROR_NOMATCH)
        atomic_fetch_add_explicit(&regex->n_gave_up, 1, memory_order_relaxed);
    return r >= 0;
}

bool regex_matches(struct regex *regex, const char *text, size_t len)
{
    if (regex->has_needle && needle_find(regex->needle.needles, text, len) == SIZE_MAX)
        return false;
    return match(regex, text, len);
}

uint64_t regex_gave_up(const struct regex *regex)
{
    return atomic_load_explicit(&regex->n_gave_up, memory_order_relaxed);
}

uint64_t query_gave_up(const struct query *query)
{
    uint64_t n = 0;
    for (const struct regex *regex = query->regexes; regex != NULL; regex = regex->next)
        n += regex_gave_up(regex);
    return n;
}

const char *regex_pattern(const struct regex *regex, size_t *ret_len,
                          struct regex_options *ret_options)
{
    *ret_len = regex->len;
    *ret_options = regex->options;
    return regex->pattern;
}
