/* SPDX-License-Identifier: MIT */
#include "daemon/status_query.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store/show/answer.h"
#include "store/show/follow.h"
#include "store/show/json.h"
#include "store/show/result.h"
#include "store/when.h"

#define JSON_LINES     "application/x-ndjson"
#define TAIL_LINES     10
#define QUERY_MEMORY   (64u << 20) /* of a query here: the daemon has other things to do */
#define QUERY_THREADS  1
#define NO_SUCH_METHOD 405

/* A question about records: made in the loop, used by the worker. */
struct ask {
    char *path;
    struct query *query;
    const struct query_table *table; /* NULL: records */
    struct answer_options options;
    struct stream *stream;
    struct out out;
    struct json_row_options json;
};

static void ask_free(void *arg)
{
    struct ask *ask = arg;
    query_free(ask->query);
    out_deinit(&ask->out);
    free(ask->path);
    free(ask);
}

void status_send_text(struct evhttp_request *request, int http_status, const char *format, ...)
{
    struct evbuffer *body = evbuffer_new();
    va_list args;
    va_start(args, format);
    if (body) {
        evbuffer_add_vprintf(body, format, args);
        evbuffer_add_printf(body, "\n");
    }
    va_end(args);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/plain; charset=utf-8");
    evhttp_send_reply(request, http_status, NULL, body);
    if (body)
        evbuffer_free(body);
}

/* ---- the worker's side */

static int write_out(void *arg, const char *data, size_t len)
{
    return stream_write(((struct ask *)arg)->stream, data, len);
}

static int on_row(void *arg, const struct store_row *row)
{
    struct ask *ask = arg;
    print_json_row(&ask->out, &ask->json, row);
    return ask->out.error;
}

static int on_result(void *arg, const struct query_cell *cells, size_t n)
{
    struct ask *ask = arg;
    print_json_result(&ask->out, ask->table->columns, cells, n);
    return ask->out.error;
}

static int on_skipped(void *arg, uint64_t n_rows)
{
    struct ask *ask = arg;
    out_string(&ask->out, "{\"skipped\":");
    out_number(&ask->out, n_rows);
    out_string(&ask->out, "}\n");
    return ask->out.error;
}

static int flush(void *arg)
{
    return out_flush(&((struct ask *)arg)->out);
}

/* Returns the reader, or NULL: the answer says why. */
static struct store_reader *open_reader(struct ask *ask, struct stream *stream,
                                        struct boom_ctx *ctx)
{
    struct store_reader_options options = {.path = ask->path};
    struct store_reader *reader = NULL;
    ask->stream = stream;
    ask->options.run.ctx = ctx;
    int r = out_init_to(&ask->out, write_out, ask);
    if (r == 0)
        r = store_reader_open(&options, &reader);
    if (r < 0)
        stream_fail(stream, HTTP_INTERNAL, "cannot read the store: %s", strerror(-r));
    return reader;
}

static void end(struct ask *ask, struct stream *stream, struct boom_ctx *ctx, int r)
{
    if (r == 0)
        r = out_flush(&ask->out);
    if (r < 0 && boom_ctx_err(ctx) == 0)
        stream_fail(stream, HTTP_INTERNAL, "reading the store: %s", strerror(-r));
}

static void run_query(struct stream *stream, struct boom_ctx *ctx, void *arg)
{
    struct ask *ask = arg;
    struct answer answer;
    struct store_reader *reader = open_reader(ask, stream, ctx);
    if (!reader)
        return;
    end(ask, stream, ctx, query_answer(ask->query, reader, &ask->options, &answer));
    store_reader_close(reader);
}

/* Until the store grows. Returns 0, or the error of the context. */
static int wait_for_rows(struct store_reader *reader, int fd, struct boom_ctx *ctx)
{
    struct pollfd fds[2] = {{.fd = fd, .events = POLLIN},
                            {.fd = boom_ctx_fd(ctx), .events = POLLIN}};
    if (fds[1].fd < 0)
        return fds[1].fd;
    if (poll(fds, 2, -1) < 0 && errno != EINTR)
        return -errno;
    store_reader_ack(reader);
    return boom_ctx_err(ctx);
}

static int follow(struct ask *ask, struct store_reader *reader, struct boom_ctx *ctx)
{
    struct follow_options options = {
        .path = ask->path,
        .query = ask->query,
        .reader = reader,
        .run = ask->options.run,
        .max_behind = FOLLOW_MAX_BEHIND,
        .on_skipped = on_skipped,
        .on_end = flush,
    };
    struct follow *follow;
    int fd = store_reader_fd(reader); /* before the first look, so that nothing is missed */
    int r = fd < 0 ? fd : follow_new(&options, &follow);
    if (r < 0)
        return r;
    r = follow_last(follow, ask->options.run.limit);
    while (r == 0) {
        r = follow_next(follow);
        if (r == 0)
            r = wait_for_rows(reader, fd, ctx);
    }
    follow_free(follow);
    return r;
}

static void run_tail(struct stream *stream, struct boom_ctx *ctx, void *arg)
{
    struct ask *ask = arg;
    struct store_reader *reader = open_reader(ask, stream, ctx);
    if (!reader)
        return;
    end(ask, stream, ctx, follow(ask, reader, ctx));
    store_reader_close(reader);
}

static void run_seal(struct stream *stream, struct boom_ctx *ctx, void *arg)
{
    static const char done[] = "{\"sealed\":true}\n";
    int r = store_seal(arg);
    if (r < 0)
        stream_fail(stream, HTTP_INTERNAL,
                    "sealing the store: %s; it is tried again every few seconds", strerror(-r));
    else
        stream_write(stream, done, sizeof(done) - 1);
}

/* ---- the loop's side: from parameters to a question */

static int64_t realtime(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool read_number(const char *text, int base, uint64_t *ret_number)
{
    char *end;
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    errno = 0;
    *ret_number = strtoull(text, &end, base);
    return *text != '\0' && strspn(text, digits) == strlen(text) && errno == 0;
}

/* Returns NULL, or what was expected. */
static const char *take_parameter(struct ask *ask, const char *key, const char *value, bool is_tail,
                                  const char **ret_expression)
{
    struct query_options *run = &ask->options.run;
    if (strcmp(key, "q") == 0) {
        *ret_expression = value;
        return NULL;
    }
    if (strcmp(key, "n") == 0)
        return read_number(value, 10, &run->limit) ? NULL : "a number of lines";
    if (is_tail)
        return "the parameters q and n";
    if (strcmp(key, "after") == 0)
        return read_number(value, 16, &run->after_id) ? NULL : "the id of a record";
    if (strcmp(key, "reverse") == 0) {
        run->newest_first = strcmp(value, "0") != 0;
        return NULL;
    }
    bool is_since = strcmp(key, "since") == 0;
    if (!is_since && strcmp(key, "until") != 0)
        return "the parameters q, since, until, n, reverse and after";
    int64_t *time_ns = is_since ? &run->since_ns : &run->until_ns;
    return when_parse(value, strlen(value), realtime(), true, time_ns) == 0 ? NULL : WHEN_EXPECTED;
}

/* Returns true, or answers the request with what is wrong. */
static bool read_expression(struct ask *ask, struct evhttp_request *request, bool is_tail,
                            const char *expression)
{
    struct query_error error;
    int r = query_parse(expression, &ask->query, &error);
    if (r == -EINVAL)
        status_send_text(request, HTTP_BADREQUEST, "column %zu of the expression: %s", error.at + 1,
                         error.message);
    else if (r < 0)
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
    if (r < 0)
        return false;
    ask->table = query_result(ask->query);
    if (!is_tail || !ask->table)
        return true;
    status_send_text(request, HTTP_BADREQUEST, "a table has an end: ask /query for it");
    return false;
}

static bool read_parameters(struct ask *ask, struct evhttp_request *request, bool is_tail)
{
    struct evkeyvalq parameters = {0};
    const char *text = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(request));
    const char *expression = "", *expected = NULL, *key = NULL;
    if (evhttp_parse_query_str(text ? text : "", &parameters) < 0) {
        status_send_text(request, HTTP_BADREQUEST, "these are no parameters of a URI");
        return false;
    }
    for (struct evkeyval *at = parameters.tqh_first; at && !expected; at = at->next.tqe_next) {
        key = at->key;
        expected = take_parameter(ask, at->key, at->value, is_tail, &expression);
    }
    if (expected)
        status_send_text(request, HTTP_BADREQUEST, "%s: expected %s", key, expected);
    bool is_good = !expected && read_expression(ask, request, is_tail, expression);
    evhttp_clear_headers(&parameters);
    return is_good;
}

bool status_has_method(struct evhttp_request *request, enum evhttp_cmd_type method)
{
    if (evhttp_request_get_command(request) == method)
        return true;
    const char *allowed = method == EVHTTP_REQ_POST ? "POST" : "GET";
    evhttp_add_header(evhttp_request_get_output_headers(request), "Allow", allowed);
    status_send_text(request, NO_SUCH_METHOD, "this takes %s", allowed);
    return false;
}

static void answer(struct evhttp_request *request, const struct status_query *sources, bool is_tail)
{
    if (!status_has_method(request, EVHTTP_REQ_GET))
        return;
    struct ask *ask = calloc(1, sizeof(*ask));
    if (!ask || !(ask->path = strdup(sources->path))) {
        free(ask);
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    ask->out.fd = -1;
    ask->json = JSON_ROW_OPTIONS_DEFAULT;
    ask->options = (struct answer_options){.run = {.since_ns = INT64_MIN,
                                                   .until_ns = INT64_MAX,
                                                   .limit = is_tail ? TAIL_LINES : 0,
                                                   .columns = STORE_ALL,
                                                   .memory_bytes = QUERY_MEMORY,
                                                   .threads = QUERY_THREADS,
                                                   .on_row = on_row,
                                                   .arg = ask},
                                           .on_result = on_result};
    if (!read_parameters(ask, request, is_tail)) {
        ask_free(ask);
        return;
    }
    struct stream_job job = {
        .type = JSON_LINES, .run = is_tail ? run_tail : run_query, .free = ask_free, .arg = ask};
    streams_answer(sources->streams, request, &job);
}

void status_on_query(struct evhttp_request *request, void *arg)
{
    answer(request, arg, false);
}

void status_on_tail(struct evhttp_request *request, void *arg)
{
    answer(request, arg, true);
}

static void keep(void *arg) {}

void status_on_seal(struct evhttp_request *request, void *arg)
{
    struct status_query *sources = arg;
    struct stream_job job = {
        .type = "application/json", .run = run_seal, .free = keep, .arg = sources->store};
    if (status_has_method(request, EVHTTP_REQ_POST))
        streams_answer(sources->streams, request, &job);
}
