/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_OUT_H
#define STORE_SHOW_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "record/record.h"

/*
 * A buffer in front of a descriptor, for many small pieces. After the first error nothing more is
 * written, and out.error keeps it (negative errno), so that callers look once a row.
 */
struct out {
    char *data;
    size_t len, size;
    int fd;
    int error;
    int (*write)(void *arg, const char *data, size_t len); /* in place of fd, if not NULL */
    void *arg;
};

/* Returns 0, -ENOMEM. */
int out_init(struct out *out, int fd);
/* The same in front of a function, which returns 0 or a negative errno. */
int out_init_to(struct out *out, int (*write)(void *arg, const char *data, size_t len), void *arg);
/* Drops what was not flushed. Legal twice. */
void out_deinit(struct out *out);
/* Writes what the buffer holds. Returns out->error. */
int out_flush(struct out *out);
/* For pieces that do not fit into the rest of the buffer. */
void out_spill(struct out *out, const char *data, size_t len);

static inline void out_bytes(struct out *out, const char *data, size_t len)
{
    if (len > out->size - out->len)
        out_spill(out, data, len);
    else if (len > 0) {
        memcpy(out->data + out->len, data, len);
        out->len += len;
    }
}

static inline void out_char(struct out *out, char byte)
{
    out_bytes(out, &byte, 1);
}

static inline void out_text(struct out *out, struct text text)
{
    out_bytes(out, text.data, text.len);
}

static inline void out_string(struct out *out, const char *string)
{
    out_bytes(out, string, strlen(string));
}

void out_number(struct out *out, uint64_t number);
void out_integer(struct out *out, int64_t number);
/* Exactly n_digits decimal digits, the highest first, zeros in front. */
void out_digits(struct out *out, uint64_t number, unsigned n_digits);
void out_hex(struct out *out, uint64_t number, unsigned n_digits);
/* Degrees with at most five digits behind the point (a metre). */
void out_degrees(struct out *out, double degrees);
/* The shortest decimal number that is read back as the same one; it must be finite. */
void out_double(struct out *out, double number);
/* An address as people write it; IPv4 without its prefix. */
void out_address(struct out *out, const uint8_t address[16]);

/*
 * A time as RFC 3339 writes it. The memo makes rows of one second cheap; one memo for each zone and
 * use.
 */
struct out_clock {
    bool utc;
    bool known;
    int64_t second;
    char text[20]; /* YYYY-MM-DDTHH:MM:SS */
};

/* The date and time of day, `between` them, and n_digits (0-9) of the fraction; no zone behind it.
 */
void out_time(struct out *out, struct out_clock *clock, int64_t time_ns, unsigned n_digits,
              char between);

#endif
