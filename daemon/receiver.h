/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_RECEIVER_H
#define DAEMON_RECEIVER_H

/*
 * A receiver: a thread with an event loop that reads sockets into batches. It never parses, never
 * waits for a stage, and owns all that it touches; other threads reach it by receiver_wake() and
 * receiver_stop() only.
 */

#include <event2/event.h>
#include "daemon/lane.h"

struct receiver;

/*
 * Buffers for datagrams: most of one call fit into the small slots, which stay in the processor's
 * cache.
 */
#define DATAGRAMS_A_CALL_MAX 64
#define DATAGRAM_SLOT        2048
#define DATAGRAM_MAX         65536

struct datagram_buffers {
    char *slots; /* front.datagrams x DATAGRAM_SLOT */
    /* front.datagrams x (DATAGRAM_MAX - DATAGRAM_SLOT): touched by long datagrams only */
    char *rests;
    char *spare; /* stream bytes that find no batch are read here, to be counted */
    uint32_t spare_bytes;
};

/* Memory that a receiver takes for its buffers. */
size_t receiver_bytes(unsigned datagrams, uint32_t longest_line);

int receiver_new(struct front *front, unsigned index, struct receiver **ret_receiver);
/* After its thread ended (or was never started). Closes what is still open. Returns NULL. */
struct receiver *receiver_free(struct receiver *receiver);

/*
 * Gives it sockets, before it runs. It owns fd from here on, also on failure. Returns 0, -ENOMEM.
 */
int receiver_add_udp(struct receiver *receiver, uint16_t input, int fd);
int receiver_add_listener(struct receiver *receiver, uint16_t input, int fd);

/* The thread: returns 0 when stopped and drained. A boom_group function. */
int receiver_run(void *receiver);
/*
 * Asks it to read what the kernel already holds, hand it on (waiting until ctx ends), close all and
 * return. Any thread.
 */
void receiver_stop(struct receiver *receiver, struct boom_ctx *ctx);
/* Any thread; a boom_watch function. */
void receiver_wake(void *receiver);
/* Any thread: the kernel's drop counts of its datagram sockets, into the inputs' counters. */
void receiver_count_kernel_drops(struct receiver *receiver);

/* For lanes and sources, in the receiver's thread. */
struct event_base *receiver_base(struct receiver *receiver);
const struct datagram_buffers *receiver_buffers(struct receiver *receiver);
/* Waits for a wake-up. Returns 0, or the error of ctx. */
int receiver_wait(struct receiver *receiver, struct boom_ctx *ctx);
/* The socket is about to close: counts its last drops. */
struct udp_socket;
void receiver_forget_udp(struct receiver *receiver, struct udp_socket *udp);

/* udp.c */
int udp_socket_new(struct lane *lane, int fd, struct udp_socket **ret_socket);
/* Any thread while the receiver exists; adds what is new to the input's counter. */
void udp_socket_count_drops(struct udp_socket *socket);

/* tcp.c */
struct tcp_listener;
int tcp_listener_new(struct lane *lane, int fd, struct tcp_listener **ret_listener);
/* Accepts what is queued, closes. Returns NULL. */
struct tcp_listener *tcp_listener_free(struct tcp_listener *listener);

#endif
