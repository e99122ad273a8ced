/* SPDX-License-Identifier: MIT */
#include "daemon/status_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <boom/chan.h>
#include <boom/pool.h>

#include "daemon/status_query.h"

/*
 * A stream belongs to the loop and to its worker, and is freed by the last of them. The worker
 * touches the context, the channel and, before it closes the channel, the failure; all else is the
 * loop's.
 *
 * The request is evhttp's: when it frees the connection under it (on_gone), it must not be touched
 * again. evhttp does not look at a connection that it is answering, so a peer that hangs up while
 * nothing is written would not be noticed: EV_CLOSED on the same descriptor tells.
 */

#define STREAM_CHUNKS 4

struct chunk {
    char *data;
    size_t len;
};

struct streams {
    struct event_base *base;
    struct boom_ctx *ctx;
    struct boom_pool *pool;
    struct stream *first;
    unsigned n_streams;
};

struct stream {
    struct streams *streams;
    struct stream *next;
    struct stream_job job;
    atomic_uint n_owners;
    struct boom_ctx *ctx;
    struct boom_chan *chunks;
    int failed_with; /* HTTP status; 0: it did not fail */
    char failure[256];

    struct evhttp_request *request; /* NULL: the peer is gone */
    struct boom_chan_fd *chunks_fd;
    struct event *readable, *closed;
    bool has_begun;
};

static void unref(struct stream *stream)
{
    struct chunk chunk;
    if (atomic_fetch_sub(&stream->n_owners, 1) > 1)
        return;
    while (stream->chunks && boom_chan_try_recv(stream->chunks, &chunk) == 0)
        free(chunk.data);
    boom_chan_free(stream->chunks);
    boom_ctx_unref(stream->ctx);
    stream->job.free(stream->job.arg);
    free(stream);
}

/* ---- the worker's side */

int stream_write(struct stream *stream, const char *data, size_t len)
{
    struct chunk chunk = {malloc(len), len};
    if (!chunk.data)
        return -ENOMEM;
    memcpy(chunk.data, data, len);
    int r = boom_chan_send(stream->chunks, stream->ctx, &chunk);
    if (r < 0)
        free(chunk.data);
    return r;
}

void stream_fail(struct stream *stream, int http_status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(stream->failure, sizeof(stream->failure), format, args);
    va_end(args);
    stream->failed_with = http_status;
}

static void work(struct boom_ctx *ctx, void *arg)
{
    struct stream *stream = arg;
    if (boom_ctx_err(stream->ctx) == 0)
        stream->job.run(stream, stream->ctx, stream->job.arg);
    boom_chan_close(stream->chunks);
    unref(stream);
}

/* ---- the loop's side */

/* The loop lets go of it; evhttp keeps the request. */
static void let_go(struct stream *stream)
{
    struct stream **at = &stream->streams->first;
    while (*at != stream)
        at = &(*at)->next;
    *at = stream->next;
    stream->streams->n_streams--;
    if (stream->request)
        evhttp_connection_set_closecb(evhttp_request_get_connection(stream->request), NULL, NULL);
    if (stream->closed)
        event_free(stream->closed);
    if (stream->readable)
        event_free(stream->readable);
    boom_chan_fd_free(stream->chunks_fd);
    if (stream->ctx)
        boom_ctx_cancel(stream->ctx, 0);
    unref(stream);
}

/* The connection is being freed, and the request with it. */
static void on_gone(struct evhttp_connection *connection, void *arg)
{
    struct stream *stream = arg;
    stream->request = NULL;
    if (stream->closed)
        event_free(stream->closed); /* before its descriptor is closed */
    stream->closed = NULL;
    boom_ctx_cancel(stream->ctx, -EPIPE);
    event_add(stream->readable, NULL); /* the worker's end is what remains to be seen */
}

static void on_closed(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;
    boom_ctx_cancel(stream->ctx, -EPIPE);
}

static void begin(struct stream *stream)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(stream->request);
    if (stream->has_begun)
        return;
    evhttp_add_header(headers, "Content-Type", stream->job.type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evhttp_send_reply_start(stream->request, HTTP_OK, "OK");
    stream->has_begun = true;
}

static void finish(struct stream *stream)
{
    struct evhttp_request *request = stream->request;
    struct evhttp_connection *connection = request ? evhttp_request_get_connection(request) : NULL;
    bool is_cut = stream->failed_with != 0 && stream->has_begun;
    if (request && stream->failed_with == 0)
        begin(stream);
    bool has_begun = stream->has_begun;
    int failed_with = stream->failed_with;
    char failure[sizeof(stream->failure)];
    memcpy(failure, stream->failure, sizeof(failure));
    let_go(stream);
    if (!request)
        return;
    if (is_cut)
        evhttp_connection_free(connection);
    else if (has_begun)
        evhttp_send_reply_end(request);
    else
        status_send_text(request, failed_with, "%s", failure);
}

static void free_chunk(const void *data, size_t len, void *arg)
{
    free(arg);
}

static void on_written(struct evhttp_connection *connection, void *arg)
{
    struct stream *stream = arg;
    event_add(stream->readable, NULL);
}

/* The chunk's memory goes with it. */
static void send_chunk(struct stream *stream, char *data, size_t len)
{
    struct evbuffer *body = evbuffer_new();
    if (!body || evbuffer_add_reference(body, data, len, free_chunk, data) < 0) {
        free(data);
        stream->failed_with = HTTP_INTERNAL;
        boom_ctx_cancel(stream->ctx, -ENOMEM);
        event_add(stream->readable, NULL);
    } else {
        begin(stream);
        evhttp_send_reply_chunk_with_cb(stream->request, body, on_written, stream);
    }
    if (body)
        evbuffer_free(body);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct stream *stream = arg;
    struct chunk chunk = {0};
    int r = boom_chan_try_recv(stream->chunks, &chunk);
    if (r == BOOM_CHAN_CLOSED) {
        finish(stream);
    } else if (r == 0 && stream->request) {
        send_chunk(stream, chunk.data, chunk.len);
    } else {
        free(chunk.data);
        boom_chan_fd_arm(stream->chunks_fd);
        event_add(stream->readable, NULL);
    }
}

/* The loop's parts. Returns 0 or a negative errno. */
static int watch(struct stream *stream, struct evhttp_request *request)
{
    struct event_base *base = stream->streams->base;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    int socket = (int)bufferevent_getfd(evhttp_connection_get_bufferevent(connection));
    int r = boom_chan_fd_new(stream->chunks, BOOM_CHAN_READABLE, &stream->chunks_fd);
    if (r < 0)
        return r;
    stream->readable =
        event_new(base, boom_chan_fd_get(stream->chunks_fd), EV_READ, on_readable, stream);
    stream->closed = event_new(base, socket, EV_CLOSED, on_closed, stream);
    if (!stream->readable || !stream->closed || event_add(stream->readable, NULL) < 0 ||
        event_add(stream->closed, NULL) < 0)
        return -ENOMEM;
    stream->request = request;
    evhttp_connection_set_closecb(connection, on_gone, stream);
    return 0;
}

static int start(struct streams *streams, struct stream *stream, struct evhttp_request *request)
{
    int r = boom_ctx_with_cancel(streams->ctx, &stream->ctx);
    if (r == 0)
        r = boom_chan_new(sizeof(struct chunk), STREAM_CHUNKS, &stream->chunks);
    if (r == 0)
        r = watch(stream, request);
    if (r != 0)
        return r;
    atomic_store(&stream->n_owners, 2);
    r = boom_pool_try_submit(streams->pool, work, stream);
    if (r != 0)
        atomic_store(&stream->n_owners, 1);
    return r == BOOM_CHAN_FULL ? -EBUSY : r;
}

void streams_answer(struct streams *streams, struct evhttp_request *request,
                    const struct stream_job *job)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (!stream || streams->n_streams == STREAM_MAX) {
        free(stream);
        job->free(job->arg);
        status_send_text(request, HTTP_SERVUNAVAIL,
                         "%u answers are being made already: try again later", STREAM_MAX);
        return;
    }
    *stream = (struct stream){.streams = streams, .job = *job, .next = streams->first};
    atomic_init(&stream->n_owners, 1);
    streams->first = stream;
    streams->n_streams++;
    int r = start(streams, stream, request);
    if (r == 0)
        return;
    let_go(stream);
    status_send_text(request, HTTP_SERVUNAVAIL, "%s", strerror(-r));
}

int streams_new(struct event_base *base, struct streams **ret_streams)
{
    struct boom_pool_options options = {
        .name = "status", .workers_min = 1, .workers_max = STREAM_MAX, .queue = STREAM_MAX};
    struct streams *streams = calloc(1, sizeof(*streams));
    if (!streams)
        return -ENOMEM;
    streams->base = base;
    int r = boom_ctx_with_cancel(boom_ctx_background(), &streams->ctx);
    if (r == 0)
        r = boom_pool_new(streams->ctx, &options, &streams->pool);
    if (r < 0)
        streams_free(streams);
    else
        *ret_streams = streams;
    return r;
}

struct streams *streams_free(struct streams *streams)
{
    if (!streams)
        return NULL;
    if (streams->ctx)
        boom_ctx_cancel(streams->ctx, -ECANCELED);
    if (streams->pool)
        boom_pool_drain(streams->pool, NULL);
    while (streams->first)
        let_go(streams->first);
    boom_pool_free(streams->pool);
    boom_ctx_unref(streams->ctx);
    free(streams);
    return NULL;
}
