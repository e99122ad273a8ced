/* SPDX-License-Identifier: MIT */
/*
 * Datagrams: one is one message (RFC 5426 3.1).
 *
 * Up to 64 are read with one recvmmsg into the receiver's small slots, which stay in the
 * processor's cache; the part of a long datagram that does not fit its slot goes to a second buffer
 * whose pages only long datagrams touch. From there the messages are packed into the batch, so that
 * a batch holds lines and no gaps. What the kernel dropped is read from the socket itself, when
 * somebody asks.
 */
#include "daemon/receiver.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/socket.h"
#include "syslog/frame.h"

/* Before other sockets of the loop get their turn. */
#define DATAGRAMS_A_TURN 512
/* Room that is asked for before a read: long datagrams may still need the next batch. */
#define ROOM_A_DATAGRAM 512

struct udp_socket {
    struct source source;
    int fd;
    uint32_t drops_counted;
    unsigned datagrams; /* that one call reads */
    struct mmsghdr headers[DATAGRAMS_A_CALL_MAX];
    struct iovec parts[DATAGRAMS_A_CALL_MAX][2];
    struct sockaddr_in6 from[DATAGRAMS_A_CALL_MAX];
};

static void point_at_buffers(struct udp_socket *udp)
{
    const struct datagram_buffers *buffers = receiver_buffers(udp->source.lane->receiver);
    for (size_t i = 0; i < udp->datagrams; i++) {
        udp->parts[i][0] = (struct iovec){buffers->slots + i * DATAGRAM_SLOT, DATAGRAM_SLOT};
        udp->parts[i][1] = (struct iovec){buffers->rests + i * (DATAGRAM_MAX - DATAGRAM_SLOT),
                                          DATAGRAM_MAX - DATAGRAM_SLOT};
        udp->headers[i].msg_hdr = (struct msghdr){
            .msg_iov = udp->parts[i],
            .msg_iovlen = 2,
            .msg_name = &udp->from[i],
            .msg_namelen = sizeof(udp->from[i]),
        };
    }
}

/* Copies the first len bytes of datagram i. */
static void copy_out(const struct udp_socket *udp, size_t i, char *to, size_t len)
{
    size_t first = len < DATAGRAM_SLOT ? len : DATAGRAM_SLOT;
    memcpy(to, udp->parts[i][0].iov_base, first);
    if (len > first)
        memcpy(to + first, udp->parts[i][1].iov_base, len - first);
}

static char byte_at(const struct udp_socket *udp, size_t i, size_t at)
{
    return at < DATAGRAM_SLOT ? ((char *)udp->parts[i][0].iov_base)[at]
                              : ((char *)udp->parts[i][1].iov_base)[at - DATAGRAM_SLOT];
}

/* The length of the message in datagram i, without what ends it. */
static size_t message_len(const struct udp_socket *udp, size_t i)
{
    char tail[4];
    size_t len = udp->headers[i].msg_len, n_tail = len < sizeof(tail) ? len : sizeof(tail);
    for (size_t k = 0; k < n_tail; k++)
        tail[k] = byte_at(udp, i, len - n_tail + k);
    return len - n_tail + syslog_datagram_len(tail, n_tail);
}

static void take_datagram(struct udp_socket *udp, size_t i, int64_t received_us)
{
    struct lane *lane = udp->source.lane;
    const struct config_input *config = lane->input->config;
    size_t len = message_len(udp, i);
    bool cut = len > config->max_line;
    if (len == 0 || (cut && config->on_oversize == ON_OVERSIZE_DROP)) {
        lane_refuse(lane, len == 0 ? DROP_EMPTY : DROP_OVERSIZE, 1, len);
        return;
    }
    if (cut)
        len = config->max_line;
    struct batch *batch = lane_room(lane, (uint32_t)len, 1);
    if (!batch) {
        lane_refuse(lane, lane->pending ? DROP_QUEUE_FULL : DROP_MEMORY, 1, len);
        return;
    }
    struct peer peer;
    peer_from_sockaddr((struct sockaddr *)&udp->from[i], &peer);
    copy_out(udp, i, batch->bytes + batch->used, len);
    lane_add_line(lane, batch->used, (uint32_t)len, batch_add_peer(batch, &peer), received_us, cut);
    batch->used += (uint32_t)len;
}

/*
 * How many datagrams may be read at once. None of an input that blocks may come without there being
 * room for it, as long as it may be; else those that find no room are counted.
 */
static unsigned make_room(struct udp_socket *udp)
{
    struct lane *lane = udp->source.lane;
    const struct config_input *config = lane->input->config;
    if (config->on_full != ON_FULL_BLOCK) {
        (void)lane_room(lane, udp->datagrams * ROOM_A_DATAGRAM, udp->datagrams);
        return udp->datagrams;
    }
    uint32_t longest = config->max_line < DATAGRAM_MAX ? config->max_line : DATAGRAM_MAX;
    const struct batch *batch = lane_room(lane, longest, 1);
    if (!batch)
        return lane->paused ? 0 : udp->datagrams;
    unsigned n_bytes = (batch->capacity - batch->used) / longest;
    unsigned n_records = batch->max_records - batch->n_records;
    unsigned n = n_bytes < n_records ? n_bytes : n_records;
    return n < udp->datagrams ? n : udp->datagrams;
}

/* Reads once, n_fit datagrams at most. Returns how many came. */
static unsigned read_some(struct udp_socket *udp, unsigned n_fit)
{
    for (size_t i = 0; i < n_fit; i++)
        udp->headers[i].msg_hdr.msg_namelen = sizeof(udp->from[i]);
    int n = recvmmsg(udp->fd, udp->headers, n_fit, MSG_DONTWAIT, NULL);
    if (n <= 0)
        return 0; /* nothing there; errors of a datagram socket (ICMP) are told once and pass */
    int64_t received_us = wall_clock_us();
    for (int i = 0; i < n; i++)
        take_datagram(udp, (size_t)i, received_us);
    return (unsigned)n;
}

/* Reads what came. True: it is to be polled. */
static bool take_turn(struct udp_socket *udp)
{
    unsigned n_fit, n_read;
    for (unsigned n = 0; n < DATAGRAMS_A_TURN && (n_fit = make_room(udp)) > 0; n += n_read) {
        n_read = read_some(udp, n_fit);
        if (n_read < n_fit)
            break;
    }
    bool is_paused = udp->source.lane->paused;
    if (is_paused)
        lane_park(&udp->source);
    return !is_paused;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct udp_socket *udp = arg;
    if (udp->source.lane->paused) {
        lane_park(&udp->source);
        return;
    }
    take_turn(udp);
    lane_end_turn(udp->source.lane);
}

static void resume(struct source *source)
{
    if (take_turn((struct udp_socket *)source))
        lane_poll(source);
    lane_end_turn(source->lane);
}

/* The kernel takes no new datagram in, so this ends. */
static void drain(struct source *source)
{
    struct udp_socket *udp = (struct udp_socket *)source;
    event_del(source->readable);
    if (socket_close_mouth(udp->fd) < 0)
        return;
    while (boom_ctx_err(source->lane->draining) == 0 && read_some(udp, make_room(udp)) > 0)
        continue;
    lane_end_turn(source->lane);
}

void udp_socket_count_drops(struct udp_socket *udp)
{
    uint32_t drops = socket_kernel_drops(udp->fd);
    atomic_fetch_add(&udp->source.lane->input->kernel_dropped,
                     (uint32_t)(drops - udp->drops_counted));
    udp->drops_counted = drops;
}

static void close_socket(struct source *source)
{
    struct udp_socket *udp = (struct udp_socket *)source;
    receiver_forget_udp(source->lane->receiver, udp);
    lane_remove_source(source->lane, source);
    event_free(source->readable);
    close(udp->fd);
    free(udp);
}

int udp_socket_new(struct lane *lane, int fd, struct udp_socket **ret_socket)
{
    struct udp_socket *udp = calloc(1, sizeof(*udp));
    if (!udp)
        return -ENOMEM;
    udp->fd = fd;
    udp->datagrams = lane->front->datagrams;
    udp->source =
        (struct source){.lane = lane, .resume = resume, .drain = drain, .close = close_socket};
    udp->source.readable =
        event_new(receiver_base(lane->receiver), fd, EV_READ | EV_PERSIST, on_readable, udp);
    if (!udp->source.readable) {
        free(udp);
        return -ENOMEM;
    }
    point_at_buffers(udp);
    lane_add_source(lane, &udp->source);
    *ret_socket = udp;
    return 0;
}
