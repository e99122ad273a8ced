/* SPDX-License-Identifier: MIT */
#include "store/show/out.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/write_all.h"

#define BUFFER_BYTES ((size_t)256 * 1024)
#define NS_PER_S     1000000000

int out_init(struct out *out, int fd)
{
    char *data = malloc(BUFFER_BYTES);
    if (data == NULL)
        return -ENOMEM;
    *out = (struct out){.data = data, .size = BUFFER_BYTES, .fd = fd};
    return 0;
}

int out_init_to(struct out *out, int (*write)(void *arg, const char *data, size_t len), void *arg)
{
    int r = out_init(out, -1);
    out->write = r == 0 ? write : NULL;
    out->arg = arg;
    return r;
}

void out_deinit(struct out *out)
{
    free(out->data);
    *out = (struct out){.fd = -1};
}

static void hand_on(struct out *out, const char *data, size_t len)
{
    if (len > 0 && out->error == 0)
        out->error = out->write != NULL ? out->write(out->arg, data, len)
                                        : write_all(out->fd, data, len);
}

int out_flush(struct out *out)
{
    hand_on(out, out->data, out->len);
    out->len = 0;
    return out->error;
}

void out_spill(struct out *out, const char *data, size_t len)
{
    out_flush(out);
    if (len >= out->size) {
        hand_on(out, data, len);
    } else {
        memcpy(out->data, data, len);
        out->len = len;
    }
}

void out_digits(struct out *out, uint64_t number, unsigned n_digits)
{
    char text[20];
    for (unsigned i = n_digits; i > 0; i--) {
        text[i - 1] = (char)('0' + number % 10);
        number /= 10;
    }
    out_bytes(out, text, n_digits);
}

void out_number(struct out *out, uint64_t number)
{
    unsigned n_digits = 1;
    for (uint64_t rest = number / 10; rest > 0; rest /= 10)
        n_digits++;
    out_digits(out, number, n_digits);
}

void out_integer(struct out *out, int64_t number)
{
    if (number < 0)
        out_char(out, '-');
    out_number(out, number < 0 ? -(uint64_t)number : (uint64_t)number);
}

void out_hex(struct out *out, uint64_t number, unsigned n_digits)
{
    char text[16];
    for (unsigned i = n_digits; i > 0; i--) {
        text[i - 1] = "0123456789abcdef"[number & 15];
        number >>= 4;
    }
    out_bytes(out, text, n_digits);
}

void out_degrees(struct out *out, double degrees)
{
    char text[32];
    if (!isfinite(degrees) || fabs(degrees) > 1000)
        degrees = 0;
    int len = snprintf(text, sizeof(text), "%.5f", degrees);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    out_bytes(out, text, (size_t)len);
}

void out_double(struct out *out, double number)
{
    char text[32];
    int len = snprintf(text, sizeof(text), "%.15g", number);
    if (strtod(text, NULL) != number)
        len = snprintf(text, sizeof(text), "%.17g", number);
    out_bytes(out, text, (size_t)len);
}

void out_address(struct out *out, const uint8_t address[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    if (memcmp(address, mapped, sizeof(mapped)) != 0) {
        if (inet_ntop(AF_INET6, address, text, sizeof(text)) != NULL)
            out_string(out, text);
        return;
    }
    for (size_t i = 12; i < 16; i++) {
        if (i > 12)
            out_char(out, '.');
        out_number(out, address[i]);
    }
}

static void fill_clock(struct out_clock *clock, int64_t second)
{
    struct tm tm = {0};
    time_t seconds = (time_t)second;
    if (clock->utc)
        gmtime_r(&seconds, &tm);
    else
        localtime_r(&seconds, &tm);
    strftime(clock->text, sizeof(clock->text), "%Y-%m-%dT%H:%M:%S", &tm);
    clock->second = second;
    clock->known = true;
}

void out_time(struct out *out, struct out_clock *clock, int64_t time_ns, unsigned n_digits,
              char between)
{
    int64_t second = time_ns / NS_PER_S, fraction = time_ns % NS_PER_S;
    if (fraction < 0) {
        fraction += NS_PER_S;
        second--;
    }
    if (!clock->known || clock->second != second)
        fill_clock(clock, second);
    out_bytes(out, clock->text, 10);
    out_char(out, between);
    out_bytes(out, clock->text + 11, 8);
    if (n_digits == 0)
        return;
    for (unsigned i = n_digits; i < 9; i++)
        fraction /= 10;
    out_char(out, '.');
    out_digits(out, (uint64_t)fraction, n_digits < 9 ? n_digits : 9);
}
