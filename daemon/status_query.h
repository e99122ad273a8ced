/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_STATUS_QUERY_H
#define DAEMON_STATUS_QUERY_H

/*
 * What the status socket says about the store:
 *
 *   GET /query?q=EXPR&since=T&until=T&n=N&reverse=1&after=ID   JSON lines: records, or a table's rows
 *   GET /tail?q=EXPR&n=N                                       JSON lines, until the peer hangs up
 *   POST /store/seal                                           ends the open log, and waits for it
 *
 * Each is made by a worker of its own (status_stream.h), with a reader of its own, which reads files
 * alone: no query makes the pipeline wait.
 */

#include "daemon/status_stream.h"
#include "store/store.h"

struct status_query {
    struct streams *streams;
    struct store *store;
    const char *path; /* of the store */
};

/* For evhttp_set_cb(); arg: struct status_query. */
void status_on_query(struct evhttp_request *request, void *arg);
void status_on_tail(struct evhttp_request *request, void *arg);
void status_on_seal(struct evhttp_request *request, void *arg);

/* Is it the method? Else the request was answered (405). */
bool status_has_method(struct evhttp_request *request, enum evhttp_cmd_type method);
/* Answers a request with one line of text. */
void status_send_text(struct evhttp_request *request, int http_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
