/* SPDX-License-Identifier: MIT */
#ifndef STORE_TOKEN_H
#define STORE_TOKEN_H

/*
 * Tokens: what a search for words looks for, and what a block's filter knows (filter.h).
 *
 *   Failed password for root from 192.0.2.7 port 4711 ssh2: id=4f3a_09, 1234567 ms
 *   └────┘ └──────┘ └─┘ └──┘ └──┘ └┘└┘└┘└┘  └──┘ └──┘ └──┘  └┘ └─────┘  └─────┘ └┘
 *                                 └───────┘ an address
 *
 * A token is a maximal run of ASCII letters, digits, `_` and bytes from 0x80 on. Four tokens that
 * are numbers of 0 to 255 without leading zeros, with one dot between each, are also an address;
 * a longer such chain has one from each of its tokens on that has three behind it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits of token_class[byte]. */
#define TOKEN_BYTE  1 /* part of a token */
#define TOKEN_DIGIT 2

extern const uint8_t token_class[256];

static inline bool token_byte(char byte)
{
    return token_class[(uint8_t)byte] & TOKEN_BYTE;
}

static inline bool token_digit(char byte)
{
    return token_class[(uint8_t)byte] & TOKEN_DIGIT;
}

/*
 * Numbers up to this many digits are in most blocks and are not in the filter; nor are longer
 * tokens than this one's first bytes: those stand for the whole.
 */
#define TOKEN_SHORT_DIGITS 5
#define TOKEN_HASH_BYTES   64

struct token {
    const char *data;
    size_t len;
    bool is_address; /* data holds four tokens and their dots */
    bool is_number;  /* digits alone */
};

/* Walks over the tokens of a text, an address before the tokens that it is made of. */
struct token_walk {
    const char *at, *end;
    const char *addressed; /* the token at this place was given as an address already */
};

#define TOKEN_WALK_INIT(data, len)                                                                 \
    ((struct token_walk){.at = (data), .end = (data) + (len), .addressed = NULL})

/* Returns whether there is one more. Pure. */
bool token_next(struct token_walk *walk, struct token *ret_token);

/* Does a filter know of tokens like this one? */
static inline bool token_is_filtered(const struct token *token)
{
    return token->is_address || !token->is_number || token->len > TOKEN_SHORT_DIGITS;
}

/* An address has 15 bytes at most; the one behind them says whether it is one. */
#define TOKEN_ADDRESS_BYTES 16

/*
 * The address that begins at `at` (the first byte of a token): its length in bytes and its value,
 * highest byte first; or 0. What stands in front of it, and a dot behind it, do not matter.
 */
size_t token_address_value(const char *at, const char *end, uint32_t *ret_value);

static inline size_t token_address(const char *at, const char *end)
{
    uint32_t value;
    return token_address_value(at, end, &value);
}

#endif
