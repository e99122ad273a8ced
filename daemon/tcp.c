/* SPDX-License-Identifier: MIT */
/*
 * Streams: RFC 6587 over TCP.
 *
 * A connection's bytes are read straight into the open batch of its lane, and framed there. What is
 * no whole frame at the end of a read is the connection's `carry`: it is kept aside, and put before
 * the bytes of the next read.
 *
 *   batch   [ lines of others | carry, then what read() gave ]
 *                               └─ line ─┘└─ line ─┘└ rest ┘ ──▶ carry
 *
 * A carry is at most max_line and a few bytes long, and all carries together are bounded by their
 * share of the memory budget: beyond it, an unfinished line is cut where it stands. When the batch
 * has no room for another record, the unframed rest is carried too (one batch's worth at most, by
 * one connection of a lane at a time) and framed into the next batch.
 */
#include "daemon/receiver.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/socket.h"
#include "syslog/frame.h"

/* A batch with less room than this is handed on before a read. */
#define READ_MIN 16384
/*
 * Carries up to this size are not refused, whatever the budget: they are smaller than what a
 * connection costs anyway.
 */
#define CARRY_FREE 64
/* Connections that one readiness event takes. */
#define ACCEPTS_A_TURN   64
#define ACCEPTS_AT_CLOSE 4096

struct tcp_connection {
    struct source source;
    int fd;
    uint64_t id;
    struct peer peer;
    uint64_t peer_serial; /* of the batch that holds the peer, at peer_index; 0: none */
    uint16_t peer_index;
    struct syslog_framer framer;
    char *carry;
    uint32_t carry_len, carry_capacity;
    bool unframed; /* the carry may hold whole frames: it was set aside for want of a batch */
    bool ending;   /* closed by the sender; the last line waits for a batch */
    struct timeval idle;
};

struct tcp_listener {
    struct lane *lane;
    int fd;
    struct event *readable, *retry;
};

/*
 * ---- carry
 * ------------------------------------------------------------------------------------------------
 */

static void carry_free(struct tcp_connection *conn)
{
    atomic_fetch_sub(&conn->source.lane->front->carry_bytes, conn->carry_capacity);
    free(conn->carry);
    conn->carry = NULL;
    conn->carry_len = conn->carry_capacity = 0;
}

/* Grows in steps so that a line that trickles in does not cost an allocation a read. */
static int carry_reserve(struct tcp_connection *conn, size_t len, bool within_budget)
{
    struct front *front = conn->source.lane->front;
    if (len <= conn->carry_capacity)
        return 0;
    size_t capacity = conn->carry_capacity ? conn->carry_capacity : CARRY_FREE;
    while (capacity < len)
        capacity *= 2;
    size_t more = capacity - conn->carry_capacity;
    size_t held = atomic_fetch_add(&front->carry_bytes, more);
    char *grown = NULL;
    if (!within_budget || capacity <= CARRY_FREE || held + more <= front->carry_max)
        grown = realloc(conn->carry, capacity);
    if (!grown) {
        atomic_fetch_sub(&front->carry_bytes, more);
        return -ENOMEM;
    }
    conn->carry = grown;
    conn->carry_capacity = (uint32_t)capacity;
    return 0;
}

static int carry_keep(struct tcp_connection *conn, const char *data, size_t len, bool within_budget)
{
    int r = carry_reserve(conn, len, within_budget);
    if (r < 0)
        return r;
    memcpy(conn->carry, data, len);
    conn->carry_len = (uint32_t)len;
    return 0;
}

/* Moves the carry to `to`; gives the memory back when it was a long one. */
static uint32_t carry_take(struct tcp_connection *conn, char *to)
{
    uint32_t len = conn->carry_len;
    if (len)
        memcpy(to, conn->carry, len);
    conn->carry_len = 0;
    conn->unframed = false;
    if (conn->carry_capacity > 4096)
        carry_free(conn);
    return len;
}

/*
 * ---- frames
 * -----------------------------------------------------------------------------------------------
 */

/*
 * Where frames go: into the lane's open batch, whose bytes hold the data from `base` on, or (base
 * NO_BATCH) nowhere but the ledger.
 */
#define NO_BATCH UINT32_MAX

/* The peer's index in the open batch, which is found once a batch. */
static uint16_t peer_index(struct tcp_connection *conn)
{
    struct batch *batch = conn->source.lane->open;
    if (conn->peer_serial != batch->serial) {
        conn->peer_index = batch_add_peer(batch, &conn->peer);
        conn->peer_serial = batch->serial;
    }
    return conn->peer_index;
}

static void take_frame(struct tcp_connection *conn, uint32_t base, uint32_t pos,
                       const struct syslog_frame *frame, int64_t received_us)
{
    struct lane *lane = conn->source.lane;
    if (frame->len == 0)
        lane_refuse(lane, DROP_EMPTY, 1, 0);
    else if (frame->cut && lane->input->config->on_oversize == ON_OVERSIZE_DROP)
        lane_refuse(lane, DROP_OVERSIZE, 1, frame->len);
    else if (base == NO_BATCH)
        lane_refuse(lane, DROP_MEMORY, 1, frame->len);
    else
        lane_add_line(lane, base + pos + (uint32_t)frame->off, (uint32_t)frame->len,
                      peer_index(conn), received_us, frame->cut);
}

/*
 * Frames data[0, len), which lies in the open batch at `base` unless that is NO_BATCH. Returns how
 * many bytes are done with: the rest is no whole frame, unless the batch has no room for a record.
 */
static uint32_t take_frames(struct tcp_connection *conn, const char *data, uint32_t len,
                            uint32_t base, int64_t received_us)
{
    struct batch *batch = conn->source.lane->open;
    uint32_t pos = 0;
    struct syslog_frame frame;
    while (pos < len && (base == NO_BATCH || batch_has_record_room(batch))) {
        if (syslog_frame_next(&conn->framer, data + pos, len - pos, &frame) == SYSLOG_FRAME_MORE) {
            pos += (uint32_t)frame.consumed;
            break;
        }
        take_frame(conn, base, pos, &frame, received_us);
        pos += (uint32_t)frame.consumed;
    }
    return pos;
}

/*
 * No memory for an unfinished line: what is there of it is the line, and the framer skips the rest.
 */
static void cut_unfinished(struct tcp_connection *conn, const char *data, uint32_t len,
                           uint32_t base, int64_t received_us)
{
    uint32_t max_line = conn->framer.max_line;
    conn->framer.max_line = len > 2 * CARRY_FREE / 3 ? len - CARRY_FREE / 3 : 1;
    uint32_t done = take_frames(conn, data, len, base, received_us);
    conn->framer.max_line = max_line;
    /* What is left is shorter than CARRY_FREE. */
    if (done < len)
        (void)carry_keep(conn, data + done, len - done, false);
}

/* True: data is framed to its end. False: the batch is full, and the rest is carried. */
static bool frame_into_batch(struct tcp_connection *conn, struct batch *batch, uint32_t len,
                             int64_t received_us)
{
    uint32_t base = batch->used;
    const char *data = batch->bytes + base;
    uint32_t done = take_frames(conn, data, len, base, received_us);
    batch->used = base + done;
    if (done == len)
        return true;
    bool full = !batch_has_record_room(batch);
    if (carry_keep(conn, data + done, len - done, !full) == 0) {
        conn->unframed = full;
        return !full;
    }
    cut_unfinished(conn, data + done, len - done, base + done, received_us);
    batch->used = base + len;
    return true;
}

/*
 * ---- a connection
 * -----------------------------------------------------------------------------------------
 */

static void close_connection(struct source *source)
{
    struct tcp_connection *conn = (struct tcp_connection *)source;
    atomic_fetch_sub(&source->lane->input->connections, 1);
    lane_remove_source(source->lane, source);
    event_free(source->readable);
    close(conn->fd);
    carry_free(conn);
    free(conn);
}

/* The last line need not be ended (RFC 6587 3.4.2). False: it waits for a batch. */
static bool take_last_line(struct tcp_connection *conn)
{
    struct lane *lane = conn->source.lane;
    struct syslog_frame frame;
    if (conn->carry_len == 0)
        return true;
    struct batch *batch = lane_room(lane, conn->carry_len, 1);
    if (!batch && lane->paused)
        return false;
    if (syslog_frame_end(&conn->framer, conn->carry, conn->carry_len, &frame) != SYSLOG_FRAME_ONE)
        return true;
    if (!batch) {
        take_frame(conn, NO_BATCH, 0, &frame, 0);
        return true;
    }
    memcpy(batch->bytes + batch->used, conn->carry, conn->carry_len);
    take_frame(conn, batch->used, 0, &frame, wall_clock_us());
    batch->used += conn->carry_len;
    return true;
}

static void end_connection(struct tcp_connection *conn, int error)
{
    struct lane *lane = conn->source.lane;
    char text[PEER_TEXT_MAX];
    log_msg(LOG_DEBUG, "input %s: connection %llu from %s ended: %s", lane->input->config->name,
            (unsigned long long)conn->id, peer_to_text(&conn->peer, text),
            error ? strerror(error) : "closed by the sender");
    conn->ending = !take_last_line(conn);
    if (conn->ending)
        lane_park(&conn->source);
    else
        close_connection(&conn->source);
}

enum read_result { READ_DONE, READ_AGAIN, READ_CLOSED };

/*
 * No batch is to be had and the input does not block: read and count, so that the sender is not
 * held up.
 */
static enum read_result read_without_batch(struct tcp_connection *conn, uint32_t *ret_n)
{
    const struct datagram_buffers *buffers = receiver_buffers(conn->source.lane->receiver);
    if (conn->unframed) {
        uint32_t framed = take_frames(conn, conn->carry, conn->carry_len, NO_BATCH, 0);
        conn->carry_len -= framed;
        memmove(conn->carry, conn->carry + framed, conn->carry_len);
    }
    uint32_t len = carry_take(conn, buffers->spare);
    ssize_t n = read(conn->fd, buffers->spare + len, buffers->spare_bytes - len);
    int error = n < 0 ? errno : 0;
    *ret_n = n > 0 ? (uint32_t)n : 0;
    len += *ret_n;
    uint32_t done = take_frames(conn, buffers->spare, len, NO_BATCH, 0);
    if (done < len && carry_keep(conn, buffers->spare + done, len - done, true) < 0)
        cut_unfinished(conn, buffers->spare + done, len - done, NO_BATCH, 0);
    if (n == 0 || (n < 0 && error != EAGAIN && error != EINTR)) {
        end_connection(conn, error);
        return READ_CLOSED;
    }
    return READ_DONE;
}

/* Puts the carry, and what one read gives, into batches. */
static enum read_result read_into_batch(struct tcp_connection *conn, uint32_t *ret_n)
{
    struct lane *lane = conn->source.lane;
    bool finished = false, may_read = true;
    *ret_n = 0;
    while (!finished || may_read) {
        bool read_now = may_read && !conn->unframed;
        struct batch *batch = lane_room(lane, conn->carry_len + (read_now ? READ_MIN : 0), 1);
        if (!batch)
            return lane->paused ? READ_DONE : read_without_batch(conn, ret_n);
        char *at = batch->bytes + batch->used;
        uint32_t len = carry_take(conn, at);
        int error = 0;
        bool closed = false;
        if (read_now) {
            ssize_t n = read(conn->fd, at + len, batch->capacity - batch->used - len);
            error = n < 0 ? errno : 0;
            closed = n == 0 || (n < 0 && error != EAGAIN && error != EINTR);
            *ret_n = n > 0 ? (uint32_t)n : 0;
            len += *ret_n;
            may_read = false;
        }
        finished = frame_into_batch(conn, batch, len, wall_clock_us());
        if (closed) {
            end_connection(conn, error);
            return READ_CLOSED;
        }
    }
    return READ_DONE;
}

/* Reads once. True: it is to be polled, as nothing ended or parked it. */
static bool take_turn(struct tcp_connection *conn, bool is_late)
{
    struct lane *lane = conn->source.lane;
    uint32_t n;
    if (read_into_batch(conn, &n) == READ_CLOSED)
        return false;
    if (lane->paused) {
        lane_park(&conn->source);
        return false;
    }
    if (n > 0 || !is_late)
        return true;
    atomic_fetch_add(&lane->input->idle_closed, 1);
    end_connection(conn, ETIMEDOUT);
    return false;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_connection *conn = arg;
    struct lane *lane = conn->source.lane;
    if (lane->paused) {
        lane_park(&conn->source);
        return;
    }
    /* A timeout hides readiness: bytes that came while the process did not run are read first. */
    take_turn(conn, what & EV_TIMEOUT);
    lane_end_turn(lane);
}

static void resume(struct source *source)
{
    struct tcp_connection *conn = (struct tcp_connection *)source;
    struct lane *lane = source->lane;
    if (conn->ending)
        end_connection(conn, 0);
    else if (take_turn(conn, false))
        lane_poll(source);
    lane_end_turn(lane);
}

/* The drain was cut off in the midst of it: whole frames that wait for a batch. */
static void give_up_unframed(struct tcp_connection *conn)
{
    uint32_t pos = 0;
    struct syslog_frame frame;
    while (pos < conn->carry_len &&
           syslog_frame_next(&conn->framer, conn->carry + pos, conn->carry_len - pos, &frame) ==
               SYSLOG_FRAME_ONE) {
        lane_refuse(conn->source.lane, DROP_SHUTDOWN, 1, frame.len);
        pos += (uint32_t)frame.consumed;
    }
    conn->carry_len = 0;
}

static void drain(struct source *source)
{
    struct tcp_connection *conn = (struct tcp_connection *)source;
    struct lane *lane = source->lane;
    int held = 0;
    event_del(source->readable);
    (void)ioctl(conn->fd, FIONREAD, &held);
    if (conn->unframed)
        held++;
    for (int64_t left = held; left > 0 && boom_ctx_err(lane->draining) == 0;) {
        uint32_t n;
        if (read_into_batch(conn, &n) == READ_CLOSED)
            return;
        if (n == 0)
            break;
        left -= n;
    }
    if (conn->unframed)
        give_up_unframed(conn);
    if (take_last_line(conn))
        close_connection(source);
}

static struct tcp_connection *connection_new(struct lane *lane, int fd, const struct sockaddr *from)
{
    const struct config_input *config = lane->input->config;
    struct tcp_connection *conn = calloc(1, sizeof(*conn));
    if (!conn)
        return NULL;
    conn->fd = fd;
    conn->id = atomic_fetch_add(&lane->front->next_connection, 1) + 1;
    conn->framer = SYSLOG_FRAMER_INIT(config->max_line);
    peer_from_sockaddr(from, &conn->peer);
    conn->source =
        (struct source){.lane = lane, .resume = resume, .drain = drain, .close = close_connection};
    if (config->idle_timeout_ns > 0) {
        conn->idle = (struct timeval){.tv_sec = config->idle_timeout_ns / 1000000000,
                                      .tv_usec = config->idle_timeout_ns % 1000000000 / 1000};
        conn->source.timeout = &conn->idle;
    }
    conn->source.readable =
        event_new(receiver_base(lane->receiver), fd, EV_READ | EV_PERSIST, on_readable, conn);
    if (!conn->source.readable) {
        free(conn);
        return NULL;
    }
    lane_add_source(lane, &conn->source);
    return conn;
}

/*
 * ---- a listener
 * -------------------------------------------------------------------------------------------
 */

static void refuse(struct lane *lane, int fd, const char *why)
{
    static struct log_limit limit = LOG_LIMIT(1, 60 * 1000000000ll);
    atomic_fetch_add(&lane->input->connections_refused, 1);
    log_limited(&limit, boom_now_ns(), LOG_WARNING,
                "input %s: connection refused: %u are open, %s; raise it or close some",
                lane->input->config->name, atomic_load(&lane->input->connections), why);
    close(fd);
}

static void accepted(struct lane *lane, int fd, const struct sockaddr *from)
{
    if (fd >= lane->front->descriptors_max) {
        refuse(lane, fd, "which is what the limit of open files allows (LimitNOFILE, ulimit -n)");
        return;
    }
    if (atomic_fetch_add(&lane->input->connections, 1) >= lane->input->config->max_connections) {
        atomic_fetch_sub(&lane->input->connections, 1);
        refuse(lane, fd, "which is max_connections");
        return;
    }
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    struct tcp_connection *conn = connection_new(lane, fd, from);
    if (!conn) {
        atomic_fetch_sub(&lane->input->connections, 1);
        close(fd);
        return;
    }
    atomic_fetch_add(&lane->input->connections_total, 1);
    char text[PEER_TEXT_MAX];
    log_msg(LOG_DEBUG, "input %s: connection %llu from %s", lane->input->config->name,
            (unsigned long long)conn->id, peer_to_text(&conn->peer, text));
}

/* Returns 0, or the errno that ended it. */
static int accept_some(struct tcp_listener *listener, int n)
{
    while (n-- > 0) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        int fd =
            accept4(listener->fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            accepted(listener->lane, fd, (struct sockaddr *)&from);
        else if (errno != EINTR && errno != ECONNABORTED)
            return errno;
    }
    return 0;
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
    static struct log_limit limit = LOG_LIMIT(1, 60 * 1000000000ll);
    struct tcp_listener *listener = arg;
    int error = accept_some(listener, ACCEPTS_A_TURN);
    if (error == 0 || error == EAGAIN)
        return;
    /* Out of descriptors or memory: the connection stays queued, so the loop would spin on it. */
    log_limited(&limit, boom_now_ns(), LOG_ERR, "input %s: accept: %s; trying again each second",
                listener->lane->input->config->name, strerror(error));
    event_del(listener->readable);
    evtimer_add(listener->retry, &(struct timeval){.tv_sec = 1});
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct tcp_listener *listener = arg;
    event_add(listener->readable, NULL);
}

int tcp_listener_new(struct lane *lane, int fd, struct tcp_listener **ret_listener)
{
    struct tcp_listener *listener = calloc(1, sizeof(*listener));
    if (!listener)
        return -ENOMEM;
    struct event_base *base = receiver_base(lane->receiver);
    *listener = (struct tcp_listener){.lane = lane, .fd = fd};
    listener->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_connection, listener);
    listener->retry = evtimer_new(base, on_retry, listener);
    if (!listener->readable || !listener->retry || event_add(listener->readable, NULL) < 0) {
        listener->fd = -1; /* stays the caller's */
        tcp_listener_free(listener);
        return -ENOMEM;
    }
    *ret_listener = listener;
    return 0;
}

struct tcp_listener *tcp_listener_free(struct tcp_listener *listener)
{
    if (!listener)
        return NULL;
    if (listener->readable)
        event_free(listener->readable);
    if (listener->retry)
        event_free(listener->retry);
    if (listener->fd >= 0) {
        (void)accept_some(listener, ACCEPTS_AT_CLOSE);
        close(listener->fd);
    }
    free(listener);
    return NULL;
}
