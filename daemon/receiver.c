/* SPDX-License-Identifier: MIT */
#include "daemon/receiver.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "daemon/budget.h"

struct listeners {
    struct tcp_listener **items;
    size_t n;
};

struct udp_sockets {
    pthread_mutex_t lock; /* items: the status counts drops while the receiver may close them */
    struct udp_socket **items;
    size_t n;
};

struct receiver {
    struct front *front;
    unsigned index;
    struct event_base *base;
    int wake_fd; /* eventfd */
    struct event *woken;
    struct datagram_buffers buffers;
    struct lane *lanes; /* one an input */
    struct listeners listeners;
    struct udp_sockets udp;
    _Atomic(struct boom_ctx *) stop; /* set: stop, and drain until it ends */
};

struct event_base *receiver_base(struct receiver *receiver)
{
    return receiver->base;
}

const struct datagram_buffers *receiver_buffers(struct receiver *receiver)
{
    return &receiver->buffers;
}

void receiver_wake(void *arg)
{
    struct receiver *receiver = arg;
    uint64_t one = 1;
    (void)!write(receiver->wake_fd, &one, sizeof(one)); /* full means that it is awake already */
}

static void forget_wakes(struct receiver *receiver)
{
    uint64_t n;
    (void)!read(receiver->wake_fd, &n, sizeof(n));
}

int receiver_wait(struct receiver *receiver, struct boom_ctx *ctx)
{
    int64_t left_ns = boom_ctx_deadline(ctx) - boom_now_ns();
    struct pollfd pollfd = {.fd = receiver->wake_fd, .events = POLLIN};
    int timeout_ms = left_ns <= 0                ? 0
                     : left_ns > 3600000000000ll ? 3600000
                                                 : (int)(left_ns / 1000000) + 1;
    if (poll(&pollfd, 1, timeout_ms) > 0)
        forget_wakes(receiver);
    return boom_ctx_err(ctx);
}

static void on_woken(evutil_socket_t fd, short what, void *arg)
{
    struct receiver *receiver = arg;
    forget_wakes(receiver);
    if (atomic_load(&receiver->stop)) {
        event_base_loopbreak(receiver->base);
        return;
    }
    for (size_t i = 0; i < receiver->front->n_inputs; i++)
        lane_try_resume(&receiver->lanes[i]);
}

/* An unfinished line is at most max_line and a few bytes long, and a read comes behind it. */
static uint32_t spare_bytes(uint32_t longest_line)
{
    return longest_line + DATAGRAM_MAX;
}

size_t receiver_bytes(unsigned datagrams, uint32_t longest_line)
{
    return (size_t)datagrams * DATAGRAM_MAX + spare_bytes(longest_line);
}

static int make_buffers(struct datagram_buffers *buffers, const struct front *front)
{
    buffers->spare_bytes = spare_bytes(budget_longest_line(front->config));
    buffers->slots = malloc((size_t)front->datagrams * DATAGRAM_SLOT);
    buffers->rests = malloc((size_t)front->datagrams * (DATAGRAM_MAX - DATAGRAM_SLOT));
    buffers->spare = malloc(buffers->spare_bytes);
    return buffers->slots && buffers->rests && buffers->spare ? 0 : -ENOMEM;
}

static int make_loop(struct receiver *receiver)
{
    struct event_config *config = event_config_new();
    if (!config)
        return -ENOMEM;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    receiver->base = event_base_new_with_config(config);
    event_config_free(config);
    receiver->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (!receiver->base || receiver->wake_fd < 0)
        return -ENOMEM;
    receiver->woken =
        event_new(receiver->base, receiver->wake_fd, EV_READ | EV_PERSIST, on_woken, receiver);
    return receiver->woken && event_add(receiver->woken, NULL) == 0 ? 0 : -ENOMEM;
}

int receiver_new(struct front *front, unsigned index, struct receiver **ret_receiver)
{
    struct receiver *receiver = calloc(1, sizeof(*receiver));
    if (!receiver)
        return -ENOMEM;
    *receiver = (struct receiver){.front = front, .index = index, .wake_fd = -1};
    pthread_mutex_init(&receiver->udp.lock, NULL);
    receiver->lanes = calloc(front->n_inputs ? front->n_inputs : 1, sizeof(*receiver->lanes));
    int r = receiver->lanes ? make_loop(receiver) : -ENOMEM;
    if (r == 0)
        r = make_buffers(&receiver->buffers, front);
    for (size_t i = 0; i < front->n_inputs && r == 0; i++)
        r = lane_init(&receiver->lanes[i], receiver, front, (uint16_t)i);
    if (r < 0) {
        receiver_free(receiver);
        return r;
    }
    *ret_receiver = receiver;
    return 0;
}

static void close_listeners(struct receiver *receiver)
{
    for (size_t i = 0; i < receiver->listeners.n; i++)
        tcp_listener_free(receiver->listeners.items[i]);
    receiver->listeners.n = 0;
}

static void close_lanes(struct receiver *receiver)
{
    for (size_t i = 0; receiver->lanes && i < receiver->front->n_inputs; i++)
        lane_deinit(&receiver->lanes[i]);
}

struct receiver *receiver_free(struct receiver *receiver)
{
    if (!receiver)
        return NULL;
    close_listeners(receiver);
    close_lanes(receiver);
    free(receiver->lanes);
    free(receiver->listeners.items);
    free(receiver->udp.items);
    free(receiver->buffers.slots);
    free(receiver->buffers.rests);
    free(receiver->buffers.spare);
    if (receiver->woken)
        event_free(receiver->woken);
    if (receiver->base)
        event_base_free(receiver->base);
    if (receiver->wake_fd >= 0)
        close(receiver->wake_fd);
    pthread_mutex_destroy(&receiver->udp.lock);
    free(receiver);
    return NULL;
}

/* Room for one more pointer behind n of them. */
static int grow(void *items, size_t n)
{
    void **array = items;
    void *grown = realloc(*array, (n + 1) * sizeof(void *));
    if (!grown)
        return -ENOMEM;
    *array = grown;
    return 0;
}

int receiver_add_udp(struct receiver *receiver, uint16_t input, int fd)
{
    struct udp_socket *udp = NULL;
    int r = grow(&receiver->udp.items, receiver->udp.n);
    if (r == 0)
        r = udp_socket_new(&receiver->lanes[input], fd, &udp);
    if (r < 0) {
        close(fd);
        return r;
    }
    receiver->udp.items[receiver->udp.n++] = udp;
    return 0;
}

void receiver_forget_udp(struct receiver *receiver, struct udp_socket *udp)
{
    pthread_mutex_lock(&receiver->udp.lock);
    for (size_t i = 0; i < receiver->udp.n; i++) {
        if (receiver->udp.items[i] != udp)
            continue;
        udp_socket_count_drops(udp);
        receiver->udp.items[i] = receiver->udp.items[--receiver->udp.n];
        break;
    }
    pthread_mutex_unlock(&receiver->udp.lock);
}

void receiver_count_kernel_drops(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->udp.lock);
    for (size_t i = 0; i < receiver->udp.n; i++)
        udp_socket_count_drops(receiver->udp.items[i]);
    pthread_mutex_unlock(&receiver->udp.lock);
}

int receiver_add_listener(struct receiver *receiver, uint16_t input, int fd)
{
    struct tcp_listener *listener = NULL;
    int r = grow(&receiver->listeners.items, receiver->listeners.n);
    if (r == 0)
        r = tcp_listener_new(&receiver->lanes[input], fd, &listener);
    if (r < 0) {
        close(fd);
        return r;
    }
    receiver->listeners.items[receiver->listeners.n++] = listener;
    return 0;
}

/* What the kernel already holds is read and handed on; then all is closed. */
static void drain(struct receiver *receiver, struct boom_ctx *ctx)
{
    for (size_t i = 0; i < receiver->front->n_inputs; i++)
        lane_start_draining(&receiver->lanes[i], ctx);
    close_listeners(receiver);
    for (size_t i = 0; i < receiver->front->n_inputs; i++) {
        struct source *next;
        for (struct source *source = receiver->lanes[i].sources; source; source = next) {
            next = source->next;
            source->drain(source);
        }
    }
    close_lanes(receiver);
}

int receiver_run(void *arg)
{
    struct receiver *receiver = arg;
    event_base_dispatch(receiver->base);
    struct boom_ctx *stop = atomic_load(&receiver->stop);
    if (!stop)
        return -EIO; /* the loop broke */
    drain(receiver, stop);
    boom_ctx_unref(stop);
    return 0;
}

void receiver_stop(struct receiver *receiver, struct boom_ctx *ctx)
{
    atomic_store(&receiver->stop, boom_ctx_ref(ctx));
    receiver_wake(receiver);
}
