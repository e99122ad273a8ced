/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATUS_STREAM_H
#define DAEMON_STATUS_STREAM_H

/*
 * Answers that take time: a worker thread makes them, the main loop sends them as they come.
 *
 *   worker ── stream_write() ──▶ [ chunk | chunk | … ] ──▶ main loop ──▶ socket
 *      ▲                          full: the worker waits      │ the next chunk, when this is written
 *      └──────────── its context is over ◀── the peer is gone ┘
 *
 * Bounded: STREAM_MAX answers at a time (more are told to come again, 503), each with a few chunks
 * in memory.
 */

#include <event2/event.h>
#include <event2/http.h>
#include <boom/context.h>

#define STREAM_MAX 16

struct streams;
struct stream;

/* What makes an answer. */
struct stream_job {
    const char *type; /* Content-Type; borrowed for ever */
    /* In a worker; the answer is whole when it returns. ctx is over when nobody wants it any more. */
    void (*run)(struct stream *stream, struct boom_ctx *ctx, void *arg);
    void (*free)(void *arg); /* once, from any thread */
    void *arg;
};

/* Returns 0 or a negative errno. Main thread only, as all but stream_write() and stream_fail(). */
int streams_new(struct event_base *base, struct streams **ret_streams);
/* Cancels and waits for the workers. Before evhttp_free(). Returns NULL. NULL is allowed. */
struct streams *streams_free(struct streams *streams);
/* Answers the request, sooner or later. Takes over job->arg, whatever happens. */
void streams_answer(struct streams *streams, struct evhttp_request *request,
                    const struct stream_job *job);

/*
 * Worker only. Waits while the peer is slow. Returns 0, or the error of the stream's context.
 */
int stream_write(struct stream *stream, const char *data, size_t len);
/*
 * Worker only, at the end: it went wrong. Where nothing was written yet, the answer is this HTTP
 * status with the message as its text; else the connection is cut, so that nobody takes it for
 * whole.
 */
void stream_fail(struct stream *stream, int http_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
