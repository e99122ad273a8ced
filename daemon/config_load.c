/* SPDX-License-Identifier: MIT */
#include "daemon/config_load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files: which ones, in which order, and their bytes. config_load.h has the picture. */

struct bytes {
    char *data;
    size_t len;
};

/* At most YAML_FILE_MAX + 1 bytes, so that the caller sees when there are more. Returns 0, negative
 * errno. */
static int read_bytes(int fd, struct bytes *bytes)
{
    bytes->data = malloc(YAML_FILE_MAX + 1);
    if (!bytes->data)
        return -ENOMEM;
    while (bytes->len <= YAML_FILE_MAX) {
        ssize_t n = read(fd, bytes->data + bytes->len, YAML_FILE_MAX + 1 - bytes->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        bytes->len += (size_t)n;
    }
    return 0;
}

/* Keeps a copy of the name for as long as places may point at it. */
static const char *keep_name(struct config_loader *loader, const char *name)
{
    char **files = reallocarray(loader->files, loader->n_files + 1, sizeof(*files));
    if (files)
        loader->files = files;
    char *copy = strdup(name);
    if (files && copy)
        return loader->files[loader->n_files++] = copy;
    free(copy);
    config_error_memory(&loader->errors);
    return NULL;
}

static void apply_bytes(struct config_loader *loader, const char *file, const struct bytes *bytes)
{
    if (bytes->len > YAML_FILE_MAX) {
        config_error(&loader->errors, &(struct config_place){file, 0, 0},
                     "larger than %u KiB: this is no configuration file", YAML_FILE_MAX >> 10);
        return;
    }
    struct yaml_tree *tree = yaml_tree_load(bytes->data, bytes->len, file, &loader->errors);
    if (tree)
        config_apply(loader, tree);
    yaml_tree_free(tree);
}

/* Reads one file and sets it over what is there; takes fd, which may be a negative errno. */
static void load_file(struct config_loader *loader, int fd, const char *name)
{
    struct bytes bytes = {0};
    const char *file = keep_name(loader, name);
    loader->any_file = true;
    int r = fd < 0 ? fd : read_bytes(fd, &bytes);
    if (file && r < 0)
        config_error_errno(&loader->errors, &(struct config_place){file, 0, 0}, r,
                           fd < 0 ? "open the file" : "read the file");
    else if (file)
        apply_bytes(loader, file, &bytes);
    free(bytes.data);
    if (fd >= 0)
        close(fd);
}

static int open_file(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static int is_fragment(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load_fragments(struct config_loader *loader, int directory, const char *path)
{
    struct dirent **entries;
    int n = scandirat(directory, ".", &entries, is_fragment, by_name);
    if (n < 0) {
        int error = -errno;
        const char *file = keep_name(loader, path);
        if (file)
            config_error_errno(&loader->errors, &(struct config_place){file, 0, 0}, error,
                               "list the folder");
        return;
    }
    for (int i = 0; i < n; i++) {
        char *name;
        if (asprintf(&name, "%s/%s", path, entries[i]->d_name) < 0) {
            config_error_memory(&loader->errors);
        } else {
            load_file(loader, open_file(directory, entries[i]->d_name), name);
            free(name);
        }
        free(entries[i]);
    }
    free(entries);
}

/* Whoever may write there decides what the daemon does: a conf.d in a folder for everyone is not to
 * be trusted. */
static bool is_trusted(int directory)
{
    struct stat st;
    return fstat(directory, &st) == 0 && (st.st_uid == 0 || st.st_uid == geteuid());
}

/* Opens the folder; -1: there is none, which is fine, or it cannot be used, which is reported. */
static int open_folder(struct config_loader *loader, const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = directory < 0 ? -errno : 0;
    if (directory >= 0 && is_trusted(directory))
        return directory;
    const struct config_place place = {keep_name(loader, path), 0, 0};
    if (directory >= 0 && place.file)
        config_error(&loader->errors, &place,
                     "belongs to another user; expected root or who runs the daemon: chown it");
    else if (place.file && error != -ENOENT && error != -ENOTDIR)
        config_error_errno(&loader->errors, &place, error, "open the folder");
    if (directory >= 0)
        close(directory);
    return -1;
}

/* conf.d beside the file. */
static void load_folder(struct config_loader *loader, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder;
    if (asprintf(&folder, "%.*sconf.d", slash ? (int)(slash + 1 - path) : 0, path) < 0) {
        config_error_memory(&loader->errors);
        return;
    }
    int directory = open_folder(loader, folder);
    if (directory >= 0) {
        load_fragments(loader, directory, folder);
        close(directory);
    }
    free(folder);
}

/* The file that was named is the configuration's path even where it is absent and only conf.d is
 * there. */
static void load_files(struct config_loader *loader, const char *path, const char *default_path)
{
    const char *name = path ? path : default_path;
    int fd = open_file(AT_FDCWD, name);
    bool absent = !path && (fd == -ENOENT || fd == -ENOTDIR);
    if (!absent)
        load_file(loader, fd, name);
    load_folder(loader, name);
    if (loader->any_file && !(loader->config->path = strdup(name)))
        config_error_memory(&loader->errors);
}

static void loader_deinit(struct config_loader *loader)
{
    for (size_t i = 0; i < loader->n_files; i++)
        free(loader->files[i]);
    free(loader->files);
    free(loader->origins);
    config_free(loader->config);
}

int config_load_as(const struct config_user *user, const char *path, const char *default_path,
                   FILE *errors, struct config **ret_config)
{
    struct config_loader loader = {.user = user, .errors = {.out = errors}};
    loader.config = calloc(1, sizeof(*loader.config));
    if (!loader.config) {
        config_error_memory(&loader.errors);
        return -ENOMEM;
    }
    config_defaults_apply(&loader);
    load_files(&loader, path, default_path);
    config_defaults_finish(&loader);
    if (loader.errors.error != -ENOMEM) /* what is missing then says nothing */
        config_check(&loader);
    config_errors_close(&loader.errors);
    int r = loader.errors.error;
    if (r == 0) {
        *ret_config = loader.config;
        loader.config = NULL;
    }
    loader_deinit(&loader);
    return r;
}

int config_load(const char *path, FILE *errors, struct config **ret_config)
{
    const struct config_user user = {
        .euid = geteuid(),
        .home = getenv("HOME"),
        .xdg_state_home = getenv("XDG_STATE_HOME"),
        .xdg_runtime_dir = getenv("XDG_RUNTIME_DIR"),
    };
    return config_load_as(&user, path, CONFIG_DEFAULT_PATH, errors, ret_config);
}
