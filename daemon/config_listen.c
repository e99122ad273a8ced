/* SPDX-License-Identifier: MIT */
#include "daemon/config_key.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/*
 *   udp://[fe80::1%eth0]:514
 *   scheme  host         port       an address is the same without the scheme
 */

#define HOST_MAX 255

struct address {
    char host[HOST_MAX + 1];
    uint16_t port;
};

static const char *const port_problem = "a port from 0 to 65535 after a colon, such as :514";
static const char *const brackets_problem = "an IPv6 address in brackets, such as [::1]:514";
static const char *const host_problem =
    "an address, a name or * before the port, such as 127.0.0.1:514";

/* The address without its zone ("%eth0"). */
static bool is_ipv6(const char *host, struct in6_addr *ret_address)
{
    char text[HOST_MAX + 1];
    strcpy(text, host);
    char *zone = strchr(text, '%');
    if (zone && zone[1] == '\0')
        return false;
    if (zone)
        *zone = '\0';
    return inet_pton(AF_INET6, text, ret_address) == 1;
}

static bool is_name(const char *host)
{
    struct in_addr address;
    if (strspn(host, "0123456789.") == strlen(host))
        return inet_pton(AF_INET, host, &address) == 1;
    for (const char *p = host; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
              strchr("-._", *p)))
            return false;
    return host[0] != '-' && host[0] != '.';
}

static bool parse_port(const char *text, uint16_t *ret_port)
{
    size_t len = strlen(text);
    if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
        return false;
    long port = strtol(text, NULL, 10);
    *ret_port = (uint16_t)port;
    return port <= UINT16_MAX;
}

/* Cuts host and port apart; colon is where the port begins. Returns what is wrong, or NULL. */
static const char *split(const char *text, struct address *ret)
{
    bool bracketed = text[0] == '[';
    const char *end = bracketed ? strchr(text, ']') : strrchr(text, ':');
    if (!end)
        return bracketed ? brackets_problem : port_problem;
    if (!bracketed && memchr(text, ':', (size_t)(end - text)))
        return brackets_problem;
    size_t len = (size_t)(end - text) - bracketed;
    if (len > HOST_MAX)
        return host_problem;
    memcpy(ret->host, text + bracketed, len);
    ret->host[len] = '\0';
    const char *colon = end + bracketed;
    return *colon == ':' && parse_port(colon + 1, &ret->port) ? NULL : port_problem;
}

static const char *parse_address(const char *text, struct address *ret)
{
    struct in6_addr ipv6;
    const char *problem = split(text, ret);
    if (problem)
        return problem;
    if (text[0] == '[')
        return is_ipv6(ret->host, &ipv6) ? NULL : brackets_problem;
    if (strcmp(ret->host, "*") == 0)
        ret->host[0] = '\0';
    return ret->host[0] == '\0' || is_name(ret->host) ? NULL : host_problem;
}

bool config_address_valid(const char *text, const char **ret_problem)
{
    struct address address;
    const char *problem = parse_address(text, &address);
    if (problem)
        *ret_problem = problem;
    return !problem;
}

/* The scheme, and where the rest begins; NULL: none that this version has. */
static const char *parse_scheme(const char *text, enum config_scheme *ret_scheme)
{
    static const struct config_word schemes[] = {
        {"udp://", SCHEME_UDP}, {"tcp://", SCHEME_TCP}, {0}};
    for (const struct config_word *scheme = schemes; scheme->name; scheme++)
        if (strncmp(text, scheme->name, strlen(scheme->name)) == 0) {
            *ret_scheme = (enum config_scheme)scheme->value;
            return text + strlen(scheme->name);
        }
    return NULL;
}

int config_listen_parse(const char *text, struct config_listen *ret_listen,
                        const char **ret_problem)
{
    struct config_listen listen = {0};
    struct address address;
    const char *rest = parse_scheme(text, &listen.scheme);
    const char *problem = rest ? parse_address(rest, &address)
                               : "udp://HOST:PORT or tcp://HOST:PORT, the schemes of this version";
    if (problem) {
        *ret_problem = problem;
        return -EINVAL;
    }
    listen.url = strdup(text);
    listen.host = strdup(address.host);
    listen.port = address.port;
    if (!listen.url || !listen.host) {
        free(listen.url);
        free(listen.host);
        return -ENOMEM;
    }
    *ret_listen = listen;
    return 0;
}

static bool same_host(const char *a, const char *b)
{
    struct in6_addr address_a, address_b;
    const char *any = "::";
    a = *a ? a : any;
    b = *b ? b : any;
    if (strchr(a, '%') || strchr(b, '%'))
        return strcasecmp(a, b) == 0;
    if (is_ipv6(a, &address_a) && is_ipv6(b, &address_b))
        return memcmp(&address_a, &address_b, sizeof(address_a)) == 0;
    return strcasecmp(a, b) == 0;
}

bool config_listen_same(const struct config_listen *a, const struct config_listen *b)
{
    return a->scheme == b->scheme && a->port == b->port && a->port != 0 &&
           same_host(a->host, b->host);
}
