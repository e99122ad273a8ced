/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CONFIG_TEST_H
#define TESTS_UNIT_CONFIG_TEST_H

/* A folder with configuration files, loaded as a user of the test's choice. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "daemon/config_load.h"

static const struct config_user root = {.euid = 0, .home = "/root"};
static const struct config_user person = {
    .euid = 1000, .home = "/home/p", .xdg_runtime_dir = "/run/user/1000"};

struct fixture {
    char folder[64];
    char *errors; /* of the last load; owned */
    struct config *config;
};

static inline char *fixture_path(const struct fixture *f, const char *name)
{
    char *path;
    assert_true(asprintf(&path, "%s/%s", f->folder, name) > 0);
    return path;
}

static inline void fixture_write_bytes(const struct fixture *f, const char *name, const char *bytes,
                                       size_t len)
{
    char *path = fixture_path(f, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    free(path);
}

static inline void fixture_write(const struct fixture *f, const char *name, const char *text)
{
    fixture_write_bytes(f, name, text, strlen(text));
}

static inline void fixture_forget(struct fixture *f)
{
    free(f->errors);
    f->errors = NULL;
    f->config = config_free(f->config);
}

/* Loads the folder's "c.yaml"; errors have the folder's name taken out. */
static inline int fixture_load(struct fixture *f, const struct config_user *user)
{
    char *path = fixture_path(f, "c.yaml"), *raw;
    size_t len, folder_len = strlen(f->folder) + 1;
    fixture_forget(f);
    FILE *errors = open_memstream(&raw, &len);
    assert_non_null(errors);
    int r = config_load_as(user, path, "/nonexistent/c.yaml", errors, &f->config);
    fclose(errors);
    f->errors = calloc(1, len + 1);
    assert_non_null(f->errors);
    for (char *in = raw, *out = f->errors; *in;) {
        if (strncmp(in, f->folder, folder_len - 1) == 0 && in[folder_len - 1] == '/')
            in += folder_len;
        else
            *out++ = *in++;
    }
    free(raw);
    free(path);
    return r;
}

static inline struct config *fixture_load_text(struct fixture *f, const struct config_user *user,
                                               const char *text)
{
    fixture_write(f, "c.yaml", text);
    int r = fixture_load(f, user);
    assert_string_equal(f->errors, "");
    assert_int_equal(r, 0);
    return f->config;
}

static inline char *config_as_json(const struct config *config)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    assert_int_equal(config_write_json(config, out), 0);
    fclose(out);
    return text;
}

static inline int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    strcpy(f->folder, "/tmp/logboom-config-XXXXXX");
    *state = f;
    return mkdtemp(f->folder) ? 0 : -1;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];
    fixture_forget(f);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    int r = system(command);
    free(f);
    return r;
}

#endif
