/* SPDX-License-Identifier: MIT */
#include "ctl/http.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define FIRST_BYTES 16384

struct client {
    int fd;
    int64_t deadline_ms;
    char *data;
    size_t len, size;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void client_deinit(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    free(client->data);
}

static int wait_for(const struct client *client, short events)
{
    struct pollfd pollfd = {.fd = client->fd, .events = events};
    for (;;) {
        int64_t left = client->deadline_ms - now_ms();
        int r = left <= 0 ? 0 : poll(&pollfd, 1, (int)left);
        if (r > 0)
            return 0;
        if (r == 0)
            return -ETIMEDOUT;
        if (errno != EINTR)
            return -errno;
    }
}

static int client_connect(struct client *client, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->fd < 0)
        return -errno;
    while (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        if (errno == EISCONN)
            break;
        /* A full queue of a Unix socket gives EAGAIN, and poll cannot wait for it. */
        if (errno == EAGAIN && now_ms() < client->deadline_ms)
            poll(NULL, 0, 10);
        else if (errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
    }
    return 0;
}

static int client_send(struct client *client, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(client->fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            int r = wait_for(client, POLLOUT);
            if (r < 0)
                return r;
        } else if (n < 0 && errno != EINTR) {
            return -errno;
        } else if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

static int reserve(struct client *client)
{
    if (client->size - client->len > 1)
        return 0;
    if (client->size > HTTP_MAX_BYTES)
        return -EMSGSIZE;
    size_t size = client->size == 0 ? FIRST_BYTES : client->size * 2;
    char *grown = realloc(client->data, size);
    if (grown == NULL)
        return -ENOMEM;
    client->data = grown;
    client->size = size;
    return 0;
}

/* Returns 1 (some came), 0 (the end). One byte of room is always left for the parser's NUL. */
static int client_receive(struct client *client)
{
    int r = reserve(client);
    if (r < 0)
        return r;
    for (;;) {
        ssize_t n = recv(client->fd, client->data + client->len, client->size - client->len - 1, 0);
        if (n >= 0) {
            client->len += (size_t)n;
            return n > 0;
        }
        if (errno == EAGAIN) {
            r = wait_for(client, POLLIN);
            if (r < 0)
                return r;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
}

static int exchange(struct client *client, const char *path, const char *method, const char *target,
                    struct http_response *ret_response)
{
    char request[512];
    int len = snprintf(request, sizeof(request),
                       "%s %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: logboomctl\r\n"
                       "Content-Length: 0\r\nConnection: close\r\n\r\n",
                       method, target);
    if (len < 0 || (size_t)len >= sizeof(request))
        return -EINVAL;
    int r = client_connect(client, path);
    if (r == 0)
        r = client_send(client, request, (size_t)len);
    while (r >= 0) {
        r = client_receive(client);
        if (r < 0)
            return r;
        r = http_parse(client->data, client->len, r == 0, ret_response);
        if (r != 0)
            break;
    }
    return r < 0 ? r : 0;
}

static int ask(const char *path, const char *method, const char *target, int timeout_ms,
               struct http_response *ret_response)
{
    struct client client = {.fd = -1, .deadline_ms = now_ms() + timeout_ms};
    struct http_response response = {0};
    int r = exchange(&client, path, method, target, &response);
    if (r == 0) {
        /* The body becomes an allocation of its own by moving it to the front of the one it lies
         * in. */
        memmove(client.data, response.body, response.body_len + 1);
        response.body = client.data;
        client.data = NULL;
        *ret_response = response;
    }
    client_deinit(&client);
    return r;
}

int http_get(const char *path, const char *target, int timeout_ms,
             struct http_response *ret_response)
{
    return ask(path, "GET", target, timeout_ms, ret_response);
}

int http_post(const char *path, const char *target, int timeout_ms,
              struct http_response *ret_response)
{
    return ask(path, "POST", target, timeout_ms, ret_response);
}
