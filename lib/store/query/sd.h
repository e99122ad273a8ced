/* SPDX-License-Identifier: MIT */
#ifndef STORE_QUERY_SD_H
#define STORE_QUERY_SD_H

/*
 * A walk over STRUCTURED-DATA as the store keeps it (RFC 5424 section 6.3), for matching and
 * printing:
 *
 *   [exampleSDID@32473 iut="3" source="a \"b\""][empty@1]
 *   ▶ exampleSDID@32473 iut 3 · exampleSDID@32473 source a \"b\" · empty@1 (no name)
 *
 * Pure and total. It is lenient: any printable bytes make a name.
 */

#include <stdbool.h>
#include <stddef.h>
#include "record/record.h"

struct sd_walk {
    const char *at, *end;
    struct text id; /* of the element that is open; data NULL: none */
    bool had_param;
};

struct sd_param {
    struct text id, name; /* name of len 0: an element without parameters */
    struct text value;    /* as it came, with its escapes */
};

#define SD_WALK_INIT(sd) ((struct sd_walk){.at = (sd).data, .end = (sd).data + (sd).len})

/* Returns 1 (ret_param is filled; it points into the text), 0 at the end, -EBADMSG where the text
 * is not structured data. */
int sd_next(struct sd_walk *walk, struct sd_param *ret_param);

/* Takes the escapes \" \\ \] out of a value. out must have room for value.len bytes; returns how
 * many it has now. */
size_t sd_unescape(struct text value, char *out);

#endif
