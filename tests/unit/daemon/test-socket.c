/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "daemon/socket.h"

static struct socket_address resolve(enum config_scheme scheme, const char *host, uint16_t port)
{
    struct config_listen listen = {.scheme = scheme, .host = (char *)host, .port = port};
    struct socket_address addresses[SOCKET_MAX_ADDRESSES];
    const char *why = "";
    assert_true(socket_resolve(&listen, addresses, &why) >= 1);
    return addresses[0];
}

static struct socket_address local_of(int fd)
{
    struct socket_address address = {.len = sizeof(address.storage)};
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address.storage, &address.len), 0);
    return address;
}

static void receivers_share_one_port(void **state)
{
    for (int scheme = SCHEME_UDP; scheme <= SCHEME_TCP; scheme++) {
        struct socket_address wanted = resolve(scheme, "127.0.0.1", 0);
        int fds[3];
        assert_int_equal(socket_open(scheme, &wanted, 1 << 20, fds, 3), 0);
        struct socket_address first = local_of(fds[0]), last = local_of(fds[2]);
        assert_memory_equal(&first.storage, &last.storage, first.len);
        for (int i = 0; i < 3; i++)
            close(fds[i]);
    }
}

static void a_second_daemon_is_refused(void **state)
{
    for (int scheme = SCHEME_UDP; scheme <= SCHEME_TCP; scheme++) {
        struct socket_address wanted = resolve(scheme, "127.0.0.1", 0);
        int fds[2], others[2];
        assert_int_equal(socket_open(scheme, &wanted, 0, fds, 2), 0);
        struct socket_address taken = local_of(fds[0]);
        assert_int_equal(socket_open(scheme, &taken, 0, others, 2), -EADDRINUSE);
        close(fds[0]);
        close(fds[1]);
    }
}

static void a_name_without_address_says_why(void **state)
{
    struct config_listen listen = {
        .scheme = SCHEME_UDP, .host = (char *)"no-such-host.invalid", .port = 514};
    struct socket_address addresses[SOCKET_MAX_ADDRESSES];
    const char *why = "";
    assert_int_equal(socket_resolve(&listen, addresses, &why), -ENOENT);
    assert_true(strlen(why) > 0);
}

static void a_closed_mouth_keeps_what_is_queued(void **state)
{
    struct socket_address wanted = resolve(SCHEME_UDP, "127.0.0.1", 0);
    int fd;
    char buffer[8];
    assert_int_equal(socket_open(SCHEME_UDP, &wanted, 0, &fd, 1), 0);
    struct socket_address address = local_of(fd);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    assert_int_equal(
        sendto(sender, "before", 6, 0, (struct sockaddr *)&address.storage, address.len), 6);
    struct pollfd readable = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&readable, 1, 5000), 1);
    assert_int_equal(socket_close_mouth(fd), 0);
    (void)sendto(sender, "after", 5, 0, (struct sockaddr *)&address.storage, address.len);
    assert_int_equal(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), 6);
    assert_int_equal(recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT), -1);
    close(sender);
    close(fd);
}

static void kernel_drops_are_counted_without_a_read(void **state)
{
    struct socket_address wanted = resolve(SCHEME_UDP, "127.0.0.1", 0);
    int fd, small = 1;
    assert_int_equal(socket_open(SCHEME_UDP, &wanted, 0, &fd, 1), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
    struct socket_address address = local_of(fd);
    int sender = socket(AF_INET, SOCK_DGRAM, 0);
    char text[512] = {0};
    for (int i = 0; i < 200; i++)
        (void)sendto(sender, text, sizeof(text), 0, (struct sockaddr *)&address.storage,
                     address.len);
    unsigned read = 0;
    while (recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0)
        read++;
    assert_true(read < 200);
    assert_int_equal(socket_kernel_drops(fd) + read, 200);
    close(sender);
    close(fd);
}

static void mapped_addresses_are_ipv4(void **state)
{
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = htons(514)};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    mapped.sin6_addr.s6_addr[12] = 192;
    mapped.sin6_addr.s6_addr[14] = 2;
    mapped.sin6_addr.s6_addr[15] = 1;
    struct peer peer;
    char text[PEER_TEXT_MAX];
    peer_from_sockaddr((struct sockaddr *)&mapped, &peer);
    assert_string_equal(peer_to_text(&peer, text), "192.0.2.1:514");
    struct sockaddr_in6 six = {
        .sin6_family = AF_INET6, .sin6_port = htons(514), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    peer_from_sockaddr((struct sockaddr *)&six, &peer);
    assert_string_equal(peer_to_text(&peer, text), "[::1]:514");
    assert_string_equal(peer_to_text(&(struct peer){0}, text), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receivers_share_one_port),
        cmocka_unit_test(a_second_daemon_is_refused),
        cmocka_unit_test(a_name_without_address_says_why),
        cmocka_unit_test(a_closed_mouth_keeps_what_is_queued),
        cmocka_unit_test(kernel_drops_are_counted_without_a_read),
        cmocka_unit_test(mapped_addresses_are_ipv4),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
