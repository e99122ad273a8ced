/* SPDX-License-Identifier: MIT */
#include "store/query/number.h"

#include <math.h>
#include <stdint.h>

/* Powers of ten up to this one are exact doubles. */
#define EXACT_POWER 22
/* Digits that a mantissa keeps; those behind only move the point. */
#define MANTISSA_DIGITS 18
/* Beyond every double. */
#define MAX_EXPONENT 9999

struct decimal {
    uint64_t mantissa;
    int n_digits; /* in the mantissa, without leading zeros */
    int exponent;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static void add_digit(struct decimal *decimal, char digit, bool is_fraction)
{
    if (decimal->n_digits < MANTISSA_DIGITS) {
        decimal->mantissa = decimal->mantissa * 10 + (unsigned)(digit - '0');
        decimal->n_digits += decimal->mantissa > 0;
        decimal->exponent -= is_fraction;
    } else {
        decimal->exponent += !is_fraction;
    }
}

/* Digits from `at` on; returns behind them, or NULL when there are none. */
static const char *take_digits(const char *at, const char *end, bool is_fraction,
                               struct decimal *decimal)
{
    const char *start = at;
    for (; at < end && is_digit(*at); at++)
        add_digit(decimal, *at, is_fraction);
    return at == start ? NULL : at;
}

static const char *take_exponent(const char *at, const char *end, struct decimal *decimal)
{
    bool negative = at < end && *at == '-';
    int exponent = 0;
    at += negative || (at < end && *at == '+');
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++)
        exponent = exponent < MAX_EXPONENT ? exponent * 10 + (*at - '0') : exponent;
    decimal->exponent += negative ? -exponent : exponent;
    return at;
}

static double to_double(const struct decimal *decimal)
{
    static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    double mantissa = (double)decimal->mantissa;
    int exponent = decimal->exponent;
    if (decimal->mantissa >> 53 == 0 && exponent >= -EXACT_POWER && exponent <= EXACT_POWER)
        return exponent < 0 ? mantissa / powers[-exponent] : mantissa * powers[exponent];
    return decimal->mantissa == 0
               ? 0
               : (double)((long double)decimal->mantissa * powl(10, (long double)exponent));
}

bool number_parse(const char *text, size_t len, double *ret_number)
{
    const char *at = text, *end = text + len;
    struct decimal decimal = {0};
    bool negative = len > 0 && *at == '-';
    at += negative || (len > 0 && *at == '+');
    at = take_digits(at, end, false, &decimal);
    if (at != NULL && at < end && *at == '.')
        at = take_digits(at + 1, end, true, &decimal);
    if (at != NULL && at < end && (*at | 0x20) == 'e')
        at = take_exponent(at + 1, end, &decimal);
    if (at != end || len == 0)
        return false;
    double number = to_double(&decimal);
    *ret_number = negative ? -number : number;
    return isfinite(number);
}
