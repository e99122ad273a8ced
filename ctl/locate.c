/* SPDX-License-Identifier: MIT */
#include "ctl/locate.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_OUTPUT ((size_t)1 << 20)
#define N_OF(a)    (sizeof(a) / sizeof((a)[0]))

extern char **environ;

static int try_path(char **ret_path, const char *folder, size_t folder_len, const char *name)
{
    char *path = NULL;
    if (asprintf(&path, "%.*s%s", (int)folder_len, folder, name) < 0)
        return -ENOMEM;
    if (access(path, X_OK) == 0) {
        *ret_path = path;
        return 0;
    }
    free(path);
    return -ENOENT;
}

static int try_beside(char **ret_path)
{
    static const char *const names[] = {"/logboomd", "/../daemon/logboomd", "/../sbin/logboomd"};
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (len <= 0)
        return -ENOENT;
    self[len] = '\0';
    size_t folder_len = (size_t)(strrchr(self, '/') - self);
    int r = -ENOENT;
    for (size_t i = 0; r == -ENOENT && i < N_OF(names); i++)
        r = try_path(ret_path, self, folder_len, names[i]);
    return r;
}

static int try_search_path(char **ret_path)
{
    const char *at = getenv("PATH");
    int r = -ENOENT;
    while (r == -ENOENT && at != NULL) {
        size_t len = strcspn(at, ":");
        if (len > 0)
            r = try_path(ret_path, at, len, "/logboomd");
        at = at[len] == ':' ? at + len + 1 : NULL;
    }
    return r;
}

int locate_daemon(char **ret_path)
{
    int r = try_beside(ret_path);
    if (r == -ENOENT)
        r = try_path(ret_path, LOGBOOM_SBINDIR, strlen(LOGBOOM_SBINDIR), "/logboomd");
    return r == -ENOENT ? try_search_path(ret_path) : r;
}

static int read_all(int fd, char **ret_text)
{
    char *text = malloc(MAX_OUTPUT + 1);
    size_t len = 0;
    ssize_t n = 1;
    if (text == NULL)
        return -ENOMEM;
    while (n != 0 && len < MAX_OUTPUT) {
        n = read(fd, text + len, MAX_OUTPUT - len);
        if (n < 0 && errno != EINTR) {
            n = -errno;
            free(text);
            return (int)n;
        }
        len += n > 0 ? (size_t)n : 0;
    }
    text[len] = '\0';
    *ret_text = text;
    return 0;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* out: a descriptor that becomes the standard output of the child, or -1. */
static int spawn(const char *const argv[], int out, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (out >= 0)
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    int r = -posix_spawn(ret_pid, argv[0], &actions, NULL, (char *const *)(void *)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r;
}

int locate_run(const char *const argv[], char **ret_output)
{
    int pipe_fds[2] = {-1, -1};
    char *output = NULL;
    pid_t pid;
    fflush(stdout);
    if (ret_output != NULL && pipe2(pipe_fds, O_CLOEXEC) < 0)
        return -errno;
    int r = spawn(argv, pipe_fds[1], &pid);
    if (pipe_fds[1] >= 0)
        close(pipe_fds[1]);
    if (r == 0 && ret_output != NULL)
        r = read_all(pipe_fds[0], &output);
    if (pipe_fds[0] >= 0)
        close(pipe_fds[0]);
    if (r < 0)
        return r;
    r = wait_for(pid);
    if (ret_output != NULL)
        *ret_output = output;
    return r;
}

/* The effective configuration; NULL when something went wrong, which was said. */
static json_t *load_config(const struct ctl *ctl, const char *instead)
{
    char *daemon = NULL, *output = NULL;
    json_t *config = NULL;
    if (locate_daemon(&daemon) < 0) {
        ctl_fail("cannot find logboomd to ask for its configuration: say %s", instead);
        return NULL;
    }
    const char *argv[] = {daemon, "--dump-config", "--config", ctl->config, NULL};
    if (ctl->config == NULL)
        argv[2] = NULL;
    int r = locate_run(argv, &output);
    if (r < 0)
        ctl_fail("cannot run %s: %s; say %s", daemon, strerror(-r), instead);
    else if (r > 0)
        ctl_fail("logboomd could not load its configuration (see above): mend it, or say %s",
                 instead);
    else if ((config = json_loads(output, 0, NULL)) == NULL)
        ctl_fail("%s --dump-config gave no JSON: say %s", daemon, instead);
    free(output);
    free(daemon);
    return config;
}

static int from_config(const struct ctl *ctl, const char *section, const char *key,
                       const char *instead, char **ret_path)
{
    json_t *config = load_config(ctl, instead);
    if (config == NULL)
        return CTL_FAILED;
    const char *path = json_string_value(json_object_get(json_object_get(config, section), key));
    int status = CTL_DONE;
    if (path == NULL || *path == '\0')
        status = ctl_fail("the configuration has no %s.%s: say %s", section, key, instead);
    else if ((*ret_path = strdup(path)) == NULL)
        status = ctl_fail("out of memory");
    json_decref(config);
    return status;
}

static int given(const char *path, char **ret_path)
{
    *ret_path = strdup(path);
    return *ret_path == NULL ? ctl_fail("out of memory") : CTL_DONE;
}

int locate_store(const struct ctl *ctl, char **ret_path)
{
    if (ctl->store != NULL)
        return given(ctl->store, ret_path);
    return from_config(ctl, "store", "path", "--store DIR", ret_path);
}

int locate_socket(const struct ctl *ctl, char **ret_path)
{
    if (ctl->socket != NULL)
        return given(ctl->socket, ret_path);
    return from_config(ctl, "status", "socket", "--socket PATH", ret_path);
}
