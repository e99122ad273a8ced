/* SPDX-License-Identifier: MIT */
#ifndef STORE_SHOW_JSON_H
#define STORE_SHOW_JSON_H

/*
 * Records as JSON, for whoever prints them: logboomctl, and the daemon's status socket. The names
 * and types are a contract with other programs (logboomctl(1), OUTPUT).
 */

#include "store/show/out.h"
#include "store/reader.h"

struct json_row_options {
    /*
     * For what is to become the same record again (store/import.h): the structured data as it came
     * in sd_raw, each text that is no UTF-8 also as NAME_b64, degrees with all of their digits, and
     * time_assumed where the line had no time of its own.
     */
    bool is_exact;
    struct out_clock time, received; /* memos; both UTC */
};

#define JSON_ROW_OPTIONS_DEFAULT ((struct json_row_options){.time.utc = true, .received.utc = true})

/* One object, and a line feed. All columns of the row are printed (STORE_ALL). */
void print_json_row(struct out *out, struct json_row_options *options, const struct store_row *row);

/* A JSON string with its quotes. Returns false when bytes that are no UTF-8 were shown as U+FFFD. */
bool print_json_text(struct out *out, struct text text);
/* A JSON string of base64 (RFC 4648). */
void print_json_base64(struct out *out, struct text text);
/* Structured data as a member `"sd":{…}`; returns false, and prints nothing, when it is none. */
bool print_json_sd(struct out *out, struct text sd);

/* The time of reception; wraps instead of overflowing: a store may be damaged. */
static inline int64_t received_ns(const struct store_row *row)
{
    return (int64_t)((uint64_t)row->received_us * 1000);
}

#endif
