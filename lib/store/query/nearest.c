/* SPDX-License-Identifier: MIT */
#include "store/query/nearest.h"

#include <ctype.h>
#include <stdbool.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned nearest_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned cost[NEAREST_MAX + 1][NEAREST_MAX + 1];
    if (a_len > NEAREST_MAX || b_len > NEAREST_MAX)
        return NEAREST_MAX + 1;
    for (size_t i = 0; i <= a_len; i++)
        cost[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b_len; j++)
        cost[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++)
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replace = cost[i - 1][j - 1] + !same(a[i - 1], b[j - 1]);
            cost[i][j] = min3(cost[i - 1][j] + 1, cost[i][j - 1] + 1, replace);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]) &&
                cost[i - 2][j - 2] + 1 < cost[i][j])
                cost[i][j] = cost[i - 2][j - 2] + 1;
        }
    return cost[a_len][b_len];
}

unsigned nearest_limit(size_t len)
{
    return len < 4 ? 1 : len < 8 ? 2 : 3;
}
