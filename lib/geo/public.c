/* SPDX-License-Identifier: MIT */
#include "geo/geo.h"

#include <string.h>

/*
 * Which addresses are somebody's on the Internet: IANA's IPv4 and IPv6 special-purpose address
 * registries and the multicast blocks. Where the registries leave it open, the question is
 * whether a host with a place can be behind the address:
 *
 *   192.0.0.0/24, 2001::/23   a few anycast services inside are reachable, but are nowhere: no
 *   192.88.99.0/24, 2002::/16 6to4 and its relays, deprecated by RFC 7526: no
 *   64:ff9b::/96              NAT64, and all else outside of 2000::/3: no
 *   ::ffff:0:0/96             judged as the IPv4 address that it is
 */

struct block4 {
    uint32_t prefix, mask;
};

#define BLOCK4(a, b, c, d, bits)                                                                   \
    {                                                                                              \
        (uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d), UINT32_MAX << (32 - (bits))              \
    }

static const struct block4 not_public4[] = {
    BLOCK4(0, 0, 0, 0, 8),       /* this network, RFC 791 */
    BLOCK4(10, 0, 0, 0, 8),      /* private, RFC 1918 */
    BLOCK4(100, 64, 0, 0, 10),   /* carrier-grade NAT, RFC 6598 */
    BLOCK4(127, 0, 0, 0, 8),     /* loopback, RFC 1122 */
    BLOCK4(169, 254, 0, 0, 16),  /* link local, RFC 3927 */
    BLOCK4(172, 16, 0, 0, 12),   /* private, RFC 1918 */
    BLOCK4(192, 0, 0, 0, 24),    /* IETF protocol assignments, RFC 6890 */
    BLOCK4(192, 0, 2, 0, 24),    /* documentation, RFC 5737 */
    BLOCK4(192, 88, 99, 0, 24),  /* 6to4 relays, RFC 7526 */
    BLOCK4(192, 168, 0, 0, 16),  /* private, RFC 1918 */
    BLOCK4(198, 18, 0, 0, 15),   /* benchmarks, RFC 2544 */
    BLOCK4(198, 51, 100, 0, 24), /* documentation, RFC 5737 */
    BLOCK4(203, 0, 113, 0, 24),  /* documentation, RFC 5737 */
    BLOCK4(224, 0, 0, 0, 3),     /* multicast, RFC 5771, and reserved, RFC 1112 */
};

/* Most addresses are told by their first octet: no block of it is in the table. */
static bool is_plain4(uint32_t address)
{
    static const bool is_special[256] = {
        [0] = true,   [10] = true,  [100] = true, [127] = true, [169] = true,
        [172] = true, [192] = true, [198] = true, [203] = true, [224 ... 255] = true,
    };
    return !is_special[address >> 24];
}

static bool is_public4(uint32_t address)
{
    if (is_plain4(address))
        return true;
    bool is_special = false;
    for (size_t i = 0; i < sizeof(not_public4) / sizeof(not_public4[0]); i++)
        is_special |= (address & not_public4[i].mask) == not_public4[i].prefix;
    return !is_special;
}

/* By the first 32 bits: all blocks of interest are at least that large. */
static bool is_public6(uint32_t head)
{
    if (head >> 29 != 1) /* 2000::/3, the only global unicast that is given out, RFC 4291 */
        return false;
    return head >> 9 != 0x20010000 >> 9 /* 2001::/23, IETF protocol assignments, RFC 2928 */
           && head != 0x20010db8        /* documentation, RFC 3849 */
           && head >> 16 != 0x2002      /* 6to4, RFC 7526 */
           && head >> 12 != 0x3fff0000 >> 12 /* 3fff::/20, documentation, RFC 9637 */;
}

static uint32_t load32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

bool geo_is_public(const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (memcmp(address, mapped, sizeof(mapped)) == 0)
        return is_public4(load32(address + 12));
    return is_public6(load32(address));
}
