/* SPDX-License-Identifier: MIT */
#include "daemon/status.h"

#include <errno.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/bottleneck.h"
#include "daemon/log.h"
#include "daemon/status_query.h"

#define REQUEST_TIMEOUT_S 10
#define MAX_HEADERS       8192

struct status {
    struct event_base *base;
    struct status_sources sources;
    struct evhttp *http;
    struct status_query query; /* and the streams of all that takes time */
    int64_t started_ns;
    uint64_t received_at_tick;
    struct bottleneck bottleneck;
    char *socket_path; /* set once the file is ours */
    struct evconnlistener *listeners[2];
    size_t n_listeners;
};

/*
 * ---- snapshot
 * ---------------------------------------------------------------------------------------------
 */

uint64_t status_stage_out(const struct status_snapshot *snapshot, unsigned stage)
{
    uint64_t out = snapshot->stages[stage].out;
    uint64_t lost = snapshot->stage_dropped[status_stage_id(stage)][DROP_STORE_ERROR];
    return out > lost ? out - lost : 0;
}

static uint64_t count_kernel_drops(const struct status_sources *sources)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < sources->n_receivers; i++)
        receiver_count_kernel_drops(sources->receivers[i]);
    for (size_t i = 0; i < sources->front->n_inputs; i++)
        sum += atomic_load(&sources->front->inputs[i].kernel_dropped);
    return sum;
}

static int take_snapshot(struct status *status, struct status_snapshot *ret)
{
    const struct status_sources *sources = &status->sources;
    size_t n_inputs = sources->config->n_inputs;
    *ret = (struct status_snapshot){
        .sources = sources,
        .uptime_ns = boom_now_ns() - status->started_ns,
        .inputs = calloc(n_inputs ? n_inputs : 1, sizeof(*ret->inputs)),
        .bottleneck = status->bottleneck.text,
    };
    if (!ret->inputs)
        return -ENOMEM;
    ret->kernel_dropped = count_kernel_drops(sources);
    ledger_read(sources->ledger, ret->inputs, &ret->totals);
    for (size_t i = 0; i < n_inputs; i++)
        for (unsigned stage = 0; stage < N_STAGES; stage++)
            for (unsigned reason = 0; reason < N_DROP_REASONS; reason++)
                ret->stage_dropped[stage][reason] += ret->inputs[i].dropped[stage][reason];
    boom_pipeline_get_all_stats(sources->pipeline, ret->stages);
    batch_pool_get_stats(sources->pool, &ret->memory);
    store_get_stats(sources->store, &ret->store);
    return 0;
}

static struct bottleneck_inputs all_inputs(const struct status_snapshot *snapshot)
{
    const struct front *front = snapshot->sources->front;
    struct bottleneck_inputs all = {.kernel_dropped = snapshot->kernel_dropped};
    for (size_t i = 0; i < front->n_inputs; i++) {
        all.pauses += atomic_load(&front->inputs[i].pauses);
        all.blocking_batches = front->inputs[i].quota.max;
    }
    return all;
}

void status_tick(struct status *status)
{
    struct status_snapshot snapshot;
    for (size_t i = 0; i < status->n_listeners; i++)
        evconnlistener_enable(status->listeners[i]); /* see on_accept_error() */
    if (take_snapshot(status, &snapshot) < 0)
        return;
    struct bottleneck_inputs inputs = all_inputs(&snapshot);
    bottleneck_update(&status->bottleneck, snapshot.stages, &snapshot.memory, &inputs,
                      boom_now_ns());
    if (snapshot.totals.received != status->received_at_tick)
        sd_notifyf(0,
                   "STATUS=Receiving: %" PRIu64 " lines (%" PRIu64 "/s), %" PRIu64
                   " stored, %" PRIu64 " dropped",
                   snapshot.totals.received, snapshot.totals.received - status->received_at_tick,
                   snapshot.totals.stored, snapshot.totals.dropped);
    status->received_at_tick = snapshot.totals.received;
    free(snapshot.inputs);
}

/*
 * ---- answers
 * ----------------------------------------------------------------------------------------------
 */

static void answer(struct evhttp_request *request, const char *type, struct evbuffer *body)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type", type);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Cache-Control", "no-store");
    evhttp_send_reply(request, HTTP_OK, "OK", body);
}

static void on_status(struct evhttp_request *request, void *arg)
{
    struct status_snapshot snapshot;
    struct evbuffer *body = evbuffer_new();
    char *text = NULL;
    if (take_snapshot(arg, &snapshot) == 0) {
        json_t *json = status_to_json(&snapshot);
        text = json_dumps(json, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(15));
        json_decref(json);
        free(snapshot.inputs);
    }
    if (body && text && evbuffer_add_printf(body, "%s\n", text) >= 0)
        answer(request, "application/json", body);
    else
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    free(text);
    if (body)
        evbuffer_free(body);
}

static void on_metrics(struct evhttp_request *request, void *arg)
{
    struct status_snapshot snapshot;
    struct evbuffer *body = evbuffer_new();
    int r = body ? take_snapshot(arg, &snapshot) : -ENOMEM;
    if (r == 0) {
        r = status_to_metrics(&snapshot, body);
        free(snapshot.inputs);
    }
    if (r == 0)
        answer(request, "text/plain; version=0.0.4; charset=utf-8", body);
    else
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    if (body)
        evbuffer_free(body);
}

static void add_worker(void *arg, const char *stage, unsigned index, const char *what,
                       int64_t since_ns, uint64_t runs)
{
    evbuffer_add_printf(arg, "%-8s %3u  %-5s %10.3f s  %12" PRIu64 "\n", stage, index, what,
                        (double)(boom_now_ns() - since_ns) / 1e9, runs);
}

static void on_threads(struct evhttp_request *request, void *arg)
{
    struct status *status = arg;
    struct evbuffer *body = evbuffer_new();
    if (!body) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evbuffer_add_printf(body, "%-8s %3s  %-5s %12s  %12s\n", "stage", "", "does", "since", "runs");
    boom_pipeline_each_worker(status->sources.pipeline, add_worker, body);
    answer(request, "text/plain; charset=utf-8", body);
    evbuffer_free(body);
}

static void on_other(struct evhttp_request *request, void *arg)
{
    status_send_text(request, HTTP_NOTFOUND,
                     "there is /status, /metrics, /threads, /query, /tail and (POST) /store/seal");
}

/* The answers of this file, which are made at once. */
static const struct page {
    const char *path;
    void (*answer)(struct evhttp_request *request, void *arg);
} pages[] = {
    {"/status", on_status},
    {"/metrics", on_metrics},
    {"/threads", on_threads},
};

/* evhttp allows methods for all paths alike. */
static void on_page(struct evhttp_request *request, void *arg)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    if (!status_has_method(request, EVHTTP_REQ_GET))
        return;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        if (path && strcmp(path, pages[i].path) == 0)
            pages[i].answer(request, arg);
}

/*
 * ---- sockets
 * ----------------------------------------------------------------------------------------------
 */

/*
 * A socket that a daemon of the past left behind is removed; one that answers, or another kind of
 * file, is somebody's.
 */
static int clear_stale(const struct sockaddr_un *address)
{
    struct stat st;
    if (lstat(address->sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r =
        connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ? -EADDRINUSE : -errno;
    close(fd);
    if (r == -ENOENT)
        return 0;
    if (r == -ECONNREFUSED)
        return unlink(address->sun_path) < 0 ? -errno : 0;
    return r;
}

static int make_parents(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int r = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && r == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0755) < 0 && errno != EEXIST)
            r = -errno;
        *slash = '/';
    }
    free(copy);
    return r;
}

static int listen_unix(const char *path, int *ret_fd)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int r = make_parents(path);
    if (r == 0)
        r = clear_stale(&address);
    if (r < 0)
        return r;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || chmod(path, 0660) < 0 ||
        listen(fd, SOMAXCONN) < 0) {
        r = -errno;
        close(fd);
        return r;
    }
    *ret_fd = fd;
    return 0;
}

/*
 * Out of descriptors: who waits stays queued, so the loop would spin on it. The next tick tries
 * again.
 */
static void on_accept_error(struct evconnlistener *listener, void *arg)
{
    static struct log_limit limit = LOG_LIMIT(1, 60 * 1000000000ll);
    log_limited(&limit, boom_now_ns(), LOG_ERR, "status: accept: %s; trying again each second",
                strerror(errno));
    evconnlistener_disable(listener);
}

static void add_listener(struct status *status, struct evconnlistener *listener)
{
    evconnlistener_set_error_cb(listener, on_accept_error);
    status->listeners[status->n_listeners++] = listener;
}

static int serve_unix(struct status *status, const char *path)
{
    int fd = -1;
    int r = listen_unix(path, &fd);
    if (r < 0) {
        log_msg(LOG_ERR,
                "status.socket: cannot listen on %s: %s; set status.socket to a path this user may "
                "write",
                path, strerror(-r));
        return r;
    }
    struct evconnlistener *listener =
        evconnlistener_new(status->base, NULL, NULL, LEV_OPT_CLOSE_ON_FREE, 0, fd);
    status->socket_path = strdup(path);
    if (!listener || !status->socket_path || !evhttp_bind_listener(status->http, listener)) {
        if (listener)
            evconnlistener_free(listener);
        else
            close(fd);
        return -ENOMEM;
    }
    add_listener(status, listener);
    return 0;
}

/* HOST:PORT, with brackets around an IPv6 address. */
static int serve_tcp(struct status *status, const char *address)
{
    char host[256];
    const char *colon = strrchr(address, ':');
    size_t len = colon ? (size_t)(colon - address) : 0;
    if (!colon || len >= sizeof(host))
        return -EINVAL;
    const char *start = address;
    if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
        start++;
        len -= 2;
    }
    memcpy(host, start, len);
    host[len] = '\0';
    unsigned long port = strtoul(colon + 1, NULL, 10);
    struct evhttp_bound_socket *bound = NULL;
    if (port <= UINT16_MAX)
        bound =
            evhttp_bind_socket_with_handle(status->http, len ? host : "127.0.0.1", (uint16_t)port);
    if (!bound) {
        log_msg(LOG_ERR, "status.http: cannot listen on %s: %s; choose another address", address,
                strerror(errno));
        return -EADDRINUSE;
    }
    add_listener(status, evhttp_bound_socket_get_listener(bound));
    return 0;
}

int status_new(struct event_base *base, const struct status_sources *sources,
               struct status **ret_status)
{
    struct status *status = calloc(1, sizeof(*status));
    if (!status)
        return -ENOMEM;
    *status = (struct status){
        .base = base,
        .sources = *sources,
        .http = evhttp_new(base),
        .started_ns = boom_now_ns(),
        .bottleneck.text = "none",
    };
    status->query =
        (struct status_query){.store = sources->store, .path = sources->config->store.path};
    int r = status->http ? streams_new(base, &status->query.streams) : -ENOMEM;
    if (r == 0) {
        evhttp_set_allowed_methods(status->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
        evhttp_set_timeout(status->http, REQUEST_TIMEOUT_S);
        evhttp_set_max_headers_size(status->http, MAX_HEADERS);
        evhttp_set_max_body_size(status->http, 0);
        for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
            evhttp_set_cb(status->http, pages[i].path, on_page, status);
        evhttp_set_cb(status->http, "/query", status_on_query, &status->query);
        evhttp_set_cb(status->http, "/tail", status_on_tail, &status->query);
        evhttp_set_cb(status->http, "/store/seal", status_on_seal, &status->query);
        evhttp_set_gencb(status->http, on_other, status);
    }
    if (r == 0 && sources->config->status.socket[0])
        r = serve_unix(status, sources->config->status.socket);
    if (r == 0 && sources->config->status.http[0])
        r = serve_tcp(status, sources->config->status.http);
    if (r < 0) {
        status_free(status);
        return r;
    }
    *ret_status = status;
    return 0;
}

struct status *status_free(struct status *status)
{
    if (!status)
        return NULL;
    streams_free(status->query.streams);
    if (status->http)
        evhttp_free(status->http);
    if (status->socket_path)
        unlink(status->socket_path);
    free(status->socket_path);
    free(status);
    return NULL;
}
