/* SPDX-License-Identifier: MIT */
#include "daemon/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTEN_BACKLOG 1024

static int address_from_info(const struct addrinfo *info, struct socket_address *ret)
{
    memcpy(&ret->storage, info->ai_addr, info->ai_addrlen);
    ret->len = info->ai_addrlen;
    return 1;
}

static bool ipv6_works(void)
{
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    bool works = bind(fd, (struct sockaddr *)&any, sizeof(any)) == 0;
    close(fd);
    return works;
}

int socket_resolve(const struct config_listen *listen,
                   struct socket_address ret[SOCKET_MAX_ADDRESSES], const char **ret_why)
{
    char port[8];
    snprintf(port, sizeof(port), "%u", listen->port);
    struct addrinfo hints = {
        .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
        .ai_socktype = listen->scheme == SCHEME_UDP ? SOCK_DGRAM : SOCK_STREAM,
    };
    const char *host = listen->host;
    if (host[0] == '\0' || strcmp(host, "::") == 0)
        host = ipv6_works() ? "::" : "0.0.0.0";
    struct addrinfo *infos;
    int r = getaddrinfo(host, port, &hints, &infos);
    if (r != 0) {
        *ret_why = gai_strerror(r);
        return -ENOENT;
    }
    int n = 0;
    for (const struct addrinfo *info = infos; info && n < SOCKET_MAX_ADDRESSES;
         info = info->ai_next)
        if (info->ai_family == AF_INET || info->ai_family == AF_INET6)
            n += address_from_info(info, &ret[n]);
    freeaddrinfo(infos);
    if (n == 0) {
        *ret_why = "it has no IPv4 or IPv6 address";
        return -ENOENT;
    }
    return n;
}

static int set_flag(int fd, int level, int option)
{
    int on = 1;
    return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

static void raise_receive_buffer(int fd, uint32_t bytes)
{
    int want = bytes > INT32_MAX / 2 ? INT32_MAX / 2 : (int)bytes;
    /* FORCE needs CAP_NET_ADMIN; without it net.core.rmem_max is the limit. */
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &want, sizeof(want)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &want, sizeof(want));
}

static int open_one(int type, const struct socket_address *address, bool share)
{
    int fd = socket(address->storage.ss_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int r = 0;
    if (type == SOCK_STREAM)
        r = set_flag(fd, SOL_SOCKET, SO_REUSEADDR);
    if (r == 0 && share)
        r = set_flag(fd, SOL_SOCKET, SO_REUSEPORT);
    if (r == 0 && bind(fd, (const struct sockaddr *)&address->storage, address->len) < 0)
        r = -errno;
    if (r < 0) {
        close(fd);
        return r;
    }
    return fd;
}

static void set_port(struct socket_address *address, in_port_t port)
{
    if (address->storage.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&address->storage)->sin6_port = port;
    else
        ((struct sockaddr_in *)&address->storage)->sin_port = port;
}

static in_port_t bound_port(int fd)
{
    struct sockaddr_storage storage = {0};
    socklen_t len = sizeof(storage);
    if (getsockname(fd, (struct sockaddr *)&storage, &len) < 0)
        return 0;
    return storage.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&storage)->sin6_port
                                         : ((struct sockaddr_in *)&storage)->sin_port;
}

/*
 * Binds once without SO_REUSEPORT, which fails when anybody holds the address, and finds the port
 * when it is 0.
 */
static int claim(int type, struct socket_address *address)
{
    int fd = open_one(type, address, false);
    if (fd < 0)
        return fd;
    int r = 0;
    if (type == SOCK_STREAM &&
        listen(fd, 1) < 0) /* bind alone lets two SO_REUSEADDR sockets pass */
        r = -errno;
    set_port(address, bound_port(fd));
    close(fd);
    return r;
}

static void close_all(int *fds, size_t n_fds)
{
    for (size_t i = 0; i < n_fds; i++) {
        close(fds[i]);
        fds[i] = -1;
    }
}

int socket_open(enum config_scheme scheme, const struct socket_address *wanted,
                uint32_t receive_buffer, int *ret_fds, size_t n_fds)
{
    int type = scheme == SCHEME_UDP ? SOCK_DGRAM : SOCK_STREAM;
    struct socket_address address = *wanted;
    int r = claim(type, &address);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n_fds; i++) {
        int fd = open_one(type, &address, true);
        if (fd >= 0 && type == SOCK_STREAM && listen(fd, LISTEN_BACKLOG) < 0) {
            r = -errno;
            close(fd);
            fd = r;
        }
        if (fd < 0) {
            close_all(ret_fds, i);
            return fd;
        }
        if (type == SOCK_DGRAM)
            raise_receive_buffer(fd, receive_buffer);
        ret_fds[i] = fd;
    }
    return 0;
}

uint32_t socket_receive_buffer(int fd)
{
    int bytes = 0;
    socklen_t len = sizeof(bytes);
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len) < 0)
        return 0;
    return (uint32_t)bytes;
}

uint32_t socket_kernel_drops(int fd)
{
    uint32_t info[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof(info);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0)
        return 0;
    return info[SK_MEMINFO_DROPS];
}

int socket_close_mouth(int fd)
{
    /*
     * A connected datagram socket hears its peer only: port 1 of the loopback address sends
     * nothing.
     */
    struct sockaddr_storage self = {0};
    socklen_t len = sizeof(self);
    if (getsockname(fd, (struct sockaddr *)&self, &len) < 0)
        return -errno;
    struct sockaddr_in nobody = {
        .sin_family = AF_INET,
        .sin_port = htons(1),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct sockaddr_in6 nobody6 = {
        .sin6_family = AF_INET6,
        .sin6_port = htons(1),
        .sin6_addr = IN6ADDR_LOOPBACK_INIT,
    };
    int r = self.ss_family == AF_INET6 ? connect(fd, (struct sockaddr *)&nobody6, sizeof(nobody6))
                                       : connect(fd, (struct sockaddr *)&nobody, sizeof(nobody));
    return r < 0 ? -errno : 0;
}

void peer_from_sockaddr(const struct sockaddr *address, struct peer *ret_peer)
{
    *ret_peer = (struct peer){0};
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)address;
        ret_peer->family = 4;
        ret_peer->port = ntohs(in->sin_port);
        ret_peer->address[10] = ret_peer->address[11] = 0xff;
        memcpy(ret_peer->address + 12, &in->sin_addr, 4);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        ret_peer->family = IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) ? 4 : 6;
        ret_peer->port = ntohs(in6->sin6_port);
        memcpy(ret_peer->address, &in6->sin6_addr, 16);
    }
}

const char *peer_to_text(const struct peer *peer, char text[PEER_TEXT_MAX])
{
    char address[INET6_ADDRSTRLEN] = "";
    text[0] = '\0';
    if (peer->family == 4) {
        inet_ntop(AF_INET, peer->address + 12, address, sizeof(address));
        snprintf(text, PEER_TEXT_MAX, "%s:%u", address, peer->port);
    } else if (peer->family == 6) {
        inet_ntop(AF_INET6, peer->address, address, sizeof(address));
        snprintf(text, PEER_TEXT_MAX, "[%s]:%u", address, peer->port);
    }
    return text;
}
