/* SPDX-License-Identifier: MIT */
#include "config_test.h"

#include <errno.h>

/*
 * The nth allocation of the loader fails, for every n until loading succeeds: each time the answer
 * is -ENOMEM, and the sanitizer finds nothing left behind. The linker wraps the allocating calls
 * (--wrap, see meson.build).
 */
static int countdown = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
    return countdown >= 0 && countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *memory, size_t n, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *memory, size_t n, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *memory, size_t n, size_t size)
{
    return fails() ? NULL : __real_reallocarray(memory, n, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t len)
{
    return fails() ? NULL : __real_strndup(text, len);
}

/* Returns how many allocations had to succeed. */
static int load_with_failures(const char *path, int expected)
{
    for (int n = 0;; n++) {
        char *lines;
        size_t len;
        struct config *config = NULL;
        FILE *errors = open_memstream(&lines, &len);
        countdown = n;
        int r = config_load_as(&person, path, path, errors, &config);
        bool failed = countdown < 0;
        countdown = -1;
        fclose(errors);
        free(lines);
        config_free(config);
        assert_int_equal(r, failed ? -ENOMEM : expected);
        if (!failed)
            return n;
    }
}

static void every_allocation_may_fail(void **state)
{
    struct fixture *f = *state;
    char *path = fixture_path(f, "c.yaml"), *folder = fixture_path(f, "conf.d");
    assert_int_equal(mkdir(folder, 0700), 0);
    fixture_write(f, "conf.d/1.yaml", "workers: 2\ninputs: {b: {listen: [\"tcp://*:1\"]}}\n");
    fixture_write(f, "c.yaml",
                  "inputs: {a: {listen: [\"udp://*:1\", \"udp://*:2\"], time_zone: UTC}}\n"
                  "geoip: {databases: [a, b], lookup: [peer]}\nstore: {path: x}\n");
    assert_in_range(load_with_failures(path, 0), 100, 1000);
    fixture_write(f, "c.yaml", "stages: {parse: {workers_min: 3, workers_max: 2}}\nzebra: [1]\n");
    assert_in_range(load_with_failures(path, -EINVAL), 100, 1000);
    free(path);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_allocation_may_fail, fixture_setup, fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
