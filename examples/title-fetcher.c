/* SPDX-License-Identifier: MIT */
/*
 * title-fetcher URL…   prints "URL TAB title" for each page that is there and has a title.
 *
 *   URLs ──▶ pool of four fetchers ──▶ [pages] ──▶ filter ──▶ [titled] ──▶ store
 *
 * Whoever fills a channel closes it; a stage ends when the channel before it is closed and drained.
 */
#include <boom/chan.h>
#include <boom/group.h>
#include <boom/pool.h>

#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct page {
    const char *url;
    char title[128]; /* empty: none, or no such page */
};

static struct boom_chan *pages, *titled; /* of struct page */

static int dial(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    int fd = -1;

    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    for (struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) < 0)
            fd = close(fd) - 1;
    }
    freeaddrinfo(found);
    return fd;
}

/* The start of the answer to GET url, as a string; empty when there was none. */
static void get(const char *url, char *answer, size_t size)
{
    char host[64], port[8], path[256], request[384];
    size_t length = 0;
    ssize_t n;
    int fd;

    answer[0] = '\0';
    if (sscanf(url, "http://%63[^:/]:%7[0-9]%255s", host, port, path) != 3)
        return;
    fd = dial(host, port);
    if (fd < 0)
        return;
    snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, host);
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0)
        while (length < size - 1 && (n = read(fd, answer + length, size - 1 - length)) > 0)
            length += (size_t)n;
    answer[length] = '\0';
    close(fd);
}

static void fetch(struct boom_ctx *ctx, void *arg)
{
    struct page page = {.url = arg};
    char answer[8192];
    const char *title;

    get(page.url, answer, sizeof(answer));
    title = strstr(answer, "<title>");
    if (strstr(answer, " 200 ") && title)
        sscanf(title, "<title>%127[^<]", page.title);
    boom_chan_send(pages, ctx, &page);
}

static int keep_titled(void *arg)
{
    struct page page;

    while (boom_chan_recv(pages, arg, &page) == 0)
        if (page.title[0])
            boom_chan_send(titled, arg, &page);
    return boom_chan_close(titled);
}

static int store(void *arg)
{
    struct page page;

    while (boom_chan_recv(titled, arg, &page) == 0)
        printf("%s\t%s\n", page.url, page.title);
    return fflush(stdout);
}

int main(int argc, char **argv)
{
    struct boom_pool_options options = {"fetch", .workers_min = 4, .workers_max = 4, .queue = 8};
    struct boom_group *group;
    struct boom_pool *pool;

    if (boom_chan_new(sizeof(struct page), 8, &pages) < 0 || boom_group_new(NULL, &group) < 0 ||
        boom_chan_new(sizeof(struct page), 8, &titled) < 0 ||
        boom_pool_new(NULL, &options, &pool) < 0)
        return 1;
    boom_group_go(group, "filter", keep_titled, boom_group_ctx(group));
    boom_group_go(group, "store", store, boom_group_ctx(group));
    for (int i = 1; i < argc; i++)
        boom_pool_submit(pool, NULL, fetch, argv[i]);
    boom_pool_drain(pool, NULL);
    boom_chan_close(pages);
    int r = boom_group_wait(group);
    boom_pool_free(pool);
    boom_group_free(group);
    boom_chan_free(titled);
    boom_chan_free(pages);
    return r < 0;
}
