/* SPDX-License-Identifier: MIT */
#ifndef DAEMON_SOCKET_H
#define DAEMON_SOCKET_H

/*
 * Opening of the sockets that a listen URL names. Pure of policy: what to do with them is the
 * receivers'.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include "daemon/config.h"
#include "record/record.h"

/*
 * The addresses of one URL: a name may have several; "" is [::] (both families) where IPv6 works,
 * else 0.0.0.0.
 */
#define SOCKET_MAX_ADDRESSES 8

struct socket_address {
    struct sockaddr_storage storage;
    socklen_t len;
};

/*
 * Resolves the URL's host and port. Returns how many addresses (at least 1), or -ENOENT (the name
 * has none; ret_why says more: a static string).
 */
int socket_resolve(const struct config_listen *listen,
                   struct socket_address ret[SOCKET_MAX_ADDRESSES], const char **ret_why);

/*
 * Makes, binds (and for TCP listens on) n_fds sockets on one address, SO_REUSEPORT among
 * themselves: one for each receiver. An address that anybody else holds is -EADDRINUSE, even when
 * that other also set SO_REUSEPORT (a second logboomd must not quietly take half of the lines). A
 * port of 0 is chosen by the kernel for the first and shared by the rest. Sets non-blocking,
 * close-on-exec; for UDP the receive buffer (bytes) as far as the kernel lets. Returns 0 or a
 * negative errno (no descriptor stays open).
 */
int socket_open(enum config_scheme scheme, const struct socket_address *address,
                uint32_t receive_buffer, int *ret_fds, size_t n_fds);

/* SO_RCVBUF as the kernel really set it (it shows twice what it uses for data), in bytes. */
uint32_t socket_receive_buffer(int fd);
/*
 * Datagrams that the kernel dropped at this socket since it was made (SO_MEMINFO; the count that
 * SO_RXQ_OVFL shows), modulo 2^32.
 */
uint32_t socket_kernel_drops(int fd);
/* Lets no new datagram in; what is queued can still be read. Returns 0 or a negative errno. */
int socket_close_mouth(int fd);

void peer_from_sockaddr(const struct sockaddr *address, struct peer *ret_peer);
/* "192.0.2.1:514", "[2001:db8::1]:514", "" for none. */
#define PEER_TEXT_MAX 64
const char *peer_to_text(const struct peer *peer, char text[PEER_TEXT_MAX]);

#endif
