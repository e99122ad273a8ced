/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_EXTRACT_H
#define STORE_QUERY_EXTRACT_H

/*
 * fields.NAME: one value out of a message, without building a tree of it.
 *
 *   {"user":"root","http":{"status":200}}           user root · http.status 200
 *   @cee: {"user":"root"}                           user root
 *   took ms=12 user="Jane \"J\" Doe", (port=22)     ms 12 · user Jane "J" Doe · port 22
 *
 * A message that begins with {, perhaps behind "@cee:", is JSON: a dot in the name is part of a key
 * or leads into an object. Of an object or array the value is its text; null is absent. Any other
 * message holds key=value pairs: a key is letters, digits, _ - . and bytes from 0x80 on; a value is
 * "quoted" or 'quoted', or ends at white space, a quote, a separator (, ; & |) that another key= or
 * white space follows, or a bracket that it did not open.
 *
 * Where a name is there twice, the first one counts. A message that was cut, or is damaged, has what
 * stands in front of the damage. Keys are compared as they are written: so the tokens of a name
 * (token.h) stand in each message that has it.
 *
 * Pure and total; time grows with the length of the message alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include "record/record.h"

/* Longer names are in no message. */
#define EXTRACT_MAX_NAME 255

struct extract {
    struct text value; /* in the message, without quotes */
    bool is_escaped;   /* it has backslashes that extract_unescape() takes out */
};

/* Returns whether the message has it. */
bool extract_find(struct text message, struct text name, struct extract *ret_value);

/* Takes the escapes of JSON out of a value: \" \\ \/ \b \f \n \r \t \uXXXX; others stay as they
 * are. out must have room for value.len bytes; returns how many it has now. */
size_t extract_unescape(struct text value, char *out);

#endif
