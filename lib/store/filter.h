/* SPDX-License-Identifier: MIT */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

/*
 * What a block may hold: a blocked Bloom filter over the tokens of its messages and the names of its
 * hosts, apps, countries and senders. `No` is certain; `yes` is wrong once in a hundred times.
 *
 *   lines   [ 512 bits | 512 bits | … ]    a hash chooses its line, then 6 bits in it
 *
 * Texts are folded to lower-case ASCII before they are hashed, so that one entry serves searches
 * with and without case. Tokens that are addresses, or numbers without leading zeros, are hashed by
 * their value: those are what most blocks have most of.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* On disk: never renumber. It is the seed of the hash. */
enum filter_kind {
    FILTER_TOKEN = 0, /* of the message: token_is_filtered() says which */
    FILTER_HOST = 1,
    FILTER_APP = 2,
    FILTER_COUNTRY = 3, /* two letters */
    FILTER_PEER = 4,    /* 16 bytes of an address, which are not folded */
};

/* splitmix64's finaliser. */
static inline uint64_t filter_mix(uint64_t value)
{
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

#define FILTER_LINE_BYTES 64
#define FILTER_BITS       11 /* an entry takes; 512 / 11 = 46 entries a line */
#define FILTER_PROBES     6

/* Pure. At most the first TOKEN_HASH_BYTES bytes are looked at. */
uint64_t filter_hash(enum filter_kind kind, const void *data, size_t len);

/* What filter_hash() gives for the token of an address, highest byte first. */
static inline uint64_t filter_hash_address(uint32_t address)
{
    return filter_mix(address | UINT64_C(1) << 63);
}

/* What filter_hash() gives for the token of a number of 1 to 17 digits without leading zeros. */
static inline uint64_t filter_hash_number(uint64_t number)
{
    return filter_mix(number);
}

/* Bytes of a filter for so many different entries: whole lines, at least one. */
size_t filter_bytes(size_t n_entries);
/* lines: filter_bytes() of zeros at first. */
void filter_add(uint8_t *lines, size_t n_bytes, uint64_t hash);
/* n_bytes: a multiple of FILTER_LINE_BYTES; 0: nothing is known, everything may be there. */
bool filter_may_hold(const uint8_t *lines, size_t n_bytes, uint64_t hash);

#endif
